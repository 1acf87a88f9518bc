"""Model records: `models/*`, and the `models` of a free-form provider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from llmcfg.llm.platform import Given, Model, Provider, Rate
from llmcfg.llm.reading import Node, waiting_of
from llmcfg.llm.records.fields import MODEL

if TYPE_CHECKING:
    from collections.abc import Iterator

PARAMETERS: Final = (
    "temperature", "top_p", "top_k", "max_tokens", "max_completion_tokens", "max_output_tokens", "presence_penalty", "frequency_penalty",
    "reasoning_effort", "thinking", "seed", "stop", "n",
)  # fmt: skip
"""Parameters of requests that a free-form model may hold beside other settings."""


def read_models(node: Node) -> Iterator[tuple[Model, str | None]]:
    """The record of a document, or all of one that holds several by name; each with the name of its provider, if it has one."""
    if is_model(node):
        yield _typed(node, str(node.fields.get("id") or node.spot.document.rsplit("/", 1)[-1]))
        return
    for name, item in node.items():
        if is_model(item):
            yield _typed(item, str(item.fields.get("id") or name))


def is_model(node: Node) -> bool:
    return any(isinstance(node.fields.get(mark), str) for mark in MODEL.marks)


def read_inner_models(node: Node, provider: Provider) -> Iterator[Model]:
    """The models that a provider's document lists itself: by name, or in a list of names or mappings."""
    models = node.at("models")
    for name, item in models.items():
        yield _inner(item, name, provider)
    for item in models.each():
        named = Given(item.value, item.spot) if isinstance(item.value, str) else item.text("id", "name", "model")
        if named is not None:
            yield _inner(item, named.value, provider)
    single = node.text("model", "default_model")
    if single is not None and "models" not in node:
        yield _inner(Node({**node.fields, "model": single.value}, node.spot), single.value, provider)


def _typed(node: Node, name: str) -> tuple[Model, str | None]:
    provider = node.text("provider")
    upstream = node.text("upstream_model", "deployment", "model") or Given(name, node.spot)
    model = _model(node, name, upstream, None, node.at("params").given_fields())
    return model, provider.value if provider else None


def _inner(node: Node, name: str, provider: Provider) -> Model:
    params = node.at("params").given_fields() or node.at("parameters").given_fields()
    params |= {key: found for key in PARAMETERS if (found := node.given(key)) is not None}
    upstream = node.text("upstream_model", "deployment", "model") or Given(name, node.spot)
    return _model(node, name, upstream, provider, params)


def _model(
    node: Node, name: str, upstream: Given[str], provider: Provider | None, params: dict[str, Given[Any]]
) -> Model:
    limits, pricing = node.at("limits"), node.at("pricing")
    return Model(
        name=name,
        spot=node.spot,
        upstream=upstream,
        provider=provider,
        base_model=node.text("base_model"),
        aliases=tuple(node.each_text("aliases")),
        mode=str(node.fields.get("mode") or ""),
        status=node.text("status"),
        params=params,
        drops_params=node.fields.get("params_policy") == "drop",
        context=limits.count("context"),
        output=limits.count("max_output"),
        supports=frozenset(found.value for found in node.each_text("capabilities")),
        requires=tuple(node.each_text("capabilities_required")),
        price_in=pricing.number("input_per_million"),
        price_out=pricing.number("output_per_million"),
        retires=node.text("retires"),
        replacement=node.text("replacement"),
        rate=_rate(node),
        waiting=waiting_of(node.at("timeouts"), node.at("retries")),
    )


def _rate(node: Node) -> Rate:
    """From `rate`, from `rate_limit`, or from the model's own fields."""
    return next((node.at(key).rate() for key in ("rate", "rate_limit") if key in node), node.rate())

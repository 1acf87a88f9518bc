"""Route records: `routes/*`, and the fallbacks that a free-form provider or model names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, get_args

from llmcfg.llm.platform import Fallback, FallbackKind, Given, Route, Target
from llmcfg.llm.reading import Node, waiting_of
from llmcfg.llm.records.fields import ROUTE

if TYPE_CHECKING:
    from collections.abc import Iterator

_KINDS: Final = get_args(FallbackKind)


def read_routes(node: Node) -> Iterator[Route]:
    """The route of a document, or all of one that holds several by name."""
    if any(mark in node for mark in ROUTE.marks):
        yield _typed(node, str(node.fields.get("id") or node.spot.document.rsplit("/", 1)[-1]))
        return
    for name, item in node.items():
        if any(mark in item for mark in ROUTE.marks):
            yield _typed(item, str(item.fields.get("id") or name))


def inner_route(node: Node, name: str) -> Route | None:
    """The fallbacks that a model's own mapping names, as a route of the model's name."""
    names = [*node.each_text("fallback"), *node.each_text("fallbacks"), *node.each_text("fallback_models")]
    edges = (*(Fallback("on_error", found) for found in names), *_fallbacks(node.at("fallbacks")))
    if not edges:
        return None
    return Route(name, node.spot, (Target(Given(name, node.spot)),), edges)


def _typed(node: Node, name: str) -> Route:
    return Route(
        name=name,
        spot=node.spot,
        targets=tuple(_targets(node.at("targets"))),
        fallbacks=tuple(_fallbacks(node.at("fallbacks"))),
        guardrails=node.texts("guardrails"),
        requires=tuple(node.each_text("requires")),
        min_context=node.count("min_context"),
        max_price_factor=node.number("max_price_factor"),
        waiting=waiting_of(node.at("timeouts"), node.at("retry")),
    )


def _targets(node: Node) -> Iterator[Target]:
    for item in node.each():
        model = Given(item.value, item.spot) if isinstance(item.value, str) else item.text("model")
        if model is not None:
            yield Target(model, item.number("weight"))


def _fallbacks(node: Node) -> Iterator[Fallback]:
    for kind in _KINDS:
        for item in node.at(kind).each():
            model = Given(item.value, item.spot) if isinstance(item.value, str) else item.text("model")
            if model is not None:
                yield Fallback(kind, model)

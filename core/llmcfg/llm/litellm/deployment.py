"""One entry of LiteLLM's `model_list`: a model, and the account that answers it, which LiteLLM has no record of its own for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from llmcfg.llm.litellm.known import TYPES, known
from llmcfg.llm.platform import Given, Model, Provider, Rate, Waiting
from llmcfg.llm.vendors import host_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.llm.reading import Node

ENVIRONMENT: Final = "os.environ/"
_AUTH: Final = {
    "api_key": "api_key",
    "aws_access_key_id": "aws_access_key_id",
    "aws_secret_access_key": "aws_secret_access_key",
    "aws_session_token": "aws_session_token",
    "aws_role_name": "role_arn",
    "aws_profile_name": "profile",
    "aws_web_identity_token": "web_identity",
    "aws_bearer_token_bedrock": "bearer_token",
    "vertex_credentials": "credentials",
    "azure_ad_token": "auth_token",
    "tenant_id": "tenant_id",
    "client_id": "client_id",
    "client_secret": "client_secret",
    "litellm_credential_name": "credentials",
}
_FIELDS: Final = {
    "aws_region_name": "region",
    "region_name": "region",
    "vertex_location": "location",
    "vertex_project": "project",
    "vertex_ai_location": "location",
    "vertex_ai_project": "project",
    "api_version": "api_version",
    "organization": "organization",
}
PARAMETERS: Final = frozenset(
    {"temperature", "top_p", "top_k", "max_tokens", "max_completion_tokens", "presence_penalty", "frequency_penalty",
     "reasoning_effort", "thinking", "seed", "stop", "n"}
)  # fmt: skip


def read_deployment(node: Node, custom: frozenset[str], *, drops_params: bool) -> Model | None:
    """None for an entry that LiteLLM would refuse to load."""
    params, about = node.at("litellm_params"), node.at("model_info")
    name, upstream = node.text("model_name"), params.text("model")
    if upstream is None:
        return None
    kind, rest = _split(upstream.value, params, custom)
    return Model(
        name=name.value if name else upstream.value,
        spot=node.spot,
        upstream=Given(rest, upstream.spot),
        provider=_provider(params, kind, node),
        base_model=about.text("base_model") or params.text("base_model"),
        mode=str(about.fields.get("mode") or ""),
        params={key: found for key, found in params.given_fields().items() if key in PARAMETERS},
        drops_params=drops_params or params.fields.get("drop_params") is True,
        context=about.count("max_input_tokens"),
        output=about.count("max_output_tokens"),
        supports=frozenset(_declared(about)),
        price_in=_price(params, about, "input_cost_per_token"),
        price_out=_price(params, about, "output_cost_per_token"),
        rate=_rate(params, node),
        waiting=Waiting(
            params.number("timeout"), params.number("stream_timeout"), params.count("num_retries", "max_retries")
        ),
    )


def _split(upstream: str, params: Node, custom: frozenset[str]) -> tuple[str, str]:
    """The provider's prefix and the rest, as LiteLLM tells them apart; no prefix for a name without a provider."""
    named = params.text("custom_llm_provider")
    if named is not None:
        return named.value, upstream.removeprefix(f"{named.value}/")
    prefix, slash, rest = upstream.partition("/")
    if slash and (prefix in known("providers") or prefix in custom):
        return prefix, rest
    return "", upstream


def _provider(params: Node, kind: str, node: Node) -> Provider:
    base_url = params.text("api_base", "base_url", "aws_bedrock_runtime_endpoint")
    kind = TYPES.get(kind, kind)
    host = host_of(base_url.value) if base_url else ""
    return Provider(
        name=f"{kind or 'unknown'} at {host}" if host else kind or "unknown",
        spot=node.spot,
        type=Given(kind, params.spot.at("model")),
        base_url=base_url,
        auth={ours: found for theirs, ours in _AUTH.items() if (found := params.given(theirs))},
        fields={ours: found for theirs, ours in _FIELDS.items() if (found := params.given(theirs))},
        headers=params.at("extra_headers").given_fields() | params.at("headers").given_fields(),
        secrets=tuple(environment_names(params)),
    )


def environment_names(node: Node) -> Iterator[Given[str]]:
    """The environment variables that a mapping's values are read from."""
    for _, item in node.items():
        if isinstance(item.value, str) and item.value.startswith(ENVIRONMENT):
            yield Given(item.value.removeprefix(ENVIRONMENT), item.spot)
        elif isinstance(item.value, dict):
            yield from environment_names(item)


def _declared(about: Node) -> Iterator[str]:
    words = {
        "supports_function_calling": "tools",
        "supports_vision": "vision",
        "supports_response_schema": "json_schema",
    }
    return (word for key, word in words.items() if about.fields.get(key) is True)


def _price(params: Node, about: Node, key: str) -> Given[float] | None:
    found = params.number(key) or about.number(key)
    return Given(found.value * 1_000_000, found.spot) if found else None


def _rate(params: Node, node: Node) -> Rate:
    """LiteLLM takes limits from the parameters, and also from beside them."""
    inside, beside = params.rate(), node.rate()
    return Rate(inside.rpm or beside.rpm, inside.tpm or beside.tpm, inside.parallel or beside.parallel)


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []

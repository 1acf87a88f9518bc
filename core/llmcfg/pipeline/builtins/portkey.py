"""The JSON config of the Portkey gateway for one route: targets, fallbacks, retries. It goes into the header x-portkey-config.

A route with several targets that share its traffic is a target itself, with its fallbacks beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmcfg.pipeline.builtins.inputs import as_json, without_nulls
from llmcfg.pipeline.builtins.platform import read_platform
from llmcfg.pipeline.builtins.record import RecordError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmcfg.model.value import Value
    from llmcfg.pipeline.builtins.inputs import Inputs
    from llmcfg.pipeline.builtins.platform import Model, ProviderType, Route

_NAMES: Final[Mapping[ProviderType, str]] = {
    "openai": "openai",
    "anthropic": "anthropic",
    "gemini": "google",
    "vertex": "vertex-ai",
    "bedrock": "bedrock",
    "azure_openai": "azure-openai",
    "mistral": "mistral-ai",
    "cohere": "cohere",
    "groq": "groq",
    "together": "together-ai",
    "ollama": "ollama",
    "openai_compatible": "openai",
}
_FIELDS: Final[Mapping[ProviderType, Mapping[str, str]]] = {
    "openai": {"openai_organization": "organization", "openai_project": "project"},
    "bedrock": {
        "aws_region": "region",
        "aws_access_key_id": "aws_access_key_id",
        "aws_secret_access_key": "aws_secret_access_key",
    },
    "vertex": {"vertex_project_id": "project", "vertex_region": "location"},
    "azure_openai": {"azure_api_version": "api_version"},
}
_OFFICIAL: Final = ("https://api.openai.com", "https://api.anthropic.com", "https://generativelanguage.googleapis.com",
                    "https://api.mistral.ai", "https://api.cohere.com", "https://api.groq.com", "https://api.together.xyz")  # fmt: skip
_WHEN_TO_FALL_BACK: Final = (429, 500, 502, 503, 504)


def write(inputs: Inputs) -> str:
    route = _wanted(inputs)
    fallbacks: list[Value] = [_target(model) for model in route.fallbacks.get("on_error", ())]
    primary = _primary(route)
    config: dict[str, Value] = primary
    if fallbacks:
        statuses: list[Value] = [*(route.record.record("retry").numbers("statuses") or _WHEN_TO_FALL_BACK)]
        config = {"strategy": {"mode": "fallback", "on_status_codes": statuses}, "targets": [primary, *fallbacks]}
    elif "strategy" not in primary:
        config = {"strategy": {"mode": "single"}, "targets": [primary]}
    return as_json(config)


def _wanted(inputs: Inputs) -> Route:
    routes = read_platform(inputs.config).routes
    name = inputs.settings.text("route") or (next(iter(routes)) if len(routes) == 1 else inputs.settings.need("route"))
    if name not in routes:
        raise RecordError(f"{inputs.settings.at('route')} names {name!r}, which is no selected route",
                          hint=f"there are: {', '.join(routes) or 'none'}")  # fmt: skip
    return routes[name]


def _primary(route: Route) -> dict[str, Value]:
    """The targets that share the traffic, or the only one; those of a priority are tried in their order."""
    again = _retries(route)
    if len(route.shares) == 1:
        return {**_target(route.shares[0].model), **again}
    if route.record.text("strategy", "priority") == "weighted":
        targets: list[Value] = [{**_target(share.model), "weight": share.weight} for share in route.shares]
        return {"strategy": {"mode": "loadbalance"}, "targets": targets, **again}
    return {"strategy": {"mode": "fallback"}, "targets": [_target(share.model) for share in route.shares], **again}


def _retries(route: Route) -> dict[str, Value]:
    retry = route.record.record("retry")
    statuses: list[Value] = [*retry.numbers("statuses")]
    if not retry.number("max"):
        return {}
    return {"retry": without_nulls({"attempts": retry.number("max"), "on_status_codes": statuses or None})}


def _target(model: Model) -> dict[str, Value]:
    provider = model.provider
    record = provider.record
    url = record.text("base_url") or record.text("endpoint")
    timeout = record.record("timeouts").number("request_seconds")
    fields: dict[str, Value] = {"provider": _NAMES[provider.type], "api_key": record.fields.get("api_key")}
    fields |= {key: record.fields.get(field) for key, field in _FIELDS.get(provider.type, {}).items()}
    if provider.type == "azure_openai":
        fields |= {
            "azure_resource_name": url.removeprefix("https://").partition(".")[0],
            "azure_deployment_id": model.upstream,
        }
    elif not url.startswith(_OFFICIAL):
        fields["custom_host"] = _host(provider.type, url) or None
    params = {"model": model.upstream, **model.record.record("params").fields}
    return without_nulls({**fields, "override_params": params, "request_timeout": int(timeout * 1000) or None})


def _host(kind: ProviderType, url: str) -> str:
    """Portkey adds /messages to the host of Anthropic's protocol, and its base ends in /v1 as OpenAI's does."""
    return f"{url.rstrip('/')}/v1" if kind == "anthropic" and url and not url.rstrip("/").endswith("/v1") else url

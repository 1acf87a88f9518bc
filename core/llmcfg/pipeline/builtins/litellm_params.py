"""How LiteLLM reaches a model: its prefix, its endpoint and its credentials, by type of provider.

A hosted provider without a key is refused: the proxy would send the key that its environment happens to hold, to whatever
endpoint stands there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmcfg.pipeline.builtins.record import RecordError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmcfg.model.value import Value
    from llmcfg.pipeline.builtins.platform import Model, Provider, ProviderType

PREFIXES: Final[Mapping[ProviderType, str]] = {
    "openai": "openai",
    "anthropic": "anthropic",
    "gemini": "gemini",
    "vertex": "vertex_ai",
    "bedrock": "bedrock",
    "azure_openai": "azure",
    "mistral": "mistral",
    "cohere": "cohere_chat",
    "groq": "groq",
    "together": "together_ai",
    "ollama": "ollama_chat",
    "openai_compatible": "hosted_vllm",
}
_NEED_A_KEY: Final = frozenset({"openai", "anthropic", "gemini", "mistral", "cohere", "groq", "together"})
_FIELDS: Final[Mapping[ProviderType, Mapping[str, str]]] = {
    "bedrock": {
        "aws_region_name": "region",
        "aws_access_key_id": "aws_access_key_id",
        "aws_secret_access_key": "aws_secret_access_key",
        "aws_session_token": "aws_session_token",
        "aws_role_name": "role_arn",
        "aws_external_id": "external_id",
        "aws_profile_name": "profile",
        "aws_bedrock_runtime_endpoint": "endpoint_url",
    },
    "vertex": {"vertex_project": "project", "vertex_location": "location", "vertex_credentials": "credentials"},
    "azure_openai": {
        "api_version": "api_version",
        "tenant_id": "tenant_id",
        "client_id": "client_id",
        "client_secret": "client_secret",
    },
    "openai": {"organization": "organization"},
}
# Their endpoints are part of LiteLLM; the URL of the API alone is not what it wants there.
_FIXED_ENDPOINTS: Final = frozenset({"gemini", "vertex", "bedrock", "cohere"})


def provider_params(model: Model) -> dict[str, Value]:
    provider = model.provider
    record = provider.record
    _check_key(provider)
    params: dict[str, Value] = {"model": f"{PREFIXES[provider.type]}/{model.upstream}"}
    if provider.type not in _FIXED_ENDPOINTS:
        params["api_base"] = record.text("base_url") or record.text("endpoint") or None
    params["api_key"] = record.fields.get("api_key")
    params |= {key: record.fields.get(field) for key, field in _FIELDS.get(provider.type, {}).items()}
    params["extra_headers"] = _headers(provider)
    return {key: value for key, value in params.items() if value is not None}


def _headers(provider: Provider) -> dict[str, Value] | None:
    headers: dict[str, Value] = dict(provider.record.record("headers").fields)
    if provider.type == "openai" and "project" in provider.record:
        headers["OpenAI-Project"] = provider.record.text("project")
    return headers or None


def _check_key(provider: Provider) -> None:
    record = provider.record
    if provider.type in _NEED_A_KEY:
        record.need("api_key", "LiteLLM would send the key of its environment instead")
    if provider.type == "azure_openai" and not ("api_key" in record or "client_id" in record):
        raise RecordError(f"{record.at('api_key')} is missing: LiteLLM would send the key of its environment instead",
                          hint="set api_key, or tenant_id, client_id and client_secret")  # fmt: skip
    if provider.type in ("azure_openai", "ollama", "openai_compatible") and "endpoint" not in record:
        record.need("base_url", "it says where the provider is")

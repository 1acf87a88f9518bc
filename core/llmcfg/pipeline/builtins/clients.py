"""Env files for the clients of OpenAI, Anthropic and Azure OpenAI: the variables that these libraries read by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmcfg.pipeline.builtins.endpoint import endpoint_of
from llmcfg.pipeline.builtins.record import RecordError

if TYPE_CHECKING:
    from llmcfg.model.value import Value
    from llmcfg.pipeline.builtins.endpoint import Endpoint
    from llmcfg.pipeline.builtins.inputs import Inputs


def write_openai(inputs: Inputs) -> str:
    endpoint = endpoint_of(inputs, "openai", "openai_compatible")
    return inputs.env({
        "OPENAI_BASE_URL": endpoint.url or None,
        "OPENAI_API_KEY": _key(endpoint),
        "OPENAI_ORG_ID": endpoint.record.fields.get("organization"),
        "OPENAI_PROJECT_ID": endpoint.record.fields.get("project"),
    })  # fmt: skip


def write_anthropic(inputs: Inputs) -> str:
    endpoint = endpoint_of(inputs, "anthropic")
    token = endpoint.record.fields.get("auth_token")
    return inputs.env({
        "ANTHROPIC_BASE_URL": endpoint.url or None,
        "ANTHROPIC_API_KEY": None if token else _key(endpoint),
        "ANTHROPIC_AUTH_TOKEN": token,
    })  # fmt: skip


def write_azure(inputs: Inputs) -> str:
    endpoint = endpoint_of(inputs, "azure_openai")
    return inputs.env({
        "AZURE_OPENAI_ENDPOINT": endpoint.url or endpoint.record.need("endpoint", "Azure has one for each resource"),
        "AZURE_OPENAI_API_KEY": _key(endpoint),
        "OPENAI_API_VERSION": endpoint.record.need("api_version", "the client refuses to start without"),
    })  # fmt: skip


def _key(endpoint: Endpoint) -> Value:
    """The key; the client would take another one from the environment where there is none."""
    if not endpoint.key:
        raise RecordError(f"{endpoint.record.at('api_key')} is missing", hint="set it to a secret: {{secret:name}}")
    return endpoint.key

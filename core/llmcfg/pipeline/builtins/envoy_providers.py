"""What Envoy AI Gateway has to know of a provider: protocol, address, how requests are authenticated, and the Secret for that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from llmcfg.pipeline.builtins.inputs import without_nulls
from llmcfg.pipeline.builtins.record import RecordError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmcfg.model.value import Value
    from llmcfg.pipeline.builtins.platform import Provider, ProviderType

_SCHEMAS: Final[Mapping[ProviderType, str]] = {
    "anthropic": "Anthropic",
    "bedrock": "AWSBedrock",
    "azure_openai": "AzureOpenAI",
    "vertex": "GCPVertexAI",
}
_OTHERWISE: Final[Mapping[ProviderType, str]] = {
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com/v1",
    "gemini": "https://generativelanguage.googleapis.com/v1beta/openai",
    "mistral": "https://api.mistral.ai/v1",
    "cohere": "https://api.cohere.ai/compatibility/v1",
    "groq": "https://api.groq.com/openai/v1",
    "together": "https://api.together.xyz/v1",
}
_API_KEYS: Final[Mapping[ProviderType, tuple[str, str]]] = {
    "anthropic": ("AnthropicAPIKey", "anthropicAPIKey"),
    "azure_openai": ("AzureAPIKey", "azureAPIKey"),
}


def url_of(provider: Provider) -> str:
    """Where the provider is. Records of vendors with one address need not say it; a path of theirs counts where it is given."""
    record = provider.record
    if provider.type == "bedrock":
        region = record.need("region", "Bedrock has an address for each")
        return record.text("endpoint_url") or f"https://bedrock-runtime.{region}.amazonaws.com"
    if provider.type == "vertex":
        location = record.need("location", "Vertex has an address for each")
        return f"https://{'' if location == 'global' else location + '-'}aiplatform.googleapis.com"
    url = record.text("base_url") or record.text("endpoint")
    usual = _OTHERWISE.get(provider.type, "")
    if url and urlsplit(url).hostname == urlsplit(usual).hostname and not urlsplit(url).path.strip("/"):
        url = usual
    url = url or usual or record.need("base_url", "it says where the provider is")
    if not urlsplit(url).hostname:
        raise RecordError(f"{record.at('base_url')} is {url!r}, which names no host", hint="write https://host/path")
    return url


def backend_schema(provider: Provider) -> Value:
    name = _SCHEMAS.get(provider.type, "OpenAI")
    prefix = urlsplit(url_of(provider)).path.rstrip("/") or ("/v1" if name == "Anthropic" else None)
    version = provider.record.need("api_version", "Azure has one for each request") if name == "AzureOpenAI" else None
    return without_nulls(
        {"name": name, "prefix": prefix if name in ("OpenAI", "Anthropic") else None, "version": version}
    )


def security(provider: Provider, secret: str) -> dict[str, Value]:
    """How requests are authenticated; nothing for a server that asks for no key."""
    record = provider.record
    reference: Value = {"secretRef": {"name": secret}}
    match provider.type:
        case "bedrock":
            credentials: dict[str, Value] = {"region": record.need("region")}
            if "aws_access_key_id" in record:
                credentials["credentialsFile"] = reference
            return {"type": "AWSCredentials", "awsCredentials": credentials}
        case "vertex":
            place: dict[str, Value] = {"projectName": record.need("project"), "region": record.need("location")}
            return {"type": "GCPCredentials", "gcpCredentials": {**place, "credentialsFile": reference}}
        case "azure_openai" if "client_id" in record:
            client: dict[str, Value] = {"clientID": record.need("client_id"), "tenantID": record.need("tenant_id")}
            return {"type": "AzureCredentials", "azureCredentials": {**client, "clientSecretRef": {"name": secret}}}
        case kind if "api_key" in record:
            name, field = _API_KEYS.get(kind, ("APIKey", "apiKey"))
            return {"type": name, field: reference}
        case "ollama" | "openai_compatible":
            return {}
        case _:
            record.need("api_key")
            return {}


def secret_content(provider: Provider) -> dict[str, Value]:
    """What its Secret holds, under the keys that the gateway looks for."""
    record = provider.record
    match provider.type:
        case "bedrock" if "aws_access_key_id" in record:
            lines = ["[default]", f"aws_access_key_id = {record.need('aws_access_key_id')}",
                     f"aws_secret_access_key = {record.need('aws_secret_access_key')}"]  # fmt: skip
            return {"credentials": "\n".join(lines) + "\n"}
        case "bedrock":
            return {}
        case "vertex":
            return {"service_account.json": record.need("credentials", "it is the key of a service account")}
        case "azure_openai" if "client_id" in record:
            return {"client-secret": record.need("client_secret")}
        case _:
            return {"apiKey": record.need("api_key")} if "api_key" in record else {}

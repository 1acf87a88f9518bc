"""What differs between the vendors of models: names, hosts, what they need to authenticate, and the ranges of their parameters.

Sources are the vendors' Python clients, botocore's service model for Bedrock, and LiteLLM's provider prefixes.
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import urlsplit


class Vendor(NamedTuple):
    """`hosts` are known endpoints (a leading dot takes subdomains). `needs` are groups of fields of which one each has to be there."""

    hosts: tuple[str, ...] = ()
    needs: tuple[tuple[str, ...], ...] = (("api_key",),)
    temperature: float | None = None
    prefix: str = ""


_AWS_KEYS: Final = ("aws_access_key_id", "role_arn", "web_identity", "profile", "bearer_token", "api_key")
_AZURE_KEYS: Final = ("api_key", "tenant_id", "client_id", "managed_identity", "token_provider")

VENDORS: Final = {
    "openai": Vendor(("api.openai.com", "eu.api.openai.com", "us.api.openai.com"), temperature=2),
    "anthropic": Vendor(("api.anthropic.com",), (("api_key", "auth_token"),), temperature=1),
    "gemini": Vendor(("generativelanguage.googleapis.com",), temperature=2, prefix="gemini"),
    "vertex": Vendor((".googleapis.com",), (("project",), ("location",)), temperature=2, prefix="vertex_ai"),
    "bedrock": Vendor((".amazonaws.com", ".api.aws"), (("region", "base_url"), _AWS_KEYS), temperature=1),
    "azure_openai": Vendor(
        (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com", ".azure-api.net"),
        (("base_url", "endpoint"), _AZURE_KEYS),
        temperature=2,
        prefix="azure",
    ),
    "mistral": Vendor(("api.mistral.ai", "codestral.mistral.ai"), prefix="mistral"),
    "cohere": Vendor(("api.cohere.ai", "api.cohere.com"), prefix="cohere"),
    "groq": Vendor(("api.groq.com",), temperature=2, prefix="groq"),
    "together": Vendor(("api.together.xyz", "api.together.ai"), temperature=1, prefix="together_ai"),
    "ollama": Vendor((), (("base_url",),), prefix="ollama"),
    "openai_compatible": Vendor((), (("base_url",),), temperature=2),
}
"""The provider types of records."""

OTHER_HOSTS: Final = {
    "openrouter.ai": "openrouter",
    "api.deepseek.com": "deepseek",
    "api.x.ai": "xai",
    "api.fireworks.ai": "fireworks_ai",
    "api.perplexity.ai": "perplexity",
    "api.deepinfra.com": "deepinfra",
    "api.cerebras.ai": "cerebras",
    "api.sambanova.ai": "sambanova",
    "integrate.api.nvidia.com": "nvidia_nim",
    "api.moonshot.ai": "moonshot",
    "dashscope.aliyuncs.com": "dashscope",
    "dashscope-intl.aliyuncs.com": "dashscope",
    "api.studio.nebius.ai": "nebius",
    "api.novita.ai": "novita",
    "api.lambda.ai": "lambda_ai",
    "api.z.ai": "zai",
    "ai-gateway.vercel.sh": "vercel_ai_gateway",
}
"""Hosts of vendors that have no type of their own, by the prefix of their models in the catalogue."""

SELF_HOSTED: Final = frozenset(
    {"ollama", "openai_compatible", "hosted_vllm", "vllm", "lm_studio", "llamafile", "xinference", "triton", "infinity", "oobabooga",
     "docker_model_runner", "openai_like", "custom_openai", "custom", "petals", "lemonade", "litellm_proxy", "aiohttp_openai",
     "sagemaker", "sagemaker_chat", "sagemaker_nova", "huggingface", "predibase", "baseten", "watsonx", "databricks", "azure_ai"}
)  # fmt: skip
"""Where the name of a model is the operator's own, so that no catalogue can know it."""

_CLUSTER: Final = (
    ".local", ".internal", ".svc", ".lan", ".home", ".localdomain", ".test", ".localhost", ".home.arpa", ".intranet", ".corp",
)  # fmt: skip


@lru_cache(maxsize=1024)
def vendor_at(url: str) -> str:
    """Whose endpoint a URL is: a provider type, or a prefix of the catalogue; empty for an unknown host."""
    host = host_of(url)
    for name, vendor in VENDORS.items():
        if any(host == known or (known[0] == "." and host.endswith(known)) for known in vendor.hosts):
            return name
    return next((name for known, name in OTHER_HOSTS.items() if host == known), "")


@lru_cache(maxsize=1024)
def host_of(url: str) -> str:
    """The host of a URL in lower case; empty where there is none to be seen."""
    try:
        return (urlsplit(url if "//" in url else f"//{url}").hostname or "").lower()
    except ValueError:
        return ""


def is_internal(host: str) -> bool:
    """Whether a host can only be this machine, a private network, or a service of the same cluster."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or host.endswith(_CLUSTER)
    return not address.is_global


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


MAKERS: Final = {
    "gpt-oss": "open weights", "gpt-": "openai", "chatgpt": "openai", "o1": "openai", "o3": "openai", "o4": "openai",
    "claude": "anthropic", "gemini": "google", "gemma": "open weights",
    "mistral": "mistral", "mixtral": "mistral", "codestral": "mistral", "ministral": "mistral", "devstral": "mistral",
    "llama": "meta", "qwen": "alibaba", "deepseek": "deepseek", "grok": "xai", "command-r": "cohere", "command-a": "cohere",
    "kimi": "moonshot", "phi-": "microsoft", "nova-": "amazon", "titan-": "amazon",
}  # fmt: skip
"""How names of models begin, by who makes them. Open weights are served under their maker's names by everybody."""

"""Rules about where requests go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmcfg.llm.platform import Complaint
from llmcfg.llm.rules.ground import Check, is_seen
from llmcfg.llm.vendors import VENDORS, host_of, is_internal, is_loopback, vendor_at
from llmcfg.model.severity import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.llm.platform import Model, Platform, Provider
    from llmcfg.llm.rules.ground import Ground

_ANY_HOST: Final = frozenset({"openai", "openai_compatible", "ollama", "azure_openai", ""})
"""Providers whose protocol other servers speak too, or whose hosts are the customer's."""
_PROFILES: Final = {
    "eu": "eu",
    "us": "us",
    "us-gov": "us",
    "apac": "apac",
    "au": "apac",
    "jp": "apac",
    "ca": "ca",
    "global": "global",
}


def find_plain_http(platform: Platform, _ground: Ground) -> Iterator[Complaint]:
    """In a private network it is a note for each host; on the same machine and between services of a cluster it is nothing."""
    noted: set[str] = set()
    for url in (provider.base_url for provider in platform.providers if provider.base_url and provider.enabled):
        host = host_of(url.value)
        if not url.value.lower().startswith("http://") or not is_seen(url.value) or is_loopback(host):
            continue
        if not is_internal(host):
            yield Complaint("LLM007", f"requests to {host} are not encrypted", url.spot, "write https://")
        elif host not in noted and not host.endswith((".svc", ".svc.cluster.local")):
            noted.add(host)
            yield Complaint("LLM007", f"requests to {host} are not encrypted; it looks like a host of your own network", url.spot,
                            "encrypt there too, where others share the network", Severity.NOTE)  # fmt: skip


def find_strange_hosts(platform: Platform, _ground: Ground) -> Iterator[Complaint]:
    for provider in platform.providers:
        kind, url = provider.type.value, provider.base_url
        if (
            url is None
            or kind not in VENDORS
            or kind in _ANY_HOST
            or provider.allows_custom_host
            or not is_seen(url.value)
        ):
            continue
        host = host_of(url.value)
        if vendor_at(url.value) != kind and not is_internal(host):
            yield Complaint(
                "LLM008", f"{host} is no known host of {kind}", url.spot, "correct it, or say allow_custom_host: true"
            )


def find_strays(platform: Platform, _ground: Ground) -> Iterator[Complaint]:
    """Models that a scope with a residency may reach outside of it."""
    allowed = platform.setting.residency
    if not allowed:
        return
    for model in platform.models:
        provider = model.provider
        if provider is None or not provider.enabled:
            continue
        region = _region(model, provider)
        if region and region not in allowed:
            yield Complaint("LLM009", f"{model.upstream.value} is answered in {region}, and only {', '.join(sorted(allowed))} is allowed",
                            model.upstream.spot, "take a model of the region, or delete this one for the tenant")  # fmt: skip
        elif provider.residency is not None and not allowed & {*provider.residency.value} and not region:
            where = ", ".join(provider.residency.value)
            message = f"{model.name} is answered by {provider.name} in {where}, and only {', '.join(sorted(allowed))} is allowed"
            yield Complaint("LLM009", message, model.spot, "take a model of the region, or delete this one for the tenant")  # fmt: skip


def _region(model: Model, provider: Provider) -> str:
    """Where a model's name or its provider's region says that it is answered."""
    name = model.base_model.value if model.base_model else model.upstream.value
    if provider.type.value == "bedrock":
        profile = name.partition(".")[0]
        return _PROFILES.get(profile, "") or _of_cloud(provider.region)
    if provider.type.value == "azure_openai":
        parts = name.split("/")
        return next((_PROFILES[part] for part in parts[:-1] if part in _PROFILES), "")
    return _of_cloud(provider.region) if provider.type.value == "vertex" else ""


def _of_cloud(region: str) -> str:
    """`eu` of `eu-central-1` and `europe-west4`; `global` of global."""
    head = region.partition("-")[0]
    return {"europe": "eu", "northamerica": "us"}.get(head, _PROFILES.get(head, ""))


CHECKS: Final = (
    Check("LLM007", find_plain_http, frozenset({"providers"})),
    Check("LLM008", find_strange_hosts),
    Check("LLM009", find_strays),
)

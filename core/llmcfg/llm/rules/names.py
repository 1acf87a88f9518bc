"""Rules about names: who answers to them, and whether anybody does."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from llmcfg.llm.litellm.known import known
from llmcfg.llm.platform import Complaint
from llmcfg.llm.rules.ground import Check, has_foreign_host, is_reference, is_self_hosted
from llmcfg.llm.vendors import MAKERS, VENDORS, vendor_at
from llmcfg.model.severity import Severity
from llmcfg.model.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.llm.platform import Model, Platform
    from llmcfg.llm.rules.ground import Ground

_TOLD_BY_NAME: Final = re.compile(
    r"([a-z-]+\.)?anthropic\.claude-|claude-[a-z]+-\d|gpt-\d|ft:|arn:aws:bedrock|amazon_nova"
)
"""Names that LiteLLM routes by their form, whether or not it lists them."""
_CLOSED: Final = frozenset({"openai", "anthropic", "google", "xai"})
"""Makers whose models nobody else serves; gpt-oss and gemma are told apart."""


def find_unroutable(platform: Platform, ground: Ground) -> Iterator[Complaint]:
    for provider in platform.providers:
        kind = provider.type.value
        is_written = provider.type.spot != provider.spot and bool(kind) and not is_reference(kind)
        if is_written and kind not in {*VENDORS, *known("providers"), *platform.custom_providers}:
            yield Complaint("LLM010", f"no provider type is called {kind!r}", provider.type.spot,
                            did_you_mean(kind, VENDORS, f"there are: {', '.join(VENDORS)}"))  # fmt: skip
    for model in platform.models:
        if _has_no_provider(model) and ground.known(model) is None:
            name = model.upstream.value
            prefix = name.partition("/")[0] if "/" in name else ""
            hint = did_you_mean(prefix, {*known("providers"), *platform.custom_providers}) if prefix else ""
            yield Complaint("LLM010", f"{name!r} names no provider, so the gateway leaves {model.name} out", model.upstream.spot,
                            hint or "write the provider before it, as in openai/gpt-6-luna")  # fmt: skip


def find_unknown(platform: Platform, ground: Ground) -> Iterator[Complaint]:
    for model in platform.models:
        provider = model.provider
        if provider is None or not _should_be_known(model, platform) or ground.known(model) is not None:
            continue
        name = model.upstream.value
        if provider.type.value == "azure_openai":
            message, hint = (
                f"nothing says which model the Azure deployment {name!r} is",
                "give base_model, such as azure/gpt-6.1-sol",
            )
        else:
            message, hint = f"the catalogue has no {name!r} of {provider.type.value}", _near(model, ground)
        yield Complaint("LLM011", message, model.upstream.spot, hint)


def find_disguised(platform: Platform, _ground: Ground) -> Iterator[Complaint]:
    for model in platform.models:
        said = maker_of(model.name)
        upstream = model.base_model.value if model.base_model else model.upstream.value
        if not said or model.is_pattern or is_reference(upstream):
            continue
        real = maker_of(upstream.rsplit("/", 1)[-1])
        if real and real != said:
            message = f"{model.name} reads as a model of {said}, and {upstream!r} is of {real}"
        elif not real and said in _CLOSED and is_self_hosted(model):
            message = f"{model.name} reads as a model of {said}, and {upstream!r} is on a server of your own"
        else:
            continue
        yield Complaint("LLM015", message, model.upstream.spot, "call it by what it is for, such as chat-default")


def find_dangling(platform: Platform, _ground: Ground) -> Iterator[Complaint]:
    for reference in platform.references:
        there = platform.names.get(reference.kind, frozenset())
        name = reference.name.value
        if name in there or is_reference(name) or any("*" in item and fnmatchcase(name, item) for item in there):
            continue
        yield Complaint("LLM022", f"no {reference.kind} is called {name!r} ({reference.what})", reference.name.spot,
                        did_you_mean(name, there, _listed(there)), None if platform.is_whole else Severity.WARNING)  # fmt: skip


def maker_of(name: str) -> str:
    """Who makes models whose names begin so; empty for names that say nothing. Only closed models are told by name."""
    lowered = name.lower()
    return next((maker for start, maker in MAKERS.items() if lowered.startswith(start)), "")


def _has_no_provider(model: Model) -> bool:
    """Whether a deployment of a foreign file leaves it to the gateway to tell the provider from the model's name, and it could not."""
    provider = model.provider
    if provider is None or provider.type.value or provider.spot != model.spot:
        return False
    name = model.upstream.value
    at_known_host = bool(provider.base_url and vendor_at(provider.base_url.value))
    return not (model.is_pattern or is_reference(name) or at_known_host or _TOLD_BY_NAME.match(name))


def _should_be_known(model: Model, platform: Platform) -> bool:
    """Whether a catalogue can know it: its vendor is named, and neither its operator nor the record says what it is."""
    provider = model.provider
    if provider is None or not provider.type.value or provider.type.value in platform.custom_providers:
        return False
    is_free = model.is_pattern or is_reference(model.upstream.value) or is_self_hosted(model)
    return (
        not is_free
        and model.context is None
        and (not has_foreign_host(provider) or provider.type.value == "azure_openai")
    )


def _near(model: Model, ground: Ground) -> str:
    name = model.upstream.value.rsplit("/", 1)[-1]
    near = (known.rsplit("/", 1)[-1] for known in ground.catalogue.ids if known.rsplit("/", 1)[-1][:3] == name[:3])
    return did_you_mean(name, sorted(set(near)), "give its limits, or correct the name")


def _listed(there: frozenset[str]) -> str:
    names = sorted(there)
    return (
        f"there are: {', '.join(names[:8])}{', …' if len(names) > 8 else ''}"
        if names
        else "define it, or remove the name"
    )


CHECKS: Final = (
    Check("LLM010", find_unroutable),
    Check("LLM011", find_unknown),
    Check("LLM015", find_disguised),
    Check("LLM022", find_dangling),
)

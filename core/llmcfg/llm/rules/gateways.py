"""Rules about the program in front: who may call it, what it writes down, how long it waits."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from llmcfg.llm.platform import Complaint
from llmcfg.llm.rules.ground import Check
from llmcfg.model.severity import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.llm.platform import Gateway, Platform
    from llmcfg.llm.rules.ground import Ground

_KNOWN_KEYS: Final = re.compile(r"sk-(1234|12345|123456|test|admin|master|litellm)|changeme|password|secret")
_ON: Final = ("debug", "trace", True)


def find_open(platform: Platform, _ground: Ground) -> Iterator[Complaint]:
    for gateway in platform.gateways:
        yield from _unguarded(gateway, platform)
        if gateway.origins is not None and "*" in gateway.origins.value:
            yield Complaint(
                "LLM035",
                f"{gateway.name} takes calls from pages of any origin",
                gateway.origins.spot,
                "name the origins",
            )
        if platform.setting.environment and not platform.setting.is_protected:
            continue
        if gateway.verbose is not None and gateway.verbose.value in _ON:
            yield Complaint(
                "LLM035", f"{gateway.name} logs requests with all that is in them", gateway.verbose.spot, "turn it off"
            )
        if gateway.logs_prompts is not None and gateway.logs_prompts.value is True:
            yield Complaint("LLM035", f"{gateway.name} keeps the text of prompts", gateway.logs_prompts.spot,
                            "turn it off, unless everybody was told")  # fmt: skip


def find_misfit_timeouts(platform: Platform, _ground: Ground) -> Iterator[Complaint]:
    for gateway in platform.gateways:
        whole = gateway.waiting.request
        if whole is None:
            continue
        for provider in platform.providers:
            idle = provider.waiting.stream_idle
            if idle is not None and provider.enabled and idle.value > whole.value:
                message = f"{provider.name} may pause a stream for {idle.value:g} s; {gateway.name} gives up after {whole.value:g} s"
                yield Complaint("LLM036", message, idle.spot, "wait less here, or longer there", related=(whole.spot,))  # fmt: skip
        for model in platform.models:
            own = model.waiting.request
            if own is not None and own.value > whole.value and gateway.enforces_rates is None:
                yield Complaint("LLM036", f"{model.name} may take {own.value:g} s, and {gateway.name} gives up after {whole.value:g} s",
                                own.spot, "wait less here, or longer there", related=(whole.spot,))  # fmt: skip
    yield from _without_timeout(platform)


def _unguarded(gateway: Gateway, platform: Platform) -> Iterator[Complaint]:
    key = gateway.master_key
    if key is None and platform.models:
        message = f"{gateway.name} has no master key here: unless its environment gives one, anybody may call it"
        yield Complaint("LLM035", message, gateway.spot, "set master_key, such as os.environ/LITELLM_MASTER_KEY")  # fmt: skip
    elif key is not None and isinstance(key.value, str) and _KNOWN_KEYS.fullmatch(key.value):
        yield Complaint(
            "LLM035",
            "the master key is one that stands in every tutorial",
            key.spot,
            "make a long random one",
            Severity.ERROR,
        )


def _without_timeout(platform: Platform) -> Iterator[Complaint]:
    """Records say how long to wait for each provider; elsewhere the gateway's word or its default holds."""
    for provider in platform.providers if platform.setting.environment else ():
        if (
            provider.enabled
            and provider.waiting.request is None
            and not any(gateway.waiting.request for gateway in platform.gateways)
        ):
            yield Complaint("LLM036", f"nothing says how long to wait for {provider.name}", provider.spot,
                            "set timeouts: {request_seconds: 120}")  # fmt: skip


CHECKS: Final = (
    Check("LLM035", find_open, frozenset({"gateways", "models"})),
    Check("LLM036", find_misfit_timeouts, frozenset({"gateways", "providers", "models"})),
)

"""All rules over one platform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmcfg.llm.rules import (
    endpoints,
    fallbacks,
    gateways,
    guards,
    lifecycle,
    limits,
    names,
    parameters,
    secrets,
)
from llmcfg.model.llmrules import LLM_RULES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmcfg.llm.platform import Complaint, Platform
    from llmcfg.llm.rules.ground import Check, Ground
    from llmcfg.model.severity import Severity

_FAMILIES: Final = (
    secrets,
    endpoints,
    names,
    lifecycle,
    parameters,
    fallbacks,
    limits,
    gateways,
    guards,
)
CHECKS: Final[tuple[Check, ...]] = tuple(
    sorted((check for family in _FAMILIES for check in family.CHECKS), key=lambda check: check.rule)
)
OF_READERS: Final = ("LLM032", "LLM033", "LLM034", "LLM037", "LLM038", "LLM099")
"""Rules whose places only a reader sees. Prompts of a repository are checked by `llmcfg.prompts`, in the names of two of them."""
_RULES: Final = {rule.id: rule for rule in LLM_RULES}


def find_complaints(platform: Platform, ground: Ground) -> tuple[Complaint, ...]:
    """What the rules have to say, each thing once, with the severity that it has where the platform stands."""
    found = dict.fromkeys(
        [*platform.flaws, *(complaint for check in CHECKS for complaint in check.find(platform, ground))]
    )
    return with_severities(found, platform)


def with_severities(complaints: Iterable[Complaint], platform: Platform) -> tuple[Complaint, ...]:
    return tuple(complaint._replace(severity=severity_of(complaint, platform)) for complaint in complaints)


def severity_of(complaint: Complaint, platform: Platform) -> Severity:
    rule = _RULES[complaint.rule]
    in_place = rule.protected if platform.setting.is_protected and rule.protected else rule.severity
    return complaint.severity or in_place

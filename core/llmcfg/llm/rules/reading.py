"""Rules whose places only a reader sees: keys that nothing reads, YAML that misleads, files and sections that say nothing, templates.

Prompts of a repository are checked by `llmcfg.prompts`, in the names of the same rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmcfg.llm.rules.ground import Check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.llm.platform import Complaint, Platform
    from llmcfg.llm.rules.ground import Find, Ground


def _seen_by_reader(rule: str) -> Find:
    def find(platform: Platform, _ground: Ground) -> Iterator[Complaint]:
        return (flaw for flaw in platform.flaws if flaw.rule == rule)

    return find


CHECKS: Final = tuple(
    Check(rule, _seen_by_reader(rule)) for rule in ("LLM032", "LLM033", "LLM034", "LLM037", "LLM038", "LLM099")
)

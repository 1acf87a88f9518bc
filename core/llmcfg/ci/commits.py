"""Commits of a change that the root of trust does not let count, as findings. They stand at no line: the whole commit is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmcfg.git.filenames import MANIFEST
from llmcfg.model.findings import Finding, Origin

if TYPE_CHECKING:
    from llmcfg.ci.base import Base
    from llmcfg.model.snapshot import Revision
    from llmcfg.sync.gate import Gate


def commit_findings(gate: Gate, base: Base, head: Revision) -> tuple[Finding, ...]:
    """Of the commits that the change adds. A merge that the forge made to look at the change is not one of them."""
    verdict = gate.judge(base.source or head.commit, base.commit)
    return tuple(
        Finding(
            "commit-trust",
            f"the commit {refused.facts.commit[:10]} of {refused.facts.author} does not count: {refused.error.reason}",
            Origin(MANIFEST),
            gate.hint(refused),
        )
        for refused in verdict.refused
    )

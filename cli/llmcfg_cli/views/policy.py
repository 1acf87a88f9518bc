"""What policies give, as they give it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from llmcfg_cli.views.document import to_json
from llmcfg_cli.views.tables import table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmcfg.pipeline.policyfindings import Verdict


def view_verdicts(given: Sequence[Verdict], output: str, *, colour: bool) -> str:
    if output == "json":
        return to_json("PolicyVerdicts", {"items": [_as_mapping(verdict) for verdict in given]})
    return table(["POLICY", "SEVERITY", "GIVES"], [_row(verdict) for verdict in given], colour=colour)


def _as_mapping(verdict: Verdict) -> dict[str, object]:
    policy = verdict.policy
    return {
        "policy": policy.rule.id,
        "severity": str(policy.rule.severity),
        "file": policy.file,
        "line": policy.line,
        "gives": verdict.value,
        "fault": verdict.fault,
    }


def _row(verdict: Verdict) -> list[str]:
    given = verdict.fault or ("-" if verdict.value in ([], None) else json.dumps(verdict.value, ensure_ascii=False))
    return [verdict.policy.rule.id, str(verdict.policy.rule.severity), given]

"""A review in every form that it is written down in: for programs, code scanning, test reports, and the files of a GitHub job."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from llmcfg_cli.views.ci_markdown import fit
from llmcfg_cli.views.ci_text import headline
from llmcfg_cli.views.cost import change_fields
from llmcfg_cli.views.diff import to_payload
from llmcfg_cli.views.document import to_json
from llmcfg_cli.views.findings import as_mapping, view_findings
from llmcfg_cli.views.text import visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmcfg.ci.review import Review
    from llmcfg.ci.tally import EnvironmentTally
    from llmcfg.model.findings import Finding, Origin
    from llmcfg_cli.views.ci_markdown import Block

COMMENT_BYTES: Final = (64 << 10) - 512  # GitHub takes 65,536 characters; the poster adds its mark
_LEAST_SUMMARY: Final = 4 << 10
SUMMARY_BYTES: Final = 1 << 20  # of all that one step of a GitHub job adds


def review_files(review: Review, blocks: Sequence[Block], *, passes: bool, root: str) -> Mapping[str, str]:
    """File name to content. `root` is the configuration's folder in its repository, with `/` at its end."""
    ordered = _ordered(review)
    return {
        "diff.json": to_json("Review", to_review(review, passes=passes)) + "\n",
        "diff.md": fit(blocks),
        "comment.md": "" if review.is_empty else fit(blocks, COMMENT_BYTES),
        "findings.sarif": view_findings(ordered, "sarif", root=root) + "\n",
        "junit.xml": view_findings(ordered, "junit", root=root) + "\n",
    }


def step_summary(blocks: Sequence[Block], taken: int) -> str:
    """What is added to the page of a GitHub job, which holds `taken` bytes already; nothing where there is no room."""
    room = SUMMARY_BYTES - taken - 1
    return fit(blocks, room) if room >= _LEAST_SUMMARY else ""


def step_outputs(review: Review) -> str:
    """Lines `name=value` for GITHUB_OUTPUT. Environments are a JSON list, in ASCII; nothing in them can begin another line."""
    touched = [one.name for one in review.environments if one.is_touched]
    outputs = {
        "changed": "false" if review.difference.is_empty else "true",
        "environments": json.dumps(touched),
        "risk": review.risk.level,
        "digest": review.digest,
    }
    return "".join(f"{name}={value}\n" for name, value in outputs.items())


def view_review(review: Review, output: str, *, passes: bool, root: str, colour: bool = False) -> str:
    """For stdout. `output` is table, github or json. The first line of all but json is the verdict."""
    if output == "json":
        return to_json("Review", to_review(review, passes=passes))
    shown = [*review.new, *(finding for finding in review.old if finding.severity == "error")]
    findings = view_findings(_worst_first(shown), output, colour=colour, root=root)
    unseen = "\n".join(f"not seen: {visible(text)}" for text in review.unseen)
    lines = "\n".join(filter(None, (headline(review, passes=passes), unseen)))
    if output == "github":
        return "\n".join(filter(None, (_inert(lines), findings)))
    return "\n\n".join(filter(None, (lines, findings)))


def to_review(review: Review, *, passes: bool) -> dict[str, Any]:
    return {
        "verdict": "pass" if passes else "fail",
        "headline": headline(review, passes=passes),
        "base": {"commit": review.base.commit, "how": review.base.how},
        "head": {"commit": review.head.commit},
        "digest": review.digest,
        "risk": {"level": review.risk.level, "reasons": list(review.risk.reasons)},
        "unseen": list(review.unseen),
        "environments": [_environment(one, review) for one in review.environments],
        "findings": {
            "new": [as_mapping(finding) for finding in review.new],
            "old": [as_mapping(finding) for finding in review.old],
            "mended": review.gone,
        },
        "costs": [change_fields(change) for change in review.costs],
        "guards": [guard.fields() for guard in review.guards],
        "secretFiles": [
            {
                "file": file.path,
                "change": file.what,
                "names": list(file.names),
                "newReaders": list(file.readers),
                "lostReaders": list(file.lost),
            }
            for file in review.secret_files
        ],
        "difference": {
            **to_payload(review.difference, review.protected),
            "origins": [
                {name: _place(origin) for name, origin in it._asdict().items() if origin} for it in review.origins
            ],
        },
    }


def _environment(one: EnvironmentTally, review: Review) -> dict[str, Any]:
    """With how many errors reach it: one without a reach stands in a file, and concerns all."""
    errors = [finding for finding in (*review.new, *review.old) if finding.severity == "error"]
    reaching = [it for it in errors if not it.reach or any(name.partition("/")[0] == one.name for name in it.reach)]
    return {
        "name": one.name,
        "protected": one.is_protected,
        "bundles": {"all": one.bundles, "changed": one.affected, "added": one.added, "removed": one.removed},
        "values": one.values,
        "files": one.files,
        "secrets": one.secrets,
        "recipients": one.recipients,
        "decisions": one.decisions,
        "errors": len(reaching),
    }


def _place(origin: Origin) -> dict[str, Any]:
    return {"file": origin.file, "line": origin.line, "column": origin.column}


def _ordered(review: Review) -> Sequence[Finding]:
    return _worst_first([*review.new, *review.old])


def _worst_first(findings: Sequence[Finding]) -> Sequence[Finding]:
    """Services show so many and no more."""
    return sorted(findings, key=lambda finding: -finding.severity.rank)


def _inert(text: str) -> str:
    """GitHub's runner takes `##[` for a command wherever it stands in a line."""
    return text.replace("##[", "# #[")

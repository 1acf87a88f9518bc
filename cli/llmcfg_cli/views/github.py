"""Findings as GitHub workflow commands, which show beside the code of a pull request.

Escapes: https://docs.github.com/actions/reference/workflow-commands-for-github-actions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmcfg_cli.views.text import visible_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmcfg.model.findings import Finding

    Remarks = Sequence[tuple[str, str]]

_LEVELS: Final = {"error": "error", "warning": "warning", "note": "notice"}


def github(findings: Sequence[tuple[Finding, Remarks]]) -> str:
    """Each finding with its remarks, such as `("help", "did you mean …")`."""
    return "\n".join(_annotation(finding, remarks) for finding, remarks in findings)


def command(level: str, title: str, message: str) -> str:
    """An annotation of the whole job."""
    return f"::{level} title={_property(title)}::{_message(message)}"


def _annotation(finding: Finding, remarks: Remarks) -> str:
    origin = finding.origin
    properties = {"file": origin.file}
    if origin.line:
        properties["line"] = str(origin.line)
    if origin.column:
        properties["col"] = str(origin.column)
        properties["endColumn"] = str(origin.column + max(1, finding.length))
    properties["title"] = f"{finding.rule_id}: {finding.rule.title}"
    written = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    message = "\n".join([finding.message, *(f"{word}: {text}" for word, text in remarks)])
    return f"::{_LEVELS[finding.severity]} {written}::{_message(message)}"


def _message(text: str) -> str:
    return visible_lines(text).replace("%", "%25").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")

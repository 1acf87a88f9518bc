"""Findings as JUnit XML: a test case for each. Errors are failures; warnings and notes pass and say what they have to say."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from llmcfg_cli.views.text import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmcfg.model.findings import Finding


def junit(findings: Sequence[tuple[Finding, str]]) -> str:
    """Each finding with its text. Without findings there is one passing case, since CI services refuse an empty suite."""
    failures = sum(finding.severity == "error" for finding, _ in findings)
    cases = [_case(finding, text) for finding, text in findings]
    cases = cases or ['    <testcase classname="llmcfg" name="configuration"/>']
    counts = f'tests="{len(cases)}" failures="{failures}" errors="0"'
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f'<testsuites name="llmcfg" {counts}>',
            f'  <testsuite name="llmcfg validate" {counts} skipped="0">',
            *cases,
            "  </testsuite>",
            "</testsuites>",
        ]
    )


def _case(finding: Finding, text: str) -> str:
    name = _attribute(f"{finding.rule_id} at {finding.origin}")
    start = f"    <testcase classname={_attribute(finding.origin.file)} name={name}>"
    if finding.severity == "error":
        message = _attribute(finding.message)
        body = f'      <failure type="{finding.rule_id}" message={message}>{escape(text, quote=False)}</failure>'
    else:
        body = f"      <system-out>{escape(text, quote=False)}</system-out>"
    return "\n".join([start, body, "    </testcase>"])


def _attribute(said: str) -> str:
    quoted = escape(visible(said), quote=False).replace('"', "&quot;")
    return f'"{quoted}"'

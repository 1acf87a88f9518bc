"""Findings as SARIF 2.1.0 (OASIS), the form that code scanning services read.

Fingerprints are made of the rule, the file and the text of the line, so they stay when lines move; equal ones are numbered.
Of very many results the most severe are kept, since a service refuses a file with more than it takes.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from llmcfg import __version__
from llmcfg_cli.views.document import json_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmcfg.model.findings import Finding, Origin

RESULTS: Final = 5000  # what GitHub keeps of one upload
_TEXT: Final = 4000
_REACH: Final = 20  # targets of one finding
SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def sarif(findings: Sequence[Finding]) -> str:
    if len(findings) > RESULTS:
        findings = sorted(findings, key=lambda finding: -finding.severity.rank)[:RESULTS]
    rules = {finding.rule_id: finding for finding in findings}
    rule_ids = sorted(rules)
    seen: Counter[str] = Counter()
    return json_text(
        {
            "$schema": SCHEMA,
            "version": "2.1.0",
            "runs": [
                {
                    "tool": {
                        "driver": {
                            "name": "llmcfg",
                            "version": __version__,
                            "rules": [_rule(rules[rule_id]) for rule_id in rule_ids],
                        }
                    },
                    "columnKind": "unicodeCodePoints",
                    "results": [_result(finding, rule_ids, seen) for finding in findings],
                }
            ],
        }
    )


def _rule(finding: Finding) -> dict[str, Any]:
    """What a policy of the repository says of itself is text and not Markdown."""
    rule = finding.rule
    markdown = {} if finding.own else {"markdown": f"**{rule.title}**\n\n{rule.why}"}
    return {
        "id": finding.rule_id,
        "shortDescription": {"text": _text(rule.title)},
        "fullDescription": {"text": _text(rule.why)},
        "help": {"text": _text(f"{rule.title}. {rule.why}"), **markdown},
        "defaultConfiguration": {"level": str(rule.severity)},
    }


def _result(finding: Finding, rule_ids: Sequence[str], seen: Counter[str]) -> dict[str, Any]:
    fingerprint = _fingerprint(finding)
    seen[fingerprint] += 1
    result: dict[str, Any] = {
        "ruleId": finding.rule_id,
        "ruleIndex": rule_ids.index(finding.rule_id),
        "level": str(finding.severity),
        "message": {"text": _text(f"{finding.message}. {finding.hint}" if finding.hint else finding.message)},
        "locations": [_location(finding.origin, finding.length)],
        "partialFingerprints": {"primaryLocationLineHash": f"{fingerprint}:{seen[fingerprint]}"},
        "properties": {"reach": [*finding.reach[:_REACH]]},
    }
    if finding.related:
        result["relatedLocations"] = [_location(origin, 1) for origin in finding.related]
    return result


def _text(text: str) -> str:
    """Plain text in which nothing is a link (SARIF 2.1.0, 3.11.6)."""
    return text.replace("](", "] (")[:_TEXT]


def _location(origin: Origin, length: int) -> dict[str, Any]:
    physical: dict[str, Any] = {
        "artifactLocation": {"uri": quote(origin.file, errors="surrogatepass"), "uriBaseId": "%SRCROOT%"}
    }
    if origin.line:
        region = {"startLine": origin.line}
        if origin.column:
            region |= {"startColumn": origin.column, "endColumn": origin.column + max(1, length)}
        physical["region"] = region
    return {"physicalLocation": physical}


def _fingerprint(finding: Finding) -> str:
    said = finding.source_line.strip() or finding.message
    parts = (finding.rule_id, finding.origin.file, said)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]

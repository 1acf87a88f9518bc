"""Findings: what is wrong with the user's configuration. Values, collected, never raised.

A `Problem` is found inside one blob, which may stand at many paths, so it knows a line but no file; a `Finding` has its file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llmcfg.model.rules import RULES, Rule, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmcfg.model.value import Path


class Problem(NamedTuple):
    """Something wrong in one document, schema or template.

    Lines and columns count from 1; 0 means the whole file. `path` is the way into the value, for problems that are found after
    loading and get their line later. `written` is the text in that value which they are about, as the file has it.
    """

    rule: str
    message: str
    line: int = 0
    column: int = 0
    hint: str = ""
    path: Path | None = None
    length: int = 1
    written: str = ""


class Origin(NamedTuple):
    """Where a value or finding comes from. Lines and columns count from 1; 0 means the whole file."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        if not self.line:
            return self.file
        return f"{self.file}:{self.line}:{self.column}" if self.column else f"{self.file}:{self.line}"


class Finding(NamedTuple):
    """A problem with its place.

    `reach` names the targets or scopes that it was found in, sorted; empty means it stands in the file itself. `level` is its severity
    where that is not its rule's. `own` is the rule of a policy of the repository; every other rule is found by its id.
    """

    rule_id: str
    message: str
    origin: Origin
    hint: str = ""
    source_line: str = ""
    length: int = 1
    reach: tuple[str, ...] = ()
    related: tuple[Origin, ...] = ()
    level: Severity | None = None
    own: Rule | None = None

    @property
    def rule(self) -> Rule:
        return self.own or RULES[self.rule_id]

    @property
    def severity(self) -> Severity:
        return self.level or self.rule.severity

    def sort_key(self) -> tuple[str, int, int, str, str]:
        return (self.origin.file, self.origin.line, self.origin.column, self.rule_id, self.message)


def finding_from(problem: Problem, file: str, source_line: str = "", reach: Iterable[str] = ()) -> Finding:
    return Finding(
        rule_id=problem.rule,
        message=problem.message,
        origin=Origin(file, problem.line, problem.column),
        hint=problem.hint,
        source_line=source_line,
        length=problem.length,
        reach=tuple(sorted(reach)),
    )


def merge_findings(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """One finding for the same thing said about several targets, with their reach joined and the worst severity; by file and line."""
    merged: dict[tuple[str, int, int, str, str], Finding] = {}
    for finding in findings:
        key = finding.sort_key()
        seen = merged.get(key)
        if seen is None:
            merged[key] = finding
        elif set(finding.reach) - set(seen.reach) or finding.severity.rank > seen.severity.rank:
            worse = max(seen, finding, key=lambda one: one.severity.rank)
            merged[key] = worse._replace(reach=tuple(sorted({*seen.reach, *finding.reach})))
    return tuple(merged[key] for key in sorted(merged))


def has_blocking(findings: Iterable[Finding], fail_on: Severity = Severity.ERROR) -> bool:
    return any(finding.severity.rank >= fail_on.rank for finding in findings)

"""Findings as text: for people, for programs and for the services that show them beside the code.

Findings are shown in the order given. What looks like a secret is never repeated: its source line is cut where the value starts.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from llmcfg_cli.views.document import to_json
from llmcfg_cli.views.text import Style, clip, display_width, paint, plural, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from llmcfg.model.findings import Finding, Origin

MASKED_RULES: Final = frozenset({"secret-plaintext", "secret-expected", "secret-file", "secret-clear"})
REACH_SHOWN: Final = 6
_SOURCE_COLUMNS: Final = 100
_MASK: Final = "********"
_STYLES: Final = {"error": Style.RED, "warning": Style.YELLOW, "note": Style.CYAN}
_WHOLE_REPOSITORY: Final = frozenset({"sarif", "github"})


def view_findings(findings: Sequence[Finding], output: str, *, colour: bool = False, root: str = "") -> str:
    """`output` is one of VIEWS.

    `root` is the configuration's folder in its Git repository, with `/` at its end; services that know the whole repository
    (sarif, github) need it before every file.
    """
    if root and output in _WHOLE_REPOSITORY:
        findings = [_beneath(root, finding) for finding in findings]
    return VIEWS[output](findings, colour)


def summary(findings: Sequence[Finding], files: int) -> str:
    """`3 errors, 1 warning in 12 files`."""
    counted = Counter(str(finding.severity) for finding in findings)
    parts = [plural(counted[severity], severity) for severity in _STYLES if counted[severity]]
    return f"{', '.join(parts) or 'no findings'} in {plural(files, 'file')}"


def reach_text(reach: Sequence[str], shown: int = REACH_SHOWN) -> str:
    """`prod, prod/acme (+12 more)`."""
    rest = len(reach) - shown
    return ", ".join(reach[:shown]) + (f" (+{rest} more)" if rest > 0 else "")


class SourceExcerpt(NamedTuple):
    """One line of source as it may be shown, and the marked part of it, in columns of a terminal; of length 0 if none is marked."""

    text: str
    start: int
    length: int


def source_excerpt(finding: Finding, columns: int = _SOURCE_COLUMNS) -> SourceExcerpt | None:
    """None where there is no line. A long line is cut to the surroundings of the column."""
    from llmcfg.secrets.plaintext import masked

    line, at = finding.source_line, max(0, finding.origin.column - 1)
    if not line or not finding.origin.line:
        return None
    if _may_show_a_secret(finding):
        return SourceExcerpt(_MASK, 0, 0)
    if finding.rule_id in MASKED_RULES:
        before = visible(masked(line[:at]))
        return SourceExcerpt(before + _MASK, display_width(before), len(_MASK))
    if not finding.origin.column or masked(line) != line:
        return SourceExcerpt(clip(visible(masked(line)), columns), 0, 0)
    left = max(0, at - columns // 2) if len(line) > columns else 0
    before, marked = visible(line[left:at]), visible(line[at : at + max(1, finding.length)])
    after = visible(line[at + max(1, finding.length) : left + columns])
    lead, trail = "…" if left else "", "…" if len(line) > left + columns else ""
    marked = marked[:columns]
    return SourceExcerpt(
        f"{lead}{before}{marked}{after}{trail}", display_width(lead + before), max(1, display_width(marked))
    )


def _may_show_a_secret(finding: Finding) -> bool:
    """Whether it is about how a secret file is written, so that the line may hold what somebody forgot to encrypt."""
    return "/secrets/" in f"/{finding.origin.file}" and not finding.rule_id.startswith("secret-")


def _beneath(root: str, finding: Finding) -> Finding:
    def moved(origin: Origin) -> Origin:
        return origin._replace(file=root + origin.file)

    return finding._replace(origin=moved(finding.origin), related=tuple(moved(origin) for origin in finding.related))


def _table(findings: Sequence[Finding], colour: bool) -> str:
    """Why a rule is one is said with its first finding."""
    firsts = {finding.rule_id: index for index, finding in reversed([*enumerate(findings)])}
    return "\n\n".join(
        _block(finding, colour, says_why=firsts[finding.rule_id] == index) for index, finding in enumerate(findings)
    )


def _block(finding: Finding, colour: bool, *, says_why: bool = True) -> str:
    style = _STYLES[finding.severity]
    gutter = " " * len(str(finding.origin.line)) if finding.origin.line else " "
    bar = paint("|", Style.BLUE, colour)
    lines = [
        f"{paint(f'{finding.severity}[{finding.rule_id}]', style, colour)}: {visible(finding.message)}",
        f"{gutter}{paint('-->', Style.BLUE, colour)} {visible(str(finding.origin))}",
    ]
    excerpt = source_excerpt(finding)
    if excerpt is not None:
        number = paint(str(finding.origin.line), Style.BLUE, colour)
        caret = " " * excerpt.start + paint("^" * excerpt.length, style, colour)
        lines += [
            f"{gutter} {bar}",
            f"{number} {bar} {excerpt.text}",
            *([f"{gutter} {bar} {caret}"] if excerpt.length else []),
        ]
    remarks = [*([("why", finding.rule.why)] if says_why else []), *_remarks(finding)]
    lines += [f"{gutter} {paint('=', Style.BLUE, colour)} {word}: {visible(text)}" for word, text in remarks]
    return "\n".join(lines)


def _remarks(finding: Finding) -> list[tuple[str, str]]:
    remarks = [("help", finding.hint)] if finding.hint else []
    remarks += [("see", str(origin)) for origin in finding.related]
    if finding.reach:
        remarks.append(("in", reach_text(finding.reach)))
    return remarks


def _json(findings: Sequence[Finding], _colour: bool) -> str:
    counted = Counter(str(finding.severity) for finding in findings)
    return to_json(
        "Findings",
        {
            "summary": {f"{severity}s": counted[severity] for severity in _STYLES},
            "items": [as_mapping(finding) for finding in findings],
        },
    )


def as_mapping(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule_id,
        "severity": str(finding.severity),
        "message": finding.message,
        **_place(finding.origin),
        "length": finding.length,
        "hint": finding.hint,
        "reach": [*finding.reach],
        "related": [_place(origin) for origin in finding.related],
    }


def _place(origin: Origin) -> dict[str, Any]:
    return {"file": origin.file, "line": origin.line, "column": origin.column}


def _github(findings: Sequence[Finding], _colour: bool) -> str:
    from llmcfg_cli.views.github import github

    return github([(finding, _remarks(finding)) for finding in findings])


def _sarif(findings: Sequence[Finding], _colour: bool) -> str:
    from llmcfg_cli.views.sarif import sarif

    return sarif(findings)


def _junit(findings: Sequence[Finding], _colour: bool) -> str:
    from llmcfg_cli.views.junit import junit

    return junit([(finding, _block(finding, colour=False)) for finding in findings])


VIEWS: Final[Mapping[str, Callable[[Sequence[Finding], bool], str]]] = {
    "table": _table,
    "json": _json,
    "sarif": _sarif,
    "github": _github,
    "junit": _junit,
}

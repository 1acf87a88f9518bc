"""Comments that let a finding pass: `# llmcfg: allow LLM012, LLM013 until 2027-01-31 because the customer moves in January`.

One on a line of its own counts for what follows it: the next line, and all that is indented below that. One behind a value counts for its
line. One in the comment that opens a file, with an empty line after it, counts for the whole file. A reason and a day are required, and the
day still counts.
"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.model.findings import Finding, Origin
from llmcfg.model.llmrules import LLM_RULES
from llmcfg.model.suggest import did_you_mean
from llmcfg.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MARK: Final = "llmcfg: allow "  # pipeline.marks looks for it too
_COMMENT: Final = regex(r"#.*?llmcfg: allow (?P<rest>.*)")
_FORM: Final = regex(
    r"(?P<rules>[\w-]+(?:\s*,\s*[\w-]+)*)\s+until\s+(?P<until>\d{4}-\d{2}-\d{2})\s+because\s+(?P<reason>\S.*)"
)
_HINT: Final = "write it as: # llmcfg: allow LLM012 until 2027-01-31 because …"
_IDS: Final = frozenset(rule.id for rule in LLM_RULES)


class Allowance(NamedTuple):
    """What a comment at `line` lets pass: these rules, from `first` to `last` line, up to a day."""

    rules: tuple[str, ...]
    until: date
    line: int
    column: int
    first: int
    last: int
    text: str


def read_allowances(file: str, text: str) -> tuple[list[Allowance], list[Finding]]:
    """The comments of a file that are written as they should be, and findings about the others."""
    found: list[Allowance] = []
    findings: list[Finding] = []
    lines = text.splitlines() if MARK in text else []
    for number, line in enumerate(lines, 1):
        comment = _COMMENT.search(line)
        if comment is None:
            continue
        read = _read(comment["rest"])
        if isinstance(read, str):
            origin = Origin(file, number, comment.start() + 1)
            findings.append(Finding("allow-form", read, origin, _HINT, line))
        else:
            first, last = _covered(lines, number)
            found.append(Allowance(*read, number, comment.start() + 1, first, last, line))
    return found, findings


def apply_allowances(
    file: str, text: str, findings: Iterable[Finding], as_of: date, *, is_whole: bool = True
) -> Iterator[Finding]:
    """The findings of one file that are not allowed in it, and what is wrong with the comments that allow.

    `is_whole` says that everything was looked for, so that a comment that allows nothing is of no use.
    """
    allowances, wrong = read_allowances(file, text)
    yield from wrong
    used: set[Allowance] = set()
    for finding in findings:
        allowing = [
            one for one in allowances if finding.rule_id in one.rules and one.first <= finding.origin.line <= one.last
        ]
        used.update(allowing)
        if not any(as_of <= one.until for one in allowing):
            yield finding
    for one in allowances:
        origin = Origin(file, one.line, one.column)
        if one.until < as_of:
            yield Finding("allow-expired", f"this allowed {', '.join(one.rules)} until {one.until}", origin,
                          "mend what it allowed, or look at it again and give a new day", one.text)  # fmt: skip
        elif one not in used and is_whole:
            yield Finding(
                "allow-unused",
                f"there is no finding of {', '.join(one.rules)} here",
                origin,
                "remove the comment",
                one.text,
            )


def _read(rest: str) -> tuple[tuple[str, ...], date] | str:
    """The rules and the day, or what is wrong."""
    match = _FORM.match(rest)
    if match is None:
        what = "a reason" if " because" not in rest else "a day"
        return f"the comment gives no {what.split()[-1]}"
    rules = tuple(re.split(r"\s*,\s*", match["rules"]))
    unknown = next((rule for rule in rules if rule not in _IDS), None)
    if unknown is not None:
        return f"no rule about LLM platforms is called {unknown}{_suggestion(unknown)}"
    try:
        return rules, date.fromisoformat(match["until"])
    except ValueError:
        return f"{match['until']} is no day"


def _suggestion(rule: str) -> str:
    hint = did_you_mean(rule, _IDS)
    return f"; {hint}" if hint else ""


def _covered(lines: Sequence[str], number: int) -> tuple[int, int]:
    """The lines that a comment in this line counts for."""
    if not lines[number - 1].lstrip().startswith("#"):
        return number, number
    after = number
    while after < len(lines) and lines[after].lstrip().startswith("#"):
        after += 1
    is_opening = all(not line.strip() or line.lstrip().startswith("#") for line in lines[:number])
    if is_opening and (after >= len(lines) or not lines[after].strip()):
        return 1, len(lines)
    start = next((index for index in range(after, len(lines)) if lines[index].strip()), len(lines) - 1)
    last = start
    for index in range(start + 1, len(lines)):
        if lines[index].strip() and not _is_below(lines[start], lines[index]):
            break
        last = index if lines[index].strip() else last
    return start + 1, last + 1


def _is_below(head: str, line: str) -> bool:
    """Whether a line belongs to what a head begins: further in, or, of a key, an item of its list."""
    indent = len(head) - len(head.lstrip())
    own = len(line) - len(line.lstrip())
    return own > indent or (own == indent and line.lstrip().startswith("- ") and not head.lstrip().startswith("- "))

"""Which findings come with a change, and which were there before it.

A finding is the same one on both sides when its rule, file, message and line of source are: where the line stands does not matter, and a
file that was moved as it was keeps its findings. Equal ones are counted: a second one is new. A finding that reaches further than before is
the old one.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from llmcfg.model.findings import Finding
    from llmcfg.model.snapshot import ChangedFile

    Identity = tuple[str, str, str, str]


class SplitFindings(NamedTuple):
    """`gone` is how many were there before and are not any more."""

    new: tuple[Finding, ...]
    old: tuple[Finding, ...]
    gone: int


def split_findings(
    before: Sequence[Finding], after: Iterable[Finding], changed: Iterable[ChangedFile]
) -> SplitFindings:
    """`changed` are the files that differ between the two sides."""
    moved = moved_files(changed)
    known = Counter(_identity(finding, moved) for finding in before)
    new: list[Finding] = []
    old: list[Finding] = []
    for finding in after:
        identity = _identity(finding, {})
        (old if known[identity] > 0 else new).append(finding)
        known[identity] -= 1
    return SplitFindings(tuple(new), tuple(old), len(before) - len(old))


def moved_files(changed: Iterable[ChangedFile]) -> Mapping[str, str]:
    """Where each file went that is gone, for those whose content came to exactly one other place."""
    left: dict[str, list[str]] = {}
    came: dict[str, list[str]] = {}
    for file in changed:
        if file.after is None and file.before is not None:
            left.setdefault(file.before, []).append(file.path)
        elif file.before is None and file.after is not None:
            came.setdefault(file.after, []).append(file.path)
    return {paths[0]: came[oid][0] for oid, paths in left.items() if len(paths) == 1 == len(came.get(oid, ()))}


def _identity(finding: Finding, moved: Mapping[str, str]) -> Identity:
    file = moved.get(finding.origin.file, finding.origin.file)
    return finding.rule_id, file, finding.message, finding.source_line.strip()

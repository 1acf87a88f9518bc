"""Rendered files in which two branches meet, though no value does: one changes a template, the other what it shows.

JSON and YAML are compared by key; of other files the lines, wherever they stand, so that changes of different lines do not meet.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from llmcfg.ci.judges import read_as_value
from llmcfg.ci.meetings import BothChange, Values, find_meetings
from llmcfg.ci.met import inside
from llmcfg.model.change import ABSENT
from llmcfg.model.difference import diff_values
from llmcfg.model.proposal import scope_of_target

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from llmcfg.ci.meetings import Changes, Meeting
    from llmcfg.ci.met import Sides
    from llmcfg.model.change import Side
    from llmcfg.pipeline.bundle import Part

_FILES: Final = "files/"


def renderings_met(sides: Sides, told: Collection[str]) -> tuple[Meeting, ...]:
    """Of all targets but those of scopes of which something is told already."""
    known: dict[tuple[str, ...], tuple[Side, ...]] = {}
    read: dict[str, tuple[Side, ...]] = {}
    for where, parts in _not_plain(sides, told):
        key = tuple(part.sha256 if part else "" for part in parts)
        if key not in known:
            known[key] = tuple(_read(where, part) for part in parts)
        read[where] = known[key]
    has_merge = sides.merged is not None
    changes = BothChange(*(_changes(read, at) for at in range(1, 4 if has_merge else 3)))
    return find_meetings(changes, lambda where, path: Values(*(inside(side, path) for side in read[where])))


def _not_plain(sides: Sides, told: Collection[str]) -> Iterator[tuple[str, tuple[Part | None, ...]]]:
    """The files, by target and path, of which more is to be said than what one branch makes of them."""
    built = [side.built.bundles for side in sides if side is not None]
    for target in built[0]:
        if scope_of_target(str(target)) in told or not all(target in bundles for bundles in built):
            continue
        bundles = [each[target].parts for each in built]
        for path in sorted({path for parts in bundles for path in parts if path.startswith(_FILES)}):
            before, ours, theirs, *merged = (parts.get(path) for parts in bundles)
            made = {ours, theirs} - {before} or {before}
            if len(made) > 1 or not made.issuperset(merged):
                yield f"{target}/{path.removeprefix(_FILES)}", (before, ours, theirs, *(merged or [None]))


def _read(where: str, part: Part | None) -> Side:
    if part is None:
        return ABSENT
    value = read_as_value(where, part.content)
    return dict(Counter(value.split("\n"))) if isinstance(value, str) else value


def _changes(read: dict[str, tuple[Side, ...]], at: int) -> Changes:
    return {
        (where, change.path): change for where, sides in read.items() for change in diff_values(sides[0], sides[at])
    }

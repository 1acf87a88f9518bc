"""Where the changes of two branches meet, value by value, whatever the values are of.

Rules:
- both       the two change it, and not to the same
- masked     one changes it, and with the other's change it comes to something else, such as an override beside a new default
- arises     neither changes it alone, and the two together do
- moved      one moves it, the other changes it, and the merge changes it where it is now; this is no conflict
A value that both change to the same is no meeting.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from llmcfg.model.change import ABSENT
from llmcfg.model.difference import differ
from llmcfg.model.keypath import format_key_path

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from llmcfg.model.change import Change, Side
    from llmcfg.model.value import Path

    Place: TypeAlias = tuple[str, Path]  # what it is in, such as a scope, and the path there
    Changes: TypeAlias = Mapping[Place, Change]

How: TypeAlias = Literal["both", "masked", "arises", "moved"]


class Values(NamedTuple):
    """One value before, on either branch, and in the merge; `merged` is None where there is none to look at."""

    base: Side
    ours: Side
    theirs: Side
    merged: Side


@dataclass(frozen=True, slots=True)
class Meeting:
    """A value that depends on both branches, and what it is in: scopes, or a file."""

    how: How
    path: Path
    values: Values
    where: tuple[str, ...]

    @property
    def is_conflict(self) -> bool:
        return self.how != "moved"


class BothChange(NamedTuple):
    """What each side changes against the base."""

    ours: Changes
    theirs: Changes
    merged: Changes | None = None


def find_meetings(changes: BothChange, values_at: Callable[[str, Path], Values]) -> tuple[Meeting, ...]:
    """Each value once, with all that it is the same story in."""
    found: dict[tuple[How, str, str], tuple[Path, Values, list[str]]] = {}
    both = {*_overlapping(changes.ours, changes.theirs), *_overlapping(changes.theirs, changes.ours)}
    for where, path in sorted({*changes.ours, *changes.theirs, *(changes.merged or ()), *both}, key=str):
        how = _how((where, path), changes, both)
        if how is None:
            continue
        values = values_at(where, path)
        if how != "both" or differ(values.ours, values.theirs):
            key = (how, format_key_path(path), repr(values))
            found.setdefault(key, (path, values, []))[2].append(where)
    meetings = [Meeting(how, path, values, tuple(where)) for (how, _, _), (path, values, where) in found.items()]
    return tuple(_moved(meetings))


def _how(place: Place, changes: BothChange, both: Collection[Place]) -> How | None:
    """How the branches meet at a value, if they do. What lies below a value that both change is not said again."""
    where, path = place
    if any((where, path[:size]) in both for size in range(len(path))):
        return None
    if place in both:
        return "both"
    if changes.merged is None:
        return None
    alone, there = changes.ours.get(place) or changes.theirs.get(place), changes.merged.get(place)
    if alone is None:
        return "arises"
    return "masked" if there is None or differ(alone.after, there.after) else None


def _overlapping(one: Changes, other: Changes) -> Iterator[Place]:
    """Places that both change, one perhaps by a part of it: the wider one."""
    for where, path in one:
        yield from ((where, path[:size]) for size in range(len(path) + 1) if (where, path[:size]) in other)


def _moved(meetings: list[Meeting]) -> Iterator[Meeting]:
    """With what one branch removes here and adds there, as it was, where the merge has there what the other branch made of it here."""
    left = {(each.where, *_story(each)): each for each in meetings if each.how == "both" and _left(each.values)}
    came = [each for each in meetings if each.how == "masked" and _came(each.values)]
    gone = {id(left[key]) for each in came if (key := (each.where, *_story(each))) in left}
    for each in meetings:
        if id(each) not in gone:
            is_moved = each in came and (each.where, *_story(each)) in left
            yield replace(each, how="moved") if is_moved else each


def _left(values: Values) -> bool:
    """Whether one side removes the value, the other changes it, and it is gone."""
    return (
        values.base is not ABSENT and values.merged is ABSENT and (values.ours is ABSENT) != (values.theirs is ABSENT)
    )


def _came(values: Values) -> bool:
    """Whether one side adds the value."""
    return values.base is ABSENT and (values.ours is ABSENT) != (values.theirs is ABSENT)


def _story(meeting: Meeting) -> tuple[str, str, str]:
    """What a value was and what it became, with the last step of its path: the same for what left and what came."""
    base, ours, theirs, merged = meeting.values
    if base is ABSENT:
        was, became = (theirs if ours is ABSENT else ours), merged
    else:
        was, became = base, (theirs if ours is ABSENT else ours)
    return repr(was), repr(became), str(meeting.path[-1:])

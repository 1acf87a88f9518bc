"""What of two branches is compared in a check of their merge: effective values, decisions, and the files that judge changes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from llmcfg.ci.judges import judging, judging_changes
from llmcfg.ci.meetings import BothChange, Values, find_meetings
from llmcfg.errors import NotFoundError
from llmcfg.model.change import ABSENT
from llmcfg.model.target import Scope
from llmcfg.pipeline.decisions import decisions_of
from llmcfg.pipeline.guards import guards_between
from llmcfg.pipeline.layers import MANIFEST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmcfg.ci.meetings import Changes, Meeting
    from llmcfg.ci.sides import Examined
    from llmcfg.model.change import Side
    from llmcfg.model.impact import Difference
    from llmcfg.model.value import Path


class Sides(NamedTuple):
    before: Examined
    ours: Examined
    theirs: Examined
    merged: Examined | None = None


def values_met(sides: Sides, differences: Sequence[Difference]) -> tuple[Meeting, ...]:
    ours, theirs, *merged = map(_by_scope, differences)
    changes = BothChange(_beside_end(ours, theirs, sides.theirs), _beside_end(theirs, ours, sides.ours), *merged)
    return find_meetings(changes, lambda scope, path: Values(*(_value(side, scope, path) for side in sides)))


def _by_scope(difference: Difference) -> Changes:
    return {(scope, value.change.path): value.change for value in difference.values for scope in value.scopes}


def _beside_end(changes: Changes, others: Changes, other: Examined) -> Changes:
    """Without what is changed for a scope that the other side ends, where it is changed in the same way for one that goes on."""
    scopes = {str(scope) for scope in other.configuration.scopes} if other.configuration else set[str]()
    ended = {scope for scope, _ in others} - scopes
    if not ended:
        return changes
    elsewhere = {repr(change) for (scope, _), change in changes.items() if scope not in ended}
    return {
        place: change for place, change in changes.items() if place[0] not in ended or repr(change) not in elsewhere
    }


def decisions_met(sides: Sides, differences: Sequence[Difference]) -> tuple[Meeting, ...]:
    changes = BothChange(*({("", change.path): change for change in one.decisions} for one in differences))
    decided = [decisions_of(side.configuration) if side and side.configuration else {} for side in sides]
    met = find_meetings(changes, lambda _, path: Values(*(inside(dict(one), path) for one in decided)))
    return tuple(replace(meeting, where=()) for meeting in met)


def guards_met(sides: Sides) -> tuple[Meeting, ...]:
    """By file. One that only one side changes is what that side means."""
    before, ours, theirs, merged = (side.configuration if side else None for side in sides)
    if before is None or ours is None or theirs is None:
        return ()
    files = [{guard.path for guard in guards_between(before, side)} - {MANIFEST} for side in (ours, theirs)]
    both = sorted(files[0] & files[1])
    shown = (ours, theirs, merged) if merged else (ours, theirs)
    changes = BothChange(*(judging_changes(before, side, both) for side in shown))
    read = {file: [judging(side, file) for side in (before, ours, theirs, merged)] for file in both}
    return find_meetings(changes, lambda file, path: Values(*(inside(side, path) for side in read[file])))


def inside(value: Side, path: Path) -> Side:
    for step in path:
        if isinstance(value, dict) and isinstance(step, str):
            value = value.get(step, ABSENT)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return ABSENT
    return value


def _value(side: Examined | None, scope: str, path: Path) -> Side:
    if side is None or side.configuration is None:
        return ABSENT
    environment, _, tenant = scope.partition("/")
    known = Scope(environment, tenant or None)
    try:
        return side.configuration.effective(known).value_at(path) if known in side.configuration.scopes else ABSENT
    except NotFoundError:
        return ABSENT

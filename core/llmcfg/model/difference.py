"""How two values differ, and making the one of the other.

Values are equal when their canonical JSON is: 2 and 2.0 are, 1 and true are not. What an encoder writes alike is not walked through.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmcfg.canonical import are_alike
from llmcfg.model.change import ABSENT, Change
from llmcfg.model.keypath import format_key_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llmcfg.model.change import Side
    from llmcfg.model.value import Path, Value


def diff_values(before: Side, after: Side, at: Path = ()) -> Iterator[Change]:
    """The changes that lead from one value to the other. Lists of one length are compared item by item, others whole."""
    return iter(()) if are_alike(before, after) else _differences(before, after, at)


def _differences(before: Side, after: Side, at: Path) -> Iterator[Change]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key, item in before.items():
            other = after.get(key, ABSENT)
            if other is not item and not are_alike(item, other):
                yield from _differences(item, other, (*at, key))
        if not after.keys() <= before.keys():
            yield from (Change((*at, key), ABSENT, item) for key, item in after.items() if key not in before)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            if not are_alike(old, new):
                yield from _differences(old, new, (*at, index))
    elif not _same_scalar(before, after):
        yield Change(at, before, after)


def differ(before: Side, after: Side) -> bool:
    """Whether a consumer could tell the two values apart."""
    return next(diff_values(before, after), None) is not None


def spread(change: Change) -> Iterator[Change]:
    """A change of a whole mapping as the changes of its leaves: for output that lists keys."""
    whole = change.after if change.before is ABSENT else change.before if change.after is ABSENT else None
    if isinstance(whole, dict) and whole:
        for key, item in whole.items():
            sides: tuple[Side, Side] = (ABSENT, item) if change.before is ABSENT else (item, ABSENT)
            yield from spread(Change((*change.path, key), *sides))
    else:
        yield change


def fields_of(change: Change) -> dict[str, Any]:
    """A change as JSON has it, in output and for policies. A side that is absent is left out; null is a value."""
    sides = {name: side for name, side in (("before", change.before), ("after", change.after)) if side is not ABSENT}
    return {"key": format_key_path(change.path), "kind": change.kind, **sides}


def apply_changes(value: Value, changes: Iterable[Change]) -> Value:
    """The value with the changes made: `apply_changes(a, diff_values(a, b))` is b, up to the order of keys."""
    for change in changes:
        value = _put(value, change.path, change.after)
    return value


def _same_scalar(a: Side, b: Side) -> bool:
    """As canonical JSON has it. Collections come here only when they differ in kind or length."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, int | float) and isinstance(b, int | float):
        return a == b
    return isinstance(a, str) and a == b


def _put(value: Value, path: Path, new: Side) -> Value:
    if not path:
        assert new is not ABSENT
        return new
    if isinstance(value, list):
        index = path[0]
        assert isinstance(index, int)
        return [*value[:index], _put(value[index], path[1:], new), *value[index + 1 :]]
    assert isinstance(value, dict)
    key = str(path[0])
    if len(path) == 1 and new is ABSENT:
        return {known: item for known, item in value.items() if known != key}
    return {**value, key: _put(value.get(key), path[1:], new)}

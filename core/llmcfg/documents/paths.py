"""Values at key paths: read, and replaced or removed by copying the collections on the way. Merge tags are transparent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmcfg.errors import UnknownKeyError, UsageError
from llmcfg.model.keypath import format_key_path
from llmcfg.model.value import Tagged, kind_of

if TYPE_CHECKING:
    from llmcfg.model.value import Path, Value


def has_path(value: Value, path: Path) -> bool:
    """Whether there is a value, null included, at `path`."""
    for step in path:
        inner = untagged(value)
        if isinstance(inner, dict) and isinstance(step, str) and step in inner:  # noqa: SIM114
            value = inner[step]
        elif isinstance(inner, list) and isinstance(step, int) and 0 <= step < len(inner):
            value = inner[step]
        else:
            return False
    return True


def value_at(value: Value, path: Path) -> Value:
    """The value at a path that is there."""
    for step in path:
        inner: Any = untagged(value)
        value = inner[step]
    return value


def with_value(root: Value, path: Path, value: Value, at: int = 0) -> Value:
    """`root` with `value` at `path`. Raises UsageError where the path does not fit what is there."""
    if at == len(path):
        return value
    if isinstance(root, Tagged):
        return Tagged(root.tag, with_value(root.value, path, value, at))
    step = path[at]
    if isinstance(root, dict) and isinstance(step, str):
        return {**root, step: with_value(root.get(step, _missing(path, at)), path, value, at + 1)}
    if isinstance(root, list) and isinstance(step, int) and 0 <= step <= len(root):
        item = root[step] if step < len(root) else _missing(path, at)
        return [*root[:step], with_value(item, path, value, at + 1), *root[step + 1 :]]
    raise _does_not_fit(root, path, at)


def without_value(root: Value, path: Path, at: int = 0) -> Value:
    """`root` without what is at `path`. Raises UnknownKeyError if there is nothing."""
    if not path:
        raise UsageError("the whole document cannot be deleted", hint="delete the file")
    if not has_path(root, path[at:]):
        raise UnknownKeyError(f"there is no {format_key_path(path)}")
    if isinstance(root, Tagged):
        return Tagged(root.tag, without_value(root.value, path, at))
    inner: Any = root
    step: Any = path[at]
    if at + 1 < len(path):
        return with_value(root, (step,), without_value(inner[step], path, at + 1))
    if isinstance(inner, dict):
        return {key: child for key, child in inner.items() if key != step}
    return [*inner[:step], *inner[step + 1 :]]


def untagged(value: Value) -> Value:
    return value.value if isinstance(value, Tagged) else value


def _missing(path: Path, at: int) -> Value:
    """What to build where nothing is yet: the collection that the next step needs."""
    return [] if at + 1 < len(path) and isinstance(path[at + 1], int) else {}


def _does_not_fit(root: Value, path: Path, at: int) -> UsageError:
    where, step = format_key_path(path[:at]), path[at]
    if isinstance(root, list) and isinstance(step, int):
        return UsageError(f"{where} has {len(root)} items, so [{step}] is not there", hint=f"append with [{len(root)}]")
    wanted = "a list" if isinstance(step, int) else "a mapping"
    return UsageError(f"{where} is a {kind_of(root)}, not {wanted}", hint="set a path that fits what is there")

"""Configuration values: what a YAML document holds after strict loading.

Values are shared between layers, scopes and revisions by identity. Nobody changes one in place; who needs a change copies the
mappings on the way to it (`pipeline.merge`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

Scalar: TypeAlias = "bool | int | float | str | None"
Value: TypeAlias = "bool | int | float | str | list[Value] | dict[str, Value] | Tagged | None"
Path: TypeAlias = "tuple[str | int, ...]"
"""The way into a value: a mapping key or a sequence index at each step."""


class MergeTag(StrEnum):
    """How an overlay's value meets what lies beneath it (docs/spec/merge.md)."""

    APPEND = "!append"
    PREPEND = "!prepend"
    DELETE = "!delete"
    REPLACE = "!replace"


class Tagged(NamedTuple):
    """A value with a merge tag, as an overlay wrote it. It never leaves composition."""

    tag: MergeTag
    value: Value


def kind_of(value: Value) -> str:
    """The word that messages use for a value's kind."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case dict():
            return "mapping"
        case Tagged():
            return kind_of(value.value)
        case _:
            return "list"


def walk_leaves(value: Value, at: Path = ()) -> Iterator[tuple[Path, Value]]:
    """Every scalar and empty collection in the value, with its path, in the order written. Merge tags are transparent."""
    if isinstance(value, Tagged):
        value = value.value
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from walk_leaves(item, (*at, key))
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from walk_leaves(item, (*at, index))
    else:
        yield at, value

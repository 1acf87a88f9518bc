"""Values with an end: what `x-llmcfg-expires`, `x-llmcfg-review-by` and `x-llmcfg-owner` say of the values that are there."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from llmcfg.pipeline.schema.definitions import DEFS, ENTRY
from llmcfg.pipeline.schema.keywords import EXPIRES, OWNER, REVIEW_BY
from llmcfg.pipeline.schema.places import inside_of, same_place

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from llmcfg.model.value import Path, Value
    from llmcfg.pipeline.schema.compiled import CompiledSchema


class End(NamedTuple):
    """The last days of a value, and whose it is: the nearest owner that is said around it."""

    path: Path
    expires: date | None
    review_by: date | None
    owner: str


def find_ends(schema: CompiledSchema, value: Value) -> Iterator[End]:
    """The ends of all values that are there, from the outside in."""
    if schema.has_ends:
        yield from _ends(schema, [{"$ref": DEFS + ENTRY}], value, (), "")


def _ends(schema: CompiledSchema, places: Sequence[Any], value: Value, at: Path, owner: str) -> Iterator[End]:
    parts = list({id(part): part for place in places for part in same_place(schema, place)}.values())
    owner = next((part[OWNER] for part in parts if OWNER in part), owner)
    expires, review_by = _earliest(parts, EXPIRES), _earliest(parts, REVIEW_BY)
    if expires or review_by:
        yield End(at, expires, review_by, owner)
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in steps:
        inner = [place for part in parts for place in inside_of(part, step)]
        if inner:
            yield from _ends(schema, inner, item, (*at, step), owner)


def _earliest(parts: Sequence[dict[str, Any]], keyword: str) -> date | None:
    return min((date.fromisoformat(part[keyword]) for part in parts if keyword in part), default=None)

"""Values that differ from environment to environment by design: what `x-llmcfg-varies` says of the values that are there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmcfg.pipeline.schema.definitions import DEFS, ENTRY
from llmcfg.pipeline.schema.keywords import VARIES
from llmcfg.pipeline.schema.places import inside_of, same_place

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from llmcfg.model.value import Path, Value
    from llmcfg.pipeline.schema.compiled import CompiledSchema


def find_varying(schema: CompiledSchema, value: Value) -> Iterator[Path]:
    """The places that are declared to vary, each for everything in it. An inner `false` takes nothing back."""
    return _varying(schema, [{"$ref": DEFS + ENTRY}], value, ())


def _varying(schema: CompiledSchema, places: Sequence[Any], value: Value, at: Path) -> Iterator[Path]:
    parts = list({id(part): part for place in places for part in same_place(schema, place)}.values())
    if any(part.get(VARIES) is True for part in parts):
        yield at
        return
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in steps:
        inner = [place for part in parts for place in inside_of(part, step)]
        if inner:
            yield from _varying(schema, inner, item, (*at, step))

"""Which schemas apply to a place of a value, and to what is in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from llmcfg.pipeline.schema.definitions import DEFS
from llmcfg.pipeline.schema.keywords import Where, children

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.pipeline.schema.compiled import CompiledSchema


def same_place(schema: CompiledSchema, place: Any) -> Iterator[dict[str, Any]]:
    """All schemas that apply to the place, from the nearest on; what `not` and `if` hold is no statement about it."""
    if not isinstance(place, dict):
        return
    yield place
    if "$ref" in place:
        yield from same_place(schema, schema.definitions[place["$ref"].removeprefix(DEFS)])
    for child in children(place):
        if child.where is Where.SAME and child.steps[0] not in ("not", "if"):
            yield from same_place(schema, child.schema)


def inside_of(part: dict[str, Any], step: str | int) -> list[Any]:
    """The schemas that a part applies to its property or item `step`."""
    if isinstance(step, int):
        before = part.get("prefixItems", [])
        return [before[step]] if step < len(before) else [part["items"]] if "items" in part else []
    found = [part["properties"][step]] if step in part.get("properties", {}) else []
    found += [inner for pattern, inner in part.get("patternProperties", {}).items() if _matches(pattern, step)]
    if not found and "additionalProperties" in part:
        found.append(part["additionalProperties"])
    return found


def _matches(pattern: str, name: str) -> bool:
    """Patterns were admitted by a linear-time engine; keys are short, so Python's engine may match them."""
    try:
        return re.search(pattern, name) is not None
    except re.error:
        return False

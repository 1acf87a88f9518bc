"""Merge rules from `x-llmcfg-merge`, looked up by the path of a value."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from llmcfg.model.merge import MergeRule
from llmcfg.pipeline.schema.closing import ENTRY
from llmcfg.pipeline.schema.keywords import MERGE, Where, children
from llmcfg.pipeline.schema.normal import DEFS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.model.value import Path
    from llmcfg.pipeline.schema.compiled import CompiledSchema


def merge_rule_at(schema: CompiledSchema, path: Path) -> MergeRule | None:
    """The rule for the value at `path`: the first that any schema of that place states."""
    if not schema.has_merge_rules:
        return None
    places: list[Any] = [{"$ref": DEFS + ENTRY}]
    for step in path:
        found = [inner for place in places for part in _same(schema, place) for inner in _inside(part, step)]
        places = list({id(inner): inner for inner in found}.values())
    for place in places:
        for part in _same(schema, place):
            if MERGE in part:
                return _rule(part[MERGE])
    return None


def _same(schema: CompiledSchema, place: Any) -> Iterator[dict[str, Any]]:
    """All schemas that apply to the place, from the nearest on; what `not` and `if` hold is no statement about it."""
    if not isinstance(place, dict):
        return
    yield place
    if "$ref" in place:
        yield from _same(schema, schema.definitions[place["$ref"].removeprefix(DEFS)])
    for child in children(place):
        if child.where is Where.SAME and child.steps[0] not in ("not", "if"):
            yield from _same(schema, child.schema)


def _inside(part: dict[str, Any], step: str | int) -> list[Any]:
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


def _rule(said: Any) -> MergeRule:
    return MergeRule("by", said["by"]) if isinstance(said, dict) else MergeRule(said)

"""Merge rules from `x-llmcfg-merge`, looked up by the path of a value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmcfg.model.merge import MergeRule
from llmcfg.pipeline.schema.definitions import DEFS, ENTRY
from llmcfg.pipeline.schema.keywords import MERGE
from llmcfg.pipeline.schema.places import inside_of, same_place

if TYPE_CHECKING:
    from llmcfg.model.value import Path
    from llmcfg.pipeline.schema.compiled import CompiledSchema


def merge_rule_at(schema: CompiledSchema, path: Path) -> MergeRule | None:
    """The rule for the value at `path`: the first that any schema of that place states."""
    if not schema.has_merge_rules:
        return None
    places: list[Any] = [{"$ref": DEFS + ENTRY}]
    for step in path:
        found = [inner for place in places for part in same_place(schema, place) for inner in inside_of(part, step)]
        places = list({id(inner): inner for inner in found}.values())
    for place in places:
        for part in same_place(schema, place):
            if MERGE in part:
                return _rule(part[MERGE])
    return None


def _rule(said: Any) -> MergeRule:
    return MergeRule("by", said["by"]) if isinstance(said, dict) else MergeRule(said)

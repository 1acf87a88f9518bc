"""Closing: an object whose schema names properties refuses every other one, unless the schema says otherwise.

A place of the instance is closed as a whole. What its schema and everything that applies to the same place (`$ref`, `allOf`, `anyOf`,
`oneOf`, `if`/`then`/`else`, `dependentSchemas`) say counts together: when any of them has `properties` and none has
`additionalProperties` or `unevaluatedProperties`, the place is closed. A branch is never closed by itself, and nothing inside `not`,
`if`, `contains` or `propertyNames` is, since that would change what those mean.

A definition therefore has up to three forms: `3` as written, `3+` with the places inside it closed, `3!` closed itself too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from llmcfg.pipeline.schema.definitions import DEFS, ENTRY
from llmcfg.pipeline.schema.keywords import ANNOTATIONS, OWN, Where, children, put

if TYPE_CHECKING:
    from llmcfg.pipeline.schema.definitions import Definitions, Schema

_AS_WRITTEN: Final = frozenset(["not", "if", "contains", "propertyNames"])
_BRANCHES: Final = frozenset(["$ref", "allOf", "anyOf", "oneOf", "if", "then", "else", "dependentSchemas"])
_SAYS: Final = frozenset(["additionalProperties", "unevaluatedProperties"])


def close(definitions: Definitions) -> dict[str, Schema]:
    """The forms of the definitions that are used, from `ENTRY` on. `bounds.find_loop` must have found none."""
    closed: dict[str, Schema] = {}
    waiting = [ENTRY]
    while waiting:
        name = waiting.pop()
        if name in closed:
            continue
        schema = definitions[name.rstrip("+!")]
        if name.endswith("!"):
            closed[name] = _place(definitions, schema)
        else:
            closed[name] = _inside(definitions, schema) if name.endswith("+") else schema
        waiting += sorted(_targets(closed[name]), reverse=True)
    return closed


def _place(definitions: Definitions, schema: Schema) -> Schema:
    """The schema of a place of its own."""
    if isinstance(schema, bool):
        return schema
    if "$ref" in schema and all(key == "$ref" or key in ANNOTATIONS or key in OWN for key in schema):
        return {**schema, "$ref": schema["$ref"] + "!"}
    result = _inside(definitions, schema)
    assert isinstance(result, dict)
    names, says = _survey(definitions, schema, {})
    if names and not says:
        result["unevaluatedProperties" if _BRANCHES & result.keys() else "additionalProperties"] = False
    return result


def _inside(definitions: Definitions, schema: Schema) -> Schema:
    """The schema with the places inside it closed, and open itself."""
    if isinstance(schema, bool):
        return schema
    result: dict[str, Any] = dict(schema)
    if "$ref" in schema:
        result["$ref"] = schema["$ref"] + "+"
    for child in children(schema):
        keyword = child.steps[0]
        if keyword in _AS_WRITTEN:
            continue
        new = (_inside if child.where is Where.SAME else _place)(definitions, child.schema)
        put(result, child.steps, new)
    return result


def _survey(definitions: Definitions, schema: Schema, known: dict[str, tuple[bool, bool]]) -> tuple[bool, bool]:
    """Whether anything that applies to the place names properties, and whether anything says what others are."""
    if isinstance(schema, bool):
        return False, False
    names, says = "properties" in schema, bool(_SAYS & schema.keys())
    inner = [child.schema for child in children(schema) if child.where is Where.SAME and child.steps[0] != "not"]
    found = [_survey(definitions, part, known) for part in inner]
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(DEFS)
        if name not in known:
            known[name] = _survey(definitions, definitions[name], known)
        found.append(known[name])
    return names or any(pair[0] for pair in found), says or any(pair[1] for pair in found)


def _targets(schema: Any) -> set[str]:
    if not isinstance(schema, dict):
        return set()
    found = {schema["$ref"].removeprefix(DEFS)} if "$ref" in schema else set()
    return found.union(*(_targets(child.schema) for child in children(schema)))

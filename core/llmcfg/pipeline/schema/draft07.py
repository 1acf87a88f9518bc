"""A compiled schema as draft-07, which is what editors read best.

What draft-07 cannot say becomes weaker, never stronger: `unevaluatedProperties` becomes `additionalProperties` over everything that the
place names in any branch; `unevaluatedItems`, `minContains` and `maxContains` go. What llmcfg resolves later
passes as `Admit` says.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from llmcfg.pipeline.schema.definitions import DEFS, ENTRY
from llmcfg.pipeline.schema.keywords import OWN, SECRET, Draft, Where, children, put

if TYPE_CHECKING:
    from llmcfg.pipeline.schema.definitions import Definitions, Schema


class Admit(Enum):
    """What passes although the schema does not know it."""

    NOTHING = "nothing"
    REFERENCES = "a reference wherever a scalar may stand, `$extends` and `$with` in every mapping"
    DELETIONS = "these, and `!delete` anywhere, which an editor reads as an empty text"


REFERENCE: Final = r"\{\{[ \t]*(secret|config|var|param):"
_SECRET_INSIDE: Final = r"\{\{[ \t]*secret:"
_DEFINITIONS: Final = "#/definitions/"
_FORMS: Final = {"!": "closed", "+": "open"}
_LEFT_OUT: Final = frozenset(
    ["unevaluatedItems", "minContains", "maxContains", "contentSchema", "prefixItems", "items", "dependentRequired", "$ref",
     "dependentSchemas", "unevaluatedProperties", *OWN]
)  # fmt: skip
_SCALARS: Final = frozenset(["string", "number", "integer", "boolean"])
_ON_SCALARS: Final = frozenset(
    ["enum", "const", "pattern", "format", "minLength", "maxLength", "multipleOf", "minimum", "maximum",
     "exclusiveMinimum", "exclusiveMaximum"]
)  # fmt: skip
_ON_MAPPINGS: Final = frozenset(["properties", "patternProperties", "additionalProperties", "propertyNames"])
_PATTERN_KEYS: Final = {
    "$extends": {
        "description": "The key path of a mapping to lay beneath this one, or a list of them.",
        "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
    },
    "$with": {"description": "Values for {{param:name}} in what is extended.", "type": "object"},
}


def draft07(definitions: Definitions, *, admit: Admit) -> dict[str, Any]:
    """The schema that begins at `closing.ENTRY`, translated."""
    names = {name: _name(name) for name in definitions}
    translated = {names[name]: _translate(definitions, schema, admit) for name, schema in definitions.items()}
    root = translated[_name(ENTRY)]
    used = {name: translated[name] for name in _used(translated, root)}
    return {
        "$schema": Draft.D7.value + "#",
        **(root if isinstance(root, dict) else {}),
        **({"definitions": used} if used else {}),
    }


def _used(translated: dict[str, Schema], root: Schema) -> list[str]:
    """The definitions that the root leads to, in their own order."""
    found: set[str] = set()
    waiting = _referred(root)
    while waiting:
        name = waiting.pop()
        if name not in found and name in translated:
            found.add(name)
            waiting += _referred(translated[name])
    return [name for name in translated if name in found]


def _referred(schema: Any) -> list[str]:
    """The definitions that are named anywhere in a translated schema."""
    if isinstance(schema, list):
        return [name for item in schema for name in _referred(item)]
    if not isinstance(schema, dict):
        return []
    own = schema.get("$ref")
    names = [own.removeprefix(_DEFINITIONS)] if isinstance(own, str) and own.startswith(_DEFINITIONS) else []
    return names + [name for item in schema.values() for name in _referred(item)]


def _name(name: str) -> str:
    number = name.rstrip("+!")
    return f"{_FORMS.get(name[-1], 'plain')}-{number}"


def _translate(definitions: Definitions, schema: Schema, admit: Admit) -> Schema:
    if isinstance(schema, bool):
        return schema
    result: dict[str, Any] = dict(schema)
    for child in children(schema):
        judged = child.steps[0] in ("not", "if", "propertyNames")
        put(result, child.steps, _translate(definitions, child.schema, Admit.NOTHING if judged else admit))
    result = _without_newer_keywords(definitions, schema, result)
    if schema.get(SECRET) is True:
        result["pattern"] = schema.get("pattern", _SECRET_INSIDE)
    if admit is not Admit.NOTHING:
        result = _admit_references(_admit_patterns(result), admit)
    if "$ref" in schema:
        reference = {"$ref": _DEFINITIONS + _name(schema["$ref"].removeprefix(DEFS))}
        result = {**result, "allOf": [reference, *result.get("allOf", ())]} if result else reference
    return result


def _without_newer_keywords(
    definitions: Definitions, schema: dict[str, Any], translated: dict[str, Any]
) -> dict[str, Any]:
    result = {key: value for key, value in translated.items() if key not in _LEFT_OUT}
    if "prefixItems" in schema:
        result["items"] = translated["prefixItems"]
        if "items" in schema:
            result["additionalItems"] = translated["items"]
    elif "items" in schema:
        result["items"] = translated["items"]
    dependencies = {**schema.get("dependentRequired", {}), **translated.get("dependentSchemas", {})}
    if dependencies:
        result["dependencies"] = dependencies
    if schema.get("minContains") == 0:
        result.pop("contains", None)
    if schema.get("unevaluatedProperties") is False:
        properties, patterns = _named(definitions, schema)
        result["properties"] = {**dict.fromkeys(sorted(properties), True), **result.get("properties", {})}
        result["patternProperties"] = {**dict.fromkeys(sorted(patterns), True), **result.get("patternProperties", {})}
        result["additionalProperties"] = False
    return result


def _named(definitions: Definitions, schema: Any) -> tuple[set[str], set[str]]:
    """Properties and patterns of properties that any schema of the place names; a branch that admits all gives the pattern for all."""
    if not isinstance(schema, dict):
        return set(), set()
    properties, patterns = set(schema.get("properties", ())), set(schema.get("patternProperties", ()))
    if schema.get("additionalProperties", False) is not False:
        patterns.add("")
    inner = [child.schema for child in children(schema) if child.where is Where.SAME]
    if "$ref" in schema:
        inner.append(definitions[schema["$ref"].removeprefix(DEFS)])
    for part in inner:
        more, more_patterns = _named(definitions, part)
        properties |= more
        patterns |= more_patterns
    return properties, patterns


def _admit_patterns(schema: dict[str, Any]) -> dict[str, Any]:
    """`$extends` and `$with` in a mapping; what is required may come from what is extended."""
    result = dict(schema)
    if _ON_MAPPINGS & schema.keys() or _kinds(schema) & {"object"}:
        result["properties"] = {**_PATTERN_KEYS, **schema.get("properties", {})}
    if "propertyNames" in schema:
        result["propertyNames"] = {"anyOf": [{"enum": list(_PATTERN_KEYS)}, schema["propertyNames"]]}
    if "required" in schema:
        needed = {"if": {"required": ["$extends"]}, "else": {"required": result.pop("required")}}
        result["allOf"] = [*schema.get("allOf", ()), needed]
    return result


def _admit_references(schema: dict[str, Any], admit: Admit) -> dict[str, Any]:
    """A reference or deletion in place of a value. Alternatives become `anyOf`, since a reference may fit several."""
    result = dict(schema)
    if "oneOf" in result:
        result["allOf"] = [*result.get("allOf", ()), {"anyOf": result.pop("oneOf")}]
    judged = {key: result.pop(key) for key in ("type", *sorted(_ON_SCALARS)) if key in schema}
    deletions = admit is Admit.DELETIONS
    if not judged or ("type" in schema and not _kinds(schema) & _SCALARS and not deletions):
        return {**result, **judged}
    either = {"anyOf": [judged, {"type": "string", "pattern": f"{REFERENCE}|^$" if deletions else REFERENCE}]}
    if "anyOf" in result:
        return {**result, "allOf": [*result.get("allOf", ()), either]}
    return {**result, **either}


def _kinds(schema: dict[str, Any]) -> set[str]:
    kinds = schema.get("type", ())
    return {kinds} if isinstance(kinds, str) else set(kinds)

"""What each supported draft knows: its keywords, and which of them hold schemas for the same place or for a place inside it."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.model.value import Path


class Draft(Enum):
    D7 = "http://json-schema.org/draft-07/schema"
    D2019 = "https://json-schema.org/draft/2019-09/schema"
    D2020 = "https://json-schema.org/draft/2020-12/schema"


class Where(Enum):
    """What a keyword's schemas look at."""

    SAME = "the same instance"
    INSIDE = "a property or item of it"
    ELSEWHERE = "nothing, until something refers to them"


class Child(NamedTuple):
    """A schema directly inside another: the steps to it, the keyword first."""

    steps: Path
    schema: Any
    where: Where


_ONE: Final = {
    "not": Where.SAME,
    "if": Where.SAME,
    "then": Where.SAME,
    "else": Where.SAME,
    "additionalProperties": Where.INSIDE,
    "propertyNames": Where.INSIDE,
    "unevaluatedProperties": Where.INSIDE,
    "items": Where.INSIDE,
    "additionalItems": Where.INSIDE,
    "unevaluatedItems": Where.INSIDE,
    "contains": Where.INSIDE,
}
_LISTS: Final = {"allOf": Where.SAME, "anyOf": Where.SAME, "oneOf": Where.SAME, "prefixItems": Where.INSIDE}
_MAPS: Final = {
    "properties": Where.INSIDE,
    "patternProperties": Where.INSIDE,
    "dependentSchemas": Where.SAME,
    "dependencies": Where.SAME,
    "$defs": Where.ELSEWHERE,
    "definitions": Where.ELSEWHERE,
}

MERGE, SECRET = "x-llmcfg-merge", "x-llmcfg-secret"
EXPIRES, REVIEW_BY, OWNER = "x-llmcfg-expires", "x-llmcfg-review-by", "x-llmcfg-owner"
VARIES = "x-llmcfg-varies"
OWN: Final = (MERGE, SECRET, EXPIRES, REVIEW_BY, OWNER, VARIES)
ANNOTATIONS: Final = frozenset(
    [
        "title",
        "description",
        "default",
        "examples",
        "deprecated",
        "readOnly",
        "writeOnly",
        "$comment",
        "markdownDescription",
        "enumDescriptions",
        "markdownEnumDescriptions",
        "defaultSnippets",
        "deprecationMessage",
        "doNotSuggest",
        "suggestSortText",
    ]
)
"""Keywords that check nothing; the latter ones are read by editors."""

_ALL_DRAFTS: Final = ANNOTATIONS | {
    "$id",
    "$schema",
    "$ref",
    "type",
    "enum",
    "const",
    "multipleOf",
    "maximum",
    "exclusiveMaximum",
    "minimum",
    "exclusiveMinimum",
    "maxLength",
    "minLength",
    "pattern",
    "items",
    "maxItems",
    "minItems",
    "uniqueItems",
    "contains",
    "maxProperties",
    "minProperties",
    "required",
    "properties",
    "patternProperties",
    "additionalProperties",
    "propertyNames",
    "if",
    "then",
    "else",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "format",
    "contentMediaType",
    "contentEncoding",
    "definitions",
}
_SINCE_2019: Final = {
    "$anchor",
    "$defs",
    "$vocabulary",
    "dependentRequired",
    "dependentSchemas",
    "minContains",
    "maxContains",
    "unevaluatedItems",
    "unevaluatedProperties",
    "contentSchema",
}
KNOWN: Final = {
    Draft.D7: _ALL_DRAFTS | {"additionalItems", "dependencies", "$defs"},
    Draft.D2019: _ALL_DRAFTS | _SINCE_2019 | {"additionalItems", "dependencies", "$recursiveRef", "$recursiveAnchor"},
    Draft.D2020: _ALL_DRAFTS | _SINCE_2019 | {"prefixItems", "dependencies", "$dynamicRef", "$dynamicAnchor"},
}
DYNAMIC: Final = frozenset(["$dynamicRef", "$recursiveRef"])
FORMATS: Final = frozenset(
    [
        "date-time",
        "date",
        "time",
        "duration",
        "email",
        "idn-email",
        "hostname",
        "idn-hostname",
        "ipv4",
        "ipv6",
        "uri",
        "uri-reference",
        "iri",
        "iri-reference",
        "uuid",
        "uri-template",
        "json-pointer",
        "relative-json-pointer",
        "regex",
    ]
)


def draft_of(schema: Any) -> Draft | None:
    """The draft that a file says it is written in; 2020-12 when it says none, None when it is not a supported one."""
    said = schema.get("$schema", Draft.D2020.value) if isinstance(schema, dict) else Draft.D2020.value
    return next((draft for draft in Draft if isinstance(said, str) and said.rstrip("#") == draft.value), None)


def children(schema: Any) -> Iterator[Child]:
    """The schemas directly inside a schema, in the order written. Malformed parts are passed over."""
    for keyword, value in schema.items() if isinstance(schema, dict) else ():
        if isinstance(value, list) and (keyword in _LISTS or keyword == "items"):
            where = _LISTS.get(keyword, Where.INSIDE)
            yield from (Child((keyword, index), item, where) for index, item in enumerate(value) if _is_schema(item))
        elif keyword in _ONE and _is_schema(value):
            yield Child((keyword,), value, _ONE[keyword])
        elif keyword in _MAPS and isinstance(value, dict):
            where = _MAPS[keyword]
            yield from (Child((keyword, name), item, where) for name, item in value.items() if _is_schema(item))


def walk(schema: Any, at: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every schema of a file with its path, outermost first."""
    yield at, schema
    for child in children(schema):
        yield from walk(child.schema, (*at, *child.steps))


def put(schema: dict[str, Any], steps: Path, inner: Any) -> None:
    """Set the schema at the `steps` of a `Child` in a shallow copy, without changing what the copy shares with its original."""
    match steps:
        case (str(keyword),):
            schema[keyword] = inner
        case (str(keyword), int(index)):
            schema[keyword] = [*schema[keyword][:index], inner, *schema[keyword][index + 1 :]]
        case (str(keyword), name):
            schema[keyword] = {**schema[keyword], name: inner}
        case _:
            raise AssertionError(steps)


def _is_schema(value: Any) -> bool:
    return isinstance(value, dict | bool)

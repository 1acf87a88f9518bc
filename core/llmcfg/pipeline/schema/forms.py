"""Two weaker forms of a schema: for an overlay, which holds only a part, and for values that still hold references.

`partial` drops what asks for more than is there. `lenient` lets a string with a reference pass whatever judges its text, and a string
that is one `{{config:…}}`, `{{var:…}}` or `{{param:…}}` pass everything, since it stands for a value of any kind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from llmcfg.pipeline.schema.keywords import children, put

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmcfg.pipeline.schema.normal import Definitions, Schema

ASKS_FOR_MORE: Final = frozenset(
    ["required", "minProperties", "dependentRequired", "minItems", "contains", "minContains", "maxContains", "not"]
)
HOLDS_REFERENCE: Final = r"\{\{[ \t]*(secret|config|var|param):"
IS_REFERENCE: Final = r"^\{\{[ \t]*(config|var|param):[^{}]*\}\}$"
_TEXT: Final = ("pattern", "format", "minLength", "maxLength")


def partial(definitions: Definitions) -> dict[str, Schema]:
    return {name: _everywhere(schema, _partial) for name, schema in definitions.items()}


def lenient(definitions: Definitions) -> dict[str, Schema]:
    return {name: _everywhere(schema, _lenient) for name, schema in definitions.items()}


def _everywhere(schema: Schema, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Schema:
    """`schema` with every schema inside it changed, innermost first."""
    if isinstance(schema, bool):
        return schema
    result: dict[str, Any] = dict(schema)
    for child in children(schema):
        put(result, child.steps, _everywhere(child.schema, change))
    return change(result)


def _partial(schema: dict[str, Any]) -> dict[str, Any]:
    """Alternatives of which several may fit half a value become `anyOf`; conditions on what may be absent become alternatives."""
    result = {key: value for key, value in schema.items() if key not in ASKS_FOR_MORE}
    extra: list[Any] = []
    if "oneOf" in result:
        extra.append({"anyOf": result.pop("oneOf")})
    if "if" in result:
        branches = [result.pop(key) for key in ("if", "then", "else") if key in result]
        extra.append({"anyOf": [*branches, True]})
    if extra:
        result["allOf"] = [*result.get("allOf", ()), *extra]
    return result


def _lenient(schema: dict[str, Any]) -> dict[str, Any]:
    text = {key: schema[key] for key in (*_TEXT, "enum", "const") if key in schema}
    kind = {"type": schema["type"]} if "type" in schema else {}
    if not text and not kind:
        return schema
    result = {key: value for key, value in schema.items() if key not in text and key not in kind}
    unless = [
        {"if": {"type": "string", "pattern": pattern}, "else": rest}
        for pattern, rest in ((HOLDS_REFERENCE, text), (IS_REFERENCE, kind))
        if rest
    ]
    return {**result, "allOf": [*schema.get("allOf", ()), *unless]}

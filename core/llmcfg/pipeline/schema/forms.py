"""Two weaker forms of a schema: for an overlay, which holds only a part, and for values that still hold references.

`partial` drops what asks for more than is there. `lenient` lets a string with a reference pass whatever judges its text, and a string
that is one `{{config:…}}`, `{{var:…}}` or `{{param:…}}` pass everything, since it stands for a value of any kind. Nothing inside `not`
and `if` is made lenient: there, passing would refuse more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from llmcfg.pipeline.schema.keywords import SECRET, children, put

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from llmcfg.pipeline.schema.definitions import Definitions, Schema

ASKS_FOR_MORE: Final = frozenset(
    ["required", "minProperties", "dependentRequired", "minItems", "contains", "minContains", "maxContains", "not"]
)
HOLDS_REFERENCE: Final = r"\{\{[ \t]*(secret|config|var|param):"
IS_REFERENCE: Final = r"^\{\{[ \t]*(config|var|param):[^{}]*\}\}$"
_TEXT: Final = ("pattern", "format", "minLength", "maxLength")


def partial(definitions: Definitions) -> dict[str, Schema]:
    return {name: _everywhere(schema, _partial, ("if",)) for name, schema in definitions.items()}


def lenient(definitions: Definitions) -> dict[str, Schema]:
    return {name: _everywhere(schema, _lenient, ("not", "if")) for name, schema in definitions.items()}


def _everywhere(
    schema: Schema, change: Callable[[dict[str, Any]], dict[str, Any]], left: Container[str] = ()
) -> Schema:
    """`schema` with every schema inside it changed, innermost first; what stands under the keywords `left` is left alone."""
    if isinstance(schema, bool):
        return schema
    result: dict[str, Any] = dict(schema)
    for child in children(schema):
        if str(child.steps[0]) not in left:
            put(result, child.steps, _everywhere(child.schema, change, left))
    return change(result)


def _partial(schema: dict[str, Any]) -> dict[str, Any]:
    """Alternatives of which several may fit half a value become `anyOf`; a condition counts where all that it looks at is there."""
    result = {key: value for key, value in schema.items() if key not in ASKS_FOR_MORE}
    extra: list[Any] = []
    if "oneOf" in result:
        extra.append({"anyOf": result.pop("oneOf")})
    if "if" in result:
        branches = [result.pop(key, True) for key in ("then", "else")]
        extra.append({"if": _decided(result.pop("if")), "then": branches[0], "else": {"anyOf": [*branches, True]}})
    if extra:
        result["allOf"] = [*result.get("allOf", ()), *extra]
    return result


def _decided(condition: Schema) -> Schema:
    """The condition, false where a property that it judges is absent."""
    return _everywhere(condition, lambda schema: {**schema, "required": _judged(schema)})


def _judged(schema: dict[str, Any]) -> list[str]:
    return list(dict.fromkeys([*schema.get("required", ()), *schema.get("properties", ())]))


def _lenient(schema: dict[str, Any]) -> dict[str, Any]:
    text = {key: schema[key] for key in (*_TEXT, "enum", "const") if key in schema}
    kind = {key: schema[key] for key in ("type", SECRET) if key in schema}
    if not text and not kind:
        return schema
    result = {key: value for key, value in schema.items() if key not in text and key not in kind}
    unless = [
        {"if": {"type": "string", "pattern": pattern}, "else": rest}
        for pattern, rest in ((HOLDS_REFERENCE, text), (IS_REFERENCE, kind))
        if rest
    ]
    return {**result, "allOf": [*schema.get("allOf", ()), *unless]}

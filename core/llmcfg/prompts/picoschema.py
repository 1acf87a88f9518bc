"""Picoschema, the short form of JSON Schema in Dotprompt files: `name?: string, what it is`, `tags(array): string`, `mood(enum): [a, b]`.

Source: the specification of Dotprompt, "Picoschema". A mapping that is JSON Schema already stays as it is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmcfg.prompts.record import Variable

SCALARS: Final = ("string", "number", "integer", "boolean", "null", "any")
_KEY: Final = re.compile(r"(?P<name>[^?(]+)(?P<optional>\?)?(?:\((?P<kind>\w+)(?:,\s*(?P<said>.*))?\))?", re.DOTALL)
_WHOLE: Final = ("object", "array", *SCALARS)


class PicoschemaError(Exception):
    """A schema is neither Picoschema nor JSON Schema."""


def to_json_schema(schema: Any) -> dict[str, Any]:
    """Raises PicoschemaError."""
    if isinstance(schema, dict) and (
        schema.get("type") in _WHOLE or "$schema" in schema or isinstance(schema.get("properties"), dict)
    ):
        return schema
    return _node(schema)


def _node(schema: Any) -> dict[str, Any]:
    if isinstance(schema, str):
        return _scalar(schema)
    if isinstance(schema, dict):
        return _object(schema)
    raise PicoschemaError(f"{schema!r} is no type")


def _scalar(text: str) -> dict[str, Any]:
    kind, _, said = text.partition(",")
    if kind.strip() not in SCALARS:
        raise PicoschemaError(f"{kind.strip()!r} is no type; there are {', '.join(SCALARS)}")
    found: dict[str, Any] = {} if kind.strip() == "any" else {"type": kind.strip()}
    return {**found, "description": said.strip()} if said.strip() else found


def _object(schema: Mapping[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    required: list[str] = []
    found: dict[str, Any] = {"type": "object", "properties": properties}
    for key, value in schema.items():
        match = _KEY.fullmatch(key)
        if key == "(*)":
            found["additionalProperties"] = _node(value)
        elif match is None:
            raise PicoschemaError(f"{key!r} is no name of a field")
        else:
            name = match["name"].strip()
            properties[name] = _field(match["kind"], (match["said"] or "").strip(), value)
            required += [] if match["optional"] else [name]
    found.setdefault("additionalProperties", False)
    return {**found, "required": required} if required else found


def _field(kind: str | None, said: str, value: Any) -> dict[str, Any]:
    match kind:
        case None:
            found = _node(value)
        case "array":
            found = {"type": "array", "items": _node(value)}
        case "object":
            found = _node(value)
        case "enum" if isinstance(value, list):
            found = {"enum": value}
        case _:
            raise PicoschemaError(f"{kind!r} is no kind of field; there are array, object and enum")
    return {**found, "description": said} if said else found


def picoschema_of(variables: Mapping[str, Variable]) -> dict[str, Any]:
    """The input schema that declares these variables."""
    return dict(_declared(variable) for variable in variables.values())


def _declared(variable: Variable) -> tuple[str, Any]:
    name = variable.name if variable.required and not variable.has_default else f"{variable.name}?"
    said = f", {variable.description}" if variable.description else ""
    if variable.enum:
        return f"{name}(enum{said})", list(variable.enum)
    match variable.type:
        case "list":
            return f"{name}(array{said})", "any"
        case "object":
            return f"{name}(object{said})", {"(*)": "any"}
        case kind:
            return name, f"{kind}{said}"

"""JSON Schemas of records, from their tables of fields. The files in `schemas/` are what this makes of them; a test compares.

They are open: a document may say more than any program here reads. Every field may be null, which says that it is not set.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from llmcfg.llm.records.fields import RECORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from llmcfg.llm.records.fields import Field, Record

_TYPES: Final = {"text": "string", "secret": "string", "number": "number", "count": "integer", "flag": "boolean"}


def schema_of(record: Record) -> dict[str, Any]:
    """The schema of a document of these records: one record, or several by name where the record says so."""
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": record.title,
        "description": record.meaning,
    }
    one = _mapping(record.fields)
    if not record.marks:
        return {**head, "type": "object", **one}
    return {
        **head,
        "type": "object",
        "if": {"anyOf": [{"required": [mark]} for mark in record.marks]},
        "then": {"$ref": "#/$defs/record"},
        "else": {"additionalProperties": {"$ref": "#/$defs/record"}},
        "$defs": {"record": one},
    }


def schema_files() -> Mapping[str, str]:
    """The text of every schema by the name of its file."""
    return {
        f"{record.name}.schema.json": json.dumps(schema_of(record), indent=2, ensure_ascii=False) + "\n"
        for record in RECORDS
    }


def _mapping(fields: Iterable[Field]) -> dict[str, Any]:
    return {"properties": {field.name: _field(field) for field in fields}, "additionalProperties": True}


def _field(field: Field) -> dict[str, Any]:
    described = {"description": field.meaning}
    match field.kind:
        case "free":
            return described
        case "texts":
            return {**described, "type": ["array", "string", "null"], "items": {"type": ["string", "number"]}}
        case "record":
            return {**described, "type": ["object", "null"], **_mapping(field.fields)}
        case "named":
            one = {"type": ["object", "null"], **_mapping(field.fields)}
            return {**described, "type": ["object", "null"], "additionalProperties": one}
        case "list":
            one = {"type": ["object", "string"], **_mapping(field.fields)}
            return {**described, "type": ["array", "null"], "items": one}
        case _:
            closed = {"enum": [*field.choices, None]} if field.choices else {}
            least = {"minimum": 0} if field.kind in ("count", "number") else {}
            return {**described, "type": [_TYPES[field.kind], "null"], **least, **closed}

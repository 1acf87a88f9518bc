"""Every field of a prompt, in one place: JSON Schemas are written from it, and docs/spec/prompts.md is checked against it.

`python -m tests.prompts.update` writes `schemas/` from it, and a test compares them.
"""

from __future__ import annotations

from typing import Any, Final

from llmcfg.prompts.file import ROLES
from llmcfg.prompts.record import TYPES
from llmcfg.prompts.syntax import ENGINES

Schema = dict[str, Any]

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_VERSION_NUMBER: Final = r"^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$"
_ANY: Final = ["string", "integer", "number", "boolean", "array", "object"]


def _text(description: str, **more: Any) -> Schema:
    return {"description": description, "type": "string", **more}


def _closed(description: str, required: list[str], properties: Schema) -> Schema:
    found: Schema = {"description": description, "type": "object"}
    if required:
        found["required"] = required
    return {**found, "properties": properties, "additionalProperties": False}


def _list(description: str, items: Schema, **more: Any) -> Schema:
    return {"description": description, "type": "array", "items": items, **more}


def _free(description: str) -> Schema:
    return {"description": description, "type": "object", "additionalProperties": True}


VARIABLE: Final[Schema] = {
    "type": {"description": "Its type.", "enum": list(TYPES)},
    "required": {"description": "Whether it must be given. Default: false.", "type": "boolean"},
    "default": {"description": "What it is when it is not given.", "type": _ANY},
    "max_chars": {"description": "The longest text that it takes.", "type": "integer", "minimum": 1},
    "enum": _list("The values that it takes.", {"type": ["string", "integer", "number"]}, minItems=1),
    "sensitive": {"description": "It holds what must not be in the repository. Default: false.", "type": "boolean"},
    "untrusted": {"description": "It comes from outside and must not be in a system message. Default: false.", "type": "boolean"},
    "description": _text("What it is."),
}  # fmt: skip

TEST: Final[Schema] = {
    "name": _text("What it shows."),
    "variables": _free("Values of the variables."),
    "contains": _list("Texts that must be in what is rendered.", {"type": "string"}),
    "lacks": _list("Texts that must not be in it.", {"type": "string"}),
    "max_tokens": {
        "description": "How many tokens it may have, by four characters a token.",
        "type": "integer",
        "minimum": 1,
    },
}

VERSION: Final[Schema] = {
    "status": {"description": "How far it is.", "enum": ["draft", "candidate", "released", "retired"]},
    "changelog": _text("What is new."),
    "owner": _text("Who answers for this version."),
    "engine": {"description": "The template engine of its messages. Default: jinja.", "enum": list(ENGINES)},
    "messages": _list(
        "What is sent. In a file of its own they stand below the YAML.",
        _closed("One message.", ["role", "content"], {
            "role": {"description": "Who speaks.", "enum": list(ROLES)},
            "content": _text("The text, with variables in it.", **{"x-llmcfg-secret": False}),
        }),
        minItems=1,
    ),
    "variables": {
        "description": "What an application fills in.",
        "type": "object",
        "additionalProperties": _closed("One variable.", ["type"], VARIABLE),
    },
    "output_schema": _free("JSON Schema of the answer."),
    "max_prompt_tokens": {"description": "Budget of the filled prompt.", "type": "integer", "minimum": 1},
    "models_tested": _list("Logical models that it was tested with.", {"type": "string"}, minItems=1),
    "tests": _list("What `llmcfg prompt test` renders and compares.", _closed("One test.", [], TEST)),
}  # fmt: skip

INDEX: Final[Schema] = {
    "id": _text("Its name in telemetry and for services.", pattern="^[a-z0-9]+(-[a-z0-9]+)*$"),
    "owner": _text("Team that answers for it."),
    "description": _text("What it does."),
    "current": _text("The version that applications use. An overlay of an environment promotes another one."),
    "released": {
        "description": "The hash of each version that was released. `llmcfg prompt release` writes it.",
        "type": "object",
        "propertyNames": {"pattern": _VERSION_NUMBER},
        "additionalProperties": {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"},
    },
    "versions": {
        "description": "Versions by their number, for a prompt without files for them.",
        "type": "object",
        "minProperties": 1,
        "propertyNames": {"pattern": _VERSION_NUMBER},
        "additionalProperties": _closed(
            "One version. A released version is never edited.", ["status", "messages"], VERSION
        ),
    },
}


def index_schema() -> Schema:
    """Of a document `prompts/…`."""
    return {
        "$schema": _DIALECT,
        "title": "Prompt",
        **_closed("A prompt: its current version, and what was released.", ["id"], INDEX),
    }


def version_schema() -> Schema:
    """Of a document `prompts/…/versions/…`."""
    said = _closed("One version of a prompt. A released version is never edited.", ["status", "messages"], VERSION)
    return {"$schema": _DIALECT, "title": "Version of a prompt", **said}


SCHEMAS: Final = {"prompt.schema.json": index_schema, "prompt-version.schema.json": version_schema}
"""By their names under `schemas/`."""

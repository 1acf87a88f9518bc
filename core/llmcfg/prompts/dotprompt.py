"""Dotprompt files (`.prompt`: YAML, then Handlebars) to versions and back. What cannot be carried over is named."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from llmcfg.documents.loader import load_document
from llmcfg.documents.writer import write_yaml
from llmcfg.errors import FindingsError, UsageError
from llmcfg.model.findings import finding_from
from llmcfg.prompts.picoschema import PicoschemaError, picoschema_of, to_json_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from llmcfg.model.value import Value
    from llmcfg.prompts.record import Message, Version

_FILE: Final = re.compile(
    r"\A(?:#[^\n]*\n|\s*\n)*---[ \t]*\r?\n(?P<head>.*?)^---[ \t]*(?:\r?\n|\Z)(?P<body>.*)\Z", re.DOTALL | re.MULTILINE
)
_ROLE: Final = re.compile(r"\{\{~?\s*role\s+[\"'](?P<role>\w+)[\"']\s*~?\}\}")
_OTHER: Final = re.compile(
    r"\{\{~?[#>]?\s*(?P<name>history|media|section|json)\b[^}]*\}\}|\{\{>\s*(?P<partial>[\w-]+)[^}]*\}\}"
)
_ROLES: Final = {"system": "system", "user": "user", "model": "assistant", "assistant": "assistant"}
_TYPES: Final = {"array": "list", "object": "object"}
_CARRIED: Final = frozenset({"name", "description", "input", "output"})
_WHY: Final = {
    "model": "the route of the service decides which model answers",
    "config": "the model's record decides its parameters",
    "tools": "tools belong to the program",
    "toolDefs": "tools belong to the program",
    "maxTurns": "tools belong to the program",
    "variant": "make it a version of its own",
}


class Imported(NamedTuple):
    """A version as fields and messages, and what was left out with the reason."""

    name: str
    description: str
    fields: dict[str, Value]
    messages: tuple[tuple[str, str], ...]
    left_out: tuple[str, ...]


class Exported(NamedTuple):
    text: str
    left_out: tuple[str, ...]


def import_dotprompt(content: bytes, file: str) -> Imported:
    """Raises FindingsError for YAML that cannot be read, UsageError for a template that says what no version can."""
    text = content.decode("utf-8", "replace").removeprefix("\ufeff")
    match = _FILE.match(text)
    head: dict[str, Any] = {}
    if match is not None and match["head"].strip():
        above = text.count("\n", 0, match.start("head"))
        document, problems = load_document(
            b"\n" * above + match["head"].encode()
        )  # so that lines are those of the file
        if document is None:
            found = [finding_from(problem, file) for problem in problems]
            raise FindingsError(f"{file} cannot be taken over", findings=found)
        head = document.value
    body = match["body"] if match is not None else text
    left_out: list[str] = []
    fields = _fields(head, left_out)
    messages = tuple(_messages(_without_others(body, left_out, file), left_out))
    return Imported(_text(head, "name"), _text(head, "description"), fields, messages, tuple(left_out))


def _fields(head: Mapping[str, Any], left_out: list[str]) -> dict[str, Value]:
    for key in head:
        if key not in _CARRIED:
            left_out.append(f"{key}: {_WHY.get(key, 'no field of a version says it')}")
    given, output = head.get("input"), head.get("output")
    fields: dict[str, Value] = {"status": "draft", "engine": "handlebars", "variables": _variables(given, left_out)}
    if isinstance(output, dict) and "schema" in output:
        fields["output_schema"] = _schema("output.schema", output["schema"], left_out)
    elif isinstance(output, dict) and output:
        left_out.append("output.format: only an output with a schema is carried over")
    return fields


def _variables(given: Any, left_out: list[str]) -> dict[str, Value]:
    said = given if isinstance(given, dict) else {}
    schema = _schema("input.schema", said["schema"], left_out) if "schema" in said else {}
    defaults = said.get("default") if isinstance(said.get("default"), dict) else {}
    assert isinstance(defaults, dict)
    properties: dict[str, Any] = schema.get("properties", {}) if isinstance(schema.get("properties"), dict) else {}
    required = schema.get("required", [])
    found: dict[str, Value] = {
        name: _variable(name, each, name in required and name not in defaults, left_out)
        for name, each in properties.items()
        if isinstance(each, dict)
    }
    for name, value in defaults.items():
        known = found.setdefault(name, {"type": _type_of(value), "required": False})
        assert isinstance(known, dict)
        known["default"] = value
    return found


def _variable(name: str, schema: Mapping[str, Any], is_required: bool, left_out: list[str]) -> dict[str, Value]:
    kind = schema.get("type", "string")
    found: dict[str, Value] = {
        "type": _TYPES.get(kind, kind) if isinstance(kind, str) else "string",
        "required": is_required,
    }
    if isinstance(schema.get("enum"), list):
        found["enum"] = schema["enum"]
    if isinstance(schema.get("maxLength"), int):
        found["max_chars"] = schema["maxLength"]
    if isinstance(schema.get("description"), str):
        found["description"] = schema["description"]
    if "items" in schema or "properties" in schema:
        left_out.append(f"input.schema of {name}: what is inside of a list or an object is not declared")
    return found


def _schema(where: str, schema: Any, left_out: list[str]) -> dict[str, Any]:
    try:
        return to_json_schema(schema)
    except PicoschemaError as error:
        left_out.append(f"{where}: {error}")
        return {}


def _without_others(body: str, left_out: list[str], file: str) -> str:
    """The template without `{{history}}`. Raises UsageError for what a message cannot hold."""
    for match in _OTHER.finditer(body):
        if match["name"] != "history":
            raise UsageError(
                f"{file} uses {match[0]}, which no version can say",
                hint="write the partial's text into the file" if match["partial"] else "leave that to the program",
            )
    if any(match["name"] == "history" for match in _OTHER.finditer(body)):
        left_out.append("{{history}}: the program puts earlier messages between those of the prompt")
    return _OTHER.sub("", body)


def _messages(body: str, left_out: list[str]) -> Iterator[tuple[str, str]]:
    role, at = "user", 0
    pieces: list[tuple[str, str]] = []
    for match in _ROLE.finditer(body):
        pieces.append((role, body[at : match.start()]))
        role, at = match["role"], match.end()
    for said, text in [*pieces, (role, body[at:])]:
        if text.strip() and said not in _ROLES:
            left_out.append(f"the message of {said}: there are system, user and assistant")
        elif text.strip():
            yield _ROLES[said], text.strip()


def _text(head: Mapping[str, Any], name: str) -> str:
    value = head.get(name)
    return value if isinstance(value, str) else ""


def _type_of(value: object) -> str:
    match value:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case list():
            return "list"
        case dict():
            return "object"
        case _:
            return "string"


def export_dotprompt(name: str, version: Version, description: str, to_handlebars: Callable[[str], str]) -> Exported:
    """The file for a version. `to_handlebars` writes the text of a message in Handlebars; it raises UsageError for one that cannot be."""
    left_out: list[str] = []
    head: dict[str, Value] = {"name": name}
    if description:
        head["description"] = description
    given: dict[str, Value] = {}
    if version.variables:
        given["schema"] = picoschema_of(version.variables)
    defaults = {variable.name: variable.default for variable in version.variables.values() if variable.has_default}
    if defaults:
        given["default"] = defaults
    if given:
        head["input"] = given
    if "output_schema" in version.value:
        head["output"] = {"format": "json", "schema": version.value["output_schema"]}
    left_out += _not_exported(version)
    return Exported(f"---\n{write_yaml(head)}---\n{_body(version, to_handlebars)}", tuple(left_out))


def _not_exported(version: Version) -> Iterator[str]:
    known = {"status", "engine", "messages", "variables", "output_schema"}
    yield from (f"{key}: Dotprompt has no such field" for key in version.value if key not in known)
    for variable in version.variables.values():
        said = [
            ("max_chars", variable.max_chars),
            ("untrusted", variable.is_untrusted),
            ("sensitive", variable.is_sensitive),
        ]
        yield from (f"variables.{variable.name}.{key}: Dotprompt has no such field" for key, value in said if value)


def _body(version: Version, to_handlebars: Callable[[str], str]) -> str:
    """The messages, each after its role. One message of the user needs none."""
    texts = [(message, to_handlebars(message.content)) for message in version.messages]
    if len(texts) == 1 and texts[0][0].role == "user":
        return texts[0][1].strip("\n") + "\n"
    return "".join(f'{{{{role "{_role(message)}"}}}}\n{text.strip()}\n' for message, text in texts)


def _role(message: Message) -> str:
    return "model" if message.role == "assistant" else message.role

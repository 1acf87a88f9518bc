"""Does a rendered file parse as the format it is for? The programs that read it are strangers, so any valid YAML is fine here."""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from llmcfg import limits
from llmcfg.pipeline.templates.plain import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_CREDENTIAL: Final = re.compile(
    r"((?:key|token|secret|passw(?:or)?d|credentials?)\b[\"']?\s*[:=]\s*)(?!['\"]?\{\{secret:).+", re.IGNORECASE
)
_ENV_NAME: Final = re.compile(r"(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)=")
_ENV_VALUE: Final = re.compile(r"(?:'[^']*'|\"(?:[^\"\\]|\\.)*\"|\\.|[^'\"\\\n])*", re.DOTALL)
_NO_TEXT: Final = re.compile("[\0\ud800-\udfff]")
_NOT_TEXT: Final = re.compile(r"[-+.0-9]|(?:true|false|yes|no|on|off|null|~|=|<<)?$", re.IGNORECASE)
_QUOTED_CHARACTERS: Final = 80
_NAMES: Final = {"yaml": "YAML", "json": "JSON", "toml": "TOML", "env": "an env file", "text": "text"}
_HINTS: Final = {
    "yaml": "write values through | to_yaml, | to_json or | quote",
    "json": "write values through | to_json",
    "toml": "write values through | to_toml or | quote",
    "env": "write values through | env_quote",
    "text": "encode bytes with | b64",
}


class OutputFault(NamedTuple):
    """Where (a line of the output, from 1) and why a rendered file does not parse."""

    line: int
    message: str
    hint: str = ""


class _FaultError(Exception):
    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line


def find_output_fault(text: str, format: str) -> OutputFault | None:
    try:
        _check_characters(text)
        _PARSERS[format](text)
    except _FaultError as fault:
        return _fault(text, format, fault.line, str(fault))
    except RecursionError:
        return _fault(text, format, 1, "it is nested too deep")
    return None


def _fault(text: str, format: str, line: int, reason: str) -> OutputFault:
    """Readers that miss something tell the end of the file; the last line with text says more."""
    lines = text.split("\n")
    line = min(line, len(lines))
    while line > 1 and not lines[line - 1].strip():
        line -= 1
    shown = one_line(_CREDENTIAL.sub(r"\1***", lines[line - 1]), _QUOTED_CHARACTERS)
    message = f"the rendered file is not {_NAMES[format]}: {reason} (its line {line}: {shown})"
    return OutputFault(line, message, _HINTS[format])


def _check_characters(text: str) -> None:
    found = _NO_TEXT.search(text)
    if found is not None:
        name = "NUL" if found[0] == "\0" else "half of a surrogate pair"
        raise _FaultError(text.count("\n", 0, found.start()) + 1, f"it holds the character {name}")


def _check_yaml(text: str) -> None:
    import yaml

    try:
        _check_yaml_events(yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _FaultError(
            mark.line + 1 if mark else 1, " ".join(filter(None, (error.context, error.problem)))
        ) from error
    except yaml.YAMLError as error:
        raise _FaultError(1, str(error).splitlines()[0]) from error


class _Open:
    """A mapping or sequence that has begun. `keys` are a mapping's scalar keys so far; `at_key` says whether a key comes next."""

    __slots__ = ("at_key", "is_mapping", "keys")

    def __init__(self, is_mapping: bool) -> None:
        self.is_mapping = is_mapping
        self.at_key = is_mapping
        self.keys: set[tuple[bool, str]] = set()


def _check_yaml_events(events: Iterable[Any]) -> None:
    """Depth, aliases and duplicate keys, in one pass over the events."""
    from yaml import events as kinds

    around: list[_Open] = []
    anchors: set[str] = set()
    aliases = 0
    for event in events:
        kind = type(event)
        if kind in (kinds.MappingEndEvent, kinds.SequenceEndEvent):
            around.pop()
            continue
        if kind is kinds.DocumentStartEvent:
            anchors.clear()
        if not issubclass(kind, kinds.NodeEvent):
            continue
        inside = around[-1] if around else None
        if inside is not None and inside.is_mapping:
            if inside.at_key and kind is kinds.ScalarEvent:
                _check_yaml_key(event, inside.keys)
            inside.at_key = not inside.at_key
        if kind is kinds.AliasEvent:
            aliases += 1
            _check_yaml_alias(event, anchors, aliases)
            continue
        if event.anchor:
            anchors.add(event.anchor)
        if kind is not kinds.ScalarEvent:
            around.append(_Open(kind is kinds.MappingStartEvent))
            if len(around) > limits.DOCUMENT_DEPTH:
                raise _FaultError(event.start_mark.line + 1, f"it is nested deeper than {limits.DOCUMENT_DEPTH}")


def _check_yaml_alias(event: Any, anchors: set[str], aliases: int) -> None:
    line = event.start_mark.line + 1
    if event.anchor not in anchors:
        raise _FaultError(line, f"the alias {event.anchor!r} names no anchor")
    if aliases > limits.DOCUMENT_ALIASES:
        raise _FaultError(line, f"it uses more than {limits.DOCUMENT_ALIASES} aliases")


def _check_yaml_key(event: Any, keys: set[tuple[bool, str]]) -> None:
    """Quoted keys are text; what a plain one is depends on its form, so `1` and `"1"` are two keys and `a` and `"a"` are one."""
    key = bool(event.implicit[0]) and _NOT_TEXT.match(event.value) is not None, event.value
    if key in keys:
        raise _FaultError(event.start_mark.line + 1, f"the key {event.value!r} stands there twice")
    keys.add(key)


def _check_json(text: str) -> None:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = set[str]()
        for key, _ in pairs:
            if key in keys:
                raise _FaultError(
                    _line_of(text, json.dumps(key, ensure_ascii=False)), f"the key {key!r} stands there twice"
                )
            keys.add(key)
        return dict(pairs)

    def no_constant(name: str) -> None:
        raise _FaultError(_line_of(text, name), f"{name} is no JSON number")

    try:
        json.loads(text, object_pairs_hook=unique, parse_constant=no_constant)
    except json.JSONDecodeError as error:
        raise _FaultError(error.lineno, error.msg) from error


def _line_of(text: str, part: str) -> int:
    """The line of the last place where `part` stands; 1 if nowhere."""
    return text.count("\n", 0, max(0, text.rfind(part))) + 1


def _check_toml(text: str) -> None:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r" \(at line (\d+), column \d+\)$| \(at end of document\)$", str(error))
        line = int(place[1]) if place and place[1] else text.count("\n") + 1
        raise _FaultError(line, str(error)[: place.start()] if place else str(error)) from error


def _check_env(text: str) -> None:
    """NAME=value lines; a quoted value may run over several lines."""
    names: set[str] = set()
    at = 0
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        line = text.count("\n", 0, at) + 1
        if not text[at:end].strip() or text[at:end].lstrip().startswith("#"):
            at = end + 1
            continue
        name = _ENV_NAME.match(text, at)
        if name is None:
            raise _FaultError(line, "a line is NAME=value, with a name of letters, digits and _")
        if name[1] in names:
            raise _FaultError(line, f"the variable {name[1]} stands there twice")
        names.add(name[1])
        value = _ENV_VALUE.match(text, name.end())
        at = value.end() if value else name.end()
        if at < len(text) and text[at] != "\n":
            raise _FaultError(line, "a quote is not closed")
        at += 1


_PARSERS: Final[dict[str, Callable[[str], None]]] = {
    "yaml": _check_yaml,
    "json": _check_json,
    "toml": _check_toml,
    "env": _check_env,
    "text": lambda _text: None,
}

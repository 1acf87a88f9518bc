"""What templates compute, taken as configuration values or as text. What is neither is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from jinja2.runtime import Undefined

from llmcfg.model.value import kind_of

if TYPE_CHECKING:
    from llmcfg.model.value import Value

_NOT_IN_YAML: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


class RefusedError(Exception):
    """A value cannot be written; `rule` is the finding's."""

    def __init__(self, message: str, *, hint: str = "", rule: str = "template-failed") -> None:
        super().__init__(message)
        self.hint = hint
        self.rule = rule


def plain(value: Any) -> Value:
    """`value` as configuration: results of `map` and the like become lists."""
    match value:
        case Undefined():
            return str(value)  # raises what the undefined value raises
        case None | bool() | int() | float():
            return value
        case str():
            return str(value)
        case bytes():
            raise RefusedError("bytes have no text of their own", hint="write | b64")
        case dict():
            return {_key(key): plain(item) for key, item in value.items()}
        case Iterable():
            return [plain(item) for item in value]
        case _:
            raise RefusedError("a function or an object of the template is no configuration value", hint="call it")


def text_of(value: Any) -> str:
    """A scalar as configuration formats write it."""
    match value:
        case bool():
            return "true" if value else "false"
        case str() | int() | float() | Undefined():
            return str(value)
        case None:
            raise RefusedError("null has no text of its own", hint="write | default(..., true), or | to_json for null")
        case dict() | list() | tuple():
            kind = kind_of(plain(value))
            raise RefusedError(f"a {kind} has no text of its own", hint="write | to_yaml, | to_json or | join")
        case _:
            raise RefusedError("a function or an object of the template has no text", hint="call it, or write | list")


def double_quoted(text: str) -> str:
    """A double-quoted string that YAML, JSON and TOML read alike."""
    return _NOT_IN_YAML.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(text, ensure_ascii=False))


def one_line(text: str, characters: int) -> str:
    """`text` for a message: no line breaks, no characters that a terminal obeys, not too long."""
    text = "".join(each if each.isprintable() else ascii(each)[1:-1] for each in " ".join(text.split()))
    return text if len(text) <= characters else text[: characters - 1] + "…"


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise RefusedError(f"the key {key!r} is not a text", hint="quote it")
    return str(key)

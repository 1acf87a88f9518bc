"""Strict YAML text for values that go into the middle of existing text, and whether existing text is strict already."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from llmcfg.documents.scalars import quoted, resolve_plain
from llmcfg.documents.writer import block_lines, format_scalar

if TYPE_CHECKING:
    from llmcfg.model.value import Scalar, Value

_BARE_IN_FLOW = re.compile(r"[A-Za-z][A-Za-z0-9_./@+-]*(?: [A-Za-z0-9_./@+-]+)*")
_UNDERSCORED_NUMBER = re.compile(r"[-+]?_+[0-9.].*")  # text to libyaml, a number to other readers


def has_same_meaning(text: str, value: Scalar) -> bool:
    """Whether all strict readers take the plain scalar `text` for `value`, as YAML 1.1 readers did."""
    strict = resolve_plain(text)
    return type(strict) is type(value) and strict == value and not _UNDERSCORED_NUMBER.fullmatch(text)


def flow_text(value: Value) -> str:
    """The value on one line, as it can stand anywhere."""
    match value:
        case dict():
            return "{" + ", ".join(f"{flow_text(key)}: {flow_text(item)}" for key, item in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(flow_text, value)) + "]"
        case str():
            return value if _BARE_IN_FLOW.fullmatch(value) and has_same_meaning(value, value) else quoted(value)
        case tuple():
            raise TypeError("imported values have no merge tags")
        case _:
            return format_scalar(value)


def block_text(value: dict[str, Value], column: int) -> str:
    """A mapping in block style that begins at `column` (from 0), without the indentation of its first line."""
    indent = " " * column
    return "\n".join(indent + line if line else "" for line in block_lines(value)).lstrip(" ")

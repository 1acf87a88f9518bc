"""Writes a value as YAML in block style: deterministic, in the order of the keys, multi-line text as literal blocks.

What is written is plain to every YAML reader, and `load_document` reads the same value back.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from llmcfg.documents.scalars import EXACT_INTEGER, quoted, resolve_plain
from llmcfg.errors import UsageError
from llmcfg.model.value import Tagged

if TYPE_CHECKING:
    from llmcfg.model.value import Scalar, Value


def write_yaml(value: Value) -> str:
    """The document that holds `value`. Raises UsageError for a number that no document may hold."""
    if isinstance(value, dict | list) and value:
        return "\n".join(block_lines(value)) + "\n"
    return _inline(value) + "\n"


def format_scalar(value: Scalar) -> str:
    """A scalar on one line: plain where every reader takes it alike, in double quotes otherwise."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            if abs(value) > EXACT_INTEGER:
                raise UsageError(f"{value} is beyond 2^53 and has no exact JSON form", hint="give it as text")
            return str(value)
        case float():
            return _format_float(value)
        case str():
            return value if is_plain(value) else quoted(value)


def flow_text(value: Value) -> str:
    """`value` on one line, collections in brackets."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{format_scalar(key)}: {flow_text(child)}" for key, child in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow_text(child) for child in value) + "]"
    return _inline(value)


def is_plain(text: str) -> bool:
    """Whether `text` can stand without quotes, as a key or value, in block and in flow style."""
    return _PLAIN.fullmatch(text) is not None and resolve_plain(text) == text


def block_lines(value: dict[str, Value] | list[Value]) -> list[str]:
    """The lines of a collection that is not empty, from column 1, without line breaks."""
    if isinstance(value, dict):
        return [line for key, child in value.items() for line in entry_lines(f"{format_scalar(key)}:", child)]
    return [line for child in value for line in entry_lines("-", child)]


def entry_lines(introduction: str, value: Value) -> list[str]:
    """The lines of a mapping entry (`key:`) or list item (`-`)."""
    if isinstance(value, Tagged):
        return (
            entry_lines(f"{introduction} {value.tag}", value.value)
            if value.value is not None
            else [f"{introduction} {value.tag}"]
        )
    if isinstance(value, str) and (literal := literal_lines(value)) is not None:
        return [f"{introduction} {literal[0]}", *literal[1:]]
    if not isinstance(value, dict | list) or not value:
        return [f"{introduction} {_inline(value)}"]
    lines = [f"  {line}" if line else "" for line in block_lines(value)]
    if introduction == "-":
        return [f"- {lines[0][2:]}", *lines[1:]]
    return [introduction, *lines]


def literal_lines(text: str) -> list[str] | None:
    """The header and lines of a literal block, indented by two; None for text that needs quotes."""
    body = text.rstrip("\n")
    if "\n" not in text or not body:
        return None
    lines = body.split("\n")
    if not lines[0] or lines[0][0] == " " or any(not _is_literal(line) for line in lines):
        return None
    trailing = len(text) - len(body)
    chomping = ("-", "", "+")[min(trailing, 2)]
    return [f"|{chomping}", *(f"  {line}" if line else "" for line in lines), *[""] * (trailing - 1)]


def _is_literal(line: str) -> bool:
    return (
        not line
        or (line[0] not in " \t" and line.replace("\t", " ").isprintable())
        or _INDENTED.fullmatch(line) is not None
    )


def _inline(value: Value) -> str:
    if isinstance(value, dict):
        return "{}"
    if isinstance(value, list):
        return "[]"
    if isinstance(value, Tagged):
        return f"{value.tag} {_inline(value.value)}"
    return format_scalar(value)


def _format_float(value: float) -> str:
    if not math.isfinite(value) or abs(value) >= EXACT_INTEGER:
        raise UsageError(f"{value} has no exact JSON form", hint="give it as text")
    return str(int(value)) if value.is_integer() else format(Decimal(repr(value)), "f")


_PLAIN: Final = re.compile(r"[A-Za-z0-9_/$](?:[A-Za-z0-9_./@$+()=-]|:(?=[^ ])| (?=[A-Za-z0-9_/(]))*(?<!:)")
_INDENTED: Final = re.compile(r" +[!-~][ -~]*")

"""Strict YAML text for values: what readers of YAML 1.1 and 1.2 take alike."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from llmcfg.documents.scalars import quoted, resolve_plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.model.value import Scalar, Value

_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_./@+-]*(?: [A-Za-z0-9_./@+-]+)*")


def scalar_text(value: Scalar) -> str:
    """The one-line text of a scalar; a string stands without quotes only where nothing could be taken for anything else."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return _float_text(value)
        case _:
            return value if _BARE.fullmatch(value) and has_same_meaning(value, value) else quoted(value)


def has_same_meaning(text: str, value: Scalar) -> bool:
    """Whether strict readers take the plain scalar `text` for `value`, as YAML 1.1 readers did."""
    strict = resolve_plain(text)
    return type(strict) is type(value) and strict == value


def flow_text(value: Value) -> str:
    """The value on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{scalar_text(key)}: {flow_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow_text(item) for item in value) + "]"
    assert not isinstance(value, tuple), "imported values have no merge tags"
    return scalar_text(value)


def block_lines(value: dict[str, Value], indent: str = "") -> Iterator[str]:
    """A mapping in block style, line by line, each behind `indent`."""
    for key, item in value.items():
        if isinstance(item, dict | list) and item:
            yield f"{indent}{scalar_text(key)}:"
            yield from _nested_lines(item, indent + "  ")
        else:
            yield f"{indent}{scalar_text(key)}: {flow_text(item)}"


def _nested_lines(value: dict[str, Value] | list[Value], indent: str) -> Iterator[str]:
    if isinstance(value, dict):
        yield from block_lines(value, indent)
        return
    for item in value:
        if isinstance(item, dict | list) and item:
            first, *rest = _nested_lines(item, indent + "  ")
            yield f"{indent}- {first.lstrip(' ')}"
            yield from rest
        else:
            yield f"{indent}- {flow_text(item)}"


def _float_text(value: float) -> str:
    text = format(Decimal(repr(value)), "f")
    return text if "." in text else f"{text}.0"

"""Configuration values as text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from llmcfg.model.change import ABSENT
from llmcfg_cli.views.text import exact_lines, visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.model.change import Side
    from llmcfg.model.value import Value

_INLINE = 72


def scalar_text(value: Value) -> str:
    """A scalar as programs expect it on stdout: text without quotes."""
    return exact_lines(value) if isinstance(value, str) else json.dumps(value)


def yaml_text(value: Value) -> str:
    from llmcfg.documents.writer import write_yaml

    return exact_lines(write_yaml(value))


def inline(value: Side, limit: int | None = None) -> str:
    """A value on one line, in JSON so that its kind shows; cut to `limit` characters."""
    if value is ABSENT:
        return ""
    text = visible(json.dumps(value, ensure_ascii=False))
    return text if limit is None or len(text) <= limit else text[: limit - 1] + "…"


def tree_text(title: str, value: Value, depth: int) -> str:
    return "\n".join([visible(title), *_branches(value, "", depth)])


def _branches(value: Value, indent: str, depth: int) -> Iterator[str]:
    items: list[tuple[str, Value]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = [(f"[{index}]", item) for index, item in enumerate(value)]
    for number, (name, item) in enumerate(items):
        last = number == len(items) - 1
        stem, below = ("└── ", "    ") if last else ("├── ", "│   ")
        if not isinstance(item, dict | list) or not item:
            yield f"{indent}{stem}{visible(name)}: {inline(item, _INLINE)}"
        elif depth <= 1:
            yield f"{indent}{stem}{visible(name)} ({_count(item)} keys)"
        else:
            yield f"{indent}{stem}{visible(name)}"
            yield from _branches(item, indent + below, depth - 1)


def _count(value: Value) -> int:
    if isinstance(value, dict) and value:
        return sum(map(_count, value.values()))
    if isinstance(value, list) and value:
        return sum(map(_count, value))
    return 1

"""Edits of JSON that keep every other byte: an entry or item out of its collection, or behind the others of one.

JSON is YAML, whose places we know, but for some escapes: then an edit is refused. The result is read again and must hold exactly what is
expected.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from llmcfg.documents.nodes import iterate_nodes
from llmcfg.documents.paths import value_at, with_value, without_value
from llmcfg.errors import UsageError
from llmcfg.model.keypath import format_key_path

if TYPE_CHECKING:
    from llmcfg.model.value import Path


def written_at(text: str, path: Path) -> str:
    """The value at a path as it is written. Raises UsageError where its place is not known."""
    start, end = _value(text, path)
    return text[start:end]


def without(text: str, path: Path) -> str:
    """Without the entry or item at a path. Raises UsageError where that would touch other bytes."""
    spans = _entries(text, path[:-1])
    if path not in spans:
        raise _refusal(path)
    start, end = spans[path]
    before, after = _neighbours([*spans.values()], (start, end))
    if after is not None:
        end = after[0]
    elif before is not None:
        start = before[1]
    else:
        opened, closed = _value(text, path[:-1])
        start, end = opened + 1, closed - 1
    return _checked(text[:start] + text[end:], without_value(json.loads(text), path), path)


def behind(text: str, path: Path, written: str, key: str | None = None) -> str:
    """With another item, or an entry under `key`, at the end of the list or mapping at a path. Raises as `without`."""
    item = written if key is None else f"{json.dumps(key, ensure_ascii=False)}: {written}"
    spans = [*_entries(text, path).values()]
    if spans:
        start, end = spans[-1]
        gap = text[(spans[-2][1] if len(spans) > 1 else _value(text, path)[0] + 1) : start].lstrip(",")
        edited = f"{text[:end]},{gap or ' '}{item}{text[end:]}"
    else:
        opened, closed = _value(text, path)
        edited = f"{text[: opened + 1]}{item}{text[closed - 1 :]}"
    around = value_at(json.loads(text), path)
    last = key if key is not None else len(around) if isinstance(around, list) else 0
    return _checked(edited, with_value(json.loads(text), (*path, last), json.loads(written)), path)


def _value(text: str, path: Path) -> tuple[int, int]:
    found = next((node for place, node in iterate_nodes(text) if place == path), None)
    if found is None:
        raise _refusal(path)
    return found.start.offset, found.end.offset


def _entries(text: str, around: Path) -> dict[Path, tuple[int, int]]:
    """What a collection holds, each from its key on, in the order of the text."""
    found = {
        path: (node.key.start_mark.index if node.key else node.start.offset, node.end.offset)
        for path, node in iterate_nodes(text)
        if path and path[:-1] == around
    }
    return dict(sorted(found.items(), key=lambda item: item[1]))


def _neighbours(
    spans: list[tuple[int, int]], span: tuple[int, int]
) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
    at = spans.index(span)
    return spans[at - 1] if at else None, spans[at + 1] if at + 1 < len(spans) else None


def _checked(text: str, expected: Any, path: Path) -> str:
    try:
        same = json.loads(text) == expected
    except ValueError:
        same = False
    if not same:
        raise _refusal(path)
    return text


def _refusal(path: Path) -> UsageError:
    return UsageError(
        f"{format_key_path(path)} cannot be edited without touching other bytes", hint="edit the file by hand first"
    )

"""Edits of one value that keep every other byte: comments, quotes, order, indentation and line ends.

An edit is a splice at the places of the node. The result is loaded again and must hold exactly the expected value; an edit that
cannot be done so is refused, never done roughly. Where no splice fits, ruamel.yaml's round trip is tried, if it writes the
untouched document back byte for byte.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final

from llmcfg.documents.loader import load_document
from llmcfg.documents.paths import has_path, value_at, with_value, without_value
from llmcfg.documents.roundtrip import round_trip_deletion, round_trip_value
from llmcfg.documents.scalars import one_number
from llmcfg.documents.splice import Source, splices_for_deletion, splices_for_value
from llmcfg.documents.writer import format_scalar
from llmcfg.errors import UsageError
from llmcfg.model.keypath import format_key_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from llmcfg.model.value import Path, Value

__all__ = ["delete_value", "format_scalar", "set_value"]

_BOM: Final = b"\xef\xbb\xbf"


def set_value(content: bytes, path: Path, value: Value) -> bytes:
    """`content` with `value` at `path`; missing mappings on the way are made, and an index one past the end appends.

    Raises UsageError when `content` has problems, when the path leads through a scalar or an alias, or when the edit cannot be done
    without touching other bytes.
    """
    current, value = _load(content), _as_loaded(value)
    if has_path(current, path) and _same(value_at(current, path), value):
        return content
    expected = with_value(current, path, value)
    text = _text(content)
    candidates = chain(splices_for_value(Source(text), path, value), _late(round_trip_value, text, path, value))
    return _first_exact(content, expected, candidates, path)


def delete_value(content: bytes, path: Path) -> bytes:
    """`content` without the key or list item at `path`. Raises UnknownKeyError if it is not there, otherwise as `set_value`."""
    expected = without_value(_load(content), path)
    text = _text(content)
    candidates = chain(splices_for_deletion(Source(text), path), _late(round_trip_deletion, text, path))
    return _first_exact(content, expected, candidates, path)


def _late(attempt: Callable[..., str | None], *arguments: object) -> Iterator[str | None]:
    """The attempt, made only if it is asked for."""
    yield attempt(*arguments)


def _text(content: bytes) -> str:
    return content.decode("utf-8").removeprefix("\ufeff")


def _load(content: bytes) -> Value:
    document = load_document(content).document
    if document is None:
        raise UsageError("a document with problems cannot be edited", hint="mend what llmcfg validate says first")
    return document.value


def _first_exact(content: bytes, expected: Value, candidates: Iterable[str | None], path: Path) -> bytes:
    """The first candidate that holds exactly `expected`, with the byte order mark that `content` has."""
    mark = _BOM if content.startswith(_BOM) else b""
    for text in candidates:
        if text is None:
            continue
        edited = mark + text.encode("utf-8", "surrogatepass")
        document = load_document(edited).document
        if document is not None and _same(document.value, expected):
            return edited
    raise UsageError(
        f"{format_key_path(path)} cannot be edited without touching other bytes",
        hint="edit the file by hand; aliases and unusual layouts are left to people",
    )


def _as_loaded(value: Value) -> Value:
    """The value as the loader would read it: `2.0` is 2."""
    if isinstance(value, dict):
        return {key: _as_loaded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_loaded(item) for item in value]
    return one_number(value) if isinstance(value, float) else value


def _same(value: Value, other: Value) -> bool:
    """Equal with types, and with the keys in the same order."""
    from msgspec import json

    return json.encode(value) == json.encode(other)

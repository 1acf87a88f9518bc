"""Strict JSON with positions: duplicate keys, NaN, lone surrogates and deep nesting are refused.

Python's parser gives the value; places are found by a second walk over the text, only when somebody asks for one.
"""

from __future__ import annotations

import functools
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from llmcfg.limits import DOCUMENT_DEPTH
from llmcfg.model.findings import Problem
from llmcfg.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llmcfg.model.value import Path

_SPACE = regex(r"[ \t\r\n]*")
_STRING = regex(r'"(?:[^"\\]|\\.)*"')
_BARE = regex(r"[^ \t\r\n,:\[\]{}\"]+")
_DIGITS: Final = 400
_JSON: Final = "JSON has no comments, no trailing commas and only double quotes"


@dataclass(frozen=True)
class JsonText:
    """A parsed text: its value, and where each part of it stands."""

    text: str
    value: Any

    @functools.cached_property
    def _offsets(self) -> Mapping[Path, int]:
        offsets: dict[Path, int] = {}
        for path, offset in _walk(self.text):
            offsets.setdefault(path, offset)
        return offsets

    def place(self, path: Path) -> tuple[int, int]:
        """Line and column of the key (or item) at `path`, or of the nearest thing around it."""
        while path and path not in self._offsets:
            path = path[:-1]
        return _line_column(self.text, self._offsets[path])


@functools.lru_cache(maxsize=512)
def parse_json(content: bytes) -> JsonText | Problem:
    """The text with its value; a `schema-invalid` problem with line and column when it is not strict JSON."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return Problem("schema-invalid", "not UTF-8", line, 1, "save the file as UTF-8")
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_no_constant,
            parse_float=_finite,
            parse_int=_short_integer,
        )
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except json.JSONDecodeError as error:
        return Problem("schema-invalid", f"not JSON: {error.msg}", error.lineno, error.colno, _JSON)
    except RecursionError:
        return _too_deep()
    except UnicodeEncodeError:
        return Problem(
            "schema-invalid", "an escape names half a character (a lone surrogate)", 1, 1, "write the character"
        )
    except _RepeatedKeyError as error:
        line, column = _line_column(text, _second_place(text, str(error)))
        return Problem("schema-invalid", f"key {str(error)!r} is written twice", line, column, "remove one of the two")
    except ValueError as error:
        return Problem("schema-invalid", f"not strict JSON: {error}", 1, 1, "write a number that every reader can hold")
    if _is_deeper(value, DOCUMENT_DEPTH):
        return _too_deep()
    return JsonText(text, value)


class _RepeatedKeyError(ValueError):
    pass


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        seen: set[str] = set()
        raise _RepeatedKeyError(next(key for key, _ in pairs if key in seen or seen.add(key)))  # type: ignore[func-returns-value]
    return members


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{digits[:20]} is beyond the range of numbers")
    return number


def _short_integer(digits: str) -> int:
    if len(digits) > _DIGITS:
        raise ValueError(f"an integer has more than {_DIGITS} digits")
    return int(digits)


def _is_deeper(value: Any, left: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    return left == 0 or any(
        _is_deeper(item, left - 1) for item in (value.values() if isinstance(value, dict) else value)
    )


def _too_deep() -> Problem:
    return Problem("schema-limit", f"nested deeper than {DOCUMENT_DEPTH}", 1, 1, "move the inner schemas into $defs")


def _second_place(text: str, key: str) -> int:
    """Where a key is written for the second time in one object."""
    seen: set[Path] = set()
    for path, offset in _walk(text):
        if path in seen and path[-1] == key:
            return offset
        seen.add(path)
    return 0


def _line_column(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def _walk(text: str) -> Iterator[tuple[Path, int]]:
    """Every path of a valid JSON text with the offset of its key, or of the item where there is no key."""
    stack: list[list[Any]] = []  # [path of the container, key or index, is an object]
    at = _skip(text, 0)
    yield (), at
    while at < len(text):
        mark = text[at]
        if mark in "{[":
            path = (*stack[-1][0], stack[-1][1]) if stack else ()
            stack.append([path, None if mark == "{" else -1, mark == "{"])
            at = _skip(text, at + 1)
            if text[at] in "}]":
                continue
        elif mark in "}]":
            stack.pop()
            at = _skip(text, at + 1)
            continue
        elif mark == ",":
            at = _skip(text, at + 1)
        else:
            at = _skip(text, _token_end(text, at))
            continue
        top = stack[-1]
        start = at
        if top[2]:
            end = _token_end(text, at)
            top[1] = json.loads(text[at:end])
            at = _skip(text, _skip(text, end) + 1)
        else:
            top[1] += 1
        yield (*top[0], top[1]), start


def _skip(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at


def _token_end(text: str, at: int) -> int:
    token = (_STRING if text[at] == '"' else _BARE).match(text, at)
    return token.end() if token else at + 1

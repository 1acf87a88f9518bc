"""What a file must be before any YAML reader sees it: UTF-8 text of bounded size, without hidden characters or conflict markers.

Cheap on clean files: a few scans in C over the bytes.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import islice, tee
from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.limits import DOCUMENT_BYTES, DOCUMENT_PROBLEMS, KEY_BYTES
from llmcfg.model.findings import Problem
from llmcfg.regex import regex

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    _Sayer = Callable[[str, int, int], Problem]  # of what was matched, its line and column


class Screened(NamedTuple):
    """The text without its byte order mark; None when it must not be parsed. Problems are in text order."""

    text: str | None
    problems: tuple[Problem, ...]


def screen(content: bytes) -> Screened:
    refusal = _whole_file_problem(content)
    if refusal is not None:
        return Screened(None, (refusal,))
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        return Screened(None, (_not_utf8(content, error),))
    text = text.removeprefix("\ufeff")
    if ("<<<<<<<" in text or ">>>>>>>" in text) and (markers := _find(_MARKER, text, _marker_problem)):
        return Screened(None, tuple(markers))
    if content.isascii() and not content.translate(None, _PLAIN_BYTES) and "\r" not in text:
        return Screened(text, ())
    problems = [*_find(_FORBIDDEN, text, _character_problem), *_find(_DIRECTION, text, _direction_problem)]
    problems.sort(key=lambda problem: (problem.line, problem.column))
    return Screened(text, tuple(problems))


def first_of(problems: Iterable[Problem]) -> list[Problem]:
    """As many problems as are worth listing, and a note where there are more."""
    found = [*islice(problems, DOCUMENT_PROBLEMS + 1)]
    return found if len(found) <= DOCUMENT_PROBLEMS else [*found[:-1], too_many(found[-1].line, found[-1].column)]


def too_many(line: int, column: int) -> Problem:
    """Stands where the listing of problems ends."""
    message = f"more than {DOCUMENT_PROBLEMS:,} problems in one document; those from here on are not listed"
    return Problem("yaml-problems", message, line, column, "mend those before: many may have one cause")


def has_forbidden_character(value: str) -> str | None:
    """How to write the first character of a parsed text that no configuration value may hold; None when there is none."""
    match = _FORBIDDEN_IN_VALUE.search(value)
    return None if match is None else _code_point(match[0])


def why_not_a_key(key: str) -> str | None:
    """Why `key` cannot be a mapping key; None when it can."""
    if key.isascii() and key.isprintable() and 0 < len(key) <= KEY_BYTES:
        return None
    if not key:
        return "it is empty"
    if len(key.encode("utf-8", "surrogatepass")) > KEY_BYTES:
        return f"it is longer than {KEY_BYTES} bytes"
    for char in key:
        if not char.isprintable():
            return f"it holds the invisible character {_code_point(char)}"
    if not unicodedata.is_normalized("NFC", key):
        return "it is not in Unicode normal form C, so a key that looks the same can differ"
    if re.search(r"[A-Za-z]", key) and _LOOKALIKE.search(key):
        return "it mixes Latin letters with Greek or Cyrillic ones that look alike"
    return None


def line_and_column(text: str, index: int) -> tuple[int, int]:
    """Both from 1, of a character index."""
    return next(lines_and_columns(text, [index]))


def lines_and_columns(text: str, indexes: Iterable[int]) -> Iterator[tuple[int, int]]:
    """The same of ascending indexes; no part of the text is looked at twice."""
    line, start, seen = 1, 0, 0
    for index in indexes:
        line += text.count("\n", seen, index)
        start = text.rfind("\n", seen, index) + 1 or start
        seen = index
        yield line, index - start + 1


def _whole_file_problem(content: bytes) -> Problem | None:
    if len(content) > DOCUMENT_BYTES:
        message = f"the document has {len(content)} bytes; the limit is {DOCUMENT_BYTES}"
        return Problem("yaml-size", message, hint="split it into several documents")
    if content.startswith(b"version https://git-lfs.github.com/spec/"):
        hint = "take it out of Git LFS: git lfs untrack, then commit the file itself"
        return Problem("blob-lfs-pointer", "the file is a Git LFS pointer, not the content", 1, 1, hint)
    if content.startswith((b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")) or content.count(0) * 4 > len(content):
        return Problem("blob-encoding", "the file is not UTF-8 but looks like UTF-16, UTF-32 or binary", hint=_UTF8)
    return None


def _not_utf8(content: bytes, error: UnicodeDecodeError) -> Problem:
    before = content[: error.start].decode("utf-8").removeprefix("\ufeff")
    line, column = line_and_column(before, len(before))
    return Problem("blob-encoding", f"byte 0x{content[error.start]:02x} is not UTF-8", line, column, _UTF8)


def _find(pattern: re.Pattern[str], text: str, say: _Sayer) -> list[Problem]:
    """What is to be said of each match."""
    matches, again = tee(pattern.finditer(text))
    places = lines_and_columns(text, (match.start() for match in again))
    return first_of(say(match[0], *place) for match, place in zip(matches, places, strict=True))


def _marker_problem(marker: str, line: int, column: int) -> Problem:
    return Problem("conflict-markers", f"merge conflict marker {marker}", line, column, _MERGE)


def _character_problem(char: str, line: int, column: int) -> Problem:
    if char == "\r":
        message, hint = "carriage return without a line feed", "end lines with a line feed"
    else:
        message, hint = f"character {_code_point(char)} in the file", "remove it"
    return Problem("yaml-character", message, line, column, hint)


def _direction_problem(char: str, line: int, column: int) -> Problem:
    message = f"invisible direction control {_code_point(char)}: the text reads differently from what it says"
    return Problem("yaml-direction", message, line, column, "remove it, or write it as an escape in double quotes")


def _code_point(char: str) -> str:
    name = unicodedata.name(char, "")
    return f"U+{ord(char):04X}" + (f" ({name})" if name else "")


_UTF8: Final = "save the file as UTF-8"
_MERGE: Final = "resolve the conflict and remove the marker"
_PLAIN_BYTES: Final = bytes([*b"\t\n\r", *range(0x20, 0x7F)])
_MARKER: Final = regex(r"^(?:<<<<<<<|=======|>>>>>>>|\|\|\|\|\|\|\|)(?= |\r?$)", re.MULTILINE)
_HIDDEN: Final = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff"
_FORBIDDEN: Final = regex(f"[{_HIDDEN}]|\r(?!\n)")
_FORBIDDEN_IN_VALUE: Final = regex(f"[{_HIDDEN}]")
_DIRECTION: Final = regex("[\u202a-\u202e\u2066-\u2069]")
_LOOKALIKE: Final = regex("[\u0370-\u03ff\u0400-\u052f\u1f00-\u1fff]")

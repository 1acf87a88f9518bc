"""What a file must be before any YAML reader sees it: UTF-8 text of bounded size, without hidden characters or conflict markers.

Cheap on clean files: a few scans in C over the bytes.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final, NamedTuple

from llmcfg.limits import DOCUMENT_BYTES, KEY_BYTES
from llmcfg.model.findings import Problem


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
    markers = [
        Problem("conflict-markers", f"merge conflict marker {match[0]}", *line_and_column(text, match.start()), _MERGE)
        for match in (_MARKER.finditer(text) if "<<<<<<<" in text or ">>>>>>>" in text else ())
    ]
    if markers:
        return Screened(None, tuple(markers))
    if content.isascii() and not content.translate(None, _PLAIN_BYTES) and "\r" not in text:
        return Screened(text, ())
    problems = [_character_problem(text, match) for match in _FORBIDDEN.finditer(text)]
    problems += [_direction_problem(text, match) for match in _DIRECTION.finditer(text)]
    problems.sort(key=lambda problem: (problem.line, problem.column))
    return Screened(text, tuple(problems))


def has_forbidden_character(value: str) -> str | None:
    """How to write the first character of a parsed text that no configuration value may hold; None when there is none."""
    match = _FORBIDDEN_IN_VALUE.search(value)
    return None if match is None else _code_point(match[0])


@lru_cache(maxsize=1 << 14)
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
    start = text.rfind("\n", 0, index) + 1
    return text.count("\n", 0, index) + 1, index - start + 1


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


def _character_problem(text: str, match: re.Match[str]) -> Problem:
    line, column = line_and_column(text, match.start())
    if match[0] == "\r":
        message, hint = "carriage return without a line feed", "end lines with a line feed"
    else:
        message, hint = f"character {_code_point(match[0])} in the file", "remove it"
    return Problem("yaml-character", message, line, column, hint)


def _direction_problem(text: str, match: re.Match[str]) -> Problem:
    line, column = line_and_column(text, match.start())
    message = f"invisible direction control {_code_point(match[0])}: the text reads differently from what it says"
    return Problem("yaml-direction", message, line, column, "remove it, or write it as an escape in double quotes")


def _code_point(char: str) -> str:
    name = unicodedata.name(char, "")
    return f"U+{ord(char):04X}" + (f" ({name})" if name else "")


_UTF8: Final = "save the file as UTF-8"
_MERGE: Final = "resolve the conflict and remove the marker"
_PLAIN_BYTES: Final = bytes([*b"\t\n\r", *range(0x20, 0x7F)])
_MARKER: Final = re.compile(r"^(?:<<<<<<<|=======|>>>>>>>|\|\|\|\|\|\|\|)(?= |\r?$)", re.MULTILINE)
_HIDDEN: Final = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff"
_FORBIDDEN: Final = re.compile(f"[{_HIDDEN}]|\r(?!\n)")
_FORBIDDEN_IN_VALUE: Final = re.compile(f"[{_HIDDEN}]")
_DIRECTION: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
_LOOKALIKE: Final = re.compile("[\u0370-\u03ff\u0400-\u052f\u1f00-\u1fff]")

"""The words of a Rego module, with their places. Enough to know what is called, read and declared; the engine does the parsing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

# fmt: off
KEYWORDS: Final = frozenset([
    "as", "contains", "data", "default", "else", "every", "false", "if", "import", "in", "input", "not", "null", "package", "some",
    "true", "with",
])
# fmt: on
_TOKEN: Final = re.compile(
    r"(?P<space>[ \t\r\n]+)|(?P<comment>\#[^\n]*)"
    r'|(?P<string>"(?:[^"\\\n]|\\.)*"|`[^`]*`)'
    r"|(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<sign>:=|==|!=|<=|>=|[-+*/%=<>&|.,:;()\[\]{}])"
)


class Token(NamedTuple):
    """`depth` counts the brackets around it, `is_first` says that it begins its line; lines and columns count from 1."""

    kind: str
    text: str
    line: int
    column: int
    depth: int
    is_first: bool


class Comment(NamedTuple):
    """`is_own_line` is false for one that follows code."""

    text: str
    line: int
    is_own_line: bool


class Scanned(NamedTuple):
    """`stray` is the place of the first character that no word of Rego begins with."""

    tokens: tuple[Token, ...]
    comments: tuple[Comment, ...]
    stray: tuple[int, int] | None


def scan(text: str) -> Scanned:
    tokens: list[Token] = []
    comments: list[Comment] = []
    depth = 0
    for kind, word, line, column, is_first in _words(text):
        if kind == "comment":
            comments.append(Comment(word, line, is_first))
            continue
        if kind == "stray":
            return Scanned(tuple(tokens), tuple(comments), (line, column))
        if word in (")", "]", "}"):
            depth = max(0, depth - 1)
        tokens.append(Token(kind, word, line, column, depth, is_first))
        if word in ("(", "[", "{"):
            depth += 1
    return Scanned(tuple(tokens), tuple(comments), None)


def _words(text: str) -> Iterator[tuple[str, str, int, int, bool]]:
    position, line, start, is_first = 0, 1, 0, True
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            yield "stray", text[position], line, position - start + 1, is_first
            return
        kind, word = str(match.lastgroup), match[0]
        if kind != "space":
            yield kind, word, line, position - start + 1, is_first
            is_first = False
        if "\n" in word:
            line += word.count("\n")
            start = position + word.rindex("\n") + 1
            is_first = kind == "space" or is_first
        position = match.end()


def unquote(text: str) -> str | None:
    """What a string without escapes holds; None for one that has some."""
    return None if "\\" in text and text[0] == '"' else text[1:-1]

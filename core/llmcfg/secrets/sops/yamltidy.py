"""The layout that sops writes, read line by line: the same tree as the whole parser gives, in a fraction of its time.

Rules: only what is beyond doubt is read here: ASCII text of block mappings and lists, with keys and values on one line, literal
blocks, and comments on lines of their own before a key. For anything else, and for every error, the answer is None, and the whole
parser takes the file. So this module may know less than YAML, and never something else.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from llmcfg.errors import UsageError
from llmcfg.limits import SOPS_DEPTH
from llmcfg.secrets.sops.model import Comment, Item, Leaf, Mapping, Null, Sequence, Span
from llmcfg.secrets.sops.resolver import is_plain_string, resolve

if TYPE_CHECKING:
    from llmcfg.secrets.sops.model import Node

_LINE: Final = re.compile(
    "( *)((?:- )*)"
    # a key, plain or quoted
    r'(?:([A-Za-z_][\w./+=@%()$,-]{0,100}|"[ !#-\[\]-~]{1,100}"):(?=[ \n]))?'
    " ?"
    # a token; a text in quotes without escapes; an empty collection; the head of a literal block; a plain scalar
    r"(ENC\[AES256_GCM,[A-Za-z0-9:/+=,]+\]|\"[ !#-\[\]-~]*\"|'[ -&(-~]*'|\{\}|\[\]|\|-?"
    r"|(?:[\w/$(.+]|-(?=[0-9.]))(?:[!-\"$-9;-~]|:(?=[^ \n])| (?=[^ #\n]))*)?\n",
    re.ASCII,
)
_SEALED: Final = re.compile(r"( *)([A-Za-z_][\w.-]{0,100}): (ENC\[AES256_GCM,[A-Za-z0-9:/+=,]+\])\n", re.ASCII)
_COMMENT: Final = re.compile("( *)#([ -~]*)\n")
_CONTENT: Final = re.compile(" *[!-~][ -~]*\n")


class _Level(NamedTuple):
    """An open container: the column of its entries, and what it holds. `keys` is None for a list."""

    column: int
    items: list[Any]
    keys: set[str] | None


class _Waiting(NamedTuple):
    """A key without a value on its line."""

    level: _Level
    key: str
    span: Span
    end: int


def read_tidy(text: str) -> Mapping | None:
    """The only document of a text in this layout, with spans; None if it has another one."""
    if not text.isascii() or not text.endswith("\n"):
        return None
    try:
        return _Reader(text).document()
    except (_Untidy, UsageError):
        return None


class _Untidy(Exception):
    """The whole parser has to read this."""


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.root = Mapping([], Span(0, 0))
        self.levels = [_Level(0, self.root.items, set())]
        self.waiting: _Waiting | None = None
        self.comments: list[Comment] = []
        self.column = 0  # of the comments
        self.has_comments = "#" in text

    def document(self) -> Mapping:
        at, end, text = 0, len(self.text), self.text
        match, match_sealed = _LINE.match, _SEALED.match
        while at < end:
            found = match_sealed(text, at)
            if found is not None and self._take_sealed(found):
                at = found.end()
                continue
            found = match(text, at)
            at = self._other(at) if found is None else self._line(found)
        self._close_waiting()
        if self.comments or not self.root.items:
            raise _Untidy
        return self.root

    def _take_sealed(self, found: re.Match[str]) -> bool:
        """Most lines of a large file: another key of the mapping that is open, and a token."""
        level = self.levels[-1]
        indent, key, token = found.groups()
        if self.waiting is not None or self.comments or len(indent) != level.column or level.keys is None:
            return False
        if key in level.keys or not is_plain_string(key):
            return False
        level.keys.add(key)
        leaf = Leaf("str", token.encode(), Span(*found.span(3)))
        level.items.append(Item(key, leaf, Span(*found.span(2))))
        return True

    def _line(self, found: re.Match[str]) -> int:
        """One entry. Returns where the next line starts."""
        indent, dashes, key, value = found.groups()
        column = len(indent)
        if dashes:
            level = self._element(column, len(dashes) // 2, found.start(2))
            if key is not None:
                level = self._nest(level, column + len(dashes), found.start(3), is_list=False)
        elif key is not None:
            level = self._entry(column, found.start(3))
        elif value is None and not indent and not self.has_comments:
            return found.end()
        else:
            raise _Untidy
        if key is None:
            if value is None:
                raise _Untidy
            node, at = self._value(value, found, level.column)
            level.items.append(node)
            return at
        return self._keyed(level, key, value, found)

    def _keyed(self, level: _Level, key: str, value: str | None, found: re.Match[str]) -> int:
        if key[0] == '"':
            key = key[1:-1]
        elif not is_plain_string(key):
            raise _Untidy
        if level.keys is None or key in level.keys:
            raise _Untidy
        level.keys.add(key)
        span = Span(*found.span(3))
        if value is None:
            self.waiting = _Waiting(level, key, span, span.end + 1)
            return found.end()
        node, at = self._value(value, found, level.column)
        level.items.append(Item(key, node, span))
        return at

    def _value(self, text: str, found: re.Match[str], column: int) -> tuple[Node, int]:
        """The node of a scalar, and where the next line starts."""
        first = text[0]
        span = Span(*found.span(4))
        if first == "E" and text[-1] == "]":
            return Leaf("str", text.encode(), span), found.end()
        if first in "\"'":
            return Leaf("str", text[1:-1].encode(), span), found.end()
        if first == "{":
            return Mapping([], span, is_flow=True), found.end()
        if first == "[":
            return Sequence([], span, is_flow=True), found.end()
        if first == "|":
            return self._literal(text, found, column)
        return resolve(text, span), found.end()

    def _literal(self, head: str, found: re.Match[str], column: int) -> tuple[Leaf, int]:
        text, at = self.text, found.end()
        width = len(text[at : at + 200]) - len(text[at : at + 200].lstrip(" "))
        if width <= column:
            raise _Untidy
        pad, lines = " " * width, list[str]()
        while text.startswith(pad, at):
            line = _CONTENT.match(text, at)
            if line is None:
                raise _Untidy
            lines.append(text[at + width : line.end()])
            at = line.end()
        if text.startswith("\n", at) or not lines:
            raise _Untidy
        content = "".join(lines)
        return Leaf("str", (content[:-1] if head == "|-" else content).encode(), Span(found.start(4), at)), at

    def _entry(self, column: int, start: int) -> _Level:
        """The mapping that a key at a column belongs to."""
        if self.waiting is not None and column > self.waiting.level.column:
            return self._nest(self.waiting.level, column, start, is_list=False)
        self._close_waiting()
        while self.levels[-1].column > column or self.levels[-1].keys is None:
            self.levels.pop()
            if not self.levels:
                raise _Untidy
        level = self.levels[-1]
        if level.column != column:
            raise _Untidy
        if self.comments:
            self._take_comments(level)
        return level

    def _element(self, column: int, dashes: int, start: int) -> _Level:
        """The list that the last of some dashes belongs to, the first of which is at a column."""
        if self.comments:
            raise _Untidy
        if self.waiting is not None and column >= self.waiting.level.column:
            level = self._nest(self.waiting.level, column, start, is_list=True)
        else:
            self._close_waiting()
            while self.levels[-1].column > column:
                self.levels.pop()
            level = self.levels[-1]
            if level.column != column or level.keys is not None:
                raise _Untidy
        for deeper in range(1, dashes):
            level = self._nest(level, column + 2 * deeper, start + 2 * deeper, is_list=True)
        return level

    def _nest(self, level: _Level, column: int, start: int, *, is_list: bool) -> _Level:
        """A new container: the value that a key waits for, or an element of a list."""
        span = Span(start, start)
        node: Mapping | Sequence = Sequence([], span) if is_list else Mapping([], span)
        if self.waiting is not None:
            level.items.append(Item(self.waiting.key, node, self.waiting.span))
            self.waiting = None
        else:
            level.items.append(node)
        below = _Level(column, node.items, None if is_list else set())
        self.levels.append(below)
        if len(self.levels) > SOPS_DEPTH:
            raise _Untidy
        if self.comments:
            self._take_comments(below)
        return below

    def _close_waiting(self) -> None:
        if self.waiting is not None:
            level, key, span, end = self.waiting
            level.items.append(Item(key, Null(Span(end, end)), span))
            self.waiting = None

    def _take_comments(self, level: _Level) -> None:
        if self.column != level.column or level.keys is None:
            raise _Untidy
        level.items.extend(self.comments)
        self.comments = []

    def _other(self, at: int) -> int:
        """A comment on a line of its own. Returns where the next line starts."""
        found = _COMMENT.match(self.text, at)
        if found is None or (self.comments and self.column != len(found[1])):
            raise _Untidy
        self.column = len(found[1])
        self.comments.append(Comment(found[2].encode(), span=Span(*found.span(2))))
        return found.end()

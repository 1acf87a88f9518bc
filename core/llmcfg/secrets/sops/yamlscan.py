"""The comments of a YAML text, found between the tokens of libyaml and told apart as go-yaml v3 does.

Rules, in go-yaml's words: a comment on the line of a value is its *line* comment; a block of comments that starts on the line right
behind a value and ends with an empty line, or that is indented less than what follows it would be, is the *foot* of what is before
it; every other block is the *head* of what comes next. BLOCK-END tokens are moved before the comments that belong to the outer block.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Any, NamedTuple

from llmcfg.secrets.sops.yamlnodes import CommentLine

_BREAKS = "\n\r\x85\u2028\u2029"
_BREAK = re.compile(f"[{_BREAKS}]")
_LOOK_AHEAD = 512
_MARKERS = ("<stream start>", "<stream end>", "<document start>")
_WITHOUT_LINE_COMMENTS = ("-", *_MARKERS, "<document end>", "<directive>")


class _Mark(NamedTuple):
    at: int
    line: int
    column: int  # from 1 for comments, as go-yaml counts here


class QueuedComment(NamedTuple):
    """A block of comments; it belongs to the first token at or behind `token`."""

    kind: str  # head, line, foot
    lines: list[CommentLine]
    token: int
    start: _Mark = _Mark(0, 0, 0)
    scan: int = 0
    end: int = 0


class Token:
    __slots__ = ("end", "kind", "source", "start")

    def __init__(self, source: Any) -> None:
        self.source = source
        self.kind: str = source.id
        self.start: int = source.start_mark.index
        self.end: int = source.end_mark.index


def scan_comments(text: str, tokens: list[Token]) -> list[QueuedComment]:
    """The comments in order; the tokens get other places where comments ask for it."""
    return _Scanner(text, tokens).comments()


class _Scanner:
    """Finds the comments between the tokens, in order, and moves BLOCK-END tokens."""

    def __init__(self, text: str, tokens: list[Token]) -> None:
        self.text = text
        self.tokens = tokens
        self.queue: list[QueuedComment] = []
        self.indents = [-1]
        self.flow = 0
        self.line_starts = [0, *(found.end() for found in re.finditer("\r\n?|\n", text))]

    def comments(self) -> list[QueuedComment]:
        last: Token | None = None
        before: Token | None = None
        zero_width: list[Token] = []  # tokens that the scanner makes when it has seen the next one that has text
        for token in self.tokens:
            if token.kind == "<block end>" or (token.end == token.start and token.kind not in _MARKERS):
                zero_width.append(token)
            else:
                ends = [made for made in zero_width if made.kind == "<block end>"]
                self._between(before, last, token, ends)
                for made in (*zero_width, token):
                    self._nest(made)
                before, last, zero_width = last, token, []
        return self.queue

    def _nest(self, token: Token) -> None:
        if token.kind in ("<block mapping start>", "<block sequence start>"):
            self.indents.append(token.source.start_mark.column)
        elif token.kind in ("[", "{"):
            self.flow += 1
        elif token.kind in ("]", "}"):
            self.flow -= 1

    def _between(self, before: Token | None, last: Token | None, token: Token, ends: list[Token]) -> None:
        """What stands between the last token that has text and this one."""
        at = last.end if last else 0
        if last is not None and last.kind == "<scalar>":
            at = self._scalar_line_comment(last)
        scan = self._skip_space(at) if last is not None and _is_plain(last) else at
        if last is not None and last.kind not in _WITHOUT_LINE_COMMENTS:
            at = self._line_comment(before, last, at)
            scan = max(scan, at)
        self._blocks(before, last, at, scan, token.start)
        self._unroll(ends, scan, token)

    def _scalar_line_comment(self, scalar: Token) -> int:
        """A comment behind `|` or `>`. Returns where the scalar ends."""
        if scalar.source.style in ("|", ">"):
            line_end = self._line_end(scalar.start)
            hash_at = self.text.find("#", scalar.start, line_end)
            if hash_at >= 0:
                self.queue.append(
                    QueuedComment("line", [CommentLine(self.text[hash_at:line_end], hash_at)], scalar.start)
                )
        return scalar.end

    def _line_comment(self, before: Token | None, last: Token, at: int) -> int:
        hash_at = at
        while self.text[hash_at : hash_at + 1] in (" ", "\t") and hash_at - at < _LOOK_AHEAD:
            hash_at += 1
        if self.text[hash_at : hash_at + 1] != "#" or (last.kind == "<scalar>" and last.source.style in ("|", ">")):
            return at
        first = self.text[last.start]
        owner = before if before and ((not self.flow and first == ":") or (self.flow and first == ",")) else last
        end = self._line_end(hash_at)
        self.queue.append(QueuedComment("line", [CommentLine(self.text[hash_at:end], hash_at)], owner.start))
        return end

    def _blocks(self, before: Token | None, last: Token | None, at: int, scan: int, stop: int) -> None:
        """The comments on lines of their own, from `at` on."""
        scan_line = self._line_of(scan)
        owner = before if last is not None and last.kind == "," and before is not None else last
        while True:
            hash_at = self._skip_space(at)
            if self.text[hash_at : hash_at + 1] != "#" or hash_at >= stop:
                return
            newlines = (
                self.text.count("\n", at, hash_at) if last is None or at != last.end else self._newlines(last, hash_at)
            )
            at = self._block(owner, hash_at, scan, scan_line, newlines)

    def _block(self, owner: Token | None, at: int, scan: int, scan_line: int, newlines: int) -> int:
        """One call of go-yaml's scan_comments, from the `#` at `at`. Returns where it stopped."""
        text, indent = self.text, max(self.indents[-1], 0)
        token = owner.start if owner else 0
        is_value = owner is not None and owner.kind == ":"
        line, column = self._line_of(at), self._column_of(at)
        foot_line = -1
        if scan_line > 0:
            foot_line = line - newlines + 1 + (1 if newlines == 0 and column > 1 else 0)
        start = _Mark(0, 0, 0)
        lines: list[CommentLine] = []
        first_empty, recent_empty = newlines <= 1, False
        peek = 0
        while peek < _LOOK_AHEAD:
            column += 1
            char = text[at + peek : at + peek + 1]
            if char and char in " \t":
                peek += 1
                continue
            closes = bool(char) and self.flow > 0 and char in "]}"
            if closes or not char or char in _BREAKS:
                is_foot = first_empty and ((start.line == foot_line and not is_value) or start.column - 1 < indent)
                if lines and (closes or (not recent_empty and is_foot)):
                    token = start.at if start.column - 1 < indent else token
                    self.queue.append(QueuedComment("foot", lines, token, start, scan, at + peek))
                    scan = token = at + peek
                    lines = []
                if closes or not char:
                    break
                first_empty, recent_empty, column, line = False, True, 0, line + 1
                peek += 1
                continue
            if lines and column - 1 < indent and column != start.column:
                self.queue.append(QueuedComment("foot", lines, token, start, scan, at + peek))
                scan = token = at + peek
                lines = []
            if char != "#":
                break
            if not lines:
                start = _Mark(at + peek, line, column)
            recent_empty = False
            end = self._line_end(at + peek)
            lines = [*lines, CommentLine(text[at + peek : end], at + peek)]
            at, column, line = end, 0, self._line_of(end)
            peek = 1
        if lines:
            self.queue.append(QueuedComment("head", lines, start.at, start, scan, at + peek - 1))
        return at

    def _unroll(self, ends: list[Token], scan: int, token: Token) -> None:
        """Give BLOCK-END tokens the place of the first comment that is as far out as what follows their block."""
        column = token.source.start_mark.column
        mark = scan - 1
        for end in ends:
            indent = self.indents.pop()
            if indent <= column or (token.kind == "<stream end>" and indent == 0):
                mark = token.start - 1
            stop = mark
            for comment in reversed(self.queue):
                if comment.end < stop:
                    break
                if comment.start.column == indent + 1:
                    mark = comment.start.at
                stop = comment.scan
            end.start = mark

    def _newlines(self, last: Token, hash_at: int) -> int:
        text = self.text[last.start : hash_at].rstrip(" \t\r\n")
        return self.text.count("\n", last.start + len(text), hash_at)

    def _skip_space(self, at: int) -> int:
        while self.text[at : at + 1] in (" ", "\t", "\n", "\r"):
            at += 1
        return at

    def _line_end(self, at: int) -> int:
        found = _BREAK.search(self.text, at)
        return found.start() if found else len(self.text)

    def _line_of(self, at: int) -> int:
        return bisect_right(self.line_starts, at) - 1

    def _column_of(self, at: int) -> int:
        return at - self.line_starts[self._line_of(at)]


def _is_plain(token: Token) -> bool:
    return token.kind == "<scalar>" and bool(token.source.plain)

"""YAML with comments, attached to nodes as go-yaml v3 attaches them, since sops keeps and encrypts them where go-yaml says they are.

Rules, in go-yaml's words: a comment on the line of a value is its *line* comment; a block of comments that starts on the line right
behind a value and ends with an empty line, or that is indented less than what follows it would be, is the *foot* of what is before
it; every other block is the *head* of what comes next. Tokens come from libyaml, whose scanner is the same; its BLOCK-END tokens are
moved before the comments that belong to the outer block.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING, Any, NamedTuple

from llmcfg.limits import SOPS_DEPTH
from llmcfg.secrets.sops.yamlnodes import CommentLine, YamlDocument, YamlNode, too_deep

if TYPE_CHECKING:
    from collections.abc import Iterator

_BREAKS = "\n\r\x85\u2028\u2029"
_BREAK = re.compile(f"[{_BREAKS}]")
_LOOK_AHEAD = 512
_MARKERS = ("<stream start>", "<stream end>", "<document start>")
_WITHOUT_LINE_COMMENTS = ("-", *_MARKERS, "<document end>", "<directive>")


class _Mark(NamedTuple):
    at: int
    line: int
    column: int  # from 1 for comments, as go-yaml counts here


class _Queued(NamedTuple):
    """A block of comments; it belongs to the first token at or behind `token`."""

    kind: str  # head, line, foot
    lines: list[CommentLine]
    token: int
    start: _Mark = _Mark(0, 0, 0)
    scan: int = 0
    end: int = 0


class _Token:
    __slots__ = ("end", "kind", "source", "start")

    def __init__(self, source: Any) -> None:
        self.source = source
        self.kind: str = source.id
        self.start: int = source.start_mark.index
        self.end: int = source.end_mark.index


def read_nodes_with_comments(text: str) -> list[YamlDocument]:
    """The documents of a stream. Raises yaml.YAMLError for what is not YAML."""
    import yaml

    list(yaml.parse(text, Loader=yaml.CLoader))  # the grammar is checked here, so that what follows need not
    tokens = [_Token(token) for token in yaml.scan(text, Loader=yaml.CLoader)]
    return _Parser(text, tokens, _Scanner(text, tokens).comments()).documents()


class _Scanner:
    """Finds the comments between the tokens, in order, and moves BLOCK-END tokens."""

    def __init__(self, text: str, tokens: list[_Token]) -> None:
        self.text = text
        self.tokens = tokens
        self.queue: list[_Queued] = []
        self.indents = [-1]
        self.flow = 0
        self.line_starts = [0, *(found.end() for found in re.finditer("\r\n?|\n", text))]

    def comments(self) -> list[_Queued]:
        last: _Token | None = None
        before: _Token | None = None
        zero_width: list[_Token] = []  # tokens that the scanner makes when it has seen the next one that has text
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

    def _nest(self, token: _Token) -> None:
        if token.kind in ("<block mapping start>", "<block sequence start>"):
            self.indents.append(token.source.start_mark.column)
        elif token.kind in ("[", "{"):
            self.flow += 1
        elif token.kind in ("]", "}"):
            self.flow -= 1

    def _between(self, before: _Token | None, last: _Token | None, token: _Token, ends: list[_Token]) -> None:
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

    def _scalar_line_comment(self, scalar: _Token) -> int:
        """A comment behind `|` or `>`. Returns where the scalar ends."""
        if scalar.source.style in ("|", ">"):
            line_end = self._line_end(scalar.start)
            hash_at = self.text.find("#", scalar.start, line_end)
            if hash_at >= 0:
                self.queue.append(_Queued("line", [CommentLine(self.text[hash_at:line_end], hash_at)], scalar.start))
        return scalar.end

    def _line_comment(self, before: _Token | None, last: _Token, at: int) -> int:
        hash_at = at
        while self.text[hash_at : hash_at + 1] in (" ", "\t") and hash_at - at < _LOOK_AHEAD:
            hash_at += 1
        if self.text[hash_at : hash_at + 1] != "#" or (last.kind == "<scalar>" and last.source.style in ("|", ">")):
            return at
        first = self.text[last.start]
        owner = before if before and ((not self.flow and first == ":") or (self.flow and first == ",")) else last
        end = self._line_end(hash_at)
        self.queue.append(_Queued("line", [CommentLine(self.text[hash_at:end], hash_at)], owner.start))
        return end

    def _blocks(self, before: _Token | None, last: _Token | None, at: int, scan: int, stop: int) -> None:
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

    def _block(self, owner: _Token | None, at: int, scan: int, scan_line: int, newlines: int) -> int:
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
                    self.queue.append(_Queued("foot", lines, token, start, scan, at + peek))
                    scan = token = at + peek
                    lines = []
                if closes or not char:
                    break
                first_empty, recent_empty, column, line = False, True, 0, line + 1
                peek += 1
                continue
            if lines and column - 1 < indent and column != start.column:
                self.queue.append(_Queued("foot", lines, token, start, scan, at + peek))
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
            self.queue.append(_Queued("head", lines, start.at, start, scan, at + peek - 1))
        return at

    def _unroll(self, ends: list[_Token], scan: int, token: _Token) -> None:
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

    def _newlines(self, last: _Token, hash_at: int) -> int:
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


def _is_plain(token: _Token) -> bool:
    return token.kind == "<scalar>" and bool(token.source.plain)


class _Parser:
    """The nodes of tokens that are known to follow the grammar, with comments as go-yaml's parser hands them out."""

    def __init__(self, text: str, tokens: list[_Token], queue: list[_Queued]) -> None:
        self.text = text
        self.tokens = tokens
        self.queue = queue
        self.at = 0
        self.handed = 0
        self.depth = 0
        self.head: list[CommentLine] = []
        self.line: list[CommentLine] = []
        self.foot: list[CommentLine] = []
        self.stem: list[CommentLine] = []
        self.tags: dict[str, str] = {}

    def documents(self) -> list[YamlDocument]:
        return list(self._documents())

    def _documents(self) -> Iterator[YamlDocument]:
        self._skip()  # the stream starts
        while self._peek().kind != "<stream end>":
            self.tags = {"!": "!", "!!": "tag:yaml.org,2002:"}
            while self._peek().kind in ("<document end>", "<directive>"):
                directive = self._skip().source
                if getattr(directive, "name", "") == "TAG":
                    self.tags[directive.value[0]] = directive.value[1]
            if self._peek().kind == "<stream end>":
                return
            if self._peek().kind == "<document start>":
                self._skip()
            root = None
            if self._peek().kind not in ("<document start>", "<document end>", "<stream end>", "<directive>"):
                root = self._node(indentless=False)
            self._peek()
            foot = [*self.foot, *self.head]
            self.head, self.line, self.foot = [], [], []
            yield YamlDocument(root, [], foot)

    def _peek(self) -> _Token:
        token = self.tokens[self.at]
        while self.handed < len(self.queue) and token.start >= self.queue[self.handed].token:
            comment = self.queue[self.handed]
            if comment.kind == "head" and token.kind == "<block end>":
                break
            getattr(self, comment.kind).extend(comment.lines)
            self.handed += 1
        return token

    def _skip(self) -> _Token:
        token = self._peek()
        self.at += 1
        return token

    def _take(self, node: YamlNode) -> None:
        """Hand the comments that were seen to this node."""
        node.head, node.line, node.foot = self.head, self.line, self.foot
        self.head, self.line, self.foot, self.stem = [], [], [], []

    def _node(self, *, indentless: bool) -> YamlNode:
        self.depth += 1
        if self.depth > SOPS_DEPTH:
            raise too_deep()
        anchor = tag = ""
        while self._peek().kind in ("<anchor>", "<tag>"):
            token = self._skip()
            if token.kind == "<anchor>":
                anchor = token.source.value
            else:
                tag = self._tag(token.source.value)
        node = self._content(indentless)
        node.anchor, node.tag = anchor, tag
        self.depth -= 1
        return node

    def _tag(self, value: tuple[str | None, str]) -> str:
        handle, suffix = value
        return self.tags.get(handle or "", handle or "") + suffix

    def _content(self, indentless: bool) -> YamlNode:
        token = self._peek()
        match token.kind:
            case "<alias>":
                node = YamlNode("alias", token.start, token.end, token.source.value)
                self._take(node)
                self._skip()
                return node
            case "<scalar>":
                node = YamlNode("scalar", token.start, token.end, token.source.value)
                node.is_plain = token.source.plain
                self._take(node)
                self._skip()
                return node
            case "[" | "{":
                return self._flow(token)
            case "<block sequence start>":
                return self._block_sequence()
            case "<block mapping start>":
                return self._block_mapping()
            case "-" if indentless:
                return self._indentless_sequence()
            case _:
                return _empty(self.tokens[self.at - 1].end)

    def _block_sequence(self) -> YamlNode:
        node = self._start("sequence")
        self._skip()
        while self._peek().kind == "-":
            node.content.append(self._entry(("-", "<block end>")))
        node.end = self._last_end(node)
        self._skip()
        return node

    def _indentless_sequence(self) -> YamlNode:
        token = self._peek()
        node = YamlNode("sequence", token.start, token.end)
        while self._peek().kind == "-":
            node.content.append(self._entry(("-", "?", ":", "<block end>")))
        node.end = self._last_end(node)
        return node

    def _entry(self, ends: tuple[str, ...]) -> YamlNode:
        stem = len(self.head)
        dash = self._skip()
        following = self._peek()
        if stem and following.kind in ("<block sequence start>", "<block mapping start>"):
            self.stem, self.head = self.head[:stem], self.head[stem:]
        if following.kind in ends:
            return _empty(dash.end)
        return self._node(indentless=False)

    def _block_mapping(self) -> YamlNode:
        node = self._start("mapping")
        self._skip()
        while self._peek().kind != "<block end>":
            key, value = self._key(), self._value()
            if key.foot and node.content:
                node.content[-2].foot, key.foot = key.foot, []
            if not key.foot and value.foot:
                key.foot, value.foot = value.foot, []
            node.content += (key, value)
        node.line, node.foot = self.line, self.foot
        if node.foot and node.content:
            node.content[-2].foot, node.foot = node.foot, []
        self.head, self.line, self.foot, self.stem = [], [], [], []
        node.end = self._last_end(node)
        self._skip()
        return node

    def _start(self, kind: Any) -> YamlNode:
        token = self._peek()
        node = YamlNode(kind, token.start, token.end)
        node.head, self.stem = self.stem, []
        return node

    def _key(self) -> YamlNode:
        token = self._peek()
        if token.kind == ":":  # an empty key
            return _empty(token.start)
        self._skip()
        if self._peek().kind in ("?", ":", "<block end>"):
            return _empty(token.end)
        return self._node(indentless=True)

    def _value(self) -> YamlNode:
        if self._peek().kind != ":":
            return _empty(self.tokens[self.at - 1].end)
        colon = self._skip()
        if self._peek().kind in ("?", ":", "<block end>"):
            return _empty(colon.end)
        return self._node(indentless=True)

    def _flow(self, opening: _Token) -> YamlNode:
        is_mapping = opening.kind == "{"
        node = YamlNode("mapping" if is_mapping else "sequence", opening.start, opening.end)
        node.is_flow = True
        self._take(node)
        self._skip()
        while self._peek().kind not in ("]", "}"):
            if is_mapping:
                self._flow_pair(node)
            elif self._peek().kind == "?":
                pair = YamlNode("mapping", self._peek().start, 0)
                pair.is_flow = True
                self._flow_pair(pair)
                pair.end = self.tokens[self.at - 1].end
                node.content.append(pair)
            else:
                node.content.append(self._node(indentless=False))
            if self._peek().kind == ",":
                self._skip()
        node.end = self._peek().end
        node.line, node.foot = self.line, self.foot
        self.head, self.line, self.foot, self.stem = [], [], [], []
        self._skip()
        return node

    def _flow_pair(self, node: YamlNode) -> None:
        ends = (":", ",", "]", "}")
        if self._peek().kind == "?":
            self._skip()
        at = self.tokens[self.at].start
        key = self._node(indentless=False) if self._peek().kind not in ends else _empty(at)
        value = _empty(self.tokens[self.at - 1].end)
        if self._peek().kind == ":":
            self._skip()
            if self._peek().kind not in ends:
                value = self._node(indentless=False)
            else:
                value = _empty(self.tokens[self.at - 1].end)
        if not key.foot and value.foot:
            key.foot, value.foot = value.foot, []
        node.content += (key, value)

    def _last_end(self, node: YamlNode) -> int:
        return node.content[-1].end if node.content else node.start


def _empty(at: int) -> YamlNode:
    node = YamlNode("scalar", at, at)
    node.is_plain = True
    return node

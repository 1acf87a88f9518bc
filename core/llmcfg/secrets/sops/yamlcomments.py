"""YAML with comments, attached to nodes as go-yaml v3 attaches them, since sops keeps and encrypts them where go-yaml says they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmcfg.limits import SOPS_DEPTH
from llmcfg.secrets.sops.yamlnodes import CommentLine, YamlDocument, YamlNode, too_deep
from llmcfg.secrets.sops.yamlscan import QueuedComment, Token, scan_comments

if TYPE_CHECKING:
    from collections.abc import Iterator


def read_nodes_with_comments(text: str) -> list[YamlDocument]:
    """The documents of a stream. Raises yaml.YAMLError for what is not YAML."""
    import yaml

    list(yaml.parse(text, Loader=yaml.CLoader))  # the grammar is checked here, so that what follows need not
    tokens = [Token(token) for token in yaml.scan(text, Loader=yaml.CLoader)]
    return _Parser(tokens, scan_comments(text, tokens)).documents()


class _Parser:
    """The nodes of tokens that are known to follow the grammar, with comments as go-yaml's parser hands them out."""

    def __init__(self, tokens: list[Token], queue: list[QueuedComment]) -> None:
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

    def _peek(self) -> Token:
        token = self.tokens[self.at]
        while self.handed < len(self.queue) and token.start >= self.queue[self.handed].token:
            comment = self.queue[self.handed]
            if comment.kind == "head" and token.kind == "<block end>":
                break
            getattr(self, comment.kind).extend(comment.lines)
            self.handed += 1
        return token

    def _skip(self) -> Token:
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

    def _flow(self, opening: Token) -> YamlNode:
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

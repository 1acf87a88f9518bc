"""YAML as sops reads it: from nodes to the tree of `model`, one mapping a document.

Rules: keys are strings, the root of each document is a mapping, aliases are expanded (within a limit), merge keys stay ordinary keys,
custom tags are dropped. Duplicate keys are refused in the first document only, as sops does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmcfg.errors import UsageError
from llmcfg.limits import SOPS_ALIAS_EXPANSION
from llmcfg.secrets.sops.model import Comment, Item, Leaf, Mapping, Null, Sequence, Span
from llmcfg.secrets.sops.resolver import STANDARD_TAG, resolve, resolve_tagged
from llmcfg.secrets.sops.yamlnodes import children, read_nodes
from llmcfg.secrets.sops.yamltidy import read_tidy

if TYPE_CHECKING:
    from llmcfg.secrets.sops.model import Documents, Node
    from llmcfg.secrets.sops.yamlnodes import CommentLine, YamlNode

_FREE_NODES: Final = 1000


def read_yaml(text: str) -> Documents:
    """The documents of a stream, with spans. Raises UsageError for what sops refuses."""
    tidy = read_tidy(text)
    return _read_whole(text) if tidy is None else [tidy]


def _read_whole(text: str) -> Documents:
    documents: Documents = []
    for position, document in enumerate(read_nodes(text)):
        root = document.root
        if root is None or root.kind != "mapping":
            if root is not None and is_null(root) and position:
                continue
            raise _refused("the file is not a mapping of keys to values", "put its content under a key", text, root)
        reader = _Reader(text, is_first=not position)
        mapping = reader.mapping(root)
        mapping.items += _comments(document.foot)
        documents.append(mapping)
    if not documents:
        raise UsageError("the file is empty", hint="SOPS needs at least one key")
    return documents


class _Reader:
    """Reads one document."""

    def __init__(self, text: str, *, is_first: bool) -> None:
        self.text = text
        self.is_first = is_first
        self.anchors: dict[str, YamlNode] = {}
        self.open: set[int] = set()
        self.written = 0
        self.expanded = 0
        self.in_alias = 0

    def mapping(self, node: YamlNode, *, bare: bool = False) -> Mapping:
        """`bare`: the comments of the node itself were taken already."""
        items: list[Item | Comment] = [] if bare else [*_comments(node.head), *_comments(node.line)]
        seen: set[str] = set()
        for key, value in children(node):
            if key.head or key.line:
                items += (*_comments(key.head), *_comments(key.line))
            is_leaf = value.kind in ("scalar", "alias")
            if is_leaf and (value.head or value.line):
                items += (*_comments(value.head), *_comments(value.line, inline=value.kind == "scalar"))
            name = self._key(key)
            if name in seen and self.is_first:
                raise _refused(f"the key {name!r} is written twice", "remove one of them", self.text, key)
            seen.add(name)
            items.append(Item(name, self.node(value), Span(key.start, key.end)))
            if is_leaf and value.foot:
                items += _comments(value.foot)
            if key.foot:
                items += _comments(key.foot)
        if not bare:
            items += _comments(node.foot)
        return Mapping(items, Span(node.start, node.end), node.is_flow)

    def sequence(self, node: YamlNode, *, bare: bool = False) -> Sequence:
        items: list[Node | Comment] = [] if bare else [*_comments(node.head), *_comments(node.line)]
        for element in node.content:
            items += _comments(element.head)
            items += _comments(element.line, inline=True)
            items.append(self.node(element, bare=True))
            items += _comments(element.foot)
        if not bare:
            items += _comments(node.foot)
        return Sequence(items, Span(node.start, node.end), node.is_flow)

    def node(self, node: YamlNode, *, bare: bool = False) -> Node:
        self._count(node)
        if node.anchor:
            self.anchors[node.anchor] = node
        match node.kind:
            case "scalar":
                return self._scalar(node)
            case "alias":
                return self._alias(node)
        self.open.add(id(node))
        value: Node = self.mapping(node, bare=bare) if node.kind == "mapping" else self.sequence(node, bare=bare)
        self.open.discard(id(node))
        return value

    def _scalar(self, node: YamlNode) -> Leaf | Null:
        span = Span(node.start, node.end)
        try:
            if node.tag:
                return resolve_tagged(node.tag, node.value, span, is_plain=node.is_plain)
            if node.is_plain:
                return resolve(node.value, span)
        except UsageError as error:
            raise _refused(error.message, error.hint, self.text, node) from None
        return Leaf("str", node.value.encode("utf-8", "surrogateescape"), span)

    def _alias(self, node: YamlNode) -> Node:
        target = self.anchors.get(node.value)
        if target is None or id(target) in self.open:
            raise _refused(f"the alias *{node.value} leads nowhere", "write the value itself", self.text, node)
        self.in_alias += 1
        value = self.node(target)
        self.in_alias -= 1
        return _respan(value, Span(node.start, node.end))

    def _key(self, node: YamlNode) -> str:
        if node.kind == "alias" and node.value in self.anchors:
            return self._key(self.anchors[node.value])
        if node.kind == "scalar":
            if node.anchor:
                self.anchors[node.anchor] = node
            if not node.is_plain and not node.tag:
                return node.value
            if node.value == "<<" and node.tag in ("", STANDARD_TAG + "merge"):
                return "<<"
            leaf = self._scalar(node)
            if isinstance(leaf, Leaf) and leaf.kind == "str":
                return leaf.reveal().decode("utf-8", "surrogateescape")
        raise _refused("a key is not a string", "put it in quotes", self.text, node)

    def _count(self, node: YamlNode) -> None:
        if not self.in_alias:
            self.written += 1
            return
        self.expanded += 1
        if self.expanded > max(_FREE_NODES, SOPS_ALIAS_EXPANSION * self.written):
            raise _refused("aliases expand to too much", "write fewer aliases to aliases", self.text, node)


def _respan(value: Node, span: Span) -> Node:
    """The same value as written by an alias: it cannot be edited there but as a whole."""
    if isinstance(value, Leaf):
        return Leaf(value.kind, value.reveal(), span)
    if isinstance(value, Null):
        return Null(span)
    value.span = span
    return value


def _comments(lines: list[CommentLine], *, inline: bool = False) -> list[Comment]:
    return [
        Comment(
            line.text[1:].encode("utf-8", "surrogateescape"), inline, Span(line.start + 1, line.start + len(line.text))
        )
        for line in lines
    ]


def is_null(node: YamlNode) -> bool:
    return node.kind == "scalar" and node.is_plain and isinstance(resolve(node.value), Null)


def _refused(what: str, hint: str, text: str, node: YamlNode | None) -> UsageError:
    if node is None:
        return UsageError(what, hint=hint)
    line = text.count("\n", 0, node.start) + 1
    column = node.start - text.rfind("\n", 0, node.start)
    return UsageError(f"{what} (line {line}, column {column})", hint=hint)

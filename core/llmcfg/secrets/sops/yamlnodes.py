"""YAML as written, before it becomes a tree: nodes with their spans, comments, tags and anchors.

Text without comments is read from libyaml's events; text with comments is read by `yamlcomments`. Both give the same nodes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias

from llmcfg.errors import UsageError
from llmcfg.limits import SOPS_DEPTH

if TYPE_CHECKING:
    from collections.abc import Iterator

NodeKind: TypeAlias = Literal["scalar", "mapping", "sequence", "alias"]
_MAY_BE_COMMENT: Final = re.compile(r"(?:^|[\s,\[\]{}\"'])#")


class CommentLine(NamedTuple):
    """One line of a comment, with its `#`, and where that stands."""

    text: str
    start: int


_NO_LINES: Final[list[CommentLine]] = []  # shared: lists of lines are replaced, never added to
_NO_NODES: Final[list[Any]] = []


class YamlNode:
    """`content` holds keys and values in turn, or the elements. `value` is the text of a scalar or the name of an alias."""

    __slots__ = (
        "anchor",
        "content",
        "end",
        "foot",
        "head",
        "is_flow",
        "is_plain",
        "kind",
        "line",
        "start",
        "tag",
        "value",
    )

    def __init__(self, kind: NodeKind, start: int, end: int, value: str = "") -> None:
        self.kind: NodeKind = kind
        self.start = start
        self.end = end
        self.value = value
        self.tag = ""
        self.anchor = ""
        self.is_plain = False
        self.is_flow = False
        self.content: list[YamlNode] = [] if kind in ("mapping", "sequence") else _NO_NODES
        self.head = self.line = self.foot = _NO_LINES


class YamlDocument(NamedTuple):
    root: YamlNode | None
    head: list[CommentLine]
    foot: list[CommentLine]


def read_nodes(text: str) -> list[YamlDocument]:
    """The documents of a stream. Raises UsageError with a position for what is not YAML."""
    import yaml

    try:
        if _MAY_BE_COMMENT.search(text):
            from llmcfg.secrets.sops.yamlcomments import read_nodes_with_comments

            return read_nodes_with_comments(text)
        return _read_events(yaml.CLoader(text))
    except yaml.YAMLError as error:
        raise _not_yaml(error) from None
    except RecursionError:
        raise too_deep() from None


def too_deep() -> UsageError:
    return UsageError(f"the file is nested more than {SOPS_DEPTH} levels deep", hint="flatten it")


def _read_events(parser: Any) -> list[YamlDocument]:
    import yaml

    documents: list[YamlDocument] = []
    scalar, mapping_start, sequence_start = yaml.ScalarEvent, yaml.MappingStartEvent, yaml.SequenceStartEvent
    ends = (yaml.MappingEndEvent, yaml.SequenceEndEvent)
    open_nodes: list[YamlNode] = []
    event = parser.get_event()
    while event is not None:
        kind = type(event)
        node: YamlNode | None = None
        if kind is scalar:
            node = YamlNode("scalar", event.start_mark.index, event.end_mark.index, event.value)
            node.is_plain = not event.style
            node.tag = event.tag or ""
        elif kind is mapping_start or kind is sequence_start:
            node = YamlNode(
                "mapping" if kind is mapping_start else "sequence", event.start_mark.index, event.end_mark.index
            )
            node.is_flow = bool(event.flow_style)
            node.tag = event.tag or ""
        elif kind is yaml.AliasEvent:
            node = YamlNode("alias", event.start_mark.index, event.end_mark.index, event.anchor)
        elif kind in ends:
            open_nodes.pop().end = event.end_mark.index
        if node is not None:
            if open_nodes:
                open_nodes[-1].content.append(node)
            else:
                documents.append(YamlDocument(node, [], []))
            if node.kind != "alias":
                node.anchor = event.anchor or ""
                if node.kind != "scalar":
                    open_nodes.append(node)
                    if len(open_nodes) > SOPS_DEPTH:
                        raise too_deep()
        event = parser.get_event()
    return documents


def children(node: YamlNode) -> Iterator[tuple[YamlNode, YamlNode]]:
    """Keys and values of a mapping."""
    pairs = iter(node.content)
    return zip(pairs, pairs, strict=True)


def _not_yaml(error: Any) -> UsageError:
    mark = getattr(error, "problem_mark", None)
    where = f" at {mark.line + 1}:{mark.column + 1}" if mark is not None else ""
    problem = str(getattr(error, "problem", None) or getattr(error, "reason", None) or "")
    return UsageError(f"the file is not YAML{where}: {problem}", hint="mend it there")

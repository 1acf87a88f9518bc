"""A YAML file as the readers of YAML 1.1 see it (PyYAML's `safe_load`, which most Python programs call), with every place in its text.

The text is the file's with `\\n` line ends and without a byte order mark. Offsets count characters of that text.
"""

from __future__ import annotations

import codecs
import re
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import yaml

from llmcfg import limits
from llmcfg.model.findings import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MERGE_TAG = "tag:yaml.org,2002:merge"
AMBIGUOUS_TAG = "tag:yaml.org,2002:ambiguous"
"""Of a number that readers take for different ones, such as 014."""


class Place(NamedTuple):
    """Where a node is written. An alias is written elsewhere than the node that it stands for."""

    start: int
    end: int
    is_alias: bool


class Pair(NamedTuple):
    """A key and its value as written."""

    key: yaml.Node
    key_place: Place
    value: yaml.Node
    value_place: Place


@dataclass(frozen=True, slots=True)
class Source:
    text: str
    root: yaml.MappingNode
    aliases: tuple[Place, ...]
    anchors: Mapping[int, str]  # id of a node -> the anchor before it

    def place(self, node: yaml.Node, after: int) -> Place:
        """Where the node is written that follows the offset `after`."""
        start, end = node.start_mark.index, node.end_mark.index
        if start >= after:
            return Place(start, end, False)
        return self.aliases[bisect_left(self.aliases, after, key=lambda alias: alias.start)]

    def pairs(self, node: yaml.MappingNode) -> Iterator[Pair]:
        """The pairs of a mapping that is written here (not behind an alias), in the order of the text."""
        at = node.start_mark.index
        for key, value in node.value:
            key_place = self.place(key, at)
            value_place = self.place(value, key_place.end)
            yield Pair(key, key_place, value, value_place)
            at = value_place.end

    def items(self, node: yaml.SequenceNode) -> Iterator[tuple[yaml.Node, Place]]:
        """The items of a sequence that is written here, in the order of the text."""
        at = node.start_mark.index
        for item in node.value:
            place = self.place(item, at)
            yield item, place
            at = place.end

    def content_end(self, node: yaml.Node, place: Place) -> int:
        """Where the node's own text ends; a block collection's mark lies behind the comments that follow it."""
        if place.is_alias or is_flow(node) or not node.value:
            return place.end
        if isinstance(node, yaml.MappingNode):
            *_, pair = self.pairs(node)
            return self.content_end(pair.value, pair.value_place)
        if isinstance(node, yaml.SequenceNode):
            *_, (item, item_place) = self.items(node)
            return self.content_end(item, item_place)
        return place.end

    def line_start(self, offset: int) -> int:
        return self.text.rfind("\n", 0, offset) + 1

    def next_line(self, offset: int) -> int:
        end = self.text.find("\n", offset)
        return len(self.text) if end < 0 else end + 1


def is_flow(node: yaml.Node) -> bool:
    """Whether the node is written in flow style or as a plain or quoted scalar, so that indentation means nothing inside it."""
    if isinstance(node, yaml.ScalarNode):
        return node.style not in ("|", ">")
    return isinstance(node, yaml.CollectionNode) and bool(node.flow_style)


def parse_source(content: bytes, *, has_yaml_12: bool = False) -> Source | Problem:
    """The file's mapping with its places, or why there is none. `has_yaml_12`: scalars mean what js-yaml makes of them."""
    if len(content) > limits.DOCUMENT_BYTES:
        message = f"the file has {len(content)} bytes; {limits.DOCUMENT_BYTES} is the limit"
        return Problem("yaml-size", message, hint="split it, and import each part")
    try:
        text = content.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return Problem("blob-encoding", f"byte {error.start} is not UTF-8", line, hint="save the file as UTF-8")
    return _compose(text.replace("\r\n", "\n").replace("\r", "\n"), _Composer12 if has_yaml_12 else _Composer)


def _compose(text: str, made_by: type[_Composer]) -> Source | Problem:
    try:
        composer = made_by(text)
        root = composer.get_single_node()
    except RecursionError:
        return Problem("yaml-depth", f"values are nested deeper than {limits.DOCUMENT_DEPTH} levels", hint="flatten it")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        rule = "yaml-documents" if error.context and "single document" in error.context else "yaml-syntax"
        reason = ": ".join(filter(None, (error.context, error.problem)))
        return Problem(
            rule, f"no YAML reader takes this: {reason}", line, column, "mend the file, then import it again"
        )
    except yaml.YAMLError as error:
        message = f"no YAML reader takes this file: {str(error).splitlines()[0]}"
        return Problem("yaml-character", message, hint="remove the character")
    if root is None or (isinstance(root, yaml.ScalarNode) and root.value == ""):
        return Problem(
            "yaml-empty", "the file has no sections, only comments or nothing", hint="import a file that says something"
        )
    if not isinstance(root, yaml.MappingNode):
        return _problem_at("yaml-root", "the file is not a mapping of sections", root)
    if not root.value:
        return _problem_at("yaml-empty", "the file has no sections", root)
    return Source(text, root, tuple(composer.aliases), composer.anchor_names)


def _problem_at(rule: str, message: str, node: yaml.Node) -> Problem:
    hint = "write sections such as model_list: at the top"
    return Problem(rule, message, node.start_mark.line + 1, node.start_mark.column + 1, hint)


class _Composer(yaml.SafeLoader):
    """SafeLoader's nodes, remembering where aliases and anchors stand."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.aliases: list[Place] = []
        self.anchor_names: dict[int, str] = {}

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            assert event.start_mark is not None and event.end_mark is not None
            self.aliases.append(Place(event.start_mark.index, event.end_mark.index, True))
            return super().compose_node(parent, index)
        node = super().compose_node(parent, index)
        if node is not None and event.anchor is not None:
            self.anchor_names[id(node)] = event.anchor
        return node


class _Composer12(_Composer):
    """The scalars of YAML 1.2 as js-yaml has them. Numbers that other readers take for different ones are marked as such."""

    yaml_implicit_resolvers = {}  # noqa: RUF012  (PyYAML's way to have none of its parent's)


for _tag, _pattern, _first in (
    (MERGE_TAG, r"<<", "<"),
    ("tag:yaml.org,2002:null", r"~|null|Null|NULL|", "~nN"),
    ("tag:yaml.org,2002:bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("tag:yaml.org,2002:int", r"[-+]?(?:0|[1-9][0-9]*)|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    (
        "tag:yaml.org,2002:float",
        r"[-+]?(?:0|[1-9][0-9]*)?\.[0-9]+(?:[eE][-+]?[0-9]+)?|[-+]?(?:0|[1-9][0-9]*)(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?|"
        r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+.0123456789",
    ),
    (AMBIGUOUS_TAG, r"[-+]?0b[01_]+|[-+]?[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?", "-+0123456789"),
    ("tag:yaml.org,2002:timestamp", r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[Tt \t].*)?", "0123456789"),
):
    _Composer12.add_implicit_resolver(_tag, re.compile(rf"(?:{_pattern})\Z"), [*_first])
    if _tag.endswith("null"):
        _Composer12.add_implicit_resolver(_tag, re.compile(r"\Z"), [""])

"""A part of a YAML 1.1 file made strict by changing as few characters as it takes, so that layout and comments stay.

- A scalar that strict readers take differently, that carries a tag or that became a reference is written anew in its place.
- A merge key becomes the keys that it brings in; an alias to an anchor outside the part becomes the value.
- The earlier of two equal keys becomes a comment.

What this cannot express (a merge key in a flow mapping, say) the strict loader refuses afterwards; the caller writes such a part anew.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import yaml

from llmcfg.importers.source import MERGE_TAG, is_flow
from llmcfg.importers.values import merged_mapping
from llmcfg.importers.writing import block_text, flow_text, has_same_meaning

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from llmcfg.importers.source import Pair, Place, Source
    from llmcfg.model.value import Value


_OPENING = re.compile(r" *(?:- +)*")


class Edit(NamedTuple):
    """Replace the characters from `start` to `end`."""

    start: int
    end: int
    text: str


class Splicer:
    """Finds the edits of one part of the text, from offset `start` to `end`; `values` are the meanings by node."""

    def __init__(self, source: Source, values: Mapping[int, Value], start: int, end: int) -> None:
        self._source = source
        self._values = values
        self._start = start
        self._end = end

    def edits(self, node: yaml.Node, place: Place, is_in_flow: bool = False) -> Iterator[Edit]:
        """What must change in the text of `node`, which is written at `place`."""
        if place.is_alias:
            if not self._start <= node.start_mark.index < self._end:
                yield Edit(place.start, place.end, flow_text(self._values[id(node)]))
            return
        has_flow_style = is_flow(node)
        if has_flow_style and not is_in_flow:
            yield from self._indentation_edits(place)
        if isinstance(node, yaml.ScalarNode):
            yield from self._scalar_edits(node)
        elif isinstance(node, yaml.MappingNode):
            yield from self._mapping_edits(node, has_flow_style)
        elif isinstance(node, yaml.SequenceNode):
            for item, item_place in self._source.items(node):
                yield from self.edits(item, item_place, has_flow_style)

    def apply(self, edits: Iterable[Edit], start: int, end: int) -> str:
        """The text from `start` to `end` with these edits, of which an outer one swallows those inside it."""
        pieces: list[str] = []
        at = start
        for edit in sorted(edits, key=lambda edit: (edit.start, edit.end > edit.start, -edit.end)):
            if edit.start >= at and edit.end <= end:
                pieces += (self._source.text[at : edit.start], edit.text)
                at = edit.end
        return "".join((*pieces, self._source.text[at:end]))

    def _indentation_edits(self, place: Place) -> Iterator[Edit]:
        """Spaces for further lines of a flow node that stand no deeper than its key: `]` below `key: [`, for one."""
        text = self._source.text
        opening = _OPENING.match(text, self._source.line_start(place.start), place.start)
        depth = len(opening[0]) if opening else 0
        line = self._source.next_line(place.start)
        while line < place.end:
            indent = len(text[line : place.end]) - len(text[line : place.end].lstrip(" "))
            if indent <= depth and text[line + indent] != "\n":
                yield Edit(line, line, " " * (depth + 2 - indent))
            line = self._source.next_line(line)

    def _scalar_edits(self, node: yaml.ScalarNode) -> Iterator[Edit]:
        value = self._values.get(id(node))
        assert not isinstance(value, dict | list | tuple)
        start, end = node.start_mark.index, node.end_mark.index
        anchor = self._source.anchors.get(id(node))
        anchored = f"&{anchor} " if anchor else ""
        is_tagged = self._source.text[start:end].removeprefix(anchored).startswith("!")
        is_same = has_same_meaning(node.value, value) if node.style is None else node.value == value
        if is_tagged or not is_same:
            yield Edit(start, end, anchored + flow_text(value))

    def _mapping_edits(self, node: yaml.MappingNode, is_in_flow: bool) -> Iterator[Edit]:
        pairs = list(self._source.pairs(node))
        last = {pair.key.value: pair.key_place.start for pair in pairs}
        for index, pair in enumerate(pairs):
            if pair.key.tag == MERGE_TAG:
                yield self._merge_edit(pair, self._brought(pairs, index), is_in_flow)
            elif last[pair.key.value] != pair.key_place.start:
                yield self._comment_out(pair)
            else:
                yield from self.edits(pair.key, pair.key_place, is_in_flow)
                yield from self.edits(pair.value, pair.value_place, is_in_flow)

    def _brought(self, pairs: list[Pair], index: int) -> dict[str, Value]:
        """What this merge key adds to the mapping, beside its own keys and what later merge keys say."""
        said = {pair.key.value for pair in pairs if pair.key.tag != MERGE_TAG}
        for later in pairs[index + 1 :]:
            if later.key.tag == MERGE_TAG:
                said |= merged_mapping(later.value, self._values).keys()
        brought = merged_mapping(pairs[index].value, self._values)
        return {key: value for key, value in brought.items() if key not in said}

    def _merge_edit(self, pair: Pair, brought: dict[str, Value], is_in_flow: bool) -> Edit:
        if not brought:
            return self._comment_out(pair)
        start = pair.key_place.start
        if is_in_flow:
            return Edit(start, pair.value_place.end, flow_text(brought)[1:-1])
        column = start - self._source.line_start(start)
        return Edit(start, pair.value_place.end, block_text(brought, column))

    def _comment_out(self, pair: Pair) -> Edit:
        start, end = pair.key_place.start, self._source.content_end(pair.value, pair.value_place)
        return Edit(start, end, commented(self._source.text[start:end], start - self._source.line_start(start)))


def commented(text: str, column: int = 0) -> str:
    """The lines of `text`, whose first one begins at `column`, as comments."""
    first, *rest = text.rstrip().split("\n")
    return "\n".join(
        (f"# {first}", *(f"{' ' * column}# {line[column:] if not line[:column].strip() else line}" for line in rest))
    )

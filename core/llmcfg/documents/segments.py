"""A document's text cut into what belongs to each key, so that parts of it can be taken from one version and put into another.

Rules: comments and empty lines before a key belong to it; so do the rest of its line, and comments below it that are indented deeper. At
the head of a block, only the comments directly before the first key are that key's. Only block style is cut: what stands in braces is one
part.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from yaml.events import AliasEvent, MappingStartEvent, ScalarEvent, SequenceStartEvent

from llmcfg.documents.nodes import iterate_nodes
from llmcfg.documents.paths import value_at

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmcfg.documents.nodes import Node
    from llmcfg.model.value import Path, Value


class Entry(NamedTuple):
    """A key or dash with its value. `leading` are the lines before it; `body` begins at the key and holds whole lines."""

    path: Path
    leading: str
    body: str
    start: int
    end: int


class Block(NamedTuple):
    """The entries of a collection, what stands before them and behind them. `is_inline`: the first follows a dash on its line."""

    header: str
    column: int
    entries: tuple[Entry, ...]
    tail: str
    is_inline: bool = False


class Parts(NamedTuple):
    """An entry's body around its value."""

    introduction: str
    value: str
    rest: str


class Segments:
    """A sound document. `text` has no byte order mark, and a line break at its end."""

    def __init__(self, text: str, value: Value) -> None:
        self.text = text
        self.value = value

    @cached_property
    def _nodes(self) -> Mapping[Path, Node]:
        return dict(iterate_nodes(self.text))

    @cached_property
    def _children(self) -> Mapping[Path, list[Path]]:
        found: dict[Path, list[Path]] = {}
        for path in sorted(self._nodes, key=lambda path: (self._nodes[path].start.offset, len(path))):
            if path:
                found.setdefault(path[:-1], []).append(path)
        return found

    def value_at(self, path: Path) -> Value:
        return value_at(self.value, path)

    def root(self) -> Block | None:
        """None for a file that is not there, too."""
        return self._block((), 0, len(self.text)) if self._nodes else None

    def inner(self, entry: Entry) -> Block | None:
        """The entries below; None where there are none, or not each on lines of its own."""
        return self._block(entry.path, entry.start, entry.end)

    def find(self, path: Path) -> Entry | None:
        block, found = self.root(), None
        for size in range(1, len(path) + 1):
            found = next((entry for entry in block.entries if entry.path == path[:size]), None) if block else None
            block = self.inner(found) if found else None
        return found

    def parts(self, entry: Entry) -> Parts:
        start, end = self._nodes[entry.path].start.offset, self._content_end(entry.path)
        return Parts(self.text[entry.start : start], self.text[start:end], self.text[end : entry.end])

    def _block(self, path: Path, start: int, end: int) -> Block | None:
        event, children = self._nodes[path].event, self._children.get(path, [])
        if not children or event.flow_style or not isinstance(event, MappingStartEvent | SequenceStartEvent):
            return None
        starts = [self._entry_start(child) for child in children]
        lines = [self.text.rfind("\n", 0, at) + 1 for at in starts]
        columns = {at - line for at, line in zip(starts, lines, strict=True)}
        before = [self.text[line:at].strip() for at, line in zip(starts, lines, strict=True)]
        is_inline = bool(path) and lines[0] <= start and not before[0].strip("- ")
        if len(columns) > 1 or any(before[is_inline:]):
            return None
        return self._cut(children, starts, lines, Block("", columns.pop(), (), "", is_inline), start, end)

    def _cut(
        self, children: list[Path], starts: list[int], lines: list[int], block: Block, start: int, end: int
    ) -> Block:
        first = starts[0] if block.is_inline else self._head_end(start, lines[0])
        entries: list[Entry] = []
        at = first
        for index, child in enumerate(children):
            limit = lines[index + 1] if index + 1 < len(children) else end
            stop = self._below(self._line_end(self._content_end(child)), limit, block.column)
            leading = "" if block.is_inline and not index else self.text[at : lines[index]]
            entries.append(Entry(child, leading, self.text[starts[index] : stop], starts[index], stop))
            at = stop
        return block._replace(header=self.text[start:first], entries=tuple(entries), tail=self.text[at:end])

    def _head_end(self, start: int, first: int) -> int:
        """Where the comments directly before the first key begin, on a line after that of `start` or at its beginning."""
        at = first
        while at > start:
            line = self.text.rfind("\n", 0, at - 1) + 1
            if line < start or not self.text[line:at].lstrip().startswith("#"):
                break
            at = line
        return at

    def _below(self, at: int, limit: int, column: int) -> int:
        """The end of the last comment before `limit` that is indented deeper than `column`."""
        stop = at
        while at < limit:
            after = self.text.find("\n", at) + 1 or limit
            line = self.text[at:after]
            if line.strip() and len(line) - len(line.lstrip(" ")) > column:
                stop = after
            elif line.strip():
                break
            at = after
        return stop

    def _entry_start(self, path: Path) -> int:
        node = self._nodes[path]
        return node.key.start_mark.index if node.key is not None else self.text.rfind("-", 0, node.start.offset)

    def _line_end(self, at: int) -> int:
        if self.text[at - 1 : at] == "\n":
            return at
        return self.text.find("\n", at) + 1 or len(self.text)

    def _content_end(self, path: Path) -> int:
        """Without the white space after it, but for what block text keeps (`|+`)."""
        node = self._nodes[path]
        start, end = node.start.offset, node.end.offset
        event: Any = node.event
        if not isinstance(event, ScalarEvent | AliasEvent) and not event.flow_style and path in self._children:
            return self._content_end(self._children[path][-1])
        written = self.text[start:end]
        if getattr(event, "style", None) in ("|", ">") and "+" in written.partition("\n")[0]:
            return end
        return start + len(written.rstrip())

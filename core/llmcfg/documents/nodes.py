"""Every value of a text as it is written, in its order, by libyaml's events. Merge tags are transparent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from yaml import YAMLError
from yaml._yaml import CParser
from yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llmcfg.model.value import Path


class Mark(NamedTuple):
    """A place in the text: line and column from 0, `offset` in characters."""

    line: int
    column: int
    offset: int


class Node(NamedTuple):
    """A value as written. `start` is before its tag and anchor. `event` is its first event; `key` is None for the root and list items.

    The end of a block collection is that of its last value; a block scalar's is after the line breaks that follow it.
    """

    key: Any
    start: Mark
    end: Mark
    event: Any


def find_first_keys(text: str, last: int) -> Mapping[int, tuple[int, int]]:
    """For each duplicate key, by its character index: line and column (from 1) of the first one. `last` is that of the last one."""
    firsts: dict[int, tuple[int, int]] = {}
    walk = _Walk(text, firsts)
    for _ in walk.nodes():
        if last in firsts:
            break
    return firsts


def iterate_nodes(text: str) -> Iterator[tuple[Path, Node]]:
    """Every value with its path, innermost first, up to the first mistake."""
    return _Walk(text, {}).nodes()


def iterate_scalars(text: str) -> Iterator[tuple[ScalarEvent, bool]]:
    """Every scalar in text order, and whether it is a mapping key, up to the first mistake."""
    walk = _Walk(text, {})
    for _ in walk.nodes():
        yield from walk.seen
        walk.seen.clear()
    yield from walk.seen


def trimmed_end(text: str, node: Node) -> Mark:
    """The end without the white space after a block scalar."""
    start, end = node.start, node.end
    written = text[start.offset : end.offset]
    kept = written.rstrip()
    if kept == written or not kept:
        return end
    breaks = kept.count("\n")
    column = len(kept) - kept.rfind("\n") - 1 if breaks else start.column + len(kept)
    return Mark(start.line + breaks, column, start.offset + len(kept))


class _Frame:
    """An open collection: `keys` is None for a list; `key` is the key event whose value comes next."""

    def __init__(self, path: Path, event: Any, key: Any) -> None:
        self.path = path
        self.event = event
        self.own_key = key
        self.keys: dict[str, Mark] | None = {} if isinstance(event, MappingStartEvent) else None
        self.key: Any = None
        self.length = 0
        self.end = _mark(event.end_mark)


class _Walk:
    def __init__(self, text: str, firsts: dict[int, tuple[int, int]]) -> None:
        self._events: Any = CParser(text)
        self._firsts = firsts
        self._frames: list[_Frame] = []
        self.seen: list[tuple[ScalarEvent, bool]] = []

    def nodes(self) -> Iterator[tuple[Path, Node]]:
        try:
            while (event := self._events.get_event()) is not None:
                if isinstance(event, ScalarEvent | AliasEvent):
                    is_key = self._is_key(event)
                    if isinstance(event, ScalarEvent):
                        self.seen.append((event, is_key))
                    if not is_key:
                        yield self._leaf(event)
                elif isinstance(event, MappingStartEvent | SequenceStartEvent):
                    if self._is_key(event):
                        self._skip_collection()
                    else:
                        path, key = self._step()
                        self._frames.append(_Frame(path, event, key))
                elif isinstance(event, MappingEndEvent | SequenceEndEvent):
                    yield self._close(event)
        except YAMLError:
            return

    def _is_key(self, event: Any) -> bool:
        """Takes the event as the key of the next value if a key is due."""
        frame = self._frames[-1] if self._frames else None
        if frame is None or frame.keys is None or frame.key is not None:
            return False
        frame.key = event
        if isinstance(event, ScalarEvent):
            key = _mark(event.start_mark)
            first = frame.keys.setdefault(event.value, key)
            if first != key:
                self._firsts[key.offset] = (first.line + 1, first.column + 1)
        return True

    def _step(self) -> tuple[Path, Any]:
        """The path of the value that begins now, and its key event."""
        if not self._frames:
            return (), None
        frame = self._frames[-1]
        if frame.keys is None:
            frame.length += 1
            return (*frame.path, frame.length - 1), None
        key, frame.key = frame.key, None
        return (*frame.path, str(getattr(key, "value", ""))), key

    def _leaf(self, event: Any) -> tuple[Path, Node]:
        path, key = self._step()
        node = Node(key, _mark(event.start_mark), _mark(event.end_mark), event)
        self._extend(node.end)
        return path, node

    def _close(self, event: Any) -> tuple[Path, Node]:
        frame = self._frames.pop()
        end = _mark(event.end_mark) if frame.event.flow_style else frame.end
        self._extend(end)
        return frame.path, Node(frame.own_key, _mark(frame.event.start_mark), end, frame.event)

    def _extend(self, end: Mark) -> None:
        if self._frames:
            self._frames[-1].end = max(self._frames[-1].end, end)

    def _skip_collection(self) -> None:
        opened = 1
        while opened and (event := self._events.get_event()) is not None:
            if isinstance(event, MappingStartEvent | SequenceStartEvent):
                opened += 1
            elif isinstance(event, MappingEndEvent | SequenceEndEvent):
                opened -= 1


def _mark(mark: Any) -> Mark:
    return Mark(mark.line, mark.column, mark.index)

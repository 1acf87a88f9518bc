"""Comments in YAML text: every `#` that stands outside the scalars, wherever it stands."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.importers.source import Source

_COMMENT = re.compile(r"(?:(?<=\s)|^)#[^\n]*", re.MULTILINE)
_BLOCK_HEADER = re.compile(r"[|>][^#\n]*(?<=\s)(#[^\n]*)")


class Comments:
    """The comments of a source, by offset."""

    def __init__(self, source: Source) -> None:
        self._found = sorted(_find(source))

    def between(self, start: int, end: int) -> list[str]:
        """The comments that begin in this part of the text, each from its `#` on, in order."""
        first = bisect_right(self._found, (start, ""))
        return [text for at, text in self._found[first:] if at < end]


def _find(source: Source) -> Iterator[tuple[int, str]]:
    text, at = source.text, 0
    for start, end, style in sorted(set(_scalars(source))):
        yield from _comments_in(text, at, start)
        if style in ("|", ">") and (
            header := _BLOCK_HEADER.search(text, start, source.next_line(text.index(style, start)))
        ):
            yield header.start(1), header[1]
        at = max(at, end)
    yield from _comments_in(text, at, len(text))


def _comments_in(text: str, start: int, end: int) -> Iterator[tuple[int, str]]:
    for comment in _COMMENT.finditer(text, start, end):
        yield comment.start(), comment[0].rstrip()


def _scalars(source: Source) -> Iterator[tuple[int, int, str | None]]:
    seen: set[int] = set()
    waiting: list[yaml.Node] = [source.root]
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.ScalarNode):
            yield node.start_mark.index, node.end_mark.index, node.style
        elif isinstance(node, yaml.MappingNode):
            waiting.extend(part for pair in node.value for part in pair)
        else:
            waiting.extend(node.value)

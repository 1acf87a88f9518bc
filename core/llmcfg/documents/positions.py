"""Where each key and value of a document stands. Computed on demand: loading pays nothing for it.

A path below an alias has no place of its own; its nearest place is the alias. Merge tags are transparent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmcfg.model.value import Path


class Place(NamedTuple):
    """Lines and columns count from 1, columns in characters; the end is exclusive.

    `line` and `column` are those of the mapping key, or of the list item; the rest is where its value stands.
    """

    line: int
    column: int
    value_line: int
    value_column: int
    end_line: int
    end_column: int


def find_places(content: bytes) -> Mapping[Path, Place]:
    """The place of every path; the root is (). Of a document that cannot be read, what comes before the mistake."""
    return find_places_in(content.decode("utf-8", "replace").removeprefix("\ufeff"))


def find_places_in(text: str) -> Mapping[Path, Place]:
    """As `find_places`, of text without a byte order mark."""
    from llmcfg.documents.nodes import iterate_nodes, trimmed_end

    places: dict[Path, Place] = {(): Place(1, 1, 1, 1, 1, 1)}
    for path, node in iterate_nodes(text):
        start, end = node.start, trimmed_end(text, node)
        key = start if node.key is None else node.key.start_mark
        places[path] = Place(
            key.line + 1, key.column + 1, start.line + 1, start.column + 1, end.line + 1, end.column + 1
        )
    return places


def nearest_place(places: Mapping[Path, Place], path: Path) -> Place:
    """The place of `path`, or of its nearest ancestor that has one."""
    while path and path not in places:
        path = path[:-1]
    return places[path]

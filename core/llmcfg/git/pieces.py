"""Lists in pieces: how a deployed branch holds a large `head.json` or `manifest.json`, so that versions and bundles share most of it.

A folder stands in the place of the file; its blobs, in the order of their names, are the content (docs/spec/deployed.md). A list is cut
where its own content says, behind one digest in 64. So a change leaves all pieces as they are but those that it touches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmcfg.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterator

LISTS: Final = {"head.json": 0, "manifest.json": 2}
"""How many folders each lies below. Neither an environment, a tenant nor a consumer can be called so."""
_LARGE: Final = 32 << 10
_LEAST: Final = 4 << 10
_MOST: Final = 64 << 10
_END: Final = regex(rb'0"(?<=[0-3]0")')  # of a digest in hex; found by its literal head, ten times as fast as `[0-3]0"`


def is_in_pieces(path: str, content: bytes) -> bool:
    """Whether a file of a deployed branch is stored in pieces."""
    name = path.rpartition("/")[2]
    return len(content) > _LARGE and LISTS.get(name) == path.count("/")


def stored_as(path: str, content: bytes) -> dict[str, bytes]:
    """The files that a file of a deployed branch is stored as: its pieces, below its path and in their order, or itself."""
    if not is_in_pieces(path, content):
        return {path: content}
    return {f"{path}/{name_of_piece(number)}": piece for number, piece in enumerate(_cut(content))}


def stored_whole(path: str, content: bytes) -> dict[str, bytes]:
    """The same where nothing is cut."""
    return {path: content}


def name_of_piece(number: int) -> str:
    return f"{number:05}"


def _cut(content: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(content):
        found = _END.search(content, at + _LEAST, at + _MOST)
        end = found.end() if found else at + _MOST
        yield content[at:end]
        at = end

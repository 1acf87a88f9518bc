"""Reading a bundle file: mapped, never read whole; a node or a part is checked against its digest when it is first needed."""

from __future__ import annotations

import hashlib
import mmap
import os
import stat
from typing import TYPE_CHECKING

from llmcfg import limits
from llmcfg.bundlefile.bundle import Bundle
from llmcfg.bundlefile.frames import unpack_frame
from llmcfg.bundlefile.head import parse_head
from llmcfg.bundlefile.layout import MAGIC, PLACE_BYTES, parse_end, parse_places
from llmcfg.bundlefile.nodes import Branch, BranchRows, Bucket, Leaf, Stored, Unread, parse_node
from llmcfg.bundlefile.tree import Tree
from llmcfg.errors import IntegrityError

if TYPE_CHECKING:
    from pathlib import Path

    from llmcfg.bundlefile.nodes import LeafRow, Node


def open_bundle(path: Path, *, check: bool = False) -> Bundle:
    """The bundle in a file. Raises IntegrityError for what is none, and OSError as it comes.

    With `check`, all of the file is compared with its checksum first. The file may be removed or replaced by renaming while it is in use;
    what was opened stays as it was.
    """
    return read_bundle(_map(path), check=check)


def release_pages(bundle: Bundle) -> None:
    """Let go of what was read of a mapped file; it is read again where it is needed."""
    mapped = bundle.packed.obj if bundle.packed is not None else None
    if isinstance(mapped, mmap.mmap):
        mapped.madvise(mmap.MADV_DONTNEED)


def read_bundle(content: bytes | memoryview, *, check: bool = False) -> Bundle:
    """The bundle in these bytes. Raises IntegrityError for what is none."""
    view = memoryview(content)
    end = parse_end(view)
    body = view[: end.start]
    if check and hashlib.sha256(body).digest() != end.footer.body:
        raise IntegrityError("the bundle file is damaged: it has another checksum than it says")
    head = parse_head(end.head)
    file = BundleFile(body, end.dictionary)
    root = Unread(file, end.footer.root, end.footer.root_covered, head.root, -1, b"", 0)
    return Bundle(head, Tree(root.load()), view)


class BundleFile:
    """The frames and nodes of one file."""

    __slots__ = ("_content", "_dictionary")

    def __init__(self, content: memoryview, dictionary: bytes) -> None:
        self._content = content
        self._dictionary = dictionary

    def read_node(self, node: Unread) -> Node:
        covered = bytes(self._cut(node.offset, node.covered))
        if hashlib.sha256(covered).digest() != node.digest:
            raise IntegrityError("a node of a bundle's digest tree is damaged")
        rows = parse_node(covered, node.within)
        count = len(rows.children) if isinstance(rows, BranchRows) else len(rows)
        places = parse_places(bytes(self._cut(node.offset + node.covered, count * PLACE_BYTES)))
        read = self._branch(rows, places, node.depth) if isinstance(rows, BranchRows) else self._bucket(rows, places)
        if node.total not in (-1, read.total):
            raise IntegrityError("a node of a bundle's digest tree has another number of parts than its parent says")
        return read

    def read_frame(self, place: Stored, leaf: Leaf) -> bytes:
        return unpack_frame(self._cut(place.offset, place.length), leaf.size, self._dictionary)

    def packed_frame(self, place: Stored, dictionary: bytes) -> bytes | None:
        return bytes(self._cut(place.offset, place.length)) if dictionary == self._dictionary else None

    def _bucket(self, rows: list[LeafRow], places: list[tuple[int, int]]) -> Bucket:
        return Bucket(
            {row.key: Leaf(row.sha256, row.size, Stored(self, *place)) for row, place in zip(rows, places, strict=True)}
        )

    def _branch(self, rows: BranchRows, places: list[tuple[int, int]], depth: int) -> Branch:
        if depth > limits.BUNDLE_DEPTH:
            raise IntegrityError(f"a bundle's digest tree is deeper than {limits.BUNDLE_DEPTH} nodes")
        return Branch(
            rows.prefix,
            {
                row.byte: Unread(self, *place, row.digest, row.total, rows.prefix + bytes([row.byte]), depth + 1)
                for row, place in zip(rows.children, places, strict=True)
            },
        )

    def _cut(self, offset: int, length: int) -> memoryview:
        if offset < len(MAGIC) or offset + length > len(self._content):
            raise IntegrityError("a bundle file points outside of itself")
        return self._content[offset : offset + length]


def _map(path: Path) -> memoryview:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode) or not 0 < facts.st_size <= limits.BUNDLE_FILE_BYTES:
            raise IntegrityError(f"{path} is no bundle file: it is empty, too large or no file")
        return memoryview(mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ))
    finally:
        os.close(descriptor)

"""The nodes of the digest tree, and the bytes that their digests are over.

A tree holds leaves by key: a part's name and a NUL. Up to 16 leaves lie in one bucket. More of them hang below a branch, which names
the longest common beginning of their keys and has a child for each byte that follows it. So the shape is a function of the names alone,
whatever order they came in, and one part that changes makes a handful of small nodes anew.
"""

from __future__ import annotations

import hashlib
import struct
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, TypeAlias

from llmcfg import limits
from llmcfg.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Mapping

LEAVES: Final = 16  # of a bucket
_BUCKET: Final = b"L"
_BRANCH: Final = b"N"
_LENGTH = struct.Struct("<H")
_LEAF = struct.Struct("<I32s")
_CHILD = struct.Struct("<BI32s")


class Stored(NamedTuple):
    """A frame in a file."""

    file: Stores
    offset: int
    length: int


class Leaf(NamedTuple):
    """One part: the SHA-256 and size of its content, and where that is; `place` is the content itself when it is in memory."""

    sha256: bytes
    size: int
    place: Stored | bytes


class Stores(Protocol):
    """A file that holds nodes and frames."""

    def read_node(self, node: Unread) -> Node:
        """Raises IntegrityError when there is no such node."""
        ...

    def read_frame(self, place: Stored, leaf: Leaf) -> bytes:
        """Raises IntegrityError when there is no frame of the leaf's size."""
        ...

    def packed_frame(self, place: Stored, dictionary: bytes) -> bytes | None:
        """A frame as it is packed, if it is with this dictionary."""
        ...


class Bucket:
    """Up to 16 leaves by key, sorted."""

    __slots__ = ("_digest", "leaves")

    def __init__(self, leaves: Mapping[bytes, Leaf]) -> None:
        self.leaves = leaves
        self._digest = b""

    @property
    def total(self) -> int:
        return len(self.leaves)

    @property
    def digest(self) -> bytes:
        if not self._digest:
            self._digest = hashlib.sha256(self.covered()).digest()
        return self._digest

    def covered(self) -> bytes:
        parts = [_BUCKET, _LENGTH.pack(len(self.leaves))]
        for key, leaf in self.leaves.items():
            parts += [_LENGTH.pack(len(key) - 1), key[:-1], _LEAF.pack(leaf.size, leaf.sha256)]
        return b"".join(parts)


class Branch:
    """More than 16 leaves whose keys all begin with `prefix`; children by the byte that follows it, sorted."""

    __slots__ = ("_digest", "children", "prefix", "total")

    def __init__(self, prefix: bytes, children: dict[int, Node | Unread]) -> None:
        self.prefix = prefix
        self.children = children
        self.total: int = sum(child.total for child in children.values())
        self._digest = b""

    @property
    def digest(self) -> bytes:
        if not self._digest:
            self._digest = hashlib.sha256(self.covered()).digest()
        return self._digest

    def covered(self) -> bytes:
        parts = [_BRANCH, _LENGTH.pack(len(self.prefix)), self.prefix, _LENGTH.pack(len(self.children))]
        parts += [_CHILD.pack(byte, child.total, child.digest) for byte, child in self.children.items()]
        return b"".join(parts)

    def child(self, byte: int) -> Node | None:
        """The child, read from its file when it is first asked for."""
        found = self.children.get(byte)
        if isinstance(found, Unread):
            found = self.children[byte] = found.load()
        return found


Node: TypeAlias = "Bucket | Branch"


class Unread(NamedTuple):
    """A node in a file. `within` is what all its keys begin with, `covered` the length of the bytes that its digest is over."""

    file: Stores
    offset: int
    covered: int
    digest: bytes
    total: int
    within: bytes
    depth: int

    def load(self) -> Node:
        """Raises IntegrityError when the file does not hold the node with this digest."""
        return self.file.read_node(self)


class LeafRow(NamedTuple):
    """A leaf as a bucket's covered bytes tell it."""

    key: bytes
    size: int
    sha256: bytes


class ChildRow(NamedTuple):
    """A child as a branch's covered bytes tell it."""

    byte: int
    total: int
    digest: bytes


class BranchRows(NamedTuple):
    prefix: bytes
    children: list[ChildRow]


def parse_node(covered: bytes, within: bytes) -> list[LeafRow] | BranchRows:
    """What the bytes that a node's digest is over say. Raises IntegrityError for what no tree has below `within`."""
    try:
        if covered[:1] == _BUCKET:
            return _check_bucket(_parse_bucket(covered), within)
        if covered[:1] == _BRANCH:
            return _check_branch(_parse_branch(covered), within)
    except (struct.error, IndexError):
        raise _broken("ends early") from None
    raise _broken("is of no known kind")


def _parse_bucket(covered: bytes) -> list[LeafRow]:
    (count,) = _LENGTH.unpack_from(covered, 1)
    rows: list[LeafRow] = []
    at = 3
    for _ in range(count):
        (length,) = _LENGTH.unpack_from(covered, at)
        size, sha256 = _LEAF.unpack_from(covered, at + 2 + length)
        rows.append(LeafRow(covered[at + 2 : at + 2 + length] + b"\0", size, sha256))
        at += 2 + length + _LEAF.size
    _check_end(covered, at)
    return rows


def _parse_branch(covered: bytes) -> BranchRows:
    (length,) = _LENGTH.unpack_from(covered, 1)
    prefix = covered[3 : 3 + length]
    (count,) = _LENGTH.unpack_from(covered, 3 + length)
    start = 5 + length
    _check_end(covered, start + count * _CHILD.size)
    return BranchRows(prefix, [ChildRow(*row) for row in _CHILD.iter_unpack(covered[start:])])


def _check_bucket(rows: list[LeafRow], within: bytes) -> list[LeafRow]:
    if len(rows) > LEAVES:
        raise _broken("holds too many parts")
    before = b""
    for row in rows:
        if row.key <= before or not row.key.startswith(within) or b"\0" in row.key[:-1]:
            raise _broken("holds a part where it does not belong")
        if row.size > limits.BUNDLE_PART_BYTES or len(row.key) > limits.BUNDLE_NAME_BYTES:
            raise _broken("holds a part beyond the limits")
        before = row.key
        _check_text(row.key)
    return rows


def _check_text(key: bytes) -> None:
    try:
        key.decode()
    except UnicodeDecodeError:
        raise _broken("holds a name that is no text") from None


def _check_branch(rows: BranchRows, within: bytes) -> BranchRows:
    order = [child.byte for child in rows.children]
    if not rows.prefix.startswith(within) or b"\0" in rows.prefix:
        raise _broken("lies where it does not belong")
    if len(order) < 2 or any(one >= other for one, other in pairwise(order)):
        raise _broken("has children out of order")
    if not LEAVES < sum(child.total for child in rows.children) <= limits.BUNDLE_PARTS:
        raise _broken("has another number of parts than a branch has")
    return rows


def _check_end(covered: bytes, end: int) -> None:
    if end != len(covered):
        raise _broken("has another length than it says")


def _broken(what: str) -> IntegrityError:
    return IntegrityError(f"a node of a bundle's digest tree {what}")

"""Coming from any bundle to a wanted root by walking its digest tree: only nodes and parts that differ are fetched.

This mends a reader that holds something else than it should, and one that fell too far behind for a delta. Each round asks for all nodes of
one depth at once. What comes is checked against the digest that it was asked by, so whoever sends it need not be trusted.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, NamedTuple, NoReturn, Protocol

from llmcfg import limits
from llmcfg.bundlefile.bundle import Bundle, make_leaf, read_leaf
from llmcfg.bundlefile.frames import pack_frame, unpack_frame
from llmcfg.bundlefile.nodes import Branch, BranchRows, Bucket, LeafRow, parse_node
from llmcfg.bundlefile.tree import Tree, name_of
from llmcfg.errors import IntegrityError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from llmcfg.bundlefile.head import Head
    from llmcfg.bundlefile.nodes import Leaf, Node

_PARTS_AT_ONCE: Final = 256


class Peer(Protocol):
    """Who has the wanted bundle."""

    def nodes(self, root: bytes, places: Sequence[bytes]) -> Sequence[bytes]:
        """The covered bytes of the nodes of the tree with this root, each named by what all keys below it begin with."""
        ...

    def parts(self, root: bytes, names: Sequence[str]) -> Sequence[bytes]:
        """Frames of these parts, packed without a dictionary."""
        ...


class BundlePeer:
    """A peer that has a bundle here."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle

    def nodes(self, root: bytes, places: Sequence[bytes]) -> Sequence[bytes]:
        """Raises NotFoundError for another root, or a place without a node."""
        tree = self._tree(root)
        found = [find_node(tree.root, place) for place in places]
        return [node.covered() for node in found if node is not None or _missing("node")]

    def parts(self, root: bytes, names: Sequence[str]) -> Sequence[bytes]:
        """Raises NotFoundError for another root, or a name without a part."""
        leaves = [(name, self._tree(root).find(name)) for name in names]
        return [pack_frame(read_leaf(leaf, name), b"") for name, leaf in leaves if leaf is not None or _missing("part")]

    def _tree(self, root: bytes) -> Tree:
        if self._bundle.head.root != root:
            raise NotFoundError(
                f"the bundle with root {root.hex()[:10]} is not here any more", hint="ask for the newest head"
            )
        return self._bundle.tree


def walk_to(before: Bundle, head: Head, peer: Peer) -> Bundle:
    """The bundle with this head. Raises IntegrityError when the peer sends anything else."""
    here = before.tree.root
    fetched = _fetch_nodes(here, head.root, peer)
    parts = _fetch_parts(before.tree, fetched.rows.values(), head.root, peer)
    root = fetched.make(b"", parts)
    if root.digest != head.root:
        raise IntegrityError("the nodes that came do not make the tree that the head names")
    return Bundle(head, Tree(root))


def find_node(node: Node | None, place: bytes) -> Node | None:
    """The node of the keys that begin with `place`; None when there are none."""
    while isinstance(node, Branch) and not node.prefix.startswith(place):
        node = node.child(place[len(node.prefix)]) if place.startswith(node.prefix) else None
    if isinstance(node, Bucket):
        leaves = {key: leaf for key, leaf in node.leaves.items() if key.startswith(place)}
        return node if len(leaves) == node.total else Bucket(leaves) if leaves else None
    return node


class _Fetched(NamedTuple):
    """The wanted tree by place: what is here already, and what the nodes that came say."""

    kept: dict[bytes, Node]
    rows: dict[bytes, list[LeafRow] | BranchRows]

    def make(self, place: bytes, parts: Mapping[bytes, Leaf]) -> Node:
        if place in self.kept:
            return self.kept[place]
        rows = self.rows[place]
        if isinstance(rows, BranchRows):
            return Branch(rows.prefix, {row.byte: self.make(_below(rows, row.byte), parts) for row in rows.children})
        return Bucket({row.key: parts[row.key] for row in rows})


def _fetch_nodes(here: Node, root: bytes, peer: Peer) -> _Fetched:
    fetched = _Fetched({}, {})
    wanted = {b"": root}
    for _ in range(limits.BUNDLE_DEPTH):
        for place, digest in [*wanted.items()]:
            node = here if place == b"" else find_node(here, place)
            if node is not None and node.digest == digest:
                fetched.kept[place] = node
                del wanted[place]
        if not wanted:
            return fetched
        for place, covered in zip(wanted, _answer(peer.nodes(root, [*wanted]), len(wanted)), strict=True):
            if hashlib.sha256(covered).digest() != wanted[place]:
                raise IntegrityError("a node of a digest tree came that was not asked for")
            fetched.rows[place] = parse_node(covered, place)
        below = [rows for place, rows in fetched.rows.items() if place in wanted and isinstance(rows, BranchRows)]
        wanted = {_below(rows, row.byte): row.digest for rows in below for row in rows.children}
    raise IntegrityError(f"a digest tree is deeper than {limits.BUNDLE_DEPTH} nodes")


def _fetch_parts(
    before: Tree, nodes: Iterable[list[LeafRow] | BranchRows], root: bytes, peer: Peer
) -> dict[bytes, Leaf]:
    """The leaves of all fetched buckets, by key."""
    rows = [row for node in nodes if not isinstance(node, BranchRows) for row in node]
    leaves: dict[bytes, Leaf] = {}
    for row in rows:
        known = before.find(name_of(row.key))
        if known is not None and known.sha256 == row.sha256:
            leaves[row.key] = known
    missing = [row for row in rows if row.key not in leaves]
    for at in range(0, len(missing), _PARTS_AT_ONCE):
        asked = missing[at : at + _PARTS_AT_ONCE]
        frames = _answer(peer.parts(root, [name_of(row.key) for row in asked]), len(asked))
        for row, frame in zip(asked, frames, strict=True):
            leaf = make_leaf(unpack_frame(frame, row.size, b""))
            if leaf.sha256 != row.sha256:
                raise IntegrityError(f"{name_of(row.key)} came with other content than its digest says")
            leaves[row.key] = leaf
    return leaves


def _missing(what: str) -> NoReturn:
    raise NotFoundError(f"the bundle has no such {what}")


def _answer(answer: Sequence[bytes], count: int) -> Sequence[bytes]:
    if len(answer) != count:
        raise IntegrityError(f"{len(answer)} answers came to {count} questions about a digest tree")
    return answer


def _below(rows: BranchRows, byte: int) -> bytes:
    return rows.prefix + bytes([byte])

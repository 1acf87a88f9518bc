"""Merkle trees as RFC 6962 (section 2.1) has them, over lines of a log: roots that grow, and proofs that need no log to be checked."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(line: bytes) -> bytes:
    return hashlib.sha256(b"\0" + line).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


class Frontier(NamedTuple):
    """The roots of the whole subtrees of a tree with `size` leaves, largest first: all that appending needs."""

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def append(self, leaf: bytes) -> Frontier:
        peaks, trailing = self.peaks, self.size
        while trailing & 1:
            leaf, peaks, trailing = node_hash(peaks[-1], leaf), peaks[:-1], trailing >> 1
        return Frontier(self.size + 1, (*peaks, leaf))

    @property
    def root(self) -> bytes:
        if not self.peaks:
            return EMPTY_ROOT
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root


NO_LEAVES: Final = Frontier()


def root_of(leaves: Iterable[bytes]) -> bytes:
    frontier = Frontier()
    for leaf in leaves:
        frontier = frontier.append(leaf)
    return frontier.root


class Tree:
    """A tree of which the leaves from `before.size` on are known, and of those before only the peaks, as after a deletion."""

    def __init__(self, leaves: Sequence[bytes], before: Frontier = NO_LEAVES) -> None:
        self._leaves = leaves
        self._first = before.size
        self._peaks: dict[tuple[int, int], bytes] = {}
        at = 0
        for peak in before.peaks:
            width = 1 << (before.size - at).bit_length() - 1
            self._peaks[at, at + width] = peak
            at += width

    def root(self, start: int, end: int) -> bytes:
        """Of the leaves from `start` on and before `end`. Raises LookupError where these are not known."""
        if end <= self._first:
            return self._peaks[start, end]
        if end - start == 1:
            return self._leaves[start - self._first]
        split = start + _split(end - start)
        return node_hash(self.root(start, split), self.root(split, end))


def inclusion_proof(tree: Tree, index: int, size: int) -> list[bytes]:
    """The hashes beside the way from a leaf to the root of the first `size`, from below. Raises LookupError for unknown leaves."""
    start, end, beside = 0, size, list[bytes]()
    while end - start > 1:
        split = start + _split(end - start)
        beside.append(tree.root(split, end) if index < split else tree.root(start, split))
        start, end = (start, split) if index < split else (split, end)
    return beside[::-1]


def consistency_proof(tree: Tree, old: int, size: int) -> list[bytes]:
    """What shows that the tree of the first `old` leaves, one at least, is the beginning of that of `size`. Raises LookupError as above."""
    start, end, beside = 0, size, list[bytes]()
    while end > old:
        split = start + _split(end - start)
        beside.append(tree.root(split, end) if old <= split else tree.root(start, split))
        start, end = (start, split) if old <= split else (split, end)
    if start:
        beside.append(tree.root(start, end))
    return beside[::-1]


def is_included(leaf: bytes, index: int, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the proof shows the leaf at `index` of the tree of `size` leaves with this root (RFC 9162, section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    at, last, found = index, size - 1, leaf
    for beside in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = node_hash(beside, found)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, beside)
        at, last = at >> 1, last >> 1
    return last == 0 and found == root


def is_consistent(old: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the proof shows that a tree of `old` leaves became this one by appending (RFC 9162, section 2.1.4.2)."""
    if old == size:
        return not proof and old_root == root
    if not 0 < old < size or not proof:
        return False
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    at, last = old - 1, size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    before = after = path[0]
    for beside in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            before, after = node_hash(beside, before), node_hash(beside, after)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            after = node_hash(after, beside)
        at, last = at >> 1, last >> 1
    return last == 0 and before == old_root and after == root


def _split(count: int) -> int:
    """The largest power of two below `count`."""
    return 1 << ((count - 1).bit_length() - 1)

"""The digest tree: a persistent map from part names to leaves, with one digest over all of it.

Two trees with the same names and contents have the same root, whatever happened on the way there. Changing a tree gives another one that
shares all that stayed the same; comparing two skips what is the same. Nodes of a file are read, and checked, when they are first needed.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from llmcfg import limits
from llmcfg.bundlefile.nodes import LEAVES, Branch, Bucket, Unread
from llmcfg.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from llmcfg.bundlefile.nodes import Leaf, Node

    Entries = Sequence[tuple[bytes, Leaf]]


class LeafChange(NamedTuple):
    """A part that differs between two trees; None where it is not."""

    name: str
    before: Leaf | None
    after: Leaf | None


class Tree:
    """Immutable. Names are those of parts: `config/routing.json`, `files/app.env`."""

    __slots__ = ("root",)

    def __init__(self, root: Node) -> None:
        self.root = root

    def __len__(self) -> int:
        return self.root.total

    @property
    def digest(self) -> bytes:
        return self.root.digest

    def find(self, name: str) -> Leaf | None:
        key = name.encode() + b"\0"
        node: Node | None = self.root
        while isinstance(node, Branch):
            if not key.startswith(node.prefix):
                return None
            node = node.child(key[len(node.prefix)])
        return node.leaves.get(key) if node is not None else None

    def below(self, prefix: str = "") -> Iterator[tuple[str, Leaf]]:
        """Every leaf whose name begins with `prefix`, sorted by the bytes of its name."""
        for key, leaf in leaves_below(self.root, prefix.encode()):
            yield name_of(key), leaf

    def changed(self, changes: Mapping[str, Leaf | None]) -> Tree:
        """This tree with these parts put, or taken out where there is None."""
        root: Node | None = self.root
        for name, leaf in changes.items():
            root = _drop(root, key_of(name)) if leaf is None else _put(root, key_of(name), leaf)
        return Tree(root or Bucket({}))

    def differences(self, other: Tree) -> Iterator[LeafChange]:
        """What leads from this tree to the other, sorted by name where neither is much larger than the other."""
        return _differences(self.root, other.root)


def build_tree(leaves: Mapping[str, Leaf]) -> Tree:
    entries = sorted((key_of(name), leaf) for name, leaf in leaves.items())
    if len(entries) > limits.BUNDLE_PARTS:
        raise UsageError(f"a bundle of {len(entries)} files is too large, the limit is {limits.BUNDLE_PARTS}")
    return Tree(_build(entries))


def key_of(name: str) -> bytes:
    """A name with a NUL at its end, so that no key begins another."""
    key = name.encode() + b"\0"
    if len(key) > limits.BUNDLE_NAME_BYTES or b"\0" in key[:-1]:
        raise UsageError(f"{name[:100]!r} cannot name a part of a bundle", hint="use a shorter path, without NUL")
    return key


def name_of(key: bytes) -> str:
    return key[:-1].decode()


def leaves_below(node: Node | None, prefix: bytes = b"") -> Iterator[tuple[bytes, Leaf]]:
    """Every leaf whose key begins with `prefix`, sorted."""
    if isinstance(node, Bucket):
        yield from ((key, leaf) for key, leaf in node.leaves.items() if key.startswith(prefix))
    elif node is not None and node.prefix.startswith(prefix):
        for byte in [*node.children]:
            yield from leaves_below(node.child(byte))
    elif node is not None and prefix.startswith(node.prefix):
        yield from leaves_below(node.child(prefix[len(node.prefix)]), prefix)


def _build(entries: Entries) -> Node:
    if len(entries) <= LEAVES:
        return Bucket(dict(entries))
    prefix = _common(entries[0][0], entries[-1][0])
    at = len(prefix)
    children: dict[int, Node | Unread] = {}
    for byte, group in groupby(entries, key=lambda entry: entry[0][at]):
        children[byte] = _build(list(group))
    return Branch(prefix, children)


def _put(node: Node | None, key: bytes, leaf: Leaf) -> Node:
    if node is None:
        return Bucket({key: leaf})
    if isinstance(node, Bucket):
        return _build(sorted({**node.leaves, key: leaf}.items()))
    if not key.startswith(node.prefix):
        common = _common(node.prefix, key)
        children: dict[int, Node | Unread] = {node.prefix[len(common)]: node, key[len(common)]: Bucket({key: leaf})}
        return Branch(common, dict(sorted(children.items())))
    byte = key[len(node.prefix)]
    return _with_child(node, byte, _put(node.child(byte), key, leaf))


def _drop(node: Node | None, key: bytes) -> Node | None:
    if isinstance(node, Bucket):
        rest = {known: leaf for known, leaf in node.leaves.items() if known != key}
        return Bucket(rest) if rest else None
    if node is None or not key.startswith(node.prefix):
        return node
    byte = key[len(node.prefix)]
    child = node.child(byte)
    rest_of_child = _drop(child, key)
    return node if rest_of_child is child else _with_child(node, byte, rest_of_child)


def _with_child(branch: Branch, byte: int, child: Node | None) -> Node:
    """The branch with another child, or what it becomes when too little is left below it."""
    children: dict[int, Node | Unread] = dict(branch.children)
    if child is not None:
        children[byte] = child
        if byte not in branch.children:
            children = dict(sorted(children.items()))
    else:
        del children[byte]
    changed = Branch(branch.prefix, children)
    if changed.total <= LEAVES:
        return Bucket(dict(leaves_below(changed)))
    only = next(iter(children)) if len(children) == 1 else None
    return changed if only is None else changed.child(only) or changed


def _differences(before: Node | None, after: Node | None) -> Iterator[LeafChange]:
    if before is not None and after is not None and before.digest == after.digest:
        return
    if isinstance(before, Branch) and isinstance(after, Branch):
        yield from _branch_differences(before, after)
        return
    old, new = dict(leaves_below(before)), dict(leaves_below(after))
    for key in sorted({*old, *new}):
        one, other = old.get(key), new.get(key)
        if one is None or other is None or one.sha256 != other.sha256:
            yield LeafChange(name_of(key), one, other)


def _branch_differences(before: Branch, after: Branch) -> Iterator[LeafChange]:
    """Where one branch lies within a child of the other, it is compared with that child alone."""
    if before.prefix == after.prefix:
        for byte in sorted({*before.children, *after.children}):
            if not _same_child(before, after, byte):
                yield from _differences(before.child(byte), after.child(byte))
    elif before.prefix.startswith(after.prefix):
        inner = before.prefix[len(after.prefix)]
        for byte in sorted({inner, *after.children}):
            yield from _differences(before if byte == inner else None, after.child(byte))
    elif after.prefix.startswith(before.prefix):
        inner = after.prefix[len(before.prefix)]
        for byte in sorted({inner, *before.children}):
            yield from _differences(before.child(byte), after if byte == inner else None)
    else:
        yield from _differences(before, None)
        yield from _differences(None, after)


def _same_child(before: Branch, after: Branch, byte: int) -> bool:
    """Without reading either."""
    one, other = before.children.get(byte), after.children.get(byte)
    return one is not None and other is not None and one.digest == other.digest


def _common(one: bytes, other: bytes) -> bytes:
    """The longest common beginning."""
    for at, (byte, byte_of_other) in enumerate(zip(one, other, strict=False)):
        if byte != byte_of_other:
            return one[:at]
    return min(one, other, key=len)

"""Which paths differ between two trees: equal subtrees are never read, so the cost is the size of the change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmcfg.limits import TREE_DEPTH
from llmcfg.model.snapshot import ChangedFile

if TYPE_CHECKING:
    from llmcfg.git.trees import TreeEntry
    from llmcfg.git.walk import TreeReader


def changed_paths(
    reader: TreeReader, old: str, new: str, *, wanted: frozenset[str] | None, prefix: str = ""
) -> list[str]:
    """Paths of files that are in one tree only or have differing content, sorted. Refused entries count as absent."""
    return [changed.path for changed in changed_files(reader, old, new, wanted=wanted, prefix=prefix)]


def changed_files(
    reader: TreeReader, old: str | None, new: str | None, *, wanted: frozenset[str] | None, prefix: str = ""
) -> list[ChangedFile]:
    """The same with their blobs; None is a tree without files."""
    before, after = (reader.find_folder(tree, prefix) if tree else None for tree in (old, new))
    pending = [("", before, after, 0)]
    changed = []
    while pending:
        folder, left, right, depth = pending.pop()
        if left == right or depth > TREE_DEPTH:
            continue
        names = None if depth else wanted
        ours, theirs = (_by_name(reader, oid, names) for oid in (left, right))
        for name in ours.keys() | theirs.keys():
            a, b = ours.get(name), theirs.get(name)
            path = f"{folder}/{name}" if folder else name
            if _file(a) != _file(b):
                changed.append(ChangedFile(path, _file(a), _file(b)))
            pending.append((path, _tree(a), _tree(b), depth + 1))
    return sorted(changed)


def _by_name(reader: TreeReader, oid: str | None, wanted: frozenset[str] | None) -> dict[str, TreeEntry]:
    return {} if oid is None else {entry.name: entry for entry in reader.parse(oid, wanted).entries}


def _file(entry: TreeEntry | None) -> str | None:
    return None if entry is None or entry.is_tree else entry.oid


def _tree(entry: TreeEntry | None) -> str | None:
    return entry.oid if entry is not None and entry.is_tree else None

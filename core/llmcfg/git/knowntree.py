"""A tree that was walked before, so that the next one is read only where they differ: equal folders hold the same.

What an object is, and how large, hangs on its id. Only whether it is still there may change, and that shows in the folders that Git keeps
objects in, so those that lie in a folder that changed are asked for. A tree in which anything is strange is not remembered, and one that
came to be strange is walked.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

import msgspec

from llmcfg.filefacts import Facts, facts_of, were_settled
from llmcfg.git.objects import UnreadableObject
from llmcfg.git.trees import ParsedTree
from llmcfg.git.walk import Walked
from llmcfg.limits import TREE_DEPTH, TREE_ENTRIES
from llmcfg.model.snapshot import BlobEntry  # noqa: TC001  # msgspec reads it when it decodes

if TYPE_CHECKING:
    from pathlib import Path

    from llmcfg.git.walk import TreeReader
    from llmcfg.model.findings import Finding

_OUTDATED: Final = 500  # files; reading these again costs less than to write down the whole tree each time
_PACKS: Final = "pack"
_EMPTY: Final = ParsedTree((), ())


class _Kept(msgspec.Struct, array_like=True):
    """What was read of a tree without finding anything, below the names that are `wanted`; `folders` as `Walked` has them."""

    wanted: list[str]
    entries: list[BlobEntry]
    folders: dict[str, str]


class SeenTree(NamedTuple):
    """What one look leaves to the next: a tree, and the facts of the folders of objects. None where it was left so already."""

    tree: bytes | None = None
    objects: bytes | None = None


_DECODER: Final = msgspec.msgpack.Decoder(_Kept)
_FACTS: Final = msgspec.msgpack.Decoder(dict[str, Facts])
_T = TypeVar("_T")


class KnownTree:
    """`seen` is what an earlier process left. `objects` is the folder of the repository's objects, `now_ns` when it is looked at."""

    def __init__(self, seen: SeenTree, objects: Path, now_ns: int) -> None:
        self._kept = _decoded(_DECODER, seen.tree)
        there, known = _facts_below(objects), _decoded(_FACTS, seen.objects) or {}
        self._changed = {name for name in {*there, *known} if there.get(name) != known.get(name)}
        self._objects = {name: facts for name, facts in there.items() if were_settled(facts, now_ns)}
        self._new: _Kept | None = None

    def walk(self, reader: TreeReader, tree: str, wanted: frozenset[str], prefix: str) -> Walked:
        """As `TreeReader.walk` does it."""
        kept = self._kept
        if kept is not None and kept.wanted == sorted(wanted) and self._is_there(reader, kept):
            strange: list[Finding] = []
            root = reader.find_folder(tree, prefix, strange)
            since = _walk_since(reader, kept, root, wanted) if root is not None and not strange else None
            if since is not None:
                walked, read = since
                self._new = _Kept(kept.wanted, [*walked.entries.values()], walked.folders) if read > _OUTDATED else None
                return walked
        walked = reader.walk(tree, wanted, prefix)
        if not walked.findings:
            self._new = _Kept(sorted(wanted), [*walked.entries.values()], walked.folders)
        return walked

    def seen(self) -> SeenTree:
        """For the next look."""
        tree = None if self._new is None else msgspec.msgpack.encode(self._new)
        return SeenTree(tree, msgspec.msgpack.encode(self._objects) if self._changed else None)

    def _is_there(self, reader: TreeReader, kept: _Kept) -> bool:
        """Whether every object of the tree is, of which none can be gone but from folders that changed."""
        changed, every = self._changed, _PACKS in self._changed
        ids = [*kept.folders.values(), *(entry.oid for entry in kept.entries)] if changed else []
        try:
            for oid in ids:
                if every or oid[:2] in changed:
                    reader.objects.header(oid)
        except UnreadableObject:
            return False
        return True


def _walk_since(reader: TreeReader, kept: _Kept, root: str, wanted: frozenset[str]) -> tuple[Walked, int] | None:
    """By the folders that differ, with how many files these hold; None where something is strange, or a folder is gone."""
    entries, folders = {entry.path: entry for entry in kept.entries}, dict(kept.folders)
    pending, read = [("", root)], 0
    while pending:
        path, tree = pending.pop()
        known = folders.get(path)
        if known == tree:
            continue
        names = None if path else wanted
        now = reader.list_folder(path, tree, names)
        before = reader.parse(known, names) if known is not None else _EMPTY
        start, staying = f"{path}/" if path else "", dict(now.folders)
        went = any(entry.is_tree and start + entry.name not in staying for entry in before.entries)
        if now.findings or before.refusals or went or path.count("/") >= TREE_DEPTH:
            return None
        for gone in {start + entry.name for entry in before.entries if not entry.is_tree} - now.files.keys():
            del entries[gone]
        folders[path] = tree
        entries.update(now.files)
        pending += now.folders
        read += len(now.files)
    if len(entries) + len(folders) > TREE_ENTRIES:
        return None
    return Walked(dict(sorted(entries.items())), (), folders), read


def _facts_below(objects: Path) -> dict[str, Facts]:
    """Of the folders that objects lie in."""
    with os.scandir(objects) as found:
        return {each.name: facts_of(each.stat()) for each in found if each.is_dir()}


def _decoded(decoder: msgspec.msgpack.Decoder[_T], content: bytes | None) -> _T | None:
    try:
        return None if content is None else decoder.decode(content)
    except msgspec.MsgspecError:
        return None

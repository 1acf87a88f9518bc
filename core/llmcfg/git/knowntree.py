"""A tree that was walked before, so that the next one is read only where they differ: equal folders hold the same.

Objects that lie in a folder that changed are asked for. A tree that came to be strange is walked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmcfg.git.knownhead import commit_of_head
from llmcfg.git.seentree import SeenTree, encode_read
from llmcfg.git.walk import Walked
from llmcfg.limits import TREE_DEPTH, TREE_ENTRIES
from llmcfg.model.entries import in_columns, split_oids

if TYPE_CHECKING:
    from llmcfg.git.seentree import Below, EarlierTree, ReadTree
    from llmcfg.git.walk import TreeReader
    from llmcfg.model.findings import Finding

_OUTDATED: Final = 500  # files; reading these again costs less than to write down the whole tree each time
_PACKS: Final = "pack"


class KnownTree:
    """By what an earlier process saw."""

    def __init__(self, earlier: EarlierTree) -> None:
        self._earlier = earlier
        self._new: bytes | None = None

    def walk(self, reader: TreeReader, commit: str, tree: str, below: Below) -> Walked:
        """As `TreeReader.walk` does it."""
        prefix, wanted = below
        read = self._earlier.read
        if read is not None and read.wanted == sorted(wanted) and self._is_there(reader, read):
            strange: list[Finding] = []
            root = reader.find_folder(tree, prefix, strange)
            since = _walk_since(reader, read, root, wanted) if root is not None and not strange else None
            if since is not None:
                walked, count = since
                if count > _OUTDATED or (not read.is_of(commit, below) and self._is_head(commit)):
                    self._new = encode_read(commit, below, walked.entries, walked.folders)
                return walked
        walked = reader.walk(tree, wanted, prefix)
        if not walked.findings:
            self._new = encode_read(commit, below, walked.entries, walked.folders)
        return walked

    def seen(self) -> SeenTree:
        """For the next look."""
        return SeenTree(self._new, self._earlier.objects())

    def _is_head(self, commit: str) -> bool:
        """Whether the next look is likely to be at this commit, and can then do without walking (`EarlierTree.find`)."""
        return commit == commit_of_head(self._earlier.git_dir)

    def _is_there(self, reader: TreeReader, read: ReadTree) -> bool:
        """Whether every object of the tree is, of which none can be gone but from folders that changed."""
        changed = self._earlier.changed
        every = _PACKS in changed
        ids = [*read.folders.values(), *split_oids(read.oids)] if changed else []
        return reader.has_all(oid for oid in ids if every or oid[:2] in changed)


def _walk_since(reader: TreeReader, read: ReadTree, root: str, wanted: frozenset[str]) -> tuple[Walked, int] | None:
    """By the folders that differ, with how many files these hold; None where something is strange, or a folder is gone."""
    if read.folders.get("") == root:
        return Walked(read.entries, (), read.folders), 0
    entries, folders = {**read.entries}, dict(read.folders)
    pending, count = [("", root)], 0
    while pending:
        path, tree = pending.pop()
        known = folders.get(path)
        if known == tree:
            continue
        names = None if path else wanted
        now = reader.list_folder(path, tree, names)
        before, refusals = reader.parse(known, names) if known is not None else ((), ())
        start, staying = f"{path}/" if path else "", dict(now.folders)
        went = any(entry.is_tree and start + entry.name not in staying for entry in before)
        if now.findings or refusals or went or path.count("/") >= TREE_DEPTH:
            return None
        for gone in {start + entry.name for entry in before if not entry.is_tree} - now.files.keys():
            del entries[gone]
        folders[path] = tree
        entries.update(now.files)
        pending += now.folders
        count += len(now.files)
    if len(entries) + len(folders) > TREE_ENTRIES:
        return None
    return Walked(in_columns(dict(sorted(entries.items()))), (), folders), count

"""The bundles on a deployed branch: what lies beside them is read, and each folder of one only when something asks for it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from llmcfg.canonical import digest
from llmcfg.errors import IntegrityError
from llmcfg.git.objects import UnreadableObject
from llmcfg.git.pieces import LISTS, name_of_piece
from llmcfg.git.snapshot import read_blob
from llmcfg.limits import BLOB_BYTES, DEPLOYED_DEPTH, DEPLOYED_ENTRIES
from llmcfg.model.files import Entry, Files, StoredFolder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from llmcfg.git.trees import TreeEntry
    from llmcfg.git.walk import TreeReader

_REMEMBERED_DIGESTS: Final = 500_000
_BUNDLE_DEPTH: Final = DEPLOYED_DEPTH - 2  # below <tenant>/<consumer>


class StoredFiles:
    """Folders as trees of the repository at `git_dir`. However often it is opened, it is the same store."""

    def __init__(self, trees: TreeReader, git_dir: Path) -> None:
        self._trees = trees
        self._git_dir = git_dir
        self._digests: dict[str, str] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StoredFiles) and other._git_dir == self._git_dir

    def __hash__(self) -> int:
        return hash(self._git_dir)

    def entries(self, folder: str) -> Mapping[str, Entry]:
        parsed = self._trees.parse(folder)
        for refusal in parsed.refusals:
            raise _foreign(folder, f"{refusal.name or '.'}: {refusal.problem.message}")
        return {entry.name: _entry(entry) for entry in parsed.entries}

    def files(self, folder: str) -> Mapping[str, str]:
        walked = self._trees.walk(folder, depth=_BUNDLE_DEPTH, count=DEPLOYED_ENTRIES)
        for finding in walked.findings:
            raise _foreign(folder, f"{finding.origin}: {finding.message}")
        found = {path: entry.oid for path, entry in walked.entries.items()}
        lists = {name: entry.oid for name, entry in self.entries(folder).items() if entry.in_pieces}
        if lists:
            whole = {path: oid for path, oid in found.items() if path.partition("/")[0] not in lists}
            found = dict(sorted({**whole, **lists}.items()))
        return found

    def pieces(self, folder: str) -> Iterator[str]:
        """The ids of the pieces of lists that lie right in a folder."""
        lists = [entry.oid for entry in self.entries(folder).values() if entry.in_pieces]
        return (piece.oid for each in lists for piece in self.entries(each).values())

    def read_blob(self, oid: str) -> bytes:
        return self._join(oid) if self._is_in_pieces(oid) else read_blob(self._trees, oid, again=True)

    def digest(self, oid: str) -> str:
        known = self._digests.get(oid)
        if known is None:
            if len(self._digests) >= _REMEMBERED_DIGESTS:
                self._digests.clear()
            known = self._digests[oid] = digest(
                self._join(oid) if self._is_in_pieces(oid) else read_blob(self._trees, oid)
            )
        return known

    def _is_in_pieces(self, oid: str) -> bool:
        with suppress(UnreadableObject):  # which reading it says
            return self._trees.objects.header(oid).kind == "tree"
        return False

    def _join(self, folder: str) -> bytes:
        """The content of a file from its pieces."""
        pieces = self.entries(folder)
        if [*pieces] != [*map(name_of_piece, range(len(pieces)))] or any(piece.is_folder for piece in pieces.values()):
            raise _foreign(folder, "its files are not the pieces of one")
        content = bytearray()
        for piece in pieces.values():
            content += read_blob(self._trees, piece.oid, again=True)  # bundles share most of them
            if len(content) > BLOB_BYTES:  # one blob may be named again and again
                raise _foreign(folder, f"its pieces have more than {BLOB_BYTES:,} bytes")
        return bytes(content)

    def open(self, tree: str) -> Files:
        """The files of an environment."""
        top: dict[str, bytes] = {}
        folders: dict[str, StoredFolder] = {}
        for name, entry in self.entries(tree).items():
            if not entry.is_folder:
                top[name] = self.read_blob(entry.oid)
                continue
            for inner, below in self.entries(entry.oid).items():
                if below.is_folder:
                    folders[f"{name}/{inner}"] = StoredFolder(self, below.oid)
                else:
                    top[f"{name}/{inner}"] = self.read_blob(below.oid)
        return Files(top, folders)


def _entry(found: TreeEntry) -> Entry:
    in_pieces = found.is_tree and found.name in LISTS
    return Entry(found.oid, found.is_tree and not in_pieces, in_pieces)


def _foreign(folder: str, why: str) -> IntegrityError:
    return IntegrityError(
        f"the tree {folder[:10]} was not written by llmcfg: {why}",
        hint="see git log of its branch for who wrote it, and apply again",
    )

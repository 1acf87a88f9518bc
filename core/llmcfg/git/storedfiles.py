"""The bundles on a deployed branch: what lies beside them is read, and each folder of one only when something asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmcfg.errors import IntegrityError
from llmcfg.git.snapshot import read_blob
from llmcfg.limits import DEPLOYED_DEPTH, DEPLOYED_ENTRIES
from llmcfg.model.files import Entry, Files, StoredFolder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmcfg.git.walk import TreeReader
    from llmcfg.model.findings import Finding, Problem

_BUNDLE_DEPTH: Final = DEPLOYED_DEPTH - 2  # below <tenant>/<consumer>


class StoredFiles:
    """Folders as trees of one repository."""

    def __init__(self, trees: TreeReader) -> None:
        self._trees = trees

    def entries(self, folder: str) -> Mapping[str, Entry]:
        parsed = self._trees.parse(folder)
        for refusal in parsed.refusals:
            raise _foreign(folder, refusal.name or ".", refusal.problem)
        return {entry.name: Entry(entry.oid, entry.is_tree) for entry in parsed.entries}

    def files(self, folder: str) -> Mapping[str, str]:
        walked = self._trees.walk(folder, depth=_BUNDLE_DEPTH, count=DEPLOYED_ENTRIES)
        for finding in walked.findings:
            raise _foreign(folder, str(finding.origin), finding)
        return {path: entry.oid for path, entry in walked.entries.items()}

    def read_blob(self, oid: str) -> bytes:
        return read_blob(self._trees, oid, again=True)

    def open(self, tree: str) -> Files:
        """The files of an environment."""
        top: dict[str, bytes] = {}
        folders: dict[str, StoredFolder] = {}
        for name, (oid, is_folder) in self.entries(tree).items():
            if not is_folder:
                top[name] = self.read_blob(oid)
                continue
            for inner, below in self.entries(oid).items():
                if below.is_folder:
                    folders[f"{name}/{inner}"] = StoredFolder(self, below.oid)
                else:
                    top[f"{name}/{inner}"] = self.read_blob(below.oid)
        return Files(top, folders)


def _foreign(folder: str, where: str, problem: Problem | Finding) -> IntegrityError:
    return IntegrityError(
        f"the tree {folder[:10]} was not written by llmcfg: {where}: {problem.message}",
        hint="see git log of its branch for who wrote it, and apply again",
    )

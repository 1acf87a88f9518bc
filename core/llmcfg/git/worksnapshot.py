"""The configuration files as they lie in the work tree: what a walk or another look found there."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from llmcfg.errors import ConflictError
from llmcfg.git.newobjects import blob_id
from llmcfg.git.regular import read_regular
from llmcfg.model.entries import Entries

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from llmcfg.filefacts import Facts
    from llmcfg.git.contents import Contents
    from llmcfg.model.findings import Finding
    from llmcfg.model.snapshot import BlobEntry, Revision


class WorkTreeSnapshot:
    """Files that were read are held as they were, so that later edits do not reach them. The others are read when they are asked for, and
    are held to their ids.

    `stood_on` gives the facts, from before they were read, of every folder, every file and every list of ignored files; `newest_ns` is
    the last time that one of them changed. `noted` is for a later look; None where that would see nothing else in it than this one did.
    """

    revision: Revision | None = None
    label = "work tree"

    def __init__(
        self,
        root: str,
        entries: Mapping[str, BlobEntry],
        findings: Sequence[Finding],
        contents: Contents,
        *,
        stood_on: Callable[[], Mapping[str, Facts]],
        newest_ns: int,
        noted: bytes | None,
    ) -> None:
        self._root = root
        self._contents = contents
        self._stood_on = stood_on
        self.entries = entries
        self.findings = findings
        self.newest_ns = newest_ns
        self.noted = noted

    @cached_property
    def stood_on(self) -> Mapping[str, Facts]:
        return self._stood_on()

    def read(self, oid: str) -> bytes:
        kept = self._contents.find(oid)
        if kept is not None:
            return kept
        path = self._path_of(oid)
        try:
            _, content = read_regular(f"{self._root}/{path}")
        except OSError as error:
            raise _changed(path) from error
        if not isinstance(content, bytes) or blob_id(content) != oid:
            raise _changed(path)
        return content

    def _path_of(self, oid: str) -> str:
        """Raises KeyError for what lies nowhere."""
        found = self.entries.path_of(oid) if isinstance(self.entries, Entries) else self._paths[oid]
        if found is None:
            raise KeyError(oid)
        return found

    @cached_property
    def _paths(self) -> Mapping[str, str]:
        return {entry.oid: path for path, entry in self.entries.items()}


def _changed(path: str) -> ConflictError:
    return ConflictError(f"{path} changed while it was being read", hint="run the command again")

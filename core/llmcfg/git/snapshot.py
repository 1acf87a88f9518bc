"""The configuration files of one commit. Nothing is checked out; content is read when asked for."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from llmcfg.errors import IntegrityError
from llmcfg.git.contents import Contents
from llmcfg.git.objects import UnreadableObject
from llmcfg.limits import BLOB_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmcfg.git.knowntree import KnownTree
    from llmcfg.git.seentree import Below
    from llmcfg.git.walk import TreeReader, Walked
    from llmcfg.model.findings import Finding
    from llmcfg.model.snapshot import BlobEntry, Revision


class CommitSnapshot:
    """Reads the tree of `revision` at the first look at `entries` or `findings`; of one that is `known` what differs."""

    def __init__(
        self,
        reader: TreeReader,
        revision: Revision,
        tree: str,
        below: Below,
        label: str,
        known: KnownTree | None = None,
    ) -> None:
        self._reader = reader
        self._revision = revision
        self._tree = tree
        self._below = below
        self._label = label
        self._known = known
        self._contents = Contents()

    @property
    def revision(self) -> Revision:
        return self._revision

    @property
    def label(self) -> str:
        return self._label

    @property
    def entries(self) -> Mapping[str, BlobEntry]:
        return self._walked.entries

    @property
    def findings(self) -> Sequence[Finding]:
        return self._walked.findings

    def read(self, oid: str) -> bytes:
        content = self._contents.find(oid)
        if content is None:
            content = read_blob(self._reader, oid)
            self._contents.put(oid, content)
        return content

    @cached_property
    def _walked(self) -> Walked:
        if self._known is not None:
            return self._known.walk(self._reader, self._revision.commit, self._tree, self._below)
        prefix, wanted = self._below
        return self._reader.walk(self._tree, wanted, prefix)


def read_blob(reader: TreeReader, oid: str, *, again: bool = False) -> bytes:
    """`again` says that it is likely to be read once more. Raises IntegrityError if the object is missing or damaged."""
    read = reader.objects.read_again if again else reader.objects.read
    try:
        return read(oid, "blob", BLOB_BYTES)
    except UnreadableObject as error:
        raise IntegrityError(error.message, hint="run git fsck, then clone or fetch anew") from None

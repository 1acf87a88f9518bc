"""A snapshot with some of its files changed, which are nowhere but in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmcfg.git.newobjects import blob_id
from llmcfg.model.snapshot import BlobEntry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmcfg.model.findings import Finding
    from llmcfg.model.snapshot import Revision
    from llmcfg.ports import Snapshot


class EditedSnapshot:
    """`changed` are the new contents by path from the configuration's folder; None removes a file. `label` is what people call it."""

    def __init__(self, before: Snapshot, changed: Mapping[str, bytes | None], label: str) -> None:
        self._before = before
        self._label = label
        self._contents = {blob_id(content): content for content in changed.values() if content is not None}
        edited = {
            path: BlobEntry(path, blob_id(content), len(content))
            for path, content in changed.items()
            if content is not None
        }
        kept = {path: entry for path, entry in before.entries.items() if path not in changed}
        self._entries = dict(sorted({**kept, **edited}.items()))

    @property
    def revision(self) -> Revision | None:
        return None

    @property
    def label(self) -> str:
        return self._label

    @property
    def entries(self) -> Mapping[str, BlobEntry]:
        return self._entries

    @property
    def findings(self) -> Sequence[Finding]:
        return self._before.findings

    def read(self, oid: str) -> bytes:
        return self._contents[oid] if oid in self._contents else self._before.read(oid)

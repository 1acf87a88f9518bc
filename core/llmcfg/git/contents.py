"""What was read of files, by blob id, as far as there is room: it is asked for up to three times, to be loaded and to be looked through."""

from __future__ import annotations

from typing import Final

from llmcfg.git.newobjects import blob_id

_KEPT_BYTES: Final = 64 << 20  # beyond it files are read again


class Contents:
    """Of one look at a tree."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}
        self._bytes = 0

    def keep(self, content: bytes) -> str:
        """Its id."""
        oid = blob_id(content)
        self.put(oid, content)
        return oid

    def put(self, oid: str, content: bytes) -> None:
        """What is known to have this id."""
        if oid not in self._kept and self._bytes + len(content) <= _KEPT_BYTES:
            self._bytes += len(content)
            self._kept[oid] = content

    def find(self, oid: str) -> bytes | None:
        return self._kept.get(oid)

"""What is known of delivered files from looks that were taken before, in this process and in earlier ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from llmcfg.pipeline.known import name_of
from llmcfg.sinks.digests import Digests
from llmcfg.sinks.mapped import MappedFiles

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from llmcfg.ports import Cache

_KEPT: Final = msgspec.msgpack.Decoder(tuple[bytes, bytes])


class Seen:
    """What is known of files that were looked at before, by other processes too where there is a `cache`."""

    def __init__(self, now: Callable[[], datetime] | None = None, cache: Cache | None = None) -> None:
        self.digests = Digests(now)
        self.mapped = MappedFiles()
        self._cache = cache
        self._kept: dict[Path, bytes] = {}  # by the folder of a sink

    def recall(self, root: Path) -> None:
        """Once for each sink."""
        if self._cache is None or root in self._kept:
            return
        kept = self._kept[root] = self._cache.content(_name_of(root)) or b""
        if kept:
            digests, mapped = _KEPT.decode(kept)
            self.digests.recall(digests)
            self.mapped.recall(mapped)

    def keep(self, root: Path) -> None:
        """After a look at a sink: what was met there, unless it is what is kept."""
        if self._cache is None:
            return
        met = msgspec.msgpack.encode((self.digests.keep(), self.mapped.keep()))
        if met != self._kept.get(root):
            self._kept[root] = met
            self._cache.add(_name_of(root), met)
            self._cache.keep()


def _name_of(root: Path) -> bytes:
    return name_of("delivered", str(root.resolve()))

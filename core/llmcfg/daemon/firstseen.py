"""When objects that are not followed yet were first looked at, as a file of the state folder: keys count by that time and no later one."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Final

import msgspec

from llmcfg.disk import atomic_write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FILE: Final = "first-seen.json"
_MOST: Final = 20_000  # objects; the oldest are forgotten first
_MOST_BYTES: Final = 4 << 20


class FirstSeen:
    """Times by object. What is asked for while refs are judged is remembered; what nobody asked for is forgotten when it is written."""

    def __init__(self, folder: Path, now: Callable[[], datetime]) -> None:
        self._file = folder / FILE
        self._now = now
        self._before = _read(self._file)
        self._asked: dict[str, datetime] = {}

    def __call__(self, oid: str) -> datetime:
        return self._asked.setdefault(oid, self._before.get(oid) or self._now())

    def keep(self) -> None:
        """Write down what was asked for, before anything of it is accepted. Raises StorageError."""
        kept = dict(sorted(self._asked.items(), key=lambda item: item[1])[-_MOST:])
        if kept != self._before:
            atomic_write(self._file, msgspec.json.encode(kept), mode=0o600)
            self._before = kept


def _read(file: Path) -> dict[str, datetime]:
    with suppress(OSError, msgspec.DecodeError, UnicodeDecodeError), file.open("rb") as opened:
        return msgspec.json.decode(opened.read(_MOST_BYTES), type=dict[str, datetime])
    return {}

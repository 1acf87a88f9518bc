"""SHA-256 of files below a folder, remembered for as long as the file system says that they are the same.

A file is known by its device and number, and is the same when size and times are what they were when it was read. What was written in
the two seconds before it was read is not remembered: a later write might not show in times that are coarse. What later processes are to
believe has to have been left alone altogether for so long (`filefacts.were_settled`), in which a time that was set back shows too.
"""

from __future__ import annotations

import hashlib
import os
import stat
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from llmcfg.filefacts import TICK_NS, facts_of, were_settled

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

_MOST: Final = 500_000
_WHICH, _FACTS = struct.Struct(">QQ"), struct.Struct(">Qqq")
_DIGEST_BYTES: Final = 32
_KEPT: Final = struct.Struct(f"{_WHICH.size}s{_FACTS.size + _DIGEST_BYTES}s")


class Digests:
    """What it says of a file is what is in it, unless somebody set a clock or the file's times back. Without a clock it remembers nothing.

    Threads may share it.
    """

    def __init__(self, now: Callable[[], datetime] | None = None) -> None:
        self._now = now
        self._known: dict[bytes, bytes] = {}  # which file, its facts and digest
        self._unsettled: set[bytes] = set()
        self._met: dict[bytes, bytes] = {}

    def below(self, folder: Path) -> dict[str, str]:
        """Path to digest of every file, without following links; sorted. What is no readable regular file has words in its place."""
        seen: dict[str, str] = {}
        pending = [""]
        while pending:
            at = pending.pop()
            try:
                with os.scandir(folder / at) as found:
                    listed = list(found)
            except OSError as error:
                seen[at.rstrip("/") or "."] = f"unreadable: {error.strerror}"
                continue
            for entry in listed:
                if entry.is_dir(follow_symlinks=False):
                    pending.append(f"{at}{entry.name}/")
                else:
                    seen[f"{at}{entry.name}"] = self._find(entry) or self._read(entry.path)
        return dict(sorted(seen.items()))

    def recall(self, kept: bytes) -> None:
        """Know what an earlier process kept."""
        if len(kept) % _KEPT.size == 0:
            self._known = {**dict(_KEPT.iter_unpack(kept)), **self._known}

    def keep(self) -> bytes:
        """What was met since the last time that this was asked, as far as another process may believe it."""
        met, self._met = self._met, {}
        return b"".join(which + known for which, known in sorted(met.items()) if which not in self._unsettled)

    def link(self, source: Path, path: Path) -> None:
        """Make `path` the same file as `source`, which changes one of its times. Raises OSError."""
        before = source.lstat()
        path.hardlink_to(source)
        which, after = _which(before), path.lstat()
        known = self._known.get(which)
        if known and _is_same(known, before) and after.st_mtime_ns == before.st_mtime_ns:
            self._known[which] = _facts(after) + known[_FACTS.size :]
            self._unsettled.add(which)

    def _find(self, entry: os.DirEntry[str]) -> str | None:
        with suppress(OSError):
            facts = entry.stat(follow_symlinks=False)
            which = _which(facts)
            known = self._known.get(which)
            if known is not None and stat.S_ISREG(facts.st_mode) and _is_same(known, facts):
                self._met[which] = known
                return known[_FACTS.size :].hex()
        return None

    def _read(self, path: str) -> str:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            is_link = os.path.islink(path)  # noqa: PTH114 - a text, as it came from the folder
            return "symbolic link" if is_link else f"unreadable: {error.strerror}"
        with os.fdopen(descriptor, "rb") as file:
            facts, began = os.fstat(descriptor), self._now and self._now()
            if not stat.S_ISREG(facts.st_mode):
                return "not a regular file"
            try:
                digest = hashlib.file_digest(file, "sha256").digest()
            except OSError as error:
                return f"unreadable: {error.strerror}"
        if began is not None:
            self._remember(facts, digest, int(began.timestamp() * 1e9))
        return digest.hex()

    def _remember(self, facts: os.stat_result, digest: bytes, read_ns: int) -> None:
        if facts.st_mtime_ns >= read_ns - TICK_NS:
            return
        if len(self._known) >= _MOST:
            self._known.clear()
        which = _which(facts)
        self._known[which] = self._met[which] = _facts(facts) + digest
        if were_settled(facts_of(facts), read_ns):
            self._unsettled.discard(which)
        else:
            self._unsettled.add(which)


def _which(facts: os.stat_result) -> bytes:
    return _WHICH.pack(facts.st_dev, facts.st_ino)


def _facts(facts: os.stat_result) -> bytes:
    return _FACTS.pack(facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)


def _is_same(known: bytes, facts: os.stat_result) -> bool:
    return known.startswith(_facts(facts))

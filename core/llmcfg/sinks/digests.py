"""SHA-256 of files below a folder, remembered for as long as the file system says that they are the same.

A file is known by its device and number, and is the same when size and times are what they were when it was read. What was written in
the two seconds before it was read is not remembered: a later write might not show in times that are coarse.
"""

from __future__ import annotations

import hashlib
import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

_COARSE_SECONDS: Final = 2
_MOST: Final = 500_000


class _Known(NamedTuple):
    size: int
    written_ns: int
    changed_ns: int
    digest: str


class Digests:
    """What it says of a file is what is in it, unless somebody set a clock or the file's times back. Without a clock it remembers nothing.

    Threads may share it.
    """

    def __init__(self, now: Callable[[], datetime] | None = None) -> None:
        self._now = now
        self._known: dict[tuple[int, int], _Known] = {}

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

    def link(self, source: Path, path: Path) -> None:
        """Make `path` the same file as `source`, which changes one of its times. Raises OSError."""
        before = source.lstat()
        path.hardlink_to(source)
        known, after = self._known.get((before.st_dev, before.st_ino)), path.lstat()
        if known and _is_same(known, before) and after.st_mtime_ns == known.written_ns:
            self._known[before.st_dev, before.st_ino] = known._replace(changed_ns=after.st_ctime_ns)

    def _find(self, entry: os.DirEntry[str]) -> str | None:
        with suppress(OSError):
            facts = entry.stat(follow_symlinks=False)
            known = self._known.get((facts.st_dev, facts.st_ino))
            if known is not None and stat.S_ISREG(facts.st_mode) and _is_same(known, facts):
                return known.digest
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
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            except OSError as error:
                return f"unreadable: {error.strerror}"
        if began is not None and facts.st_mtime < began.timestamp() - _COARSE_SECONDS:
            self._remember(facts, digest)
        return digest

    def _remember(self, facts: os.stat_result, digest: str) -> None:
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[facts.st_dev, facts.st_ino] = _Known(facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, digest)


def _is_same(known: _Known, facts: os.stat_result) -> bool:
    return known[:3] == (facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)

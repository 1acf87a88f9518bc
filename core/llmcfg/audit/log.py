"""One log on the disk: entries in segments, the head, and the key, in a folder that only its owner may enter.

key                          what entries are authenticated with
head                         how far the log goes
lock                         held while somebody writes
segments/000000000000.jsonl  entries, in a file named by the number of its first
"""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.audit.entry import parse_entry
from llmcfg.audit.head import HeadFile
from llmcfg.disk import atomic_write, hold_lock, make_folders
from llmcfg.errors import IntegrityError
from llmcfg.limits import AUDIT_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from llmcfg.audit.entry import Entry

PLATFORM: Final = "platform"
_KEY_BYTES: Final = 32
_SUFFIX: Final = ".jsonl"
_LOCK_SECONDS: Final = AUDIT_SECONDS * 0.75


class Segment(NamedTuple):
    """A file of entries; `first` is the number of its first one."""

    first: int
    path: Path

    def lines(self) -> Iterator[bytes]:
        """Each with its end, if it has one."""
        with self.path.open("rb") as file:
            yield from file


class Log:
    """The log called `name` in `folder`, which is made when it is first written to."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.name = name

    @property
    def exists(self) -> bool:
        return (self.folder / "head").exists()

    def key(self) -> bytes:
        """Raises IntegrityError for a key that others may read or that is none, OSError as it comes."""
        path = self.folder / "key"
        with path.open("rb") as file:
            mode, key = stat.S_IMODE(os.fstat(file.fileno()).st_mode), file.read(_KEY_BYTES + 1)
        if mode & 0o077:
            raise IntegrityError(f"others may read {path}", hint=f"chmod 600 {path}")
        if len(key) != _KEY_BYTES:
            raise IntegrityError(f"{path} is no key of an audit log", hint="restore it from a backup")
        return key

    def head_file(self) -> HeadFile:
        return HeadFile(self.folder / "head", self.name, self.key())

    def segment(self, first: int) -> Segment:
        return Segment(first, self.folder / "segments" / f"{first:012}{_SUFFIX}")

    def segments(self) -> list[Segment]:
        """Those that are there, in order."""
        with suppress(FileNotFoundError):
            found = [path for path in (self.folder / "segments").iterdir() if path.suffix == _SUFFIX]
            return sorted(Segment(int(path.stem), path) for path in found if path.stem.isdigit())
        return []

    def entries(self) -> Iterator[Entry]:
        """Every entry that counts, in order. Raises IntegrityError at one that is not as it was written."""
        for number, line in self.lines():
            yield _read(line, self.name, number)

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Every line that counts, without its end, with the number that the entry in it should have."""
        head = self.head_file().read()
        number = head.base.size
        for segment in self.segments():
            if segment.first < head.base.size:
                continue
            for line in segment.lines():
                if number >= head.top.size:
                    return
                yield number, line.removesuffix(b"\n")
                number += 1

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be its only writer; a log that is not there is made. Raises PendingError when another one takes too long."""
        with hold_lock(self.folder / "lock", seconds=_LOCK_SECONDS):
            if not self.exists:
                self._make()
            yield

    def _make(self) -> None:
        """The head comes last: before it there is no log."""
        if self.segments():
            raise IntegrityError(f"{self.folder}/head is gone", hint="restore it from a backup")
        make_folders(self.folder / "segments", mode=0o700)
        if not (self.folder / "key").exists():
            atomic_write(self.folder / "key", secrets.token_bytes(_KEY_BYTES), mode=0o600)
        head = self.head_file().create(secrets.token_hex(16))
        atomic_write(self.folder / "head", head, mode=0o600)


def platform_log(root: Path) -> Log:
    """The log below `root` of what concerns no tenant."""
    return Log(root / PLATFORM, PLATFORM)


def _read(line: bytes, log: str, number: int) -> Entry:
    try:
        entry = parse_entry(line)
    except IntegrityError as error:
        raise IntegrityError(f"entry {number} of {log}: {error.message}", hint=error.hint) from None
    if entry.number != number:
        raise IntegrityError(
            f"entry {entry.number} stands where entry {number} of {log} belongs",
            hint="see the rest: llmcfg audit verify",
        )
    return entry

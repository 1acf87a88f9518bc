"""The state folder: who owns it, and what people asked for, as files that survive any crash (ADR 0010).

lock                       held by the daemon that owns the folder
suspended/<env>.json       this environment is left alone
requests/<id>.json         a pass is asked for; removed when it was made
dead-letters/<id>.json     a sink that is not tried again until something else is deployed
status.json                what the daemon knew when it last wrote (sync/records.py)
repository.git             what was accepted of a remote
"""

from __future__ import annotations

import fcntl
import os
import secrets
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from llmcfg.disk import atomic_write, make_folders, storage_errors, sync_folder
from llmcfg.errors import PendingError
from llmcfg.model.names import why_not_a_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

T = TypeVar("T", bound=msgspec.Struct)
_MOST_BYTES: Final = 64 << 10
_MOST_REQUESTS: Final = 1000


class Suspension(msgspec.Struct, frozen=True):
    at: datetime
    by: str
    why: str = ""


class StoredRequest(msgspec.Struct, frozen=True):
    """A pass now. `accept` are refs to take over at an object although they are held, `redeliver` lifts dead letters first."""

    accept: dict[str, str] = {}
    redeliver: bool = False


class StateFolder:
    """Reads and writes the files of one state folder, which is made when something is first written."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @contextmanager
    def own(self) -> Iterator[None]:
        """Be its only owner. The lock is the kernel's and ends with the process. Raises PendingError that names the other owner."""
        with storage_errors("write to", self.root):
            make_folders(self.root, mode=0o700)
            lock = (self.root / "lock").open("a+b", buffering=0)
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                raise PendingError(
                    f"{self.root} belongs to a running llmcfg sync, process {_number(lock.read(20)) or 'unknown'}",
                    hint="ask that one: llmcfg sync now; or give this one another folder with --state",
                ) from None
            lock.truncate(0)
            lock.write(b"%d\n" % os.getpid())
            yield

    def owner(self) -> int | None:
        """The process that owns it now; 0 when that is not known, None when nobody does."""
        try:
            with (self.root / "lock").open("rb") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    return _number(lock.read(20)) or 0
        except (FileNotFoundError, NotADirectoryError):
            pass
        return None

    # what people asked for

    def suspended(self) -> Mapping[str, Suspension]:
        """By environment. A file that cannot be read suspends all the same: somebody wanted that."""
        unknown = Suspension(datetime.fromtimestamp(0).astimezone(), "unknown")
        found = {path.stem: _read(path, Suspension) or unknown for path in self._files("suspended")}
        return {name: said for name, said in found.items() if why_not_a_name(name) is None}

    def suspend(self, environment: str, suspension: Suspension) -> None:
        self._write("suspended", environment, suspension)

    def resume(self, environment: str) -> bool:
        """Whether it was suspended."""
        return self._remove("suspended", environment)

    def ask(self, request: StoredRequest) -> str:
        """Store a request; its id."""
        name = secrets.token_hex(8)
        self._write("requests", name, request)
        return name

    def requests(self) -> Mapping[str, StoredRequest]:
        """By id. One that cannot be read asks for a plain pass."""
        return {
            path.stem: _read(path, StoredRequest) or StoredRequest()
            for path in self._files("requests")[:_MOST_REQUESTS]
        }

    def is_asked(self, name: str) -> bool:
        return (self.root / "requests" / f"{name}.json").exists()

    def answered(self, name: str) -> None:
        self._remove("requests", name)

    def _files(self, folder: str) -> list[Path]:
        """Raises StorageError."""
        with storage_errors("read", self.root):
            try:
                found = list((self.root / folder).iterdir())
            except (FileNotFoundError, NotADirectoryError):
                return []
        return sorted(path for path in found if path.suffix == ".json" and path.name[0] != ".")

    def _write(self, folder: str, name: str, said: msgspec.Struct) -> None:
        with storage_errors("write to", self.root):
            make_folders(self.root / folder, mode=0o700)
        atomic_write(self.root / folder / f"{name}.json", msgspec.json.encode(said), mode=0o600)

    def _remove(self, folder: str, name: str) -> bool:
        with storage_errors("write to", self.root):
            try:
                (self.root / folder / f"{name}.json").unlink()
            except FileNotFoundError:
                return False
            sync_folder(self.root / folder)
            return True


def _read(path: Path, kind: type[T]) -> T | None:
    with suppress(OSError, msgspec.DecodeError, UnicodeDecodeError), path.open("rb") as file:
        return msgspec.json.decode(file.read(_MOST_BYTES), type=kind)
    return None


def _number(text: bytes) -> int | None:
    return int(text) if text.strip().isdigit() else None

"""Compare-and-swap on one ref, and recovery of the locks that a killed writer leaves behind.

Git's own protocol: whoever creates `<ref>.lock` may change the ref, by renaming the lock onto it. A writer that is killed leaves the lock,
and every later writer, of any program, fails for ever. So a lock of ours carries proof of whose it is:

- All llmcfg writers of a ref first take a kernel lock (flock) on its lease file, which dies with its holder. The lease says who holds it.
- The new value is written beside the lease, and `<ref>.lock` is made as a hard link to that file. A lock that is the same file, found by
  the holder of the lease, can only have been left by a dead llmcfg: it is removed. Any other lock belongs to another program and is never
  touched, only waited for and named.
- The value is on the disk before its lock is made, and the lock is gone from there before the value is, so that a machine that loses its
  power leaves no lock without proof.

Nothing of ours ever forces a ref. The reflog is not written: the refs written here are histories themselves.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from llmcfg.disk import make_folders, storage_errors, sync_folder, write_new
from llmcfg.errors import ConflictError, PendingError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.git.history import History
    from llmcfg.git.refs import Refs

WAIT_SECONDS = 10.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.001, 0.1
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class RefSwap:
    """Swaps refs of the repository at `git_dir`; leases live in `state`, on the same file system."""

    def __init__(self, git_dir: Path, state: Path, refs: Refs, history: History) -> None:
        self._git_dir = git_dir
        self._leases = state / "leases"
        self._refs = refs
        self._history = history
        self.wait_seconds = WAIT_SECONDS

    def swap(self, ref: str, expected: str | None, new: str) -> None:
        """Point `ref` at the object `new` if it still points at `expected` (None: does not exist), durably.

        When this raises, the ref was read again and does not hold `new`: ConflictError (it moved), PendingError (another holds
        its lock), StorageError (the disk refuses).
        """
        try:
            with storage_errors("write", self._git_dir / ref), self._lease(ref) as ours:
                self._swap_leased(ref, expected, new, ours)
        except StorageError:
            if not self._has_arrived(ref, new):
                raise

    def compare(self, ref: str, expected: str | None) -> None:
        """Raises ConflictError if `ref` does not point at `expected` now."""
        current = self._refs.target(ref)
        if current != expected:
            was, is_now = expected[:10] if expected else "absent", current[:10] if current else "absent"
            raise ConflictError(f"{ref} was {was} and is now {is_now}", hint="somebody else was first: look again")

    def _swap_leased(self, ref: str, expected: str | None, new: str, ours: Path) -> None:
        path = self._git_dir / ref
        lock = path.with_name(f"{path.name}.lock")
        _remove_leftover(lock, ours)
        write_new(ours, f"{new}\n".encode())
        sync_folder(ours.parent)
        try:
            if expected is None:
                self._refuse_clash(ref)
                _remove_empty_folders(path)
            make_folders(path.parent)
            self._take(lock, ours)
            self.compare(ref, expected)
            lock.rename(path)
            sync_folder(path.parent)
        finally:
            _remove_leftover(lock, ours)

    @contextmanager
    def _lease(self, ref: str) -> Iterator[Path]:
        """Holds the lease of `ref`; gives the path that our lock is linked to."""
        make_folders(self._leases, mode=0o700)
        name = ref.replace("%", "%25").replace("/", "%2F")
        with (self._leases / f"{name}.lease").open("a+b", buffering=0) as lease:
            for _ in self._attempts():
                try:
                    fcntl.flock(lease, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    continue
            else:
                lease.seek(0)
                raise PendingError(
                    f"{ref} is being written by {_holder(lease.read())}", hint="try again when it is done"
                )
            lease.truncate(0)
            lease.write(_own_name())
            yield self._leases / f"{name}.new"

    def _take(self, lock: Path, ours: Path) -> None:
        for _ in self._attempts():
            try:
                os.link(ours, lock)
                return
            except FileExistsError:
                continue
        age = _age(lock)
        raise PendingError(
            f"{lock} is held by another program{age}",
            hint=f"if no git command is running here, remove it: rm {lock}",
        )

    def _attempts(self) -> Iterator[None]:
        """One attempt at once, then more with growing random pauses until the time is up."""
        deadline, pause = time.monotonic() + self.wait_seconds, _FIRST_PAUSE
        yield
        import random  # most never wait

        while time.monotonic() < deadline:
            time.sleep(pause * random.uniform(0.5, 1.5))
            pause = min(pause * 1.5, _LONGEST_PAUSE)
            yield

    def _refuse_clash(self, ref: str) -> None:
        """A ref and a folder of refs cannot have one name, not even when one of them is packed."""
        above = ref.split("/")[:-1]
        in_way = next(
            (name for end in range(3, len(above) + 1) if self._refs.target(name := "/".join(above[:end]))), None
        )
        in_way = in_way or next(iter(self._refs.names(f"{ref}/")), None)
        if in_way:
            raise ConflictError(f"{ref} cannot exist beside {in_way}", hint=f"rename one: git branch -m {in_way} other")

    def _has_arrived(self, ref: str, new: str) -> bool:
        """Whether the ref holds `new` in spite of an error, or somebody has already built on it."""
        current = self._refs.target(ref)
        if current is None or current == new:
            return current == new
        with suppress(Exception):
            return any(facts.commit == new for facts in self._history.walk(current))
        return False


def _remove_leftover(lock: Path, ours: Path) -> None:
    """The lock, if it is the same file as our value: any other belongs to another program. Then the value, which is its proof."""
    with suppress(FileNotFoundError, NotADirectoryError):
        if lock.samefile(ours):
            lock.unlink()
            sync_folder(lock.parent)
    with suppress(FileNotFoundError):
        ours.unlink()


def _remove_empty_folders(path: Path) -> None:
    """Git leaves empty folders where refs were deleted. Raises OSError when they are not empty."""
    if not path.is_dir():
        return
    for folder, _, _ in os.walk(path, topdown=False):
        Path(folder).rmdir()


def _own_name() -> bytes:
    boot = _BOOT_ID.read_text().strip() if _BOOT_ID.is_file() else ""
    return json.dumps({"pid": os.getpid(), "boot": boot, "since": round(time.time(), 3)}).encode()


def _holder(lease: bytes) -> str:
    try:
        said = json.loads(lease)
        return f"process {said['pid']}, since {time.strftime('%H:%M:%S', time.localtime(said['since']))}"
    except (ValueError, KeyError, TypeError):
        return "another process"


def _age(lock: Path) -> str:
    try:
        return f" for {max(0, int(time.time() - lock.stat().st_mtime))} s"
    except OSError:
        return ""

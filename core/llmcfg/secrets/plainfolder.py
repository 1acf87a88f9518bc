"""Folders for plaintext that another program needs as a file: in memory, for one user, wiped at the end, and after a crash.

Rules: a folder lives as long as its process holds the lock on the lease in it. The lock dies with the process, however that ends, and
whoever comes next wipes what is left (`sweep`). Everything in a folder is wiped with it, so that copies which an editor makes beside the
file go too. What was in memory may still have been swapped out.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import stat
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Final

from llmcfg.disk import storage_errors
from llmcfg.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

PREFIX: Final = "llmcfg-plain-"
_UNLEASED: Final = ".llmcfg-new-"
_LEASE: Final = ".lease"
_IN_MEMORY: Final = ("tmpfs", "ramfs")
_MOUNTS: Final = Path("/proc/self/mountinfo")
_MOUNT: Final = re.compile(r"^\d+ \d+ (\d+:\d+) .* - (\S+) ", re.MULTILINE)
_ZEROS: Final = bytes(1 << 16)
_ATTEMPTS: Final = 5


def memory_folders(environment: Mapping[str, str]) -> tuple[Path, ...]:
    """Where files stay in memory, on most systems."""
    runtime = environment.get("XDG_RUNTIME_DIR", "")
    return (*([Path(runtime)] if runtime.startswith("/") else []), Path("/dev/shm"))


def find_memory(folders: Iterable[Path], mounts: Path = _MOUNTS) -> Path | None:
    """The first of these folders that can be written and whose files stay in memory; none where the system does not say so."""
    kinds = _kinds_of_devices(mounts)
    for folder in folders:
        with suppress(OSError):
            device = folder.stat().st_dev
            kind = kinds.get(f"{os.major(device)}:{os.minor(device)}")
            if kind in _IN_MEMORY and folder.is_dir() and os.access(folder, os.W_OK | os.X_OK):
                return folder
    return None


@contextmanager
def plain_folder(parent: Path) -> Iterator[Path]:
    """A new folder that only this user can enter. It is wiped at the end, whatever happens in the body."""
    with storage_errors("make a folder in", parent):
        made = Path(mkdtemp(prefix=_UNLEASED, dir=parent))
        descriptor = os.open(made / _LEASE, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Under this name it can be found, so the lease is held before.
        folder = made.rename(parent / f"{PREFIX}{os.getpid()}-{made.name.removeprefix(_UNLEASED)}")
        try:
            yield folder
        finally:
            _wipe(folder)
    finally:
        os.close(descriptor)


def sweep(parents: Iterable[Path]) -> int:
    """Wipe the folders of this user whose process is gone. Gives their number; what cannot be wiped is left."""
    count = 0
    for parent in dict.fromkeys(parents):
        with suppress(OSError, StorageError):
            for folder in parent.glob(f"{PREFIX}*"):
                count += _wipe_abandoned(folder)
    return count


def _wipe_abandoned(folder: Path) -> bool:
    facts = folder.lstat()
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.geteuid():
        return False
    try:
        descriptor = os.open(folder / _LEASE, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        _wipe(folder)  # its process was killed while it wiped
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _wipe(folder)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def _wipe(folder: Path) -> None:
    """Overwrite and remove all that is in a folder, the lease last, and the folder. Another may be doing the same."""
    for attempt in range(_ATTEMPTS):
        try:
            _wipe_content(folder)
            folder.rmdir()
        except FileNotFoundError:
            continue
        except OSError as error:
            if attempt + 1 < _ATTEMPTS and error.errno == errno.ENOTEMPTY:
                continue  # a program that still runs wrote into it
            raise StorageError(
                f"{folder} may still hold plaintext: {error.strerror}", hint="remove the folder yourself"
            ) from error
        return


def _wipe_content(folder: Path) -> None:
    for here, folders, files in os.walk(folder, topdown=False):
        place = Path(here)
        for name in sorted(files, key=lambda name: name == _LEASE):
            _wipe_file(place / name)
        for name in folders:
            inner = place / name
            inner.unlink() if inner.is_symlink() else inner.rmdir()


def _wipe_file(path: Path) -> None:
    with suppress(OSError):
        descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            facts = os.fstat(descriptor)
            if stat.S_ISREG(facts.st_mode):
                for start in range(0, facts.st_size, len(_ZEROS)):
                    os.write(descriptor, _ZEROS[: facts.st_size - start])
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
    path.unlink()


def _kinds_of_devices(mounts: Path) -> dict[str, str]:
    """File systems by device, as Linux tells them: `36 35 0:32 / /dev/shm rw shared:5 - tmpfs tmpfs rw`."""
    with suppress(OSError):
        return dict(_MOUNT.findall(mounts.read_text("utf-8", "replace")))
    return {}

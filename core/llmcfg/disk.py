"""Writing files so that they survive a crash: aside, flushed, renamed, and the directory flushed too.

When a function here returns, what it wrote is on the disk; when it raises, the file holds what it held before (`append_line` may leave
part of a line). Every failure is a StorageError that names the path.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

from llmcfg.errors import PendingError, StorageError
from llmcfg.regex import regex

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

T = TypeVar("T")
_LOCK_PAUSE = 0.02
_AT_ONCE = 8
_ASIDE = regex(r"\..+\.[0-9a-f]{12}\.tmp")


def atomic_write(path: Path, content: bytes, *, mode: int = 0o666) -> None:
    """Replace or create `path`; a reader sees all of the old or all of the new. `mode` is narrowed by the umask."""
    aside = path.with_name(f".{path.name}.{os.urandom(6).hex()}.tmp")
    with storage_errors("write", path):
        try:
            write_new(aside, content, mode=mode)
            aside.rename(path)
        except BaseException:
            with suppress(OSError):
                aside.unlink()
            raise
        sync_folder(path.parent)


def write_all(files: Mapping[Path, bytes], removals: Iterable[Path] = ()) -> None:
    """Replace or create several files, each as `atomic_write` does and with the mode that it has, then remove others.

    Nothing is replaced before everything is written aside, so that a full disk changes nothing. After a crash each file is old or new,
    and what was to be removed is there as long as one of them is old.
    """
    asides = {path: path.with_name(f".{path.name}.{os.urandom(6).hex()}.tmp") for path in files}
    try:
        side_by_side(lambda path: _write_aside(path, asides[path], files[path]), [*asides])
        for path, aside in asides.items():
            with storage_errors("write", path):
                aside.rename(path)
        side_by_side(_flush_folder, sorted({path.parent for path in files}))
    except BaseException:
        for aside in asides.values():
            with suppress(OSError):
                aside.unlink()
        raise
    for path in removals:
        with storage_errors("remove", path):
            path.unlink()
            sync_folder(path.parent)


def _write_aside(path: Path, aside: Path, content: bytes) -> None:
    with storage_errors("write", path):
        write_new(aside, content, mode=stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o666)


def _flush_folder(folder: Path) -> None:
    with storage_errors("write", folder):
        sync_folder(folder)


@contextmanager
def hold_lock(path: Path, *, seconds: float = 10.0) -> Iterator[None]:
    """Hold the lock file `path`, which is made and stays; the lock itself ends with its holder, however that ends.

    Raises PendingError when another holds it for longer than `seconds`.
    """
    with storage_errors("lock", path):
        make_folders(path.parent, mode=0o700)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        deadline = time.monotonic() + seconds
        while not _has_locked(descriptor):
            if time.monotonic() > deadline:
                raise PendingError(
                    f"another process holds {path}", hint=f"try again when it is done; who holds it says: fuser {path}"
                )
            time.sleep(_LOCK_PAUSE)
        yield
    finally:
        os.close(descriptor)


def find_asides(folder: Path) -> list[Path]:
    """What `atomic_write` left in a folder when it was killed, sorted."""
    return sorted(path for path in folder.iterdir() if is_aside(path)) if folder.is_dir() else []


def is_aside(path: Path) -> bool:
    """Whether this is what `atomic_write` writes before it renames."""
    return _ASIDE.fullmatch(path.name) is not None


def append_line(path: Path, line: bytes, *, mode: int = 0o600) -> None:
    """Add one line (a newline is added) at the end of `path`, in one write, creating the file if it is not there."""
    if b"\n" in line:
        raise ValueError("a line holds no newline")
    with storage_errors("append to", path):
        is_new = not path.exists()
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, mode)
        try:
            write_whole(descriptor, line + b"\n")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if is_new:
            sync_folder(path.parent)


def make_folders(path: Path, *, mode: int = 0o777) -> None:
    """Create `path` and what is missing above it; each new folder is on the disk in its parent. Raises OSError as it comes."""
    missing = []
    while not path.is_dir():
        missing.append(path)
        path = path.parent
    for folder in reversed(missing):
        folder.mkdir(mode=mode, exist_ok=True)
        sync_folder(folder.parent)


def write_new(path: Path, content: bytes, *, mode: int = 0o666) -> None:
    """Create `path`, which must not exist, and flush its content, but not the directory. Raises OSError as it comes."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        write_whole(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(path: Path) -> None:
    """Flush a directory, so that the names in it survive. Raises OSError as it comes."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def side_by_side(act: Callable[[T], object], items: Sequence[T], done: Callable[[], object] = bool) -> None:
    """Do this for each item, a few at a time and in any order: a disk answers several flushes in the time of one.

    `done` is called for each of them, by this thread.

    Raises what the first of those that failed raised, when none goes on any more; some may not have been tried.
    """
    if len(items) < 2:
        for item in items:
            act(item)
            done()
        return
    from concurrent.futures import ThreadPoolExecutor  # it brings logging, which readers do without

    with ThreadPoolExecutor(min(_AT_ONCE, len(items))) as threads:
        for _ in threads.map(act, items):
            done()


@contextmanager
def storage_errors(verb: str, path: Path) -> Iterator[None]:
    """Turns an OSError of its body into a StorageError: cannot `verb` `path`."""
    try:
        yield
    except OSError as error:
        raise StorageError(f"cannot {verb} {path}: {error.strerror or error}", hint=_way_out(path, error)) from error


def _way_out(path: Path, error: OSError) -> str:
    match error.errno:
        case errno.ENOENT | errno.ENOTDIR:
            return f"make the folder first: mkdir -p {path.parent}"
        case errno.EACCES | errno.EPERM:
            return f"you may not write there: ls -ld {path.parent} shows who may"
        case _:
            return "check that the disk is writable and has free space and inodes"


def _has_locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def write_whole(descriptor: int, content: bytes) -> None:
    """All of it, however little the system takes at once. Raises OSError as it comes."""
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]

"""Where the cache of a repository lies, and whether it is ours alone.

`<root>/<repository>/<engine>.sqlite`. Whoever can write there can change what a build says, so a folder or file that belongs to another
user, or that others can write, is not used. Only the files of the two engines that were used last are kept.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from llmcfg.cache.engine import engine_name
from llmcfg.filefacts import is_ours_alone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SUFFIX: Final = ".sqlite"
_JOURNAL: Final = "-journal"
_ENGINES: Final = 2
_ORIGIN: Final = "repository.txt"


def cache_folder(root: Path, git_folder: Path) -> Path:
    """The folder of a repository, by the place of its Git folder: a clone beside it has another one."""
    return root / sha256(os.fsencode(git_folder.resolve())).hexdigest()[:32]


def cache_file(root: Path, git_folder: Path) -> Path:
    """Of a repository, for this engine."""
    return cache_folder(root, git_folder) / f"{engine_name()}{SUFFIX}"


def prepare(folder: Path, git_folder: Path) -> bool:
    """Make the folder, if need be; False where it cannot be made or is not ours alone."""
    try:
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        if not (_is_ours(folder.parent, stat.S_ISDIR) and _is_ours(folder, stat.S_ISDIR)):
            return False
        if not (folder / _ORIGIN).exists():
            (folder / _ORIGIN).write_bytes(os.fsencode(git_folder.resolve()) + b"\n")
    except OSError:
        return False
    return True


def make_file(file: Path) -> bool:
    """Make the file with a mode of its own, if it is not there; False where it is not ours alone."""
    try:
        with suppress(FileExistsError):
            os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
            _prune(file)
        return _is_ours(file, stat.S_ISREG)
    except OSError:
        return False


def remove(file: Path) -> None:
    for path in (file, file.with_name(file.name + _JOURNAL)):
        with suppress(OSError):
            path.unlink()


def stored_files(folder: Path) -> Iterator[Path]:
    """The files of all engines, the one that was used last first."""
    found = [path for path in folder.glob(f"*{SUFFIX}") if path.is_file() and not path.is_symlink()]
    yield from sorted(found, key=lambda path: path.stat().st_mtime_ns, reverse=True)


def origin_of(folder: Path) -> str:
    """The Git folder of the repository that a folder is for."""
    try:
        return os.fsdecode((folder / _ORIGIN).read_bytes().rstrip(b"\n"))
    except OSError:
        return ""


def clear(folder: Path) -> None:
    """Remove the cache of a repository: what it holds, and nothing that is not its."""
    for file in [*stored_files(folder)]:
        remove(file)
    with suppress(OSError):
        (folder / _ORIGIN).unlink()
        folder.rmdir()


def _prune(newest: Path) -> None:
    others = [path for path in stored_files(newest.parent) if path != newest]
    for path in others[_ENGINES - 1 :]:
        remove(path)


def _is_ours(path: Path, is_kind: Callable[[int], bool]) -> bool:
    facts = path.lstat()
    return is_kind(facts.st_mode) and is_ours_alone(facts)

"""What people do with caches: look at them, check them, and remove them."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from llmcfg.cache import stamp
from llmcfg.cache.engine import engine_name
from llmcfg.cache.place import cache_folder, clear, origin_of, remove, stored_files
from llmcfg.cache.store import counted, unsound

if TYPE_CHECKING:
    from collections.abc import Iterator


class CacheFile(NamedTuple):
    """One engine's cache of a repository. A damaged one has no counts."""

    file: Path
    is_current: bool
    size: int
    facts: int | None
    documents: int | None


def describe(root: Path, git_folder: Path) -> tuple[CacheFile, ...]:
    """The files of a repository, the one that was used last first."""
    current = engine_name()
    return tuple(_describe(file, current) for file in stored_files(cache_folder(root, git_folder)))


def verify(root: Path, git_folder: Path) -> int:
    """Check everything in the files of a repository, and all stamps; removes what is damaged, and says how much that was."""
    damaged = 0
    for file in [*stored_files(cache_folder(root, git_folder))]:
        try:
            damaged += unsound(file)
        except sqlite3.Error:
            remove(file)
            damaged += 1
    for place in _stamps(root, None):
        stamp.remove(place)
        damaged += 1
    return damaged


def prune(root: Path) -> int:
    """Remove the caches of other engines and of repositories that are gone, and stamps that do not hold; how many bytes that were."""
    current, freed = engine_name(), 0
    for folder in _folders(root):
        is_gone = not Path(origin_of(folder)).is_dir()
        for file in [*stored_files(folder)]:
            if is_gone or file.stem != current:
                freed += file.stat().st_size
                remove(file)
        if is_gone:
            clear(folder)
    for place in stamp.stamps(str(root)):
        if not stamp.holds(place):
            freed += Path(place).stat().st_size
            stamp.remove(place)
    return freed


def clear_all(root: Path) -> None:
    """Remove the caches of all repositories."""
    for folder in [*_folders(root)]:
        clear(folder)
    for place in stamp.stamps(str(root)):
        stamp.remove(place)
    for folder in (root / stamp.FOLDER, root):
        with suppress(OSError):
            folder.rmdir()


def clear_one(root: Path, git_folder: Path) -> None:
    clear(cache_folder(root, git_folder))
    for place in _stamps(root, str(git_folder.resolve())):
        stamp.remove(place)


def _stamps(root: Path, origin: str | None) -> list[str]:
    """The stamps of the repository with this Git folder, or those that are damaged."""
    return [place for place in stamp.stamps(str(root)) if stamp.origin_of(place) == origin]


def _describe(file: Path, current: str) -> CacheFile:
    size, is_current = file.stat().st_size, file.stem == current
    try:
        counts = counted(file)
    except sqlite3.Error:
        return CacheFile(file, is_current, size, None, None)
    return CacheFile(file, is_current, size, counts["facts"], counts["documents"])


def _folders(root: Path) -> Iterator[Path]:
    """Those that a cache made: what else lies there is left alone."""
    if root.is_dir():
        yield from sorted(path for path in root.iterdir() if (path / "repository.txt").is_file())

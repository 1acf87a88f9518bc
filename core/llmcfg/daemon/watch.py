"""Seeing that something changed: refs of a repository on this machine, and requests in the state folder.

Events of the file system are hints: they come late, twice or not at all. The truth is a look at the files, which is cheap, and is
taken whenever a hint comes and every second besides.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_FOLDERS: Final = ("refs/heads", "refs/tags")


class RefWatch:
    """Tells whether branches or tags of the repository at `git_dir` are others than at the last look."""

    def __init__(self, git_dir: Path) -> None:
        self._git_dir = git_dir
        self._stamps: tuple[object, ...] = ()
        self._refs: dict[str, str] = {}
        self.look()

    def look(self) -> bool:
        stamps = tuple(self._current_stamps())
        if stamps == self._stamps:
            return False
        self._stamps = stamps
        refs = dict(self._read())
        changed = refs != self._refs
        self._refs = refs
        return changed

    def expect(self, moved: Mapping[str, str]) -> None:
        """Refs that were moved by ourselves are no news."""
        self._refs.update(moved)

    def _current_stamps(self) -> Iterator[object]:
        """Every change of a ref renames a file into its folder, and so changes the folder's time."""
        for name in ("HEAD", "packed-refs"):
            yield _stamp(self._git_dir / name)
        for top in _FOLDERS:
            for folder, below, _ in os.walk(self._git_dir / top):
                below.sort()
                yield folder, _stamp(Path(folder))

    def _read(self) -> Iterator[tuple[str, str]]:
        with suppress(OSError):
            for line in (self._git_dir / "packed-refs").read_text("utf-8", "replace").splitlines():
                oid, _, name = line.partition(" ")
                if name.startswith("refs/"):
                    yield name, oid
        for top in _FOLDERS:
            for folder, _, names in os.walk(self._git_dir / top):
                for name in names:
                    path = Path(folder) / name
                    with suppress(OSError):
                        if path.suffix != ".lock":
                            yield path.relative_to(self._git_dir).as_posix(), path.read_text("ascii", "replace").strip()
        with suppress(OSError):
            yield "HEAD", (self._git_dir / "HEAD").read_text("utf-8", "replace").strip()


class RequestWatch:
    """Tells whether somebody asked for something since the last look. An answered request that goes is no news."""

    def __init__(self, requests: Path, suspended: Path) -> None:
        self._requests = requests
        self._suspended = suspended
        self._seen = frozenset[str](), frozenset[str]()
        self.look()

    def look(self) -> bool:
        before, self._seen = self._seen, (_names(self._requests), _names(self._suspended))
        return bool(self._seen[0] - before[0]) or self._seen[1] != before[1]


class Hints(FileSystemEventHandler):
    """Calls `hint` from a thread of its own when something below the folders changes. Where that does not work nobody is told."""

    def __init__(self, folders: Mapping[Path, bool], hint: Callable[[], None]) -> None:
        """`folders` says for each whether what is below it counts too."""
        self._hint = hint
        self._observer = Observer()
        for folder, is_deep in folders.items():
            with suppress(OSError):
                self._observer.schedule(self, str(folder), recursive=is_deep)
        self._is_watching = False
        with suppress(OSError, RuntimeError):  # no more watches, or no threads
            self._observer.start()
            self._is_watching = True

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.event_type not in ("opened", "closed_no_write"):
            self._hint()

    def stop(self) -> None:
        if self._is_watching:
            self._observer.stop()
            self._observer.join(timeout=5)


def git_folder(repository: Path) -> Path:
    """The folder with the refs of a repository on this machine: itself if it is bare."""
    return repository / ".git" if (repository / ".git").is_dir() else repository


def _names(folder: Path) -> frozenset[str]:
    try:
        return frozenset(path.name for path in folder.iterdir() if not path.name.startswith("."))
    except OSError:
        return frozenset()


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        facts = path.stat()
    except OSError:
        return ()
    return facts.st_mtime_ns, facts.st_ino, facts.st_size

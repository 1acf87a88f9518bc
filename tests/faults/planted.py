"""Bugs that somebody could write one day. Each is put in place of the right code, and the sweeps have to notice.

A bug that no sweep notices means that a sweep does not look at what it says.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from llmcfg import disk
from llmcfg.daemon import state
from llmcfg.git import refswap
from llmcfg.git.refswap import RefSwap
from llmcfg.sinks import directory, store
from llmcfg.sinks.directory import DirectorySink
from llmcfg.sinks.store import DeliveryStore

Plant = Callable[[pytest.MonkeyPatch], None]


class Bug(NamedTuple):
    """`writers` are those that are wrong with it, by their names in writers.py."""

    name: str
    plant: Plant
    writers: tuple[str, ...]


def _unflushed_new(path: Path, content: bytes, *, mode: int = 0o666) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    os.write(descriptor, content)
    os.close(descriptor)


def _nothing(*_: object, **__: object) -> None: ...


def _in_place(path: Path, content: bytes, *, mode: int = 0o666) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    os.write(descriptor, content)
    os.fsync(descriptor)
    os.close(descriptor)
    disk.sync_folder(path.parent)


def _one_by_one(files: Mapping[Path, bytes], removals: tuple[Path, ...] = ()) -> None:
    for path in removals:
        path.unlink()
        disk.sync_folder(path.parent)
    for path, content in files.items():
        disk.atomic_write(path, content)


def _unflushed_line(path: Path, line: bytes, *, mode: int = 0o600) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, mode)
    os.write(descriptor, line + b"\n")
    os.close(descriptor)


def _record_first(patch: pytest.MonkeyPatch) -> None:
    """The delivery is noted as complete before it is current."""
    point_at = DirectorySink._point_at

    def record_and_point(self: DirectorySink, folder: Path) -> None:
        disk.atomic_write(self._store / "delivered", folder.name.encode())
        point_at(self, folder)

    patch.setattr(DirectorySink, "_point_at", record_and_point)


def _write_into_the_current_one(patch: pytest.MonkeyPatch) -> None:
    """No folder of its own for a new delivery: the current one is changed."""
    place = DeliveryStore.place

    def overwrite(self: DeliveryStore, digest: str, files: Mapping[str, bytes], current: Path | None) -> Path:
        if current is None:
            return place(self, digest, files, current)
        for path, content in files.items():
            (current / path).parent.mkdir(parents=True, exist_ok=True)
            _in_place(current / path, content)
        return current

    patch.setattr(DeliveryStore, "place", overwrite)


def _two_step_link(self: DirectorySink, folder: Path) -> None:
    self._current.unlink(missing_ok=True)
    self._current.symlink_to(f".llmcfg/{folder.name}")
    disk.sync_folder(self._root)


def _prune_first(patch: pytest.MonkeyPatch) -> None:
    """Old deliveries are removed before the new one is current."""
    place = DeliveryStore.place

    def place_and_prune(self: DeliveryStore, digest: str, files: Mapping[str, bytes], current: Path | None) -> Path:
        folder = place(self, digest, files, current)
        for other in self._deliveries():
            if other != folder:
                other.rename(self.aside())
        self.remove_rests()
        return folder

    patch.setattr(DeliveryStore, "place", place_and_prune)


def _answer_first(patch: pytest.MonkeyPatch) -> None:
    """What a request came to is written after it was answered."""
    from . import writers

    write_status = writers.write_status

    def answer_and_write(root: Path, status: object) -> None:
        state.StateFolder(root).answered("old")
        write_status(root, status)  # type: ignore[arg-type]

    patch.setattr(writers, "write_status", answer_and_write)


def _setting(owner: object, name: str, value: object) -> Plant:
    return lambda patch: patch.setattr(owner, name, value)


def _without_content_flush(patch: pytest.MonkeyPatch) -> None:
    for module in (disk, store, refswap):
        patch.setattr(module, "write_new", _unflushed_new, raising=False)


def _without_folder_flush(*modules: object) -> Plant:
    def plant(patch: pytest.MonkeyPatch) -> None:
        for module in modules:
            patch.setattr(module, "sync_folder", _nothing)

    return plant


def _remove_value(lock: Path, ours: Path) -> None:
    ours.unlink(missing_ok=True)


def _without_lock(self: RefSwap, ref: str, expected: str | None, new: str, ours: Path) -> None:
    disk.make_folders((self._git_dir / ref).parent)
    _in_place(self._git_dir / ref, f"{new}\n".encode())


A_FILE, NEW_FOLDERS, SEVERAL, LOG = (
    "a file that is replaced",
    "a file in new folders",
    "several files at once",
    "lines of a log",
)
FIRST, NEXT, ASKED = (
    "the first deliveries",
    "a delivery after another",
    "a delivery with consumers who have a say",
)
MANY = "a delivery of many files"
MOVED, NEW, BEATEN, STATE = "a ref that moves", "a ref that is new", "a ref that is not what it was", "the state folder"

BUGS = [
    Bug("content is not flushed before the rename", _without_content_flush, (A_FILE, SEVERAL, FIRST, NEXT, MOVED)),
    Bug("folders are not flushed after the rename", _without_folder_flush(disk), (A_FILE, NEW_FOLDERS, SEVERAL, LOG)),
    Bug("files are written in place", _setting(disk, "atomic_write", _in_place), (A_FILE,)),
    Bug("several files are replaced one by one", _setting(disk, "write_all", _one_by_one), (SEVERAL,)),
    Bug("a line of a log is not flushed", _setting(disk, "append_line", _unflushed_line), (LOG,)),
    Bug("the folders of a sink are not flushed", _without_folder_flush(directory, store), (FIRST, NEXT)),
    Bug("many files are not flushed", _without_content_flush, (MANY,)),
    Bug("a delivery is recorded before it is current", _record_first, (NEXT,)),
    Bug("a delivery is written into the current one", _write_into_the_current_one, (NEXT,)),
    Bug("the link is removed and made anew", _setting(DirectorySink, "_point_current_at", _two_step_link), (NEXT,)),
    Bug("old deliveries go before the new one is current", _prune_first, (NEXT,)),
    Bug("a switch is not noted", _setting(directory, "write_switch", _nothing), (ASKED,)),
    Bug("a ref is not flushed", _without_folder_flush(refswap), (MOVED, NEW)),
    Bug("a dead writer's lock stays", _setting(refswap, "_remove_leftover", _remove_value), (MOVED,)),
    Bug("a dead writer's lock has no proof", _setting(refswap, "sync_folder", _nothing), (MOVED, BEATEN)),
    Bug("a ref is written without its lock", _setting(RefSwap, "_swap_leased", _without_lock), (MOVED, BEATEN)),
    Bug("a ref moves whatever it was", _setting(RefSwap, "compare", _nothing), (BEATEN,)),
    Bug("what is asked for is not flushed", _without_folder_flush(state), (STATE,)),
    Bug("a request is answered before its outcome is written", _answer_first, (STATE,)),
]


@contextmanager
def planted(bug: Bug) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        bug.plant(patch)
        yield

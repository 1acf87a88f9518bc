"""The deliveries of a directory sink: folders named by their digests, written aside and whole, kept for a while, and removed whole.

A delivery is written aside, flushed and renamed to its digest. Files are 0600 and directories 0700. A file that the current delivery has
already is linked and not copied, so a change costs what it changes. Whatever dies half-way leaves rests, which the next delivery removes.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import stat
from contextlib import contextmanager, suppress
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from llmcfg.disk import atomic_write, hold_lock, is_aside, side_by_side, sync_folder, write_new
from llmcfg.failpoints import failpoint

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from llmcfg.model.progress import Progress
    from llmcfg.sinks.seen import Seen

_ASIDE = "tmp-"
_WAIT_SECONDS = 30.0


class DeliveryStore:
    """Lies in `folder`. `keep` is how many deliveries stay there, at least the current one. Who changes it holds its lock."""

    def __init__(self, folder: Path, keep: int, seen: Seen, progress: Progress) -> None:
        self.folder = folder
        self._keep = max(keep, 1)
        self._seen = seen
        self._progress = progress

    def locked(self) -> AbstractContextManager[None]:
        """One delivery at a time. The lock is the kernel's, so it ends with the process that holds it."""
        return hold_lock(self.folder / "lock", seconds=_WAIT_SECONDS)

    def has(self, path: Path) -> bool:
        """Whether a path is that of a delivery, which may not be there."""
        return path.parent == self.folder and path.name != ".." and not path.is_symlink()

    def contents(self, delivery: Path) -> dict[str, str]:
        """What a delivery holds; of its mapped files, only what is wrong with them."""
        return self._seen.mapped.without(delivery, self._seen.digests.below(delivery))

    def place(self, digest: str, files: Mapping[str, bytes], current: Path | None) -> Path:
        """The delivery of exactly these files: an earlier one that is still intact, else a new one."""
        wanted = {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}
        for folder in self._deliveries():
            if _digest_of(folder) == digest and self.contents(folder) == wanted:
                os.utime(folder)
                if folder != current:
                    for path, content in self._seen.mapped.make(folder, files, current).items():
                        atomic_write(folder / path, content, mode=0o600)
                return folder
        taken = {path.name for path in self.folder.iterdir()}
        free = next(name for name in _names(digest) if name not in taken)
        with self._written_aside() as aside:
            mapped = self._seen.mapped.make(aside, files, current, self._progress)
            self._write(aside, {**files, **mapped}, self._same_as(current, wanted))
            failpoint("directory.written")
            aside.rename(self.folder / free)
        sync_folder(self.folder)
        return self.folder / free

    def prune(self, current: Path) -> None:
        """Remove all but the newest deliveries, and at once those of the same digest that were tampered with."""
        others = sorted(
            (folder for folder in self._deliveries() if folder.name != current.name),
            key=lambda folder: (folder.stat().st_mtime_ns, folder.name),
            reverse=True,
        )
        replaced = [folder for folder in others if _digest_of(folder) == _digest_of(current)]
        kept = [folder for folder in others if folder not in replaced][: self._keep - 1]
        for folder in others:
            if folder not in kept:
                folder.rename(self.aside())  # so that a crash leaves rests, and never half a delivery under its digest
        self.remove_rests()

    def rests(self) -> list[Path]:
        """What deliveries left that died half-way."""
        return [path for path in sorted(self.folder.iterdir()) if _is_rest(path)] if self.folder.is_dir() else []

    def remove_rests(self) -> None:
        for path in self.rests():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                with suppress(FileNotFoundError):
                    path.unlink()

    def aside(self) -> Path:
        """A path for what nobody reads, and what is a rest if nobody takes it away."""
        return self.folder / f"{_ASIDE}{secrets.token_hex(8)}"

    def _deliveries(self) -> list[Path]:
        return [path for path in sorted(self.folder.iterdir()) if path.is_dir() and not _is_rest(path)]

    @contextmanager
    def _written_aside(self) -> Iterator[Path]:
        """A new folder that nobody reads. What was written to it goes when the disk is full, or somebody has had enough of waiting."""
        aside = self.aside()
        aside.mkdir(mode=0o700)
        try:
            yield aside
        except BaseException:
            shutil.rmtree(aside, ignore_errors=True)
            raise

    def _same_as(self, current: Path | None, wanted: Mapping[str, str]) -> dict[str, Path]:
        """The files of the current delivery that are what is wanted, to be linked. None in a folder where that is not possible."""
        if current is None:
            return {}
        there = self._seen.digests.below(current)
        return {path: current / path for path, digest in wanted.items() if there.get(path) == digest}

    def _write(self, folder: Path, files: Mapping[str, bytes], same: Mapping[str, Path]) -> None:
        """Write and flush all files, or link those of `same`, then flush every folder."""
        folders = {PurePosixPath()}
        written = {}  # read here: threads write, and what is stored in Git is for one thread
        for path in self._progress.over("preparing files", sorted(files)):
            for above in reversed(PurePosixPath(path).parents):
                if above not in folders:
                    (folder / above).mkdir(mode=0o700)
                    folders.add(above)
            if not (path in same and self._link(same[path], folder / path)):
                written[path] = files[path]
        done = self._progress.counter("writing files", len(written))
        side_by_side(lambda path: write_new(folder / path, written[path], mode=0o600), [*written], done)
        side_by_side(lambda inner: sync_folder(folder / inner), sorted(folders))

    def _link(self, source: Path, path: Path) -> bool:
        """Whether `path` is now the same file; not when others may read it, or the file system has no links or no more of them."""
        try:
            if stat.S_IMODE(source.lstat().st_mode) != 0o600:
                return False
            self._seen.digests.link(source, path)
        except OSError:
            return False
        return True


def _is_rest(path: Path) -> bool:
    """Left by a writer that died, or a link, which is none of ours."""
    return path.name.startswith(_ASIDE) or path.is_symlink() or is_aside(path)


def _names(digest: str) -> Iterator[str]:
    """The second one is for a delivery that was tampered with and is there still."""
    yield digest
    count = 2
    while True:
        yield f"{digest}.{count}"
        count += 1


def _digest_of(delivery: Path) -> str:
    return delivery.name.partition(".")[0]

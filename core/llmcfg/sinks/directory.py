"""The embedded sink: a directory that always holds one whole delivery, reached through one symbolic link.

    <root>/current -> .llmcfg/<digest>      what readers open; resolve it once, then read: it is all of one delivery
    <root>/.llmcfg/<digest>/...             deliveries, the newest `keep` and the current one; beside the plain files of each bundle
                                            in it one mapped file for programs (mapped.py)
    <root>/.llmcfg/lock                     held by the process that delivers
    <root>/.llmcfg/delivered                the root of the last delivery that was completed
    <root>/.llmcfg/switching                what is going on while hooks are asked (switching.py)
    <root>/opened                           of a directory with opened files, a link to those of the current delivery (openedfiles.py)

A delivery is written aside, flushed, renamed to its digest, and made current by renaming a new link over the old one. Whatever dies
half-way leaves the old delivery current, and rests that the next delivery removes. Files are 0600 and directories 0700. A file that the
current delivery has already is linked and not copied, so a change costs what it changes.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import secrets
import shutil
import stat
import time
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

import msgspec

from llmcfg.disk import atomic_write, is_aside, make_folders, side_by_side, storage_errors, sync_folder, write_new
from llmcfg.errors import LlmcfgError, PendingError, UsageError
from llmcfg.failpoints import failpoint
from llmcfg.model.progress import UNWATCHED
from llmcfg.pipeline.known import name_of
from llmcfg.sinks.digests import Digests
from llmcfg.sinks.mapped import MappedFiles, follow_mapped
from llmcfg.sinks.openedfiles import remove_opened
from llmcfg.sinks.switching import UNFINISHED, Switch, forget_switch, read_switch, write_switch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from llmcfg.model.progress import Progress
    from llmcfg.ports import Cache
    from llmcfg.sinks.openedfiles import OpenedFiles
    from llmcfg.sinks.switching import AfterApply

_STORE = ".llmcfg"
_CURRENT = "current"
_DELIVERED = "delivered"
_ASIDE = "tmp-"
_DIGEST = re.compile(r"[A-Za-z0-9][A-Za-z0-9_:-]{0,127}")
_WAIT_SECONDS = 30.0
_PAUSE_SECONDS = 0.02
_SEEN: Final = msgspec.msgpack.Decoder(tuple[bytes, bytes])
_LOOKS = 20  # at a delivery that is replaced while it is being observed


class Seen:
    """What is known of files that were looked at before, by other processes too where there is a `cache`."""

    def __init__(self, now: Callable[[], datetime] | None = None, cache: Cache | None = None) -> None:
        self.digests = Digests(now)
        self.mapped = MappedFiles()
        self._cache = cache
        self._kept: dict[Path, bytes] = {}  # by the folder of a sink

    def recall(self, root: Path) -> None:
        """Once for each sink."""
        if self._cache is None or root in self._kept:
            return
        kept = self._kept[root] = self._cache.content(_name_of(root)) or b""
        if kept:
            digests, mapped = _SEEN.decode(kept)
            self.digests.recall(digests)
            self.mapped.recall(mapped)

    def keep(self, root: Path) -> None:
        """After a look at a sink: what was met there, unless it is what is kept."""
        if self._cache is None:
            return
        met = msgspec.msgpack.encode((self.digests.keep(), self.mapped.keep()))
        if met != self._kept.get(root):
            self._kept[root] = met
            self._cache.add(_name_of(root), met)
            self._cache.keep()


def _name_of(root: Path) -> bytes:
    return name_of("delivered", str(root.resolve()))


class DirectorySink:
    """Delivers to the folder `root`, made when first needed. `keep` is how many deliveries stay there, at least the current one.

    `after_apply` may refuse a delivery before it is current, and take it back afterwards. `opened` keeps what is sealed in the current
    delivery beside it, opened. `seen` remembers what was looked at, for sinks that are made again and again. `progress` counts files.
    """

    def __init__(
        self,
        root: Path,
        keep: int = 3,
        after_apply: AfterApply | None = None,
        opened: OpenedFiles | None = None,
        seen: Seen | None = None,
        progress: Progress = UNWATCHED,
    ) -> None:
        self._progress = progress
        self._root = root
        self._store = root / _STORE
        self._current = root / _CURRENT
        self._keep = max(keep, 1)
        self._after_apply = after_apply
        self._opened = opened
        self._seen = seen or Seen()

    @property
    def name(self) -> str:
        return f"directory {self._root}"

    @property
    def folder(self) -> Path:
        return self._root

    def observe(self) -> Mapping[str, str] | None:
        """As the port says. What is no readable regular file has words in place of a digest, so it never equals one."""
        self._seen.recall(self._root)
        with storage_errors("read", self._root):
            for _ in range(_LOOKS):
                before = self._identity()
                pointed = before[0]  # read again, it might be another by now
                if pointed is None:
                    return None
                seen = (
                    self._contents(pointed) if self._is_delivery(pointed) else {_CURRENT: "not a link that llmcfg made"}
                )
                if self._after_apply is not None and read_switch(self._store) is not None:
                    seen[UNFINISHED] = "its consumers were not told to the end"
                if self._opened is not None and self._is_delivery(pointed):
                    seen.update(self._opened.observe(pointed))
                if self._identity() == before:
                    self._seen.keep(self._root)
                    return seen
        raise PendingError(f"{self._root} changes faster than it can be read", hint="try again")

    def stands_on(self) -> Iterator[Path] | None:
        """The files and folders that an observation of a sound delivery stands on; None where it stands on more than these."""
        delivery = self._delivery()
        if delivery is None or self._after_apply is not None or self._opened is not None:
            return None
        return chain((self._root, self._current, self._store, self._store / _DELIVERED), _everything_in(delivery))

    def leftovers(self) -> list[Path]:
        """What deliveries left that died half-way; the next one removes it."""
        return [path for path in sorted(self._store.iterdir()) if self._is_rest(path)] if self._store.is_dir() else []

    def deliver(self, root: str, files: Mapping[str, bytes]) -> None:
        if not _DIGEST.fullmatch(root):
            raise UsageError(f"{root!r} is no digest", hint="deliveries are named by the digest of their files")
        for path in files:
            _check_path(path)
        with storage_errors("deliver to", self._root):
            make_folders(self._store, mode=0o700)
            with self._lock():
                self._remove_rests()
                folder = self._place(root.replace(":", "-"), files)
                failpoint("directory.placed")
                if self._opened is None:
                    remove_opened(self._root)
                else:
                    self._opened.stage(folder)
                if self._after_apply is None:
                    self._point_at(folder)
                else:
                    self._switch(folder, self._after_apply)
                failpoint("directory.pointed")
                atomic_write(self._store / _DELIVERED, f"{root}\n".encode(), mode=0o600)
                self._prune(folder)
                if self._opened is not None:
                    self._opened.prune(folder)

    def delivered(self) -> str | None:
        with storage_errors("read", self._root):
            try:
                return (self._store / _DELIVERED).read_text("ascii").strip() or None
            except (FileNotFoundError, NotADirectoryError, UnicodeDecodeError):
                return None

    def _switch(self, folder: Path, after_apply: AfterApply) -> None:
        """Validate, switch, tell; when a consumer is not well afterwards, switch back and tell again. Raises what refused it."""
        self._finish_switch(after_apply)
        before = self._delivery()
        if before == folder:
            self._point_at(folder)
            return
        after_apply.validate(folder, before)
        write_switch(self._store, Switch(folder.name, before.name if before else None))
        failpoint("directory.switch_written")
        self._point_at(folder)
        failpoint("directory.switched")
        self._tell(folder, before, after_apply)
        forget_switch(self._store)

    def _tell(self, folder: Path, before: Path | None, after_apply: AfterApply) -> None:
        try:
            after_apply.settle(folder, before)
        except LlmcfgError:
            write_switch(self._store, Switch(folder.name, before.name if before else None, is_undone=True))
            failpoint("directory.undo_written")
            self._take_back(folder, before, after_apply)
            raise

    def _take_back(self, folder: Path, before: Path | None, after_apply: AfterApply) -> None:
        if before is None:
            self._current.unlink(missing_ok=True)
            sync_folder(self._root)
            remove_opened(self._root)
        else:
            if self._opened is not None:
                self._opened.stage(before)
            follow_mapped(before, folder)
            self._point_at(before)
            failpoint("directory.taken_back")
            with suppress(LlmcfgError):  # what went wrong first is what is told
                after_apply.settle(before, folder)
        forget_switch(self._store)

    def _finish_switch(self, after_apply: AfterApply) -> None:
        """What a killed delivery left: tell the consumers again, or take it back to the end."""
        left = read_switch(self._store)
        if left is None:
            return
        folder, before = self._store / left.to, self._store / left.before if left.before else None
        before = before if before is not None and before.is_dir() else None
        if left.is_undone:
            self._take_back(folder, before, after_apply)
        elif self._delivery() == folder:
            self._tell(folder, before, after_apply)
            forget_switch(self._store)
        else:
            forget_switch(self._store)

    def _delivery(self) -> Path | None:
        """The delivery that is current, if it is one of ours and there."""
        pointed = self._pointed()
        return pointed if pointed is not None and self._is_delivery(pointed) and pointed.is_dir() else None

    def _pointed(self) -> Path | None:
        """The folder that `current` names; itself when it is no link; None when it is not there."""
        try:
            return self._root / self._current.readlink()
        except FileNotFoundError:
            return None
        except OSError:
            return self._current

    def _identity(self) -> tuple[Path | None, int, int]:
        """Differs when the link was moved, or the same delivery was removed and written again."""
        try:
            facts = self._current.stat()
        except OSError:
            return self._pointed(), 0, 0
        return self._pointed(), facts.st_ino, facts.st_ctime_ns

    def _is_delivery(self, path: Path) -> bool:
        return path.parent == self._store and path.name != ".." and not path.is_symlink()

    def _place(self, digest: str, files: Mapping[str, bytes]) -> Path:
        """The folder with exactly these files: an earlier one that is still intact, else a new one."""
        wanted = {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}
        current = self._delivery()
        for folder in self._deliveries():
            if folder.name.split(".")[0] == digest and self._contents(folder) == wanted:
                os.utime(folder)
                if folder != current:
                    for path, content in self._seen.mapped.make(folder, files, current).items():
                        atomic_write(folder / path, content, mode=0o600)
                return folder
        taken = {path.name for path in self._store.iterdir()}
        free = next(name for name in _names(digest) if name not in taken)
        with self._aside() as aside:
            mapped = self._seen.mapped.make(aside, files, current, self._progress)
            self._write_folder(aside, {**files, **mapped}, self._same_as_current(wanted))
            failpoint("directory.written")
            aside.rename(self._store / free)
        sync_folder(self._store)
        return self._store / free

    @contextmanager
    def _aside(self) -> Iterator[Path]:
        """A new folder that nobody reads. What was written to it goes when the disk is full, or somebody has had enough of waiting."""
        aside = self._store / f"{_ASIDE}{secrets.token_hex(8)}"
        aside.mkdir(mode=0o700)
        try:
            yield aside
        except BaseException:
            shutil.rmtree(aside, ignore_errors=True)
            raise

    def _same_as_current(self, wanted: Mapping[str, str]) -> dict[str, Path]:
        """The files of the current delivery that are what is wanted, to be linked. None in a folder where that is not possible."""
        current = self._delivery()
        if current is None:
            return {}
        there = self._seen.digests.below(current)
        return {path: current / path for path, digest in wanted.items() if there.get(path) == digest}

    def _point_at(self, folder: Path) -> None:
        """Make this delivery current, and its opened files, which must be staged."""
        self._point_current_at(folder)
        if self._opened is not None:
            failpoint("directory.half_pointed")
            self._opened.point_at(folder)

    def _point_current_at(self, folder: Path) -> None:
        target = f"{_STORE}/{folder.name}"
        if self._current.is_symlink() and str(self._current.readlink()) == target:
            return
        if self._current.exists() and not self._current.is_symlink():
            self._current.rename(self._store / f"{_ASIDE}{secrets.token_hex(8)}")
        link = self._store / f"{_ASIDE}{secrets.token_hex(8)}"
        link.symlink_to(target)
        link.rename(self._current)
        sync_folder(self._root)

    def _prune(self, current: Path) -> None:
        """Remove all but the newest deliveries, and at once those of the same digest that were tampered with."""
        others = sorted(
            (folder for folder in self._deliveries() if folder.name != current.name),
            key=lambda folder: (folder.stat().st_mtime_ns, folder.name),
            reverse=True,
        )
        replaced = [folder for folder in others if folder.name.split(".")[0] == current.name.split(".")[0]]
        kept = [folder for folder in others if folder not in replaced][: self._keep - 1]
        for folder in others:
            if folder not in kept:
                self._remove(folder)
        self._remove_rests()

    def _deliveries(self) -> list[Path]:
        return [path for path in sorted(self._store.iterdir()) if path.is_dir() and not self._is_rest(path)]

    def _is_rest(self, path: Path) -> bool:
        """Left by a writer that died, or a link, which is none of ours."""
        return path.name.startswith(_ASIDE) or path.is_symlink() or is_aside(path)

    def _remove(self, folder: Path) -> None:
        """Renamed first, so that a crash leaves rests and never half a delivery under its digest."""
        folder.rename(self._store / f"{_ASIDE}{secrets.token_hex(8)}")

    def _remove_rests(self) -> None:
        for path in self._store.iterdir():
            if not self._is_rest(path):
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                with suppress(FileNotFoundError):
                    path.unlink()

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """One delivery at a time. The lock is the kernel's, so it ends with the process that holds it."""
        with (self._store / "lock").open("ab") as lock:
            deadline = time.monotonic() + _WAIT_SECONDS
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise PendingError(
                            f"another process has been delivering to {self._root} for {_WAIT_SECONDS:.0f} s",
                            hint=f"see who holds it: fuser {self._store / 'lock'}",
                        ) from None
                    time.sleep(_PAUSE_SECONDS)
            yield

    def _contents(self, folder: Path) -> dict[str, str]:
        """What a delivery holds; of its mapped files, only what is wrong with them."""
        return self._seen.mapped.without(folder, self._seen.digests.below(folder))

    def _write_folder(self, folder: Path, files: Mapping[str, bytes], same: Mapping[str, Path]) -> None:
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


def _everything_in(folder: Path) -> Iterator[Path]:
    for inner, _, names in os.walk(folder):
        yield from (Path(inner), *(Path(inner, name) for name in names))


def _names(digest: str) -> Iterator[str]:
    yield digest
    count = 2
    while True:
        yield f"{digest}.{count}"
        count += 1


def _check_path(path: str) -> None:
    segments = path.split("/")
    if "\0" in path or any(segment in ("", ".", "..") for segment in segments):
        raise UsageError(f"{path!r} cannot be delivered: it leaves its directory", hint="choose another output path")

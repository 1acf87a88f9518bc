"""The embedded sink: a directory that always holds one whole delivery, reached through one symbolic link.

    <root>/current -> .llmcfg/<digest>      what readers open; resolve it once, then read: it is all of one delivery
    <root>/.llmcfg/<digest>/...             deliveries, the newest `keep` and the current one; beside the plain files of each bundle
                                            in it one mapped file for programs (mapped.py)
    <root>/.llmcfg/lock                     held by the process that delivers
    <root>/.llmcfg/delivered                the root of the last delivery that was completed
    <root>/.llmcfg/switching                what is going on while hooks are asked (switching.py)
    <root>/opened                           of a directory with opened files, a link to those of the current delivery (openedfiles.py)

A delivery is placed whole (store.py), and made current by renaming a new link over the old one. Whatever dies half-way leaves the old
delivery current.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from llmcfg.disk import atomic_write, make_folders, storage_errors, sync_folder
from llmcfg.errors import LlmcfgError, PendingError, UsageError
from llmcfg.failpoints import failpoint
from llmcfg.model.progress import UNWATCHED
from llmcfg.sinks.mapped import follow_mapped
from llmcfg.sinks.openedfiles import remove_opened
from llmcfg.sinks.seen import Seen
from llmcfg.sinks.store import DeliveryStore
from llmcfg.sinks.switching import UNFINISHED, Switch, forget_switch, read_switch, write_switch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llmcfg.model.progress import Progress
    from llmcfg.sinks.openedfiles import OpenedFiles
    from llmcfg.sinks.switching import AfterApply

_STORE = ".llmcfg"
_CURRENT = "current"
_DELIVERED = "delivered"
_DIGEST = re.compile(r"[A-Za-z0-9][A-Za-z0-9_:-]{0,127}")
_LOOKS = 20  # at a delivery that is replaced while it is being observed


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
        self._root = root
        self._store = root / _STORE
        self._current = root / _CURRENT
        self._after_apply = after_apply
        self._opened = opened
        self._seen = seen or Seen()
        self._deliveries = DeliveryStore(self._store, keep, self._seen, progress)

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
                is_ours = self._deliveries.has(pointed)
                seen = self._deliveries.contents(pointed) if is_ours else {_CURRENT: "not a link that llmcfg made"}
                if self._after_apply is not None and read_switch(self._store) is not None:
                    seen[UNFINISHED] = "its consumers were not told to the end"
                if self._opened is not None and is_ours:
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
        return self._deliveries.rests()

    def deliver(self, root: str, files: Mapping[str, bytes]) -> None:
        if not _DIGEST.fullmatch(root):
            raise UsageError(f"{root!r} is no digest", hint="deliveries are named by the digest of their files")
        for path in files:
            _check_path(path)
        with storage_errors("deliver to", self._root):
            make_folders(self._store, mode=0o700)
            with self._deliveries.locked():
                self._deliveries.remove_rests()
                folder = self._deliveries.place(root.replace(":", "-"), files, self._delivery())
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
                self._deliveries.prune(folder)
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
        return pointed if pointed is not None and self._deliveries.has(pointed) and pointed.is_dir() else None

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
            self._current.rename(self._deliveries.aside())
        link = self._deliveries.aside()
        link.symlink_to(target)
        link.rename(self._current)
        sync_folder(self._root)


def _everything_in(folder: Path) -> Iterator[Path]:
    for inner, _, names in os.walk(folder):
        yield from (Path(inner), *(Path(inner, name) for name in names))


def _check_path(path: str) -> None:
    segments = path.split("/")
    if "\0" in path or any(segment in ("", ".", "..") for segment in segments):
        raise UsageError(f"{path!r} cannot be delivered: it leaves its directory", hint="choose another output path")

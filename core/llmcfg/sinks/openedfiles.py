"""Beside a directory's deliveries: what is sealed in them, opened for the programs of this machine (ADR 0014).

    <root>/opened -> <place>/<delivery>               one link, switched with `current`
    <place>/<delivery>/<tenant>/<consumer>/...        secrets.json and files/..., 0600 in 0700, for the bundles that a key here opens
    <place>/<delivery>/.opened                        which bundles these are made from, and the digests of the files

The place is a folder of this user in memory, where the system has one, so a restart of the machine empties it; the next delivery finds
that out, and opens again. What is not read by this user alone is refused, since somebody else may have made it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from llmcfg.disk import make_folders, storage_errors, sync_folder, write_new
from llmcfg.errors import LlmcfgError, NotAuthorisedError, StorageError
from llmcfg.pipeline.bundle import HEAD
from llmcfg.pipeline.stored import read_head
from llmcfg.secrets.guard import forbid_dumps
from llmcfg.secrets.opened import open_bundle
from llmcfg.sinks.delivered import read_delivered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from llmcfg.secrets.age import Identity

OPENED: Final = "opened"
"""The link; it stands among the observed files of a directory while what it names is not there, or not as it was written."""
_LEDGER: Final = ".opened"
_PLACES: Final = "llmcfg-opened-"


class _Made(msgspec.Struct, frozen=True):
    """Of one bundle: what it was made from, and the digests of its files by path. No files when no key here opens it."""

    source: str
    files: dict[str, str] | None


class OpenedFiles:
    """The opened files of the deliveries in `root`, kept below `parent`. The keys are asked for when something is to be opened."""

    def __init__(self, root: Path, parent: Path, identities: Callable[[], Sequence[Identity]]) -> None:
        self._link = root / OPENED
        name = hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:16]
        self._place = parent / f"{_PLACES}{os.geteuid()}" / name
        self._identities = identities

    def folder(self, delivery: Path) -> Path:
        """Where the opened files of a delivery are, once they are staged."""
        return self._place / delivery.name

    def stage(self, delivery: Path) -> None:
        """Open what a delivery has for this machine; nobody is pointed at it yet.

        Raises NotAuthorisedError when no key opens anything in it, IntegrityError for a sealed file that is not what it should be.
        """
        with storage_errors("open files in", self._place):
            self._own()
            folder, aside = self.folder(delivery), self._place / f".{delivery.name}.new"
            wanted = _sources(delivery)
            if _ledger(folder) is not None and not self._faults(folder, wanted):
                return
            shutil.rmtree(aside, ignore_errors=True)
            aside.mkdir(mode=0o700)
            try:
                self._write(delivery, wanted, aside)
                shutil.rmtree(folder, ignore_errors=True)
                aside.rename(folder)
            finally:
                shutil.rmtree(aside, ignore_errors=True)

    def point_at(self, delivery: Path) -> None:
        target, aside = self.folder(delivery), self._link.with_name(f".{OPENED}.new")
        if self._link.is_symlink() and self._link.readlink() == target:
            return
        if self._link.exists() and not self._link.is_symlink():
            raise StorageError(f"{self._link} is in the way of opened files", hint="move it elsewhere")
        aside.unlink(missing_ok=True)
        aside.symlink_to(target)
        aside.rename(self._link)
        sync_folder(self._link.parent)

    def observe(self, delivery: Path) -> dict[str, str]:
        """Nothing when the opened files of the current delivery are what was written; else what is wrong, under OPENED.

        Whoever may not read them, since another user keeps them, cannot tell, and says nothing.
        """
        if not self._link.is_symlink() or self._link.readlink().name != delivery.name:
            return {OPENED: "the opened files are not there"}
        folder = self._link.readlink()
        try:
            if not _is_private(folder.parent.parent, self._link.parent.stat().st_uid):
                return {OPENED: "the opened files are not there"}
            if not os.access(folder.parent.parent, os.R_OK | os.X_OK):
                return {}
            fault = self._faults(folder, _sources(delivery))
        except (OSError, LlmcfgError):
            fault = "what they are made from cannot be read"
        return {OPENED: fault} if fault else {}

    def prune(self, current: Path) -> None:
        """Remove what belongs to other deliveries than the current one."""
        for folder in self._place.iterdir():
            if folder.name != current.name:
                shutil.rmtree(folder, ignore_errors=True)

    def _own(self) -> None:
        """Make the place. Raises StorageError for one that others could have made or can enter."""
        make_folders(self._place.parent.parent)
        with suppress(FileExistsError):
            self._place.parent.mkdir(mode=0o700)
        if not _is_private(self._place.parent, os.geteuid()):
            raise StorageError(
                f"{self._place.parent} is no folder that only you can enter, so nothing is opened in it",
                hint="remove it, or name another place as `opened` in the settings",
            )
        make_folders(self._place, mode=0o700)

    def _write(self, delivery: Path, wanted: Mapping[str, str], folder: Path) -> None:
        forbid_dumps()
        keys = self._identities() if wanted else ()
        made = {name: _open(delivery / name, source, folder / name, keys) for name, source in wanted.items()}
        if made and all(one.files is None for one in made.values()):
            raise NotAuthorisedError(
                f"no key here opens anything that is sealed in {delivery.parent.parent}",
                hint="give this machine the key of its consumer: llmcfg key list shows which keys are found",
            )
        write_new(folder / _LEDGER, msgspec.json.encode(made), mode=0o600)

    def _faults(self, folder: Path, wanted: Mapping[str, str]) -> str:
        """What of the opened files is not as it was written; empty when all is."""
        ledger = _ledger(folder)
        if ledger is None or {name: one.source for name, one in ledger.items()} != wanted:
            return "the opened files are not there"
        written = {
            f"{name}/{path}": digest for name, one in ledger.items() for path, digest in (one.files or {}).items()
        }
        return "" if dict(_found(folder)) == written else "somebody changed the opened files"


def remove_opened(root: Path) -> None:
    """Remove what was opened beside a directory that is no longer opened."""
    link = root / OPENED
    if not link.is_symlink():
        return
    target = link.readlink()
    if target.parent.parent.name == f"{_PLACES}{os.geteuid()}":
        shutil.rmtree(target.parent, ignore_errors=True)
        link.unlink()


def _open(bundle: Path, source: str, folder: Path, identities: Sequence[Identity]) -> _Made:
    try:
        files = open_bundle(read_delivered(bundle), identities).files()
    except NotAuthorisedError:
        return _Made(source, None)
    for path, content in files.items():
        make_folders((folder / path).parent, mode=0o700)
        write_new(folder / path, content, mode=0o600)
    return _Made(source, {path: hashlib.sha256(content).hexdigest() for path, content in files.items()})


def _sources(delivery: Path) -> dict[str, str]:
    """The bundles with something sealed, by folder, each with a digest of all that its opened files depend on."""
    head = read_head({HEAD: (delivery / HEAD).read_bytes()})
    return {
        name: hashlib.sha256(msgspec.json.encode([head.bundles[name], sealed], order="sorted")).hexdigest()
        for name, sealed in (head.sealed or {}).items()
        if sealed and name in head.bundles
    }


def _ledger(folder: Path) -> dict[str, _Made] | None:
    try:
        return msgspec.json.decode((folder / _LEDGER).read_bytes(), type=dict[str, _Made])
    except (OSError, msgspec.DecodeError):
        return None


def _found(folder: Path) -> Iterator[tuple[str, str]]:
    """Path and digest of every file but the ledger. What others may read has words in place of a digest."""
    for at, _, names in os.walk(folder):
        for name in names:
            path = Path(at) / name
            inside = path.relative_to(folder).as_posix()
            if inside == _LEDGER:
                continue
            facts = path.lstat()
            if not stat.S_ISREG(facts.st_mode) or stat.S_IMODE(facts.st_mode) != 0o600:
                yield inside, "not a file for one user"
            else:
                yield inside, hashlib.sha256(path.read_bytes()).hexdigest()


def _is_private(folder: Path, owner: int) -> bool:
    """Whether it is a folder, not a link to one, that only this user can enter."""
    try:
        facts = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(facts.st_mode) and facts.st_uid == owner and not facts.st_mode & 0o077

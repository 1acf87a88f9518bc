"""Bundles from a directory: what a directory sink keeps up to date, or the plain folder of one bundle.

A sink's folder is followed through its link `current`, which is resolved once for each bundle that is read, so that all of it is of one
delivery. A plain folder, as `llmcfg render` writes it, is read whole and checked against its manifest.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from llmcfg.bundlefile.bundle import MANIFEST, Bundle, target_of
from llmcfg.bundlefile.files import BUNDLE_FILE, ENVELOPE, bundle_of, part_names, root_path
from llmcfg.bundlefile.reader import open_bundle
from llmcfg.bundlefile.sealed import is_sealed
from llmcfg.canonical import digest
from llmcfg.client.source import Loaded
from llmcfg.clock import now
from llmcfg.disk import atomic_write, make_folders
from llmcfg.errors import IntegrityError, NotFoundError, PendingError, UsageError
from llmcfg.limits import HEARTBEAT_BYTES, TRUST_ROOT_BYTES
from llmcfg.model.target import SHARED

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Hashable

    from llmcfg.client.source import Verdict

    ReadClaims = Callable[[Bundle, bytes], Bundle]

_CURRENT: Final = "current"
_ACKS: Final = "acks"
_HEAD: Final = "head.json"
_HEARTBEAT: Final = "heartbeat.json"
_AGAIN: Final = "write it again: llmcfg render, or llmcfg apply"
_LOOKS: Final = 20  # at a delivery that is replaced while it is being read


class _Sealed(msgspec.Struct):
    sha256: str
    sequence: int


class _Head(msgspec.Struct):
    """What `head.json` says."""

    root: str = ""
    revision: str | None = None
    bundles: dict[str, str] = {}
    sequence: int | None = None
    sealed: dict[str, dict[str, _Sealed]] | None = None


class DirectorySource:
    """`link` is the sink's `current` and `bundle` the folder of the bundle behind it; without a link, `bundle` is a plain folder.

    `read_claims` gives a plain folder's bundle what its envelope says; without it, envelopes are not read.
    """

    def __init__(self, link: Path | None, bundle: Path, read_claims: ReadClaims | None = None) -> None:
        self._link = link
        self._bundle = bundle
        self._read_claims = read_claims

    open_secrets = None

    @property
    def place(self) -> str:
        """`<tenant or _shared>/<consumer>` below a sink's link."""
        return self._bundle.as_posix()

    @property
    def name(self) -> str:
        return str(self._link / self._bundle if self._link else self._bundle)

    def look(self) -> Hashable:
        if self._link is not None:
            with suppress(FileNotFoundError, NotADirectoryError):
                return self._link.readlink()
            return None
        return tuple(_facts(self._bundle / name) for name in (BUNDLE_FILE, MANIFEST))

    def load(self, *, check: bool) -> Loaded:
        for _ in range(_LOOKS):
            folder = self._folder()
            with suppress(FileNotFoundError):
                loaded = _load(folder, self._read_claims, check=check)
                if self._link is not None:
                    _check_place(loaded.bundle, self._bundle.as_posix())
                return loaded
            if self._folder() == folder:
                raise NotFoundError(f"there is no bundle in {self.name}", hint=_hint(folder))
        raise PendingError(f"{self.name} changes faster than it can be read", hint="try again")

    def _folder(self) -> Path:
        """The folder of the bundle in the delivery that is current now."""
        if self._link is None:
            return self._bundle
        try:
            return self._link.parent / self._link.readlink() / self._bundle
        except (FileNotFoundError, NotADirectoryError):
            raise NotFoundError(
                f"nothing was delivered to {self._link.parent} yet", hint="deploy to it: llmcfg apply"
            ) from None

    def read_root(self, version: int) -> bytes | None:
        try:
            with (self._folder().parents[1] / root_path(version)).open("rb") as file:
                return file.read(TRUST_ROOT_BYTES + 1)
        except (FileNotFoundError, NotADirectoryError, NotFoundError, IndexError):
            return None

    @property
    def has_heartbeats(self) -> bool:
        return self._link is not None

    def read_heartbeat(self) -> bytes | None:
        if self._link is None:
            return None
        with suppress(OSError), (self._link.parent / _HEARTBEAT).open("rb") as file:
            return file.read(HEARTBEAT_BYTES + 1)
        return None

    def wait(self, stop: threading.Event, seconds: float) -> None:
        stop.wait(seconds)

    def after_fork(self) -> None:
        """Nothing is shared but the folder."""

    def close(self) -> None:
        """Nothing is held."""

    def acknowledge(self, loaded: Loaded, verdict: Verdict, instance: str) -> None:
        """To `acks/<tenant or _shared>/<consumer>/<instance>.json` beside the link; a plain folder has nobody to tell."""
        if self._link is None:
            return
        folder = self._link.parent / _ACKS / self._bundle
        make_folders(folder, mode=0o700)
        said: dict[str, Any] = {
            "apiVersion": "llmcfg.dev/v1",
            "kind": "Acknowledgement",
            "instance": instance,
            "root": loaded.root,
            "digest": loaded.manifest,
            "accepted": verdict.is_accepted,
            "reason": verdict.reason or None,
            "at": now(),
        }
        atomic_write(folder / f"{instance}.json", msgspec.json.encode(said) + b"\n", mode=0o600)

    def withdraw(self, instance: str) -> None:
        if self._link is not None:
            with suppress(OSError):
                (self._link.parent / _ACKS / self._bundle / f"{instance}.json").unlink()


def find_directory(
    path: Path, tenant: str | None, consumer: str | None, read_claims: ReadClaims | None = None
) -> DirectorySource:
    """The source that a program names: a sink's folder with a consumer, or the folder of a bundle.

    Nothing has to be there yet. Raises UsageError where it cannot be told which bundle is meant.
    """
    link = path if path.name == _CURRENT else path / _CURRENT
    if consumer is not None:
        return DirectorySource(link, Path(tenant or SHARED) / consumer, read_claims)
    if len(path.parts) > 2 and path.parents[1].name == _CURRENT:
        return DirectorySource(path.parents[1], Path(*path.parts[-2:]), read_claims)
    if link.is_symlink():
        known = ", ".join(_bundles(link)) or "none"
        raise UsageError(f"{path} holds many bundles", hint=f"choose one by consumer and tenant; there is {known}")
    return DirectorySource(None, path, read_claims)


def _load(folder: Path, read_claims: ReadClaims | None, *, check: bool) -> Loaded:
    """Raises FileNotFoundError where no bundle is."""
    head, target = _head(folder), "/".join(folder.parts[-2:])
    try:
        bundle = open_bundle(folder / BUNDLE_FILE, check=check)
    except FileNotFoundError:
        return load_plain(folder, read_claims)
    return Loaded(bundle, head.root, head.bundles.get(target, ""))


def load_plain(folder: Path, read_claims: ReadClaims | None) -> Loaded:
    """The bundle of a folder's plain files. Raises FileNotFoundError where no bundle is."""
    loaded = _load_plain(folder, _head(folder))
    with suppress(FileNotFoundError):
        if read_claims is not None:
            return loaded._replace(bundle=read_claims(loaded.bundle, (folder / ENVELOPE).read_bytes()))
    return loaded


def _load_plain(folder: Path, head: _Head) -> Loaded:
    files = {MANIFEST: (folder / MANIFEST).read_bytes()}
    for name in part_names(files[MANIFEST]):
        try:
            files[name] = (folder / name).read_bytes()
        except FileNotFoundError:
            raise IntegrityError(f"{folder} has no {name}, which its {MANIFEST} names", hint=_AGAIN) from None
    manifest, target = f"sha256:{digest(files[MANIFEST])}", "/".join(folder.parts[-2:])
    if head.bundles.get(target) != manifest:
        return Loaded(bundle_of(files), head.root, manifest)
    sealed = (head.sealed or {}).get(target, {})
    files.update(_read_sealed(folder, sealed))
    bundle = bundle_of(files, seals={path: entry.sequence for path, entry in sealed.items()})
    said = bundle.head._replace(commit=head.revision or "", sequence=head.sequence or 0)
    return Loaded(Bundle(said, bundle.tree), head.root, manifest)


def _read_sealed(folder: Path, sealed: dict[str, _Sealed]) -> dict[str, bytes]:
    """The sealed files of a plain folder, which are exactly those that the head names."""
    misplaced = [path for path in sealed if not is_sealed(path) or ".." in path.split("/")]
    if misplaced:
        raise IntegrityError(f"{_HEAD} names {misplaced[0]!r}, which is in no bundle", hint=_AGAIN)
    try:
        files = {path: (folder / path).read_bytes() for path in sealed}
    except FileNotFoundError as error:
        raise IntegrityError(f"{error.filename} is missing, and {_HEAD} names it", hint=_AGAIN) from None
    for path, content in files.items():
        if digest(content) != sealed[path].sha256:
            raise IntegrityError(f"{folder / path} is not the sealed file that {_HEAD} names", hint=_AGAIN)
    return files


def _check_place(bundle: Bundle, folder: str) -> None:
    target = target_of(bundle)
    if target.folder != folder:
        raise IntegrityError(
            f"the bundle of {target} lies in the place of {folder}", hint="deliver it again: llmcfg apply"
        )


def _head(folder: Path) -> _Head:
    """What the environment's head beside a bundle says; nothing where it cannot be read."""
    with suppress(OSError, msgspec.DecodeError, UnicodeDecodeError, IndexError):
        return msgspec.json.decode((folder.parents[1] / _HEAD).read_bytes(), type=_Head)
    return _Head()


def _facts(path: Path) -> tuple[int, int, int] | None:
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_ino, facts.st_mtime_ns, facts.st_size


def _bundles(delivery: Path) -> list[str]:
    """The bundles of a delivery, by their folders."""
    return sorted("/".join(path.parts[-3:-1]) for path in delivery.glob(f"*/*/{MANIFEST}"))


def _hint(folder: Path) -> str:
    from llmcfg.model.suggest import did_you_mean

    known = _bundles(folder.parents[1])
    wanted = "/".join(folder.parts[-2:])
    return did_you_mean(
        wanted, known, f"there is {', '.join(known)}" if known else "llmcfg render and llmcfg apply write bundles"
    )

"""What programs say of the bundles that they read from a directory: taken or refused, and why.

A program writes `<folder>/acks/<tenant or _shared>/<consumer>/<instance>.json` in one rename. It may write anything there, so what
is read is bounded, is no link, and is shown as data.
"""

from __future__ import annotations

import os
import stat
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDER: Final = "acks"
_MOST_FILES: Final = 10_000
_MOST_BYTES: Final = 16 << 10
_MOST_REASON: Final = 300

Verdict = Literal["accepted", "refused", "behind"]


class Acknowledgement(msgspec.Struct, frozen=True, rename="camel"):
    """As a program writes it. `digest` is that of its bundle's manifest, `root` that of the head beside it."""

    api_version: Literal["llmcfg.dev/v1"]
    kind: Literal["Acknowledgement"]
    instance: str
    root: str
    digest: str
    accepted: bool
    at: datetime
    reason: str | None = None


class _Head(msgspec.Struct):
    root: str = ""
    bundles: dict[str, str] = {}


class Heard(NamedTuple):
    """What one instance of a consumer said last. `behind` is one that speaks of another bundle than the current one."""

    bundle: str
    instance: str
    verdict: Verdict
    reason: str
    at: datetime


def read_acknowledgements(folder: Path) -> list[Heard]:
    """Of all instances below a sink's folder, by bundle and instance."""
    current = _current(folder)
    heard = []
    for bundle, path in _files(folder / FOLDER):
        said = _read(path)
        if said is not None:
            is_current = said.root == current.root or said.digest == current.bundles.get(bundle)
            verdict: Verdict = "behind" if not is_current else "accepted" if said.accepted else "refused"
            heard.append(Heard(bundle, said.instance[:200], verdict, (said.reason or "")[:_MOST_REASON], said.at))
    return sorted(heard)


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    left = _MOST_FILES
    for tenant in _folders(folder):
        for consumer in _folders(tenant):
            for path in _listed(consumer):
                if path.suffix == ".json" and not path.name.startswith(".") and left > 0:
                    left -= 1
                    yield f"{tenant.name}/{consumer.name}", path


def _folders(folder: Path) -> list[Path]:
    return [path for path in _listed(folder) if path.is_dir() and not path.is_symlink()]


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _read(path: Path) -> Acknowledgement | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        try:
            return msgspec.json.decode(file.read(_MOST_BYTES), type=Acknowledgement)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return None


def _current(folder: Path) -> _Head:
    """The head of the current delivery; an empty one when there is none."""
    try:
        return msgspec.json.decode((folder / "current" / "head.json").read_bytes(), type=_Head)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return _Head()

"""A delivered bundle read from its folder, as a consumer's machine has it, and its opened files written beside the program.

Reading follows no link below the bundle's folder. Writing is all or nothing: the files are made aside and take their place by renaming;
only a folder that holds what was opened before is replaced.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from llmcfg.bundlefile.files import BUNDLE_FILE
from llmcfg.disk import make_folders, storage_errors, sync_folder, write_new
from llmcfg.errors import ConflictError, IntegrityError, NotFoundError
from llmcfg.limits import OPENED_BUNDLE_BYTES
from llmcfg.pipeline.bundle import HEAD, MANIFEST
from llmcfg.pipeline.stored import read_bundle, read_head

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llmcfg.pipeline.stored import StoredBundle

_OPENED: Final = frozenset({"files", "secrets.json"})
_PRIVATE: Final = 0o600


def read_delivered(folder: Path) -> StoredBundle:
    """The bundle in a folder `<tenant>/<consumer>`, checked against the head two folders above.

    Raises NotFoundError where no bundle lies, IntegrityError when a file is not what head and manifest say.
    """
    place = folder.resolve()
    head = place.parent.parent / HEAD
    if not (place / MANIFEST).is_file() or not head.is_file():
        raise NotFoundError(
            f"{folder} is not the folder of a bundle",
            hint="name one such as delivered/prod/current/acme/gateway, or choose with -e ENV -t TENANT -c CONSUMER",
        )
    with storage_errors("read", folder):
        files = dict(_contents(place))
        return read_bundle(read_head({HEAD: head.read_bytes()}), f"{place.parent.name}/{place.name}", files)


def write_opened(folder: Path, files: Mapping[str, bytes]) -> None:
    """Make `folder` hold exactly these files, for this user alone. Raises ConflictError for a folder of somebody else's files."""
    if folder.is_symlink() or (folder.exists() and not _is_opened(folder)):
        raise ConflictError(
            f"{folder} holds other files, which opening would remove", hint="name a folder of its own, or a new one"
        )
    aside, before = (folder.with_name(f".{folder.name}.{what}") for what in ("new", "old"))
    with storage_errors("write", folder):
        make_folders(folder.parent)
        _remove(aside, before)  # what one that was killed left
        try:
            make_folders(aside, mode=0o700)
            for path, content in files.items():
                make_folders((aside / path).parent, mode=0o700)
                write_new(aside / path, content, mode=_PRIVATE)
            if folder.exists():
                folder.rename(before)
            aside.rename(folder)
            sync_folder(folder.parent)
        finally:
            if before.exists() and not folder.exists():
                before.rename(folder)
            _remove(aside, before)


def _remove(*folders: Path) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def _is_opened(folder: Path) -> bool:
    return folder.is_dir() and {entry.name for entry in os.scandir(folder)} <= _OPENED


def _contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file by its path, but the mapped one, which is made from them. At most so much that memory holds it."""
    room = OPENED_BUNDLE_BYTES
    for at, _, names in os.walk(folder):
        for name in sorted(names):
            path = Path(at) / name
            inside = path.relative_to(folder).as_posix()
            if inside == BUNDLE_FILE:
                continue
            if path.is_symlink() or not path.is_file():
                raise IntegrityError(f"{inside} is not a regular file", hint="deploy again: llmcfg apply")
            room -= path.stat().st_size
            if room < 0:
                raise IntegrityError(
                    f"the bundle has more than {OPENED_BUNDLE_BYTES >> 20} MiB", hint="deploy again: llmcfg apply"
                )
            yield inside, path.read_bytes()

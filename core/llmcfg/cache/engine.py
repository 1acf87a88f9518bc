"""The name of the engine that results were made with: of its code, of what it ships, and of the packages that it stands on."""

from __future__ import annotations

import os
import stat
import sys
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from llmcfg import __version__
from llmcfg.resources import data_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

FORMAT: Final = 1
_PACKAGE: Final = Path(__file__).resolve().parent.parent
_FOLDERS: Final = ("schemas", "templates")


def engine_name() -> str:
    """Another one after any file of the program was written anew, and after any package was installed beside it."""
    seen = blake2b(f"{FORMAT} {__version__} {sys.version}".encode(), digest_size=16)
    for path, found in sorted(engine_files()):
        if stat.S_ISREG(found.st_mode):
            seen.update(f"{path} {found.st_size} {found.st_mtime_ns}\n".encode("utf-8", "surrogateescape"))
    beside = packages_folder()
    seen.update(f"{beside} {beside.stat().st_mtime_ns}".encode("utf-8", "surrogateescape"))
    return seen.hexdigest()


def changing_files(program: Path) -> Iterator[tuple[str, os.stat_result]]:
    """The files and folders by which a change of the program is noticed, with the folder of `program`, which uses it.

    Who installs writes a record of it. In a checkout every file may change.
    """
    beside = packages_folder()
    yield str(beside), beside.stat()
    records = [*beside.glob("llmcfg-*.dist-info/RECORD")] if beside == _PACKAGE.parent == program.parent else []
    if records:
        yield from ((str(record), record.stat()) for record in records)
    else:
        yield from engine_files()
        yield from _files_below(str(program))


def engine_files() -> Iterator[tuple[str, os.stat_result]]:
    """Every file and folder of the program and of what it ships."""
    for folder in (_PACKAGE, *map(data_folder, _FOLDERS)):
        yield from _files_below(str(folder))


def packages_folder() -> Path:
    """Where packages are installed: its time changes when one is."""
    return Path(msgspec.__file__).resolve().parent.parent


def _files_below(folder: str) -> Iterator[tuple[str, os.stat_result]]:
    yield folder, os.stat(folder)  # noqa: PTH116  # a Path for each would take longer than to ask
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.is_dir():
                yield entry.path, entry.stat()
            elif entry.name != "__pycache__":
                yield from _files_below(entry.path)

"""The name of the engine that results were made with: of its code, of what it ships, and of the packages that it stands on."""

from __future__ import annotations

import os
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
_FOLDERS: Final = ("schemas", "templates")


def engine_name() -> str:
    """Another one after any file of the program was written anew, and after any package was installed beside it."""
    package = Path(__file__).resolve().parent.parent
    seen = blake2b(f"{FORMAT} {__version__} {sys.version}".encode(), digest_size=16)
    for folder in (package, *map(data_folder, _FOLDERS)):
        for line in sorted(_facts(str(folder))):
            seen.update(line.encode("utf-8", "surrogateescape"))
    beside = Path(msgspec.__file__).parent.parent
    seen.update(f"{beside} {beside.stat().st_mtime_ns}".encode("utf-8", "surrogateescape"))
    return seen.hexdigest()


def _facts(folder: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _facts(entry.path) if entry.name != "__pycache__" else ()
            else:
                facts = entry.stat()
                yield f"{entry.path} {facts.st_size} {facts.st_mtime_ns}\n"

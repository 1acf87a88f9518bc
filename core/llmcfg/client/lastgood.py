"""The last bundle that was in use, kept in a folder of the program's own.

The program starts from it when nothing can be reached, and never goes behind it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from llmcfg.bundlefile.reader import open_bundle
from llmcfg.bundlefile.writer import pack_bundle
from llmcfg.disk import atomic_write, make_folders
from llmcfg.errors import IntegrityError

if TYPE_CHECKING:
    from pathlib import Path

    from llmcfg.bundlefile.bundle import Bundle

_FILE: Final = "last.llmcfg"


class LastGood:
    """One file in `folder`, for its owner only. Secrets are in it as the bundle has them, sealed."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / _FILE

    def find(self) -> Bundle | None:
        """The bundle, all of it verified; None where there is none, or it is damaged."""
        with suppress(OSError, IntegrityError):
            bundle = open_bundle(self._path, check=True)
            bundle.verify()
            return bundle
        return None

    def keep(self, bundle: Bundle) -> None:
        """Durably, and in one rename. Raises StorageError and OSError."""
        make_folders(self._path.parent, mode=0o700)
        atomic_write(self._path, pack_bundle(bundle), mode=0o600)

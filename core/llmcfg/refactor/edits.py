"""The files of a configuration as a refactoring would leave them, and what is asked of them on the way."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from llmcfg.documents.loader import load_document
from llmcfg.model.keypath import format_key_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llmcfg.model.value import Path
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.ports import Snapshot


FILE_NAME: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")
"""What a key looks like that a file can be called."""


class Renaming(NamedTuple):
    """A key that gets another path, with all that is in it."""

    old: Path
    new: Path

    def of(self, path: Path) -> Path:
        """What a path is called afterwards."""
        return (*self.new, *path[len(self.old) :]) if self.concerns(path) else path

    def concerns(self, path: Path) -> bool:
        return path[: len(self.old)] == self.old

    def __str__(self) -> str:
        return f"{format_key_path(self.old)} -> {format_key_path(self.new)}"


class Edits:
    """`changed` are new contents by path; None for a file that goes."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self.changed: dict[str, bytes | None] = {}

    def read(self, path: str) -> bytes | None:
        """The content as it would be; None where there is no such file."""
        if path in self.changed:
            return self.changed[path]
        entry = self._snapshot.entries.get(path)
        return self._snapshot.read(entry.oid) if entry else None

    def write(self, path: str, content: bytes | None) -> None:
        if content != self.before(path):
            self.changed[path] = content
        else:
            self.changed.pop(path, None)

    def before(self, path: str) -> bytes | None:
        entry = self._snapshot.entries.get(path)
        return self._snapshot.read(entry.oid) if entry else None

    def documents(self, paths: Iterable[str]) -> Iterator[tuple[str, bytes, dict[str, Any]]]:
        """Those of the files that are there, with what they hold."""
        for path in paths:
            content = self.read(path)
            document = load_document(content).document if content is not None else None
            if content is not None and document is not None:
                yield path, content, document.value


def home_of(configuration: Configuration, path: Path) -> Path:
    """The document that a new key lies in: one that some layer has, or else a new one of its first name."""
    known = {tuple(name.split("/")) for layer in configuration.layout.layers.values() for name in layer.documents}
    return next((path[:size] for size in range(len(path) - 1, 0, -1) if path[:size] in known), path[:1])

"""A sink that keeps its delivery in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping


class MemorySink:
    name = "memory"
    folder = None

    def __init__(self) -> None:
        self.files: dict[str, bytes] | None = None
        self.root: str | None = None

    def observe(self) -> Mapping[str, str] | None:
        if self.files is None:
            return None
        return {path: hashlib.sha256(content).hexdigest() for path, content in self.files.items()}

    def deliver(self, root: str, files: Mapping[str, bytes]) -> None:
        self.files = dict(files)
        self.root = root

    def delivered(self) -> str | None:
        return self.root

"""Locks in a Git folder. A lock of a living program is gone in a moment; one that stays was left by a program that died."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Lock(NamedTuple):
    """`is_ours` are locks that the next writer of llmcfg removes by itself (refswap.py says how it knows)."""

    path: Path
    seconds: int
    is_ours: bool


def find_locks(git_dir: Path, state: Path) -> Iterator[Lock]:
    """Every `*.lock` that stops a writer of this repository, sorted by path."""
    ours = [*(state / "leases").glob("*.new")]
    for path in sorted([*git_dir.glob("*.lock"), *(git_dir / "refs").rglob("*.lock")]):
        with suppress(OSError):
            age = int(time.time() - path.stat().st_mtime)
            yield Lock(path, max(age, 0), any(path.samefile(value) for value in ours))

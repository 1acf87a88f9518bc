"""From the place of a cache to the cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmcfg.cache.place import prepare
from llmcfg.cache.store import DiskCache

if TYPE_CHECKING:
    from pathlib import Path


def open_cache(file: Path, git_folder: Path) -> DiskCache | None:
    """The cache of a repository in its `place.cache_file`; None where that is no place that is ours alone."""
    return DiskCache(file) if prepare(file.parent, git_folder) else None

"""From a root folder and a repository to its cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmcfg.cache.engine import engine_name
from llmcfg.cache.place import SUFFIX, cache_folder, prepare
from llmcfg.cache.store import DiskCache

if TYPE_CHECKING:
    from pathlib import Path


def open_cache(root: Path, git_folder: Path) -> DiskCache | None:
    """The cache of a repository below `root`, for this engine; None where there is no place that is ours alone."""
    folder = cache_folder(root, git_folder)
    return DiskCache(folder / f"{engine_name()}{SUFFIX}") if prepare(folder, git_folder) else None

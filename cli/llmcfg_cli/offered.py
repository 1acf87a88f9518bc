"""Names of a repository that completion offers. Loaded when the shell asks: it opens the repository."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmcfg.git.repository import open_repository
from llmcfg.model.keypath import format_key_path, parse_key_path
from llmcfg.pipeline.prompts import base_prompts
from llmcfg.pipeline.readsets import narrowed_by_reads
from llmcfg_cli.settings import reading_workspace

if TYPE_CHECKING:
    from pathlib import Path


def child_keys(directory: Path, parent: str) -> list[str]:
    """The key paths one step below `parent` in any scope of the work tree."""
    configuration = narrowed_by_reads(reading_workspace(directory).configuration())
    path = parse_key_path(parent)
    found: set[str] = set()
    for environment in configuration.manifest.environments:
        found |= configuration.effective(configuration.scope(environment, None)).keys_at(path)
    return sorted(format_key_path((*path, key)) for key in found)


def secret_names(directory: Path) -> list[str]:
    """The names of the secrets of all layers of the work tree, sorted."""
    configuration = reading_workspace(directory).configuration()
    layers = configuration.layout.layers.values()
    return sorted(
        {name for layer in layers for entry in layer.secret_files for name in configuration.secret_file(entry).secrets}
    )


def prompt_names(directory: Path) -> list[str]:
    """The paths of the prompts of the work tree below `prompts/`, sorted."""
    return sorted(base_prompts(reading_workspace(directory).configuration()))


def release_names(directory: Path) -> list[str]:
    """The tags of the repository, sorted."""
    return sorted(open_repository(directory).tags())

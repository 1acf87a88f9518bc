"""What looks at a key by its name and is not edited: policies, limits on changes, schemas. It has to look at the new path as well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmcfg.errors import UsageError
from llmcfg.model.keypath import format_key_path, is_related
from llmcfg.model.value import walk_leaves
from llmcfg.pipeline.changelimits import limits_on
from llmcfg.pipeline.policyfindings import policies_of
from llmcfg.policies.reads import wants

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.model.value import Path, Value
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.refactor.edits import Renaming


def check_watchers(before: Configuration, after: Configuration, renaming: Renaming) -> None:
    """Raises UsageError for the first that would lose sight of the key."""
    old, new = (format_key_path(path) for path in renaming)
    for file, reads in sorted(policies_of(before).reads_by_file.items()):
        if wants(reads, "config", *map(str, renaming.old)) and not wants(reads, "config", *map(str, renaming.new)):
            raise UsageError(f"{file} looks at {old}", hint=f"let it look at {new} too first; policies are not edited")
    for path in _leaves(before, renaming):
        lost = sorted(limits_on(before, path) - limits_on(before, renaming.of(path)))
        if lost:
            file, section, index = lost[0]
            raise UsageError(f"{file} limits changes of {old} ({section}[{index}])", hint=f"name {new} there too first")
    for name in _moved_documents(before, renaming):
        moved = "/".join(map(str, renaming.of(tuple(name.split("/")))))
        if before.bound_schema(name) != after.bound_schema(moved):
            raise UsageError(f"{moved} would not have the schema of {name}", hint="bind it in llmcfg.yaml first")


def _leaves(configuration: Configuration, renaming: Renaming) -> Iterator[Path]:
    """What lies at the key and in it, in any layer."""
    for name, value in _related_documents(configuration, renaming):
        for path, _ in walk_leaves(value):
            if renaming.concerns((*name.split("/"), *path)):
                yield (*name.split("/"), *path)


def _moved_documents(configuration: Configuration, renaming: Renaming) -> Iterator[str]:
    for name, _ in _related_documents(configuration, renaming):
        if renaming.concerns(tuple(name.split("/"))):
            yield name


def _related_documents(configuration: Configuration, renaming: Renaming) -> Iterator[tuple[str, Value]]:
    for layer in configuration.layout.layers.values():
        for name, entry in layer.documents.items():
            if is_related(tuple(name.split("/")), renaming.old):
                yield name, configuration.composer.parsed(entry).value or {}

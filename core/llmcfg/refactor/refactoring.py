"""A refactoring as a whole: edits that are planned, then proved to change nothing, then written."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llmcfg.disk import make_folders, write_all
from llmcfg.errors import ConflictError
from llmcfg.git.edited import EditedSnapshot
from llmcfg.pipeline.configuration import Configuration
from llmcfg.refactor.edits import Renaming
from llmcfg.refactor.moving import move_key
from llmcfg.refactor.proof import prove
from llmcfg.refactor.splitting import split_document
from llmcfg.refactor.watchers import check_watchers

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from pathlib import Path

    from llmcfg.model.value import Path as KeyPath
    from llmcfg.refactor.edits import Edits
    from llmcfg.refactor.proof import Proved


class FileEdit(NamedTuple):
    """Contents before and after; None where the file is not there."""

    before: bytes | None
    after: bytes | None


class Refactoring(NamedTuple):
    """Files by path, and how much was proved to stay the same."""

    files: Mapping[str, FileEdit]
    proved: Proved


def move(configuration: Configuration, old: KeyPath, new: KeyPath, as_of: date) -> Refactoring:
    """The key at its new path, for everything that names it. Raises UsageError or FindingsError where that would change anything else."""
    edits = move_key(configuration, old, new)
    renaming = Renaming(old, new)
    check_watchers(configuration, _after(configuration, edits), renaming)
    return _proved(configuration, edits, renaming, as_of)


def split(configuration: Configuration, file: str, as_of: date) -> Refactoring:
    """A document in parts. Raises as `move` does."""
    return _proved(configuration, split_document(configuration, file), None, as_of)


def write_refactoring(root: Path, made: Refactoring) -> None:
    """Write all files below `root`, or none when the disk is full.

    Raises ConflictError where a file is not what the edit began with: somebody wrote it meanwhile, or Git ignores it and we did not see it.
    """
    for path, edit in made.files.items():
        place = root / path
        if (place.read_bytes() if place.exists() else None) != edit.before:
            raise ConflictError(
                f"{path} is not as it was read, so nothing is written",
                hint="try again; a file that Git ignores has to be moved away first",
            )
    written = {root / path: edit.after for path, edit in made.files.items() if edit.after is not None}
    for place in written:
        make_folders(place.parent)
    write_all(written, [root / path for path, edit in made.files.items() if edit.after is None])


def _proved(configuration: Configuration, edits: Edits, renaming: Renaming | None, as_of: date) -> Refactoring:
    proved = prove(configuration, _after(configuration, edits), renaming, as_of)
    files = {path: FileEdit(edits.before(path), content) for path, content in sorted(edits.changed.items())}
    return Refactoring(files, proved)


def _after(configuration: Configuration, edits: Edits) -> Configuration:
    return Configuration(EditedSnapshot(configuration.snapshot, edits.changed, "edited"), configuration.memo)

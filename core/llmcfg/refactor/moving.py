"""`refactor mv`: a key gets another path, in every layer and for everything that names it (docs/spec/cli.md#llmcfg-refactor-mv)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmcfg.documents.paths import has_path
from llmcfg.documents.relocate import put_in, rename_key, take_out
from llmcfg.errors import UnknownKeyError, UsageError
from llmcfg.model.keypath import format_key_path, is_related
from llmcfg.refactor.edits import FILE_NAME, Edits, Renaming, home_of
from llmcfg.refactor.naming import rename_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.model.snapshot import BlobEntry
    from llmcfg.model.value import Path
    from llmcfg.pipeline.configuration import Configuration

_NOT_HERE: Final = {
    "prompts": "prompts have commands of their own: llmcfg prompt",
    "secrets": "secrets/ holds secret files",
}


def move_key(configuration: Configuration, old: Path, new: Path) -> Edits:
    """The files with the key at its new path. Whether that changes what anybody gets is for a proof to say.

    A key that is a document, or a folder of them, becomes a document or a folder. Raises UnknownKeyError where no layer sets the key, and
    UsageError where the new path is taken or cannot be written.
    """
    renaming = _checked(old, new)
    _refuse_taken(configuration, new)
    edits = Edits(configuration.snapshot)
    home = home_of(configuration, new)
    for folder, name, entry in _documents(configuration):
        steps = tuple(name.split("/"))
        if renaming.concerns(steps):
            _move_file(edits, entry.path, name, renaming.of(steps))
        elif old[: len(steps)] == steps and has_path(configuration.composer.parsed(entry).value, old[len(steps) :]):
            _move_entry(edits, entry.path, old[len(steps) :], _file(configuration, folder, home), new[len(home) :])
    if not edits.changed:
        raise UnknownKeyError(f"no layer sets {format_key_path(old)} itself", hint=_hint(configuration, old))
    rename_names(configuration, edits, renaming)
    return edits


def _checked(old: Path, new: Path) -> Renaming:
    """Raises UsageError for a path that cannot be moved, or moved to."""
    for path in (old, new):
        if not path or not all(isinstance(step, str) and not step.startswith("$") for step in path):
            raise UsageError(
                f"{format_key_path(path)} is no key of a mapping",
                hint="name a key such as limits.chat.rpm, not an item of a list",
            )
        if path[0] in _NOT_HERE:
            raise UsageError(f"{format_key_path(path)} cannot be moved", hint=_NOT_HERE[str(path[0])])
    if is_related(old, new):
        raise UsageError(
            f"{format_key_path(old)} and {format_key_path(new)} lie in one another",
            hint="move it by way of a third name",
        )
    return Renaming(old, new)


def _documents(configuration: Configuration) -> Iterator[tuple[str, str, BlobEntry]]:
    """Every document of every layer: the layer's folder, the document's name, its file."""
    for folder, layer in sorted(configuration.layout.layers.items()):
        for name, entry in sorted(layer.documents.items()):
            yield folder, name, entry


def _refuse_taken(configuration: Configuration, new: Path) -> None:
    for _, name, entry in _documents(configuration):
        steps = tuple(name.split("/"))
        value = configuration.composer.parsed(entry).value
        if steps[: len(new)] == new or (new[: len(steps)] == steps and has_path(value, new[len(steps) :])):
            raise UsageError(f"{format_key_path(new)} is set in {entry.path} already", hint="choose a free name")


def _file(configuration: Configuration, folder: str, home: Path) -> str:
    name = "/".join(map(str, home))
    entry = configuration.layout.layers[folder].documents.get(name)
    return entry.path if entry else f"{folder}/{name}.yaml"


def _move_file(edits: Edits, file: str, name: str, new: Path) -> None:
    unfit = next((str(step) for step in new if not FILE_NAME.fullmatch(str(step))), None)
    if unfit is not None:
        raise UsageError(f"a document cannot be called {unfit!r}", hint="use letters, digits, '_', '-' and '.'")
    stem, dot, suffix = file.rpartition(".")
    edits.write(f"{stem.removesuffix(name)}{'/'.join(map(str, new))}{dot}{suffix}", edits.read(file))
    edits.write(file, None)


def _move_entry(edits: Edits, file: str, path: Path, target: str, new: Path) -> None:
    content = edits.read(file)
    assert content is not None
    if not new:
        raise UsageError("a value cannot become a document", hint="move it into one: limits.chat")
    if file == target and path[:-1] == new[:-1]:
        edits.write(file, rename_key(content, path, str(new[-1])))
        return
    taken, left = take_out(content, path)
    edits.write(file, left)
    edits.write(target, put_in(edits.read(target), new, taken))


def _hint(configuration: Configuration, old: Path) -> str:
    name = format_key_path(old)
    if any(name in configuration.effective(scope).secrets for scope in configuration.scopes):
        return f"{name} is a secret: llmcfg secret copy, then unset"
    return "see where it comes from: llmcfg explain KEY -e ENV"

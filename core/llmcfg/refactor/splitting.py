"""`refactor split`: a document becomes one for each of its mappings, in every layer. The path is the key, so no key changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmcfg.documents.relocate import as_document, take_out
from llmcfg.errors import NotFoundError, UsageError
from llmcfg.model.suggest import did_you_mean
from llmcfg.refactor.edits import FILE_NAME, Edits
from llmcfg.refactor.partschemas import bind_parts

if TYPE_CHECKING:
    from llmcfg.model.value import Value
    from llmcfg.pipeline.configuration import Configuration


def split_document(configuration: Configuration, file: str) -> Edits:
    """The files with a document of its own for every key that is a mapping in each layer that has it; other keys stay where they are.

    `file` is one of the document's, or its name. Raises NotFoundError for another one, and UsageError where nothing can be split.
    """
    name = _document(configuration, file)
    files = [layer.documents[name].path for layer in configuration.layout.layers.values() if name in layer.documents]
    edits = Edits(configuration.snapshot)
    values = [value for _, _, value in edits.documents(files)]
    keys = [key for key in dict.fromkeys(key for value in values for key in value) if _can_stand_alone(key, values)]
    if not keys:
        raise UsageError(
            f"{name} holds no mapping that could be a document", hint="see its keys: llmcfg list KEY -e ENV"
        )
    for path in files:
        for key in reversed(keys):  # what is left at the end of a file, such as its head, goes with the first
            _split_off(edits, path, key)
    bind_parts(configuration, edits, name, keys)
    return edits


def _document(configuration: Configuration, file: str) -> str:
    names = sorted({name for layer in configuration.layout.layers.values() for name in layer.documents})
    name = configuration.layout.document_at(file) or file
    if name not in names:
        raise NotFoundError(f"{file} is no document of any layer", hint=did_you_mean(file, names))
    if name.startswith("prompts/"):
        raise UsageError(f"{name} is a prompt", hint="prompts have commands of their own: llmcfg prompt")
    return name


def _can_stand_alone(key: str, values: list[dict[str, Value]]) -> bool:
    """Whether it is a mapping without a tag wherever it is, and can be the name of a file."""
    return FILE_NAME.fullmatch(key) is not None and all(
        isinstance(value[key], dict) for value in values if key in value
    )


def _split_off(edits: Edits, file: str, key: str) -> None:
    content = edits.read(file)
    stem, _, suffix = file.rpartition(".")
    if content is None or key not in next(value for _, _, value in edits.documents([file])):
        return
    target = f"{stem}/{key}.{suffix}"
    if edits.read(target) is not None:
        raise UsageError(f"{target} is there already", hint="move its keys first: llmcfg refactor mv")
    taken, left = take_out(content, (key,))
    edits.write(file, left)
    edits.write(target, as_document(taken, (key,)))

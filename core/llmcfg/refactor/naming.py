"""Whatever names a key that is moved, by its new name: references, patterns, selections, bindings of schemas, templates."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from llmcfg.documents.editor import set_value
from llmcfg.documents.paths import value_at
from llmcfg.errors import UsageError
from llmcfg.model.keypath import KeyPathError, format_key_path, parse_key_path
from llmcfg.model.reference import ReferenceKind, find_references
from llmcfg.pipeline.layers import MANIFEST
from llmcfg.pipeline.uses import find_uses
from llmcfg.prompts.file import is_prompt_file, load_prompt_file
from llmcfg.refactor.schemamoves import move_in_schemas
from llmcfg.refactor.schemas import rename_in_schemas

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.model.value import Path
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.refactor.edits import Edits, Renaming

_STEP: Final = r"\.[A-Za-z_][A-Za-z0-9_]*|\[\"[^\"\\\]]+\"\]|\['[^'\\\]]+'\]"
_IN_TEMPLATE: Final = re.compile(rf"(?<![\w.\"'])config((?:{_STEP})+)")
_ONE_STEP: Final = re.compile(_STEP)
_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def rename_names(configuration: Configuration, edits: Edits, renaming: Renaming) -> None:
    """Edits all files that name the key. Raises UsageError where a file cannot be edited so."""
    _rename_uses(configuration, edits, renaming)
    _rename_selections(configuration, edits, renaming)
    _rename_bindings(configuration, edits, renaming)
    rename_in_schemas(configuration, edits, renaming)
    move_in_schemas(configuration, edits, renaming)
    _rename_in_templates(configuration, edits, renaming)


# -- references and patterns


def _rename_uses(configuration: Configuration, edits: Edits, renaming: Renaming) -> None:
    documents = [entry.path for layer in configuration.layout.layers.values() for entry in layer.documents.values()]
    for path in sorted({*documents, *edits.changed}):
        if is_prompt_file(path):
            _refuse_in_prompt(path, edits, renaming)
            continue
        for file, content, value in edits.documents([path]):
            for place in dict.fromkeys(use.written_at for use in find_uses(value) if renaming.concerns(use.key)):
                is_pattern = "$extends" in place[-2:]
                said = str(value_at(value, place))
                content = set_value(content, place, _named(said, renaming) if is_pattern else _text(said, renaming))
            edits.write(file, content)


def _refuse_in_prompt(path: str, edits: Edits, renaming: Renaming) -> None:
    document = load_prompt_file(edits.read(path) or b"").document
    if document is not None and any(renaming.concerns(use.key) for use in find_uses(document.value)):
        raise UsageError(f"{path} names {format_key_path(renaming.old)}", hint="edit this file by hand first")


def _named(name: str, renaming: Renaming) -> str:
    """A key path as it is called afterwards; what is no key path, and another key, as it stands."""
    try:
        path = parse_key_path(name)
    except KeyPathError:
        return name
    return format_key_path(renaming.of(path)) if renaming.concerns(path) else name


def _text(text: str, renaming: Renaming) -> str:
    for reference in reversed(find_references(text)):
        if reference.kind is ReferenceKind.CONFIG and _named(reference.name, renaming) != reference.name:
            named = "{{config:" + _named(reference.name, renaming) + "}}"
            text = text[: reference.start] + named + text[reference.end :]
    return text


# -- consumers


def _rename_selections(configuration: Configuration, edits: Edits, renaming: Renaming) -> None:
    for consumer in configuration.consumers:
        for file, content, value in edits.documents([consumer.file]):
            texts = [str(text) for text in value["select"]]
            named = [_named(text, renaming) for text in texts]
            for index, name in enumerate(named):
                content = set_value(content, ("select", index), name)
            if _loses(texts, named, renaming):
                content = set_value(content, ("select", len(texts)), format_key_path(renaming.new))
            edits.write(file, content)


def _loses(before: list[str], after: list[str], renaming: Renaming) -> bool:
    """Whether a consumer that selects what is around the old path has nothing around the new one."""
    had = any(_is_around(parse_key_path(text), renaming.old) for text in before)
    return had and not any(_is_around(parse_key_path(text), renaming.new) for text in after)


def _is_around(selected: Path, key: Path) -> bool:
    return key[: len(selected)] == selected


# -- the manifest


def _rename_bindings(configuration: Configuration, edits: Edits, renaming: Renaming) -> None:
    """The schemas of documents that are bound by their names; patterns of names stand."""
    content = edits.read(MANIFEST)
    assert content is not None
    for index, binding in enumerate(configuration.manifest.schemas):
        path = tuple(binding.documents.split("/"))
        if renaming.concerns(path):
            content = set_value(
                content, ("schemas", index, "documents"), "/".join(str(step) for step in renaming.of(path))
            )
    edits.write(MANIFEST, content)


# -- templates


def _rename_in_templates(configuration: Configuration, edits: Edits, renaming: Renaming) -> None:
    """Where a template writes the whole way to the key: `config.limits.rpm`, `config["limits"].rpm`."""
    for path in configuration.layout.templates:
        content = edits.read(path)
        assert content is not None
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            continue
        named = _IN_TEMPLATE.sub(lambda match: _way(match[0], match[1], renaming), text)
        edits.write(path, named.encode("utf-8"))


def _way(written: str, steps: str, renaming: Renaming) -> str:
    path = tuple(_key(step) for step in _ONE_STEP.findall(steps))
    return f"config{''.join(_steps(renaming.of(path)))}" if renaming.concerns(path) else written


def _key(step: str) -> str:
    return step[1:] if step.startswith(".") else step[2:-2]


def _steps(path: Path) -> Iterator[str]:
    for step in map(str, path):
        yield f".{step}" if _PLAIN.fullmatch(step) else f'["{step}"]'

"""A key that goes to another parent takes what the schemas say of it along: its entry in `properties`, and in `required`.

Only where a schema names the key by itself, and names the new parent by itself: else it is left to people, with a word on what to do.
Where it names the new key already, it is left as it is.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from llmcfg.documents.jsontext import behind, without, written_at
from llmcfg.documents.paths import has_path, value_at
from llmcfg.model.keypath import format_key_path
from llmcfg.refactor.edits import home_of
from llmcfg.refactor.schemas import checked_by, loaded, nodes_to, places_named, refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llmcfg.model.value import Path
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.refactor.edits import Edits, Renaming


class _Spot(NamedTuple):
    """Where a schema has a key: its file, what it checks, and the path in that."""

    file: str
    what: str
    path: Path


def move_in_schemas(configuration: Configuration, edits: Edits, renaming: Renaming) -> None:
    """Raises UsageError for a schema that names the key and cannot be edited."""
    if renaming.old[:-1] == renaming.new[:-1]:
        return
    for source, target in dict.fromkeys(_moves(configuration, renaming)):
        schema = loaded(edits.read(source.file) or b"")
        places = places_named(source.file, schema, source.path, renaming)
        if not places or not has_path(schema, _pointer(source.path)):
            continue
        if target is None:
            hint = "bind a schema to its new document first"
            raise refusal(source.file, renaming, "nothing would check it there", hint)
        if not has_path(loaded(edits.read(target.file) or b""), _pointer(target.path)):
            _refuse_shared(configuration, renaming, source, target)
            _move(edits, source, target, places, renaming)


def _moves(configuration: Configuration, renaming: Renaming) -> Iterator[tuple[_Spot, _Spot | None]]:
    """From where to where, in the schemas of documents and of consumers; nowhere, where no schema is bound to the new document."""
    home = home_of(configuration, renaming.new)
    document = "/".join(map(str, home))
    target = configuration.bound_schema(document)
    for name in sorted({name for layer in configuration.layout.layers.values() for name in layer.documents}):
        steps = tuple(name.split("/"))
        schema = configuration.bound_schema(name)
        if schema is not None and renaming.old[: len(steps)] == steps and renaming.old != steps:
            to = None if target is None else _Spot(target, document, renaming.new[len(home) :])
            yield _Spot(schema, name, renaming.old[len(steps) :]), to
    for consumer in configuration.consumers:
        if consumer.schema is not None:
            old, new = (_Spot(consumer.schema, consumer.file, path) for path in renaming)
            yield old, new


def _refuse_shared(configuration: Configuration, renaming: Renaming, source: _Spot, target: _Spot) -> None:
    for spot in (source, target):
        others = [each.what for each in checked_by(configuration, renaming)[spot.file] if each.what != spot.what]
        if others:
            raise refusal(source.file, renaming, f"{spot.file} checks {others[0]} as well")


def _move(edits: Edits, source: _Spot, target: _Spot, places: tuple[Path, ...], renaming: Renaming) -> None:
    entry = _pointer(source.path)
    text = _text(edits, source.file)
    _refuse_unfit(json.loads(text), json.loads(_text(edits, target.file)), source, target, renaming)
    written = written_at(text, entry)
    for place in sorted(places, key=str, reverse=True):
        text = without(text, place)
    edits.write(source.file, text.encode())
    parent, key = _pointer(target.path)[:-2], str(target.path[-1])
    new = behind(_text(edits, target.file), (*parent, "properties"), written, key)
    if len(places) > 1:
        new = _required(new, parent, key)
    edits.write(target.file, new.encode())


def _refuse_unfit(schema: Any, other: Any, source: _Spot, target: _Spot, renaming: Renaming) -> None:
    parent = format_key_path(renaming.new[:-1])
    around = [*nodes_to(other, target.path[:-1])]
    if len(around) < len(target.path) or not isinstance(around[-1].get("properties"), dict):
        raise refusal(target.file, renaming, f"names no keys of {parent}", f"let it say properties of {parent} first")
    here, there = _inherited(nodes_to(schema, source.path[:-1])), _inherited(around)
    for word in sorted({*here, *there}):
        if here.get(word) != there.get(word):
            file = source.file if word in here else target.file
            hint = f"say {word} of the keys themselves first"
            raise refusal(source.file, renaming, f"{file} says {word} of what is around it", hint)
    if source.file != target.file and _refers(value_at(schema, _pointer(source.path))):
        raise refusal(
            source.file, renaming, "refers to its own file in what it says of it", f"say it in {target.file} first"
        )


def _inherited(nodes: Iterable[dict[str, Any]]) -> dict[str, list[Any]]:
    """What mappings say that counts for all that is in them."""
    found: dict[str, list[Any]] = {}
    for node in nodes:
        for word in node:
            if word.startswith("x-llmcfg-"):
                found.setdefault(word, []).append(node[word])
    return found


def _refers(said: Any) -> bool:
    if isinstance(said, dict):
        return "$ref" in said or any(map(_refers, said.values()))
    return isinstance(said, list) and any(map(_refers, said))


def _required(text: str, parent: Path, key: str) -> str:
    if has_path(json.loads(text), (*parent, "required")):
        return behind(text, (*parent, "required"), json.dumps(key, ensure_ascii=False))
    return behind(text, parent, json.dumps([key], ensure_ascii=False), "required")


def _pointer(path: Path) -> Path:
    return tuple(step for name in path for step in ("properties", name))


def _text(edits: Edits, file: str) -> str:
    return (edits.read(file) or b"").decode("utf-8")

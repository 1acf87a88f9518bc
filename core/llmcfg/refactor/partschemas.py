"""The parts of a document that is split are checked by what its schema says of each, and the rest of it as before.

Each part gets a schema of its own that refers to that place, and a binding before all that mean its name; the schema itself is not
touched. That loses nothing where the schema says something of each key by itself. What it says of the keys together, such as which of them
are required, no document could be held to any more: then it is refused.
"""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

from llmcfg.documents.editor import set_value
from llmcfg.documents.relocate import insert_items
from llmcfg.errors import UsageError
from llmcfg.pipeline.layers import MANIFEST

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmcfg.model.value import Value
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.refactor.edits import Edits

_OF_EACH: Final = frozenset({"properties", "additionalProperties", "required", "$defs", "definitions"})
_WORDS: Final = frozenset({"$schema", "$id", "$comment", "title", "description", "examples"})


def bind_parts(configuration: Configuration, edits: Edits, name: str, keys: Sequence[str]) -> None:
    """For the keys of a document that become documents. Raises UsageError for a schema that cannot be kept to."""
    file = configuration.bound_schema(name)
    schema = _loaded(edits.read(file)) if file else {}
    if file is None or not schema:
        return
    _refuse_required(file, schema, name, keys)
    _refuse_together(file, schema, name)
    bound: dict[str, str] = {}
    for key in keys:
        place = _place(schema, key)
        if place:
            bound[f"{name}/{key}"] = _write(edits, file, key, schema, place)
        else:
            _refuse_checked(configuration, f"{name}/{key}")
    if bound:
        _bind(configuration, edits, name, bound)


def _loaded(content: bytes | None) -> dict[str, Any]:
    """Nothing for what checks nothing by itself, or is no schema, which the proof finds."""
    try:
        schema = json.loads(content or b"")
    except (ValueError, RecursionError):
        return {}
    return schema if isinstance(schema, dict) else {}


def _refuse_required(file: str, schema: Mapping[str, Any], name: str, keys: Sequence[str]) -> None:
    needed = next((key for key in keys if key in schema.get("required", ())), None)
    if needed is not None:
        raise UsageError(
            f"{file} requires {needed} in {name}, and nothing can require a document",
            hint=f"take {needed} out of required first, if nobody has to be told that it is missing",
        )


def _refuse_together(file: str, schema: Mapping[str, Any], name: str) -> None:
    whole = sorted(
        keyword
        for keyword, said in schema.items()
        if keyword not in _OF_EACH | _WORDS and not (keyword == "type" and said == "object")
    )
    if whole:
        raise UsageError(
            f"{name} is checked as a whole by {file}: it says {whole[0]} of all keys together",
            hint="bind a schema to each of its parts in llmcfg.yaml first, and none to it",
        )


def _refuse_checked(configuration: Configuration, part: str) -> None:
    """A part that the schema leaves alone is not to be checked by another one, whose binding means many names."""
    bound = configuration.bound_schema(part)
    if bound is not None:
        raise UsageError(f"{part} would be checked by {bound}", hint="let the binding in llmcfg.yaml not mean it first")


def _place(schema: Mapping[str, Any], key: str) -> str:
    """Where the schema says what a key holds; empty where it says nothing."""
    if key in schema.get("properties", {}):
        return f"properties/{key}"
    return "additionalProperties" if isinstance(schema.get("additionalProperties"), dict) else ""


def _write(edits: Edits, whole: str, key: str, schema: Mapping[str, Any], place: str) -> str:
    """The file of a schema that says of a part what the whole one says of the key."""
    file = f"{whole.removesuffix('.json')}.{key}.json"
    if edits.read(file) is not None:
        raise UsageError(f"{file} is there already", hint="give it another name first, also where it is bound")
    draft = {"$schema": schema["$schema"]} if "$schema" in schema else {}
    refers = {**draft, "$ref": f"{whole.rpartition('/')[2]}#/{place}"}
    edits.write(file, (json.dumps(refers, indent=2) + "\n").encode())
    return file


def _bind(configuration: Configuration, edits: Edits, name: str, bound: Mapping[str, str]) -> None:
    """Before the first binding that means one of the names; the last one in its place, where it means a document that is gone."""
    globs = [binding.documents for binding in configuration.manifest.schemas]
    at = next(at for at, glob in enumerate(globs) if any(fnmatchcase(each, glob) for each in (name, *bound)))
    content = edits.read(MANIFEST)
    assert content is not None
    items: list[Value] = [{"documents": part, "schema": file} for part, file in bound.items()]
    if globs[at] == name and _is_gone(configuration, edits, name):
        (*_, (part, file)) = bound.items()
        content = set_value(content, ("schemas", at, "documents"), part)
        content = set_value(content, ("schemas", at, "schema"), file)
        items.pop()
    edits.write(MANIFEST, insert_items(content, ("schemas", at), items))


def _is_gone(configuration: Configuration, edits: Edits, name: str) -> bool:
    layers = [layer for layer in configuration.layout.layers.values() if name in layer.documents]
    return all(edits.read(layer.documents[name].path) is None for layer in layers)

"""A key that keeps its place and gets another name has that name in the schema of its document too.

Edited is what names the key: its entry in `properties` and in `required`. A schema that says more of the key, or says it for other
documents as well, is left to people, with a word on what to do.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from llmcfg.documents.nodes import iterate_nodes
from llmcfg.documents.paths import value_at
from llmcfg.errors import UsageError
from llmcfg.model.keypath import format_key_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from llmcfg.model.value import Path
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.refactor.edits import Edits, Renaming

_OF_OTHERS: Final = frozenset({"$defs", "definitions", "description", "title"})
"""Keywords in which the same name is another key's, or a word."""


class Checked(NamedTuple):
    """What a schema checks, and where the key lies in it; empty where it does not."""

    what: str
    path: Path


def rename_in_schemas(configuration: Configuration, edits: Edits, renaming: Renaming) -> None:
    """Raises UsageError for a schema that names the key and cannot be edited."""
    if renaming.old[:-1] != renaming.new[:-1]:
        return
    for file, checked in checked_by(configuration, renaming).items():
        path = max((each.path for each in checked), key=len)
        content = edits.read(file)
        if content is None or not path:
            continue
        schema = loaded(content)
        places = () if _knows(schema, path[:-1], renaming) else places_named(file, schema, path, renaming)
        others = [each.what for each in checked if each.path != path]
        if places and others:
            raise refusal(file, renaming, f"checks {others[0]} as well")
        if places:
            edits.write(file, _with_name(file, content, places, renaming))


def checked_by(configuration: Configuration, renaming: Renaming) -> Mapping[str, Sequence[Checked]]:
    """All that each schema checks."""
    found: dict[str, list[Checked]] = defaultdict(list)
    for name in sorted({name for layer in configuration.layout.layers.values() for name in layer.documents}):
        steps = tuple(name.split("/"))
        schema = configuration.bound_schema(name)
        if schema is not None:
            path = renaming.old[len(steps) :] if renaming.old[: len(steps)] == steps else ()
            found[schema].append(Checked(name, path))
    for consumer in configuration.consumers:
        if consumer.schema is not None:
            found[consumer.schema].append(Checked(consumer.file, renaming.old))
    return found


def loaded(content: bytes) -> Any:
    """The schema; nothing for what is none, which the proof finds."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return {}


def places_named(file: str, schema: Any, path: Path, renaming: Renaming) -> tuple[Path, ...]:
    """Where the schema names the key; nowhere, where it does not speak of the mapping around it alone.

    Raises UsageError where the key is named in any other way than in `properties` and `required`.
    """
    nodes = list(nodes_to(schema, path[:-1]))
    around, key = nodes[-1], path[-1]
    properties, required = around.get("properties", {}), around.get("required", [])
    if len(nodes) < len(path):
        return ()
    for node in nodes:
        for keyword in sorted(node.keys() - {"properties", "required", *_OF_OTHERS}):
            if _mentions(node[keyword], key):
                raise refusal(file, renaming, f"names it in {keyword}")
    at = tuple(step for name in path[:-1] for step in ("properties", name))
    places = [(*at, "properties", key)] if key in properties else []
    return (*places, *((*at, "required", index) for index, name in enumerate(required) if name == key))


def _knows(schema: Any, around: Path, renaming: Renaming) -> bool:
    """Whether the schema of the mapping around the key names the new key already."""
    nodes = list(nodes_to(schema, around))
    return len(nodes) > len(around) and renaming.new[-1] in nodes[-1].get("properties", {})


def nodes_to(schema: Any, path: Path) -> Iterator[dict[str, Any]]:
    """The schemas of all mappings on the way to `path`, as far as each is named by itself."""
    yield schema if isinstance(schema, dict) else {}
    for step in path:
        schema = schema.get("properties", {}).get(step)
        if not isinstance(schema, dict) or "$ref" in schema:
            return
        yield schema


def _mentions(said: Any, key: object) -> bool:
    if isinstance(said, dict):
        return key in said or any(_mentions(inner, key) for inner in said.values())
    return isinstance(said, list) and any(item == key or _mentions(item, key) for item in said)


def _with_name(file: str, content: bytes, places: Sequence[Path], renaming: Renaming) -> bytes:
    """The schema with the new name in these places, and every other byte as it was."""
    text = content.decode("utf-8")
    written = json.dumps(renaming.new[-1], ensure_ascii=False)
    for start, end in sorted(_spans(text, places), reverse=True):
        text = text[:start] + written + text[end:]
    if loaded(text.encode()) != _renamed(loaded(content), places, str(renaming.new[-1])):
        raise refusal(file, renaming, "cannot be edited without touching other bytes")
    return text.encode("utf-8")


def _spans(text: str, places: Sequence[Path]) -> Iterator[tuple[int, int]]:
    """Where the names stand: JSON is YAML, whose places we know."""
    for path, node in iterate_nodes(text):
        if path in places:
            written = node.key or node.event
            yield written.start_mark.index, written.end_mark.index


def _renamed(schema: Any, places: Sequence[Path], new: str) -> Any:
    """`schema`, changed in place."""
    for *around, last in places:
        inner: Any = value_at(schema, tuple(around))
        if isinstance(inner, dict):
            inner[new] = inner.pop(last)
        else:
            inner[last] = new
    return schema


def refusal(file: str, renaming: Renaming, why: str, hint: str = "") -> UsageError:
    old, new = map(format_key_path, renaming)
    return UsageError(f"{file} checks {old}, and {why}", hint=hint or f"let it allow {new} too first")

"""Where a value comes from: asked of the layers again for one key, so that building pays nothing for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmcfg.errors import UnknownKeyError
from llmcfg.model.keypath import KeyPathError, parse_key_path
from llmcfg.model.reference import ReferenceKind, find_references
from llmcfg.model.value import MergeTag, Path, Tagged, Value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.model.findings import Origin
    from llmcfg.model.snapshot import BlobEntry
    from llmcfg.model.target import Scope
    from llmcfg.pipeline.configuration import Configuration, Effective


@dataclass(frozen=True, slots=True)
class Statement:
    """What one layer says about the key. `wins` marks the one that the value comes from; `tag` is its merge tag, if any.

    `path` is the part of the key that the layer wrote: shorter than the key when it said something about a mapping around it.
    """

    layer: str
    origin: Origin
    path: Path
    value: Value
    tag: str
    wins: bool


@dataclass(frozen=True, slots=True)
class Link:
    """Something that the value is made from: a pattern, a configuration key, a variable or a secret, and where it is defined."""

    kind: str
    name: str
    origin: Origin | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """`written` is the value before references were resolved, where it differs from `value`."""

    key: Path
    scope: Scope
    value: Value
    written: Value
    statements: tuple[Statement, ...]
    links: tuple[Link, ...]


def explain(configuration: Configuration, scope: Scope, path: Path) -> Explanation:
    """The history of one key through the layers of a scope. Raises UnknownKeyError where no layer says anything about it."""
    effective = configuration.effective(scope)
    owner = _owner(effective, path)
    if owner is None:
        value = effective.value_at(path)
        return Explanation(path, scope, value, value, (), ())
    name, rest = owner
    sources = effective.documents[name].composed.sources
    statements = _statements(configuration, sources, rest)
    links = tuple(_links(configuration, effective, path, rest, effective.documents[name].composed.value))
    try:
        value = effective.value_at(path)
    except UnknownKeyError:
        if not statements:
            raise
        value = None
    written = _at(effective.documents[name].composed.value, rest)
    return Explanation(path, scope, value, value if written is None else written, statements, links)


def _owner(effective: Effective, path: Path) -> tuple[str, Path] | None:
    for length in range(len(path), 0, -1):
        if all(isinstance(step, str) for step in path[:length]):
            name = "/".join(str(step) for step in path[:length])
            if name in effective.documents:
                return name, path[length:]
    return None


def _statements(configuration: Configuration, sources: tuple[BlobEntry, ...], path: Path) -> tuple[Statement, ...]:
    found: list[Statement] = []
    for entry in sources:
        said = _said(configuration.composer.parsed(entry).value or {}, path)
        if said is None:
            continue
        reached, value = said
        tag = value.tag.value if isinstance(value, Tagged) else ""
        plain = value.value if isinstance(value, Tagged) else value
        layer = entry.path.split("/secrets/")[0]
        for folder, known in configuration.layout.layers.items():
            if entry in known.documents.values():
                layer = folder
        found.append(Statement(layer, configuration.locator.origin(entry, reached), reached, plain, tag, False))
    if found:
        winner = found[-1]
        found[-1] = Statement(
            winner.layer, winner.origin, winner.path, winner.value, winner.tag, winner.tag != MergeTag.DELETE
        )
    return tuple(found)


def _said(value: Value, path: Path) -> tuple[Path, Value] | None:
    """What a layer's document says about a path: the value there, or a tagged or scalar value around it."""
    for index, step in enumerate(path):
        if isinstance(value, Tagged) and value.tag is not MergeTag.REPLACE:
            return path[:index], value
        inner = value.value if isinstance(value, Tagged) else value
        if isinstance(inner, dict) and step in inner:
            value = inner[step]
        elif isinstance(inner, list) and isinstance(step, int) and step < len(inner):
            value = inner[step]
        elif isinstance(value, Tagged) or (index and not isinstance(inner, dict)):
            return path[:index], value
        else:
            return None
    return path, value


def _links(
    configuration: Configuration, effective: Effective, path: Path, rest: Path, document: Value
) -> Iterator[Link]:
    value: Value = document
    for step in (*rest, None):
        if isinstance(value, dict) and "$extends" in value:
            names = value["$extends"]
            for name in names if isinstance(names, list) else [names]:
                yield Link("extends", str(name), _origin_of_key(configuration, effective, str(name)))
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        elif step is not None:
            value = _through_patterns(effective, value, step)
    yield from _text_links(configuration, effective, value)


def _text_links(configuration: Configuration, effective: Effective, value: Value) -> Iterator[Link]:
    for reference in find_references(value) if isinstance(value, str) else ():
        match reference.kind:
            case ReferenceKind.CONFIG:
                yield Link("config", reference.name, _origin_of_key(configuration, effective, reference.name))
            case ReferenceKind.SECRET:
                secret = effective.secrets.get(reference.name)
                origin = None if secret is None else configuration.locator.origin(secret.entry, secret.secret.path)
                yield Link("secret", reference.name, origin)
            case ReferenceKind.VARIABLE:
                yield Link("var", reference.name, _origin_of_variable(configuration, effective, reference.name))
            case ReferenceKind.PARAMETER:
                yield Link("param", reference.name, None)


def _through_patterns(effective: Effective, value: Value, step: str | int) -> Value:
    """The unresolved value that a pattern gives for a key that the mapping itself does not write."""
    names = value.get("$extends") if isinstance(value, dict) else None
    for name in reversed(names if isinstance(names, list) else [names] if names else []):
        try:
            owner = _owner(effective, parse_key_path(str(name)))
        except KeyPathError:
            continue
        if owner is not None:
            pattern = _at(effective.documents[owner[0]].composed.value, owner[1])
            if isinstance(pattern, dict) and step in pattern:
                return pattern[step]
    return None


def _origin_of_key(configuration: Configuration, effective: Effective, name: str) -> Origin | None:
    try:
        path = parse_key_path(name)
    except KeyPathError:
        return None
    owner = _owner(effective, path)
    if owner is None:
        return None
    sources = effective.documents[owner[0]].composed.sources
    return configuration.locator.origin(configuration.locator.setter(sources, owner[1]), owner[1])


def _origin_of_variable(configuration: Configuration, effective: Effective, name: str) -> Origin | None:
    """Where the manifest sets a variable that this scope sees."""
    manifest = configuration.manifest
    entry = configuration.snapshot.entries["llmcfg.yaml"]
    candidates: list[Path] = [("variables", name)]
    candidates += [
        ("environments", e.name, "variables", name) for e in manifest.environment_chain(effective.scope.environment)
    ]
    for tenant in manifest.tenant_chain(effective.scope.tenant):
        candidates += [("tenants", tenant.name, "region")] if name == "region" else []
        candidates.append(("tenants", tenant.name, "variables", name))
    places = configuration.locator.places(entry.oid)
    for path in reversed(candidates):
        if path in places:
            return configuration.locator.origin(entry, path)
    return None


def _at(value: Value, path: Path) -> Value:
    for step in path:
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value

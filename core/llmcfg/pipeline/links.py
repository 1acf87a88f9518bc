"""What a value is made from: the patterns around it, and the references in it, followed to their ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmcfg.documents.paths import untagged
from llmcfg.model.change import ABSENT
from llmcfg.model.keypath import KeyPathError, parse_key_path
from llmcfg.model.reference import ALL, ReferenceKind, SecretUse, find_references, parse_secret_use

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.model.change import Side
    from llmcfg.model.findings import Origin
    from llmcfg.model.value import Path, Value
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.pipeline.effective import Effective


@dataclass(frozen=True, slots=True)
class Link:
    """Something that the value is made from: a pattern, a configuration key, a variable or a secret, and where it is defined.

    Links of links follow them. A pattern's origin is where it sets the key, if it does.
    """

    kind: str
    name: str
    origin: Origin | None


def find_links(
    configuration: Configuration, effective: Effective, document: Value, path: Path, seen: frozenset[str] = frozenset()
) -> Iterator[Link]:
    """What the value at a path of a composed document is made from: patterns around it, then references in it."""
    value: Side = document
    patterns: list[tuple[str, Path]] = []
    for length in range(len(path) + 1):
        value = side_below(value, path[length - 1]) if length else value
        around = [(name, path[length:]) for name in _extended(value) if name not in seen]
        patterns = [*around, *patterns]
        for name, rest in around:
            yield Link("extends", name, _origin_of_key(configuration, effective, name, rest))
    if value is ABSENT:
        for name, rest in patterns:
            found = _document_of(effective, name)
            if found is not None and _gives(effective, name, rest, seen):
                yield from find_links(configuration, effective, found[0], (*found[1], *rest), seen | {name})
                break
    for reference in find_references(value) if isinstance(value, str) else ():
        yield from _reference_links(configuration, effective, reference.kind, reference.name, seen)


def _gives(effective: Effective, name: str, path: Path, seen: frozenset[str]) -> bool:
    """Whether a pattern, or one that it extends, has something at a path."""
    found = _document_of(effective, name)
    if found is None or name in seen:
        return False
    levels = [side_at(found[0], (*found[1], *path[:length])) for length in range(len(path) + 1)]
    return levels[-1] is not ABSENT or any(
        _gives(effective, other, path[length:], seen | {name})
        for length, level in enumerate(levels)
        for other in _extended(level)
    )


def _reference_links(
    configuration: Configuration, effective: Effective, kind: ReferenceKind, name: str, seen: frozenset[str]
) -> Iterator[Link]:
    match kind:
        case ReferenceKind.CONFIG:
            yield Link("config", name, _origin_of_key(configuration, effective, name))
            found = _document_of(effective, name)
            if found is not None and name not in seen:
                yield from find_links(configuration, effective, *found, seen | {name})
        case ReferenceKind.SECRET:
            yield Link("secret", name, _origin_of_secret(configuration, effective, parse_secret_use(name)))
        case ReferenceKind.VARIABLE:
            yield Link("var", name, _origin_of_variable(configuration, effective, name))
        case ReferenceKind.PARAMETER:
            yield Link("param", name, None)


def _extended(value: Side) -> list[str]:
    """The patterns that a mapping extends, as it names them, the one that wins first."""
    names = untagged(value).get("$extends") if value is not ABSENT and isinstance(untagged(value), dict) else None  # type: ignore[union-attr]
    return [str(name) for name in reversed(names if isinstance(names, list) else [names] if names else [])]


def _document_of(effective: Effective, name: str) -> tuple[Value, Path] | None:
    """The composed document that a key path lies in, and the path inside it."""
    try:
        owner = owning_document(effective, parse_key_path(name))
    except KeyPathError:
        return None
    return None if owner is None else (effective.documents[owner[0]].composed.value, owner[1])


def _origin_of_key(configuration: Configuration, effective: Effective, name: str, inner: Path = ()) -> Origin | None:
    """Where a key is set; with `inner`, where the mapping at it sets that, or else where the mapping is."""
    try:
        owner = owning_document(effective, parse_key_path(name))
    except KeyPathError:
        return None
    if owner is None:
        return None
    composed = effective.documents[owner[0]].composed
    path = (*owner[1], *inner) if side_at(composed.value, (*owner[1], *inner)) is not ABSENT else owner[1]
    return configuration.locator.origin(configuration.locator.setter(composed.sources, path), path)


def _origin_of_secret(configuration: Configuration, effective: Effective, use: SecretUse) -> Origin | None:
    """Where the value stands that is used; of all of them, the current one."""
    scoped = effective.secrets.get(use.name)
    held = scoped.secret.held("" if use.selector == ALL else use.selector) if scoped else None
    return configuration.locator.origin(scoped.entry, held.path) if scoped and held else None


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
    places = configuration.locator.places(entry)
    for path in reversed(candidates):
        if path in places:
            return configuration.locator.origin(entry, path)
    return None


def owning_document(effective: Effective, path: Path) -> tuple[str, Path] | None:
    """The document that a key path lies in, by name alone, and the path inside it."""
    for length in range(len(path), 0, -1):
        if all(isinstance(step, str) for step in path[:length]):
            name = "/".join(str(step) for step in path[:length])
            if name in effective.documents:
                return name, path[length:]
    return None


def side_at(value: Side, path: Path) -> Side:
    for step in path:
        value = side_below(value, step)
    return value


def side_below(value: Side, step: str | int) -> Side:
    inner = ABSENT if value is ABSENT else untagged(value)
    if isinstance(inner, dict):
        return inner.get(str(step), ABSENT) if isinstance(step, str) else ABSENT
    return inner[step] if isinstance(inner, list) and isinstance(step, int) and step < len(inner) else ABSENT

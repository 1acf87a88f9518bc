"""Where a value comes from: asked of the layers again for one key, so that building pays nothing for it.

A layer's list may stand elsewhere in the composed list (`!append`, `!prepend`, merge rules of the schema); the path is followed through
that from the highest layer down, so that a statement is about the item that was asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from llmcfg.documents.paths import untagged
from llmcfg.errors import UnknownKeyError
from llmcfg.model.change import ABSENT
from llmcfg.model.keypath import KeyPathError, parse_key_path
from llmcfg.model.reference import ReferenceKind, find_references
from llmcfg.model.value import MergeTag, Path, Tagged, Value
from llmcfg.pipeline import merge
from llmcfg.pipeline.tags import settle

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from llmcfg.model.change import Side
    from llmcfg.model.findings import Origin
    from llmcfg.model.snapshot import BlobEntry
    from llmcfg.model.target import Scope
    from llmcfg.pipeline.compose import Composed
    from llmcfg.pipeline.configuration import Configuration, Effective
    from llmcfg.pipeline.merge import RuleLookup


@dataclass(frozen=True, slots=True)
class Statement:
    """What one layer says about the key. `wins` marks the one that the value comes from; `tag` is its merge tag, if any.

    `path` is the part of the key that the layer wrote: shorter than the key when it said something about a value around it. In a mapping
    `!delete` stands for what the layer deletes; other tags inside it are left out.
    """

    layer: str
    origin: Origin
    path: Path
    value: Value
    tag: str
    wins: bool


@dataclass(frozen=True, slots=True)
class Link:
    """Something that the value is made from: a pattern, a configuration key, a variable or a secret, and where it is defined.

    Links of links follow them. A pattern's origin is where it sets the key, if it does.
    """

    kind: str
    name: str
    origin: Origin | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """`value` is ABSENT when layers set the key and a later one deleted it. `written` is the value before references were resolved."""

    key: Path
    scope: Scope
    value: Side
    written: Side
    statements: tuple[Statement, ...]
    links: tuple[Link, ...]


def explain(configuration: Configuration, scope: Scope, path: Path) -> Explanation:
    """The history of one key through the layers of a scope. Raises UnknownKeyError where it is not set and no layer ever set it."""
    effective = configuration.effective(scope)
    owner = _owner(effective, path)
    if owner is None:
        value = effective.value_at(path)
        return Explanation(path, scope, value, value, (), ())
    composed, rest = effective.documents[owner[0]].composed, owner[1]
    statements = _statements(configuration, effective, composed, path, rest)
    try:
        result: Side = effective.value_at(path)
    except UnknownKeyError:
        if not any(statement.path == path for statement in statements):
            raise
        result = ABSENT
        statements = tuple(replace(statement, wins=False) for statement in statements)
    written = _at(composed.value, rest)
    links = tuple(dict.fromkeys(_links(configuration, effective, composed.value, rest)))
    return Explanation(path, scope, result, result if written is ABSENT else _shown(written), statements, links)


def _owner(effective: Effective, path: Path) -> tuple[str, Path] | None:
    """The document that a key path lies in, by name alone, and the path inside it."""
    for length in range(len(path), 0, -1):
        if all(isinstance(step, str) for step in path[:length]):
            name = "/".join(str(step) for step in path[:length])
            if name in effective.documents:
                return name, path[length:]
    return None


def _statements(
    configuration: Configuration, effective: Effective, composed: Composed, key: Path, path: Path
) -> tuple[Statement, ...]:
    """What the layers say, lowest first. The last one wins."""
    found: list[Statement] = []
    layers = _Layers(configuration, composed)
    document = key[: len(key) - len(path)]
    here: Path | None = layers.below_patterns(path, effective)
    for index in range(len(composed.sources) - 1, -1, -1):
        if here is None:
            break
        own, below = layers.follow(index, here)
        if own is not None:
            reached, value = own
            entry = composed.sources[index]
            found.append(
                Statement(
                    layer=_folder(configuration, effective, composed.name, entry),
                    origin=configuration.locator.origin(entry, reached),
                    path=key if len(reached) == len(here) else (*document, *reached),
                    value=_shown(untagged(value)),
                    tag=value.tag.value if isinstance(value, Tagged) else "",
                    wins=not found,
                )
            )
        here = below
    return tuple(reversed(found))


class _Layers:
    """The layers of one document, and what lies beneath each of them."""

    def __init__(self, configuration: Configuration, composed: Composed) -> None:
        self._documents = [configuration.composer.parsed(entry).value or {} for entry in composed.sources]
        self._rule_at: RuleLookup = configuration.merge_rules(composed.name)[1]
        self._name = composed.name.split("/")
        self._composed = composed.value
        self._below: list[dict[str, Value]] = [{}]
        for document in self._documents:
            self._below.append(merge.merge(self._below[-1], document, lambda _: None, self._rule_at))

    def below_patterns(self, path: Path, effective: Effective) -> Path | None:
        """The path in the composed document, for one in the effective one: patterns may have put items into a list. None: it is theirs."""
        for length, step in enumerate(path):
            there = _at(self._composed, path[:length])
            if not isinstance(step, int) or not isinstance(there, Tagged) or there.tag is MergeTag.REPLACE:
                continue
            whole = effective.value_at((*self._name, *path[:length]))
            theirs = len(whole) - len(_items(there)) if isinstance(whole, list) else 0
            index = step - theirs if there.tag is MergeTag.APPEND else step
            return (*path[:length], index, *path[length + 1 :]) if 0 <= index < len(_items(there)) else None
        return path

    def follow(self, index: int, path: Path) -> tuple[tuple[Path, Value] | None, Path | None]:
        """What layer `index` says about a path of what is composed up to it, with its own path to that; and the path beneath it."""
        own: Value = self._documents[index]
        below: Side = self._below[index]
        reached: list[str | int] = []
        beneath: list[str | int] = []
        for length, step in enumerate(path):
            if isinstance(own, Tagged) and own.tag is not MergeTag.REPLACE and not isinstance(step, int):
                return (tuple(reached), own), (*beneath, *path[length:])
            inner = untagged(own)
            if isinstance(step, int) and isinstance(inner, list):
                mine, theirs = self._follow_item(
                    own, below, step, tuple(beneath), self._below[index + 1], path[:length]
                )
                rest = None if theirs is None else (*beneath, theirs, *path[length + 1 :])
                if mine is None:
                    return None, rest
                own, below = inner[mine], ABSENT if theirs is None else _step(below, theirs)
                reached.append(mine)
                beneath.append(step if theirs is None else theirs)
                if theirs is None:
                    said = _said(own, path[length + 1 :])
                    return (said and ((*reached, *said[0]), said[1])), None
            elif isinstance(inner, dict) and step in inner:
                own, below = inner[str(step)], _step(below, step)
                reached.append(step)
                beneath.append(step)
            elif isinstance(own, Tagged) or not isinstance(inner, dict):
                return (tuple(reached), own), (*beneath, *path[length:])
            else:
                return None, (*beneath, *path[length:])
        return (tuple(reached), own), tuple(beneath)

    def _follow_item(
        self, own: Value, below: Side, index: int, at: Path, after: Value, path: Path
    ) -> tuple[int | None, int | None]:
        """The place of a composed item in this layer's own list, and in the list beneath; None where it is not."""
        mine, theirs = _items(own), _items(below)
        rule = None if isinstance(own, Tagged) or not theirs else self._rule_at(at)
        kind = rule.kind if rule else ""
        if isinstance(own, Tagged) and own.tag is MergeTag.PREPEND:
            return (index, None) if index < len(mine) else (None, index - len(mine))
        if kind == "by" and rule is not None:
            item = _at(after, (*path, index))
            name = item.get(rule.key) if isinstance(item, dict) else None
            places = [
                next(
                    (i for i, other in enumerate(items) if isinstance(other, dict) and other.get(rule.key) == name),
                    None,
                )
                for items in (mine, theirs)
            ]
            return places[0], places[1]
        if kind in ("append", "unique") or (isinstance(own, Tagged) and own.tag is MergeTag.APPEND):
            if index < len(theirs):
                return None, index
            known = list(theirs) if kind == "unique" else []
            added = [i for i, item in enumerate(mine) if not any(merge.same(item, other) for other in known)]
            place = index - len(theirs)
            return (added[place] if place < len(added) else None), None
        return (index if index < len(mine) else None), index


def _said(value: Value, path: Path) -> tuple[Path, Value] | None:
    """What one layer's value says about a path inside it."""
    for length, step in enumerate(path):
        inner = _step(value, step)
        if inner is ABSENT:
            return None
        value = inner
        if isinstance(value, Tagged) and value.tag is not MergeTag.REPLACE:
            return path[: length + 1], value
    return path, value


def _folder(configuration: Configuration, effective: Effective, name: str, entry: BlobEntry) -> str:
    layers = configuration.layout.layers
    return next(
        folder
        for folder in reversed(effective.folders)
        if folder in layers and layers[folder].documents.get(name) == entry
    )


def _links(
    configuration: Configuration, effective: Effective, document: Value, path: Path, seen: frozenset[str] = frozenset()
) -> Iterator[Link]:
    """What the value at a path of a composed document is made from: patterns around it, then references in it."""
    value: Side = document
    patterns: list[tuple[str, Path]] = []
    for length in range(len(path) + 1):
        value = _step(value, path[length - 1]) if length else value
        around = [(name, path[length:]) for name in _extended(value) if name not in seen]
        patterns = [*around, *patterns]
        for name, rest in around:
            yield Link("extends", name, _origin_of_key(configuration, effective, name, rest))
    if value is ABSENT:
        for name, rest in patterns:
            found = _document_of(effective, name)
            if found is not None and _gives(effective, name, rest, seen):
                yield from _links(configuration, effective, found[0], (*found[1], *rest), seen | {name})
                break
    for reference in find_references(value) if isinstance(value, str) else ():
        yield from _reference_links(configuration, effective, reference.kind, reference.name, seen)


def _gives(effective: Effective, name: str, path: Path, seen: frozenset[str]) -> bool:
    """Whether a pattern, or one that it extends, has something at a path."""
    found = _document_of(effective, name)
    if found is None or name in seen:
        return False
    levels = [_at(found[0], (*found[1], *path[:length])) for length in range(len(path) + 1)]
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
                yield from _links(configuration, effective, *found, seen | {name})
        case ReferenceKind.SECRET:
            secret = effective.secrets.get(name)
            origin = None if secret is None else configuration.locator.origin(secret.entry, secret.secret.path)
            yield Link("secret", name, origin)
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
        owner = _owner(effective, parse_key_path(name))
    except KeyPathError:
        return None
    return None if owner is None else (effective.documents[owner[0]].composed.value, owner[1])


def _origin_of_key(configuration: Configuration, effective: Effective, name: str, inner: Path = ()) -> Origin | None:
    """Where a key is set; with `inner`, where the mapping at it sets that, or else where the mapping is."""
    try:
        owner = _owner(effective, parse_key_path(name))
    except KeyPathError:
        return None
    if owner is None:
        return None
    composed = effective.documents[owner[0]].composed
    path = (*owner[1], *inner) if _at(composed.value, (*owner[1], *inner)) is not ABSENT else owner[1]
    return configuration.locator.origin(configuration.locator.setter(composed.sources, path), path)


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


def _items(value: Side) -> Sequence[Value]:
    """The items of a list, of one that waits for a pattern's too; none of anything else."""
    settled = settle(value, lambda _: None) if value is not ABSENT else None
    return settled if isinstance(settled, list) else ()


def _at(value: Side, path: Path) -> Side:
    for step in path:
        value = _step(value, step)
    return value


def _step(value: Side, step: str | int) -> Side:
    inner = ABSENT if value is ABSENT else untagged(value)
    if isinstance(inner, dict):
        return inner.get(str(step), ABSENT) if isinstance(step, str) else ABSENT
    return inner[step] if isinstance(inner, list) and isinstance(step, int) and step < len(inner) else ABSENT


def _shown(value: Side) -> Value:
    """The value without merge tags, for output."""
    if value is ABSENT:
        return None
    if isinstance(value, Tagged):
        return value.tag.value if value.tag is MergeTag.DELETE else _shown(settle(value, lambda _: None))
    if isinstance(value, dict):
        return {key: _shown(item) for key, item in value.items()}
    return [_shown(item) for item in value] if isinstance(value, list) else value

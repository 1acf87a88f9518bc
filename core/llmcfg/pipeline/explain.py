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
from llmcfg.model.value import MergeTag, Path, Tagged, Value
from llmcfg.pipeline import merge
from llmcfg.pipeline.links import Link, find_links, owning_document, side_at, side_below
from llmcfg.pipeline.tags import settle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmcfg.model.change import Side
    from llmcfg.model.findings import Origin
    from llmcfg.model.snapshot import BlobEntry
    from llmcfg.model.target import Scope
    from llmcfg.pipeline.compose import Composed
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.pipeline.effective import Effective
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
    owner = owning_document(effective, path)
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
    written = side_at(composed.value, rest)
    links = tuple(dict.fromkeys(find_links(configuration, effective, composed.value, rest)))
    return Explanation(path, scope, result, result if written is ABSENT else _shown(written), statements, links)


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
            there = side_at(self._composed, path[:length])
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
                own, below = inner[mine], ABSENT if theirs is None else side_below(below, theirs)
                reached.append(mine)
                beneath.append(step if theirs is None else theirs)
                if theirs is None:
                    said = _said(own, path[length + 1 :])
                    return (said and ((*reached, *said[0]), said[1])), None
            elif isinstance(inner, dict) and step in inner:
                own, below = inner[str(step)], side_below(below, step)
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
            item = side_at(after, (*path, index))
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
        inner = side_below(value, step)
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


def _items(value: Side) -> Sequence[Value]:
    """The items of a list, of one that waits for a pattern's too; none of anything else."""
    settled = settle(value, lambda _: None) if value is not ABSENT else None
    return settled if isinstance(settled, list) else ()


def _shown(value: Side) -> Value:
    """The value without merge tags, for output."""
    if value is ABSENT:
        return None
    if isinstance(value, Tagged):
        return value.tag.value if value.tag is MergeTag.DELETE else _shown(settle(value, lambda _: None))
    if isinstance(value, dict):
        return {key: _shown(item) for key, item in value.items()}
    return [_shown(item) for item in value] if isinstance(value, list) else value

"""Laying one value over another (docs/spec/merge.md).

Mappings merge key by key; scalars and lists replace. A merge tag in the overlay or a merge rule of the schema makes an exception.
The result shares every part of `below` that did not change, and is `below` itself when nothing did; nothing is changed in place.

A tag that finds nothing beneath stays in the result, since a pattern (`$extends`) may still be laid under it; `tags.settle` decides in
the end. Where a pattern will be laid under a mapping, `!delete` and `!replace` stay too, to mean the pattern's value as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmcfg.model.findings import Problem
from llmcfg.model.keypath import format_key_path
from llmcfg.model.reference import ReferenceKind, find_references, is_whole
from llmcfg.model.value import MergeTag, Path, Tagged, Value, kind_of
from llmcfg.pipeline.tags import DELETED, additions, is_deletion, pending
from llmcfg.pipeline.tags import settle as settle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from llmcfg.model.merge import MergeRule

    Report = Callable[[Problem], None]
    RuleLookup = Callable[[Path], MergeRule | None]


def no_rules(_path: Path) -> MergeRule | None:
    return None


def merge(
    below: dict[str, Value],
    above: dict[str, Value],
    report: Report,
    rule_at: RuleLookup = no_rules,
    at: Path = (),
) -> dict[str, Value]:
    """`above` laid over `below`. Problems carry the path in `above` that they are about.

    A part of `above` that changes nothing is reported once, at its topmost mapping (`overlay-no-effect`).
    """
    return _Overlay(report, rule_at).mapping(below, above, report, at, extended=False)


class _Overlay:
    """One laying. `idle` is told of parts without effect; `extended` says that a pattern will be laid under the mapping."""

    def __init__(self, report: Report, rule_at: RuleLookup) -> None:
        self._report = report
        self._rule_at = rule_at

    def mapping(
        self, below: dict[str, Value], above: dict[str, Value], idle: Report, at: Path, *, extended: bool
    ) -> dict[str, Value]:
        extended = extended or "$extends" in below or "$extends" in above
        result = below
        found_idle: list[Problem] = []
        for key, value in above.items():
            deletes = key in below and is_deletion(value) and not is_deletion(below[key])
            if key not in below:
                new = value
            elif deletes:
                new = DELETED
            else:
                new = self._value(below[key], value, found_idle.append, (*at, key), extended=extended)
                if new is below[key]:
                    continue
            result = dict(below) if result is below else result
            if deletes and not extended:
                del result[key]
            else:
                result[key] = new
        if result is below:
            idle(_no_effect(at))
        else:
            for problem in found_idle:
                idle(problem)
        return result

    def _value(self, old: Value, new: Value, idle: Report, path: Path, *, extended: bool) -> Value:
        """What stands at `path`; `old` itself, and told to `idle`, where nothing changed."""
        if isinstance(new, Tagged):
            merged = self._tagged(old, new, path, extended=extended)
        elif isinstance(old, Tagged):
            merged = self._onto_tagged(old, new, idle, path, extended=extended)
        elif isinstance(old, dict) and isinstance(new, dict):
            rule = self._rule_at(path)
            if rule is None or rule.kind != "replace":
                return self.mapping(old, new, idle, path, extended=extended)
            merged = new
        elif isinstance(old, list) and isinstance(new, list):
            rule = self._rule_at(path)
            merged = new if rule is None else self._lists(rule, old, new, path, extended=extended)
        else:
            self._check_kinds(old, new, path)
            merged = new
        if same(old, merged):
            idle(_no_effect(path))
            return old
        return merged

    def _tagged(self, old: Value, new: Tagged, path: Path, *, extended: bool) -> Value:
        match new.tag:
            case MergeTag.DELETE:
                return old
            case MergeTag.REPLACE:
                return new if extended or isinstance(old, Tagged) else new.value
            case MergeTag.APPEND | MergeTag.PREPEND:
                return self._extend(old, new, path)

    def _extend(self, old: Value, new: Tagged, path: Path) -> Value:
        """A list made longer, in whatever form it is beneath."""
        before, after = additions(new)
        if isinstance(old, Tagged):
            if old.tag is MergeTag.REPLACE:
                return Tagged(MergeTag.REPLACE, self._extend(old.value, new, path))
            if old.tag is MergeTag.DELETE:
                return Tagged(MergeTag.REPLACE, [*before, *after])
            old_before, old_after = additions(old)
            return pending([*before, *old_before], [*old_after, *after])
        if not isinstance(old, list):
            self._check_kinds(old, [], path)
            old = []
        return [*before, *old, *after]

    def _onto_tagged(self, old: Tagged, new: Value, idle: Report, path: Path, *, extended: bool) -> Value:
        """A plain value over a tag that found nothing beneath: what the tag hid stays hidden."""
        match old.tag:
            case MergeTag.DELETE:
                return Tagged(MergeTag.REPLACE, new)
            case MergeTag.REPLACE:
                merged = self._value(old.value, new, idle, path, extended=extended)
                return old if merged is old.value else Tagged(MergeTag.REPLACE, merged)
            case MergeTag.APPEND | MergeTag.PREPEND:
                self._check_kinds([], new, path)
                return new

    def _check_kinds(self, old: Value, new: Value, path: Path) -> None:
        if not (_is_open(old) or _is_open(new)) and _shape(old) is not _shape(new):
            self._report(_kind_change(old, new, path))

    def _lists(self, rule: MergeRule, old: list[Value], new: list[Value], path: Path, *, extended: bool) -> list[Value]:
        match rule.kind:
            case "append":
                return [*old, *new]
            case "unique":
                return [*old, *_without_known(old, new)]
            case "by":
                return self._lists_by_key(rule.key, old, new, path, extended=extended)
            case _:
                return new

    def _lists_by_key(self, key: str, old: list[Value], new: list[Value], path: Path, *, extended: bool) -> list[Value]:
        """Items of equal `key` merge in the place of the old one; others follow in their order."""
        result = list(old)
        places = {name: index for index, item in enumerate(old) if (name := _name_of(item, key)) is not None}
        for index, item in enumerate(new):
            name = _name_of(item, key)
            if name is None:
                self._report(
                    Problem("merge-list-key", f"{format_key_path((*path, index))} has no {key!r}", path=(*path, index),
                            hint=f"items of this list are matched by {key!r}, a text or an integer")
                )  # fmt: skip
                result.append(item)
            elif name in places:
                beneath = result[places[name]]
                assert isinstance(beneath, dict)
                assert isinstance(item, dict)
                # An item repeats its key to be matched, so what it repeats is no finding.
                result[places[name]] = self.mapping(beneath, item, _ignore, (*path, index), extended=extended)
            else:
                places[name] = len(result)
                result.append(item)
        return result


def same(a: Value, b: Value) -> bool:
    """Equality that tells 1 from True and 1 from 1.0, as JSON's readers may."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(item, b[key]) for key, item in a.items())
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, Tagged) and isinstance(b, Tagged):
        return a.tag is b.tag and same(a.value, b.value)
    return a == b


def _is_open(value: Value) -> bool:
    """Whether the kind cannot be told yet or does not matter: null, and a reference that takes whatever it names."""
    if isinstance(value, str) and "{{" in value:
        return any(
            is_whole(value, reference) and reference.kind in (ReferenceKind.CONFIG, ReferenceKind.PARAMETER)
            for reference in find_references(value)
        )
    return value is None


def _shape(value: Value) -> type:
    return dict if isinstance(value, dict) else list if isinstance(value, list) else str


def _name_of(item: Value, key: str) -> str | int | None:
    name = item.get(key) if isinstance(item, dict) else None
    return name if isinstance(name, str | int) and not isinstance(name, bool) else None


def _without_known(old: list[Value], new: list[Value]) -> Iterator[Value]:
    """The items of `new` that are neither in `old` nor earlier in `new`."""
    known = {_frozen(item) for item in old}
    for item in new:
        frozen = _frozen(item)
        if frozen not in known:
            known.add(frozen)
            yield item


def _frozen(value: Value) -> object:
    """Equal for values that are `same`, and hashable."""
    if isinstance(value, dict):
        return frozenset((key, _frozen(item)) for key, item in value.items())
    if isinstance(value, list):
        return tuple(_frozen(item) for item in value)
    return type(value), value


def _ignore(_problem: Problem) -> None:
    """For parts that may repeat what lies beneath."""


def _no_effect(path: Path) -> Problem:
    return Problem(
        "overlay-no-effect",
        f"{format_key_path(path)} already has this value beneath"
        if path
        else "this document changes nothing beneath it",
        hint="remove it, so that changes beneath are not hidden",
        path=path,
    )


def _kind_change(old: Value, new: Value, path: Path) -> Problem:
    return Problem(
        "merge-kind",
        f"{format_key_path(path)} is a {kind_of(old)} beneath and becomes a {kind_of(new)} here",
        hint="write !replace before the value if the change of kind is meant",
        path=path,
    )

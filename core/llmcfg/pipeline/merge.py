"""Laying one value over another (docs/spec/merge.md).

Mappings merge key by key; scalars and lists replace. A merge tag in the overlay or a merge rule of the schema makes an exception.
The result shares every part of `below` that did not change, and is `below` itself when nothing did; nothing is changed in place.

A tag that finds nothing beneath stays in the result, since a pattern (`$extends`) may still be laid under it; `settle` decides in
the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmcfg.model.findings import Problem
from llmcfg.model.keypath import format_key_path
from llmcfg.model.value import MergeTag, Path, Tagged, Value, kind_of

if TYPE_CHECKING:
    from collections.abc import Callable

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
    result = below
    idle: list[Problem] = []
    for key, value in above.items():
        path = (*at, key)
        if key not in below:
            if result is below:
                result = dict(below)
            result[key] = value
            continue
        old = below[key]
        if type(value) is Tagged and value.tag is MergeTag.DELETE and not _is_deletion(old):
            if result is below:
                result = dict(below)
            del result[key]
            continue
        new = _merge_value(old, value, idle.append, report, rule_at, path)
        if new is not old:
            if result is below:
                result = dict(below)
            result[key] = new
    if result is below:
        report(_no_effect(at))
    else:
        for problem in idle:
            report(problem)
    return result


def _merge_value(old: Value, new: Value, idle: Report, report: Report, rule_at: RuleLookup, path: Path) -> Value:
    if isinstance(new, Tagged):
        return _merge_tagged(old, new, report, path)
    if isinstance(old, Tagged):
        return new if old.tag in (MergeTag.DELETE, MergeTag.REPLACE) else _onto_tagged_list(old, new, report, path)
    if isinstance(old, dict) and isinstance(new, dict):
        rule = rule_at(path)
        if rule is not None and rule.kind == "replace":
            return old if same(old, new) else new
        return merge(
            old, new, lambda problem: (idle if problem.rule == "overlay-no-effect" else report)(problem), rule_at, path
        )
    if isinstance(old, list) and isinstance(new, list):
        rule = rule_at(path)
        merged = new if rule is None else _merge_lists(rule, old, new, report, rule_at, path)
        if same(old, merged):
            idle(_no_effect(path))
            return old
        return merged
    if old is not None and new is not None and isinstance(old, dict | list) != isinstance(new, dict | list):
        report(_kind_change(old, new, path))
    elif isinstance(old, dict | list) and isinstance(new, dict | list):
        report(_kind_change(old, new, path))
    elif same(old, new):
        idle(_no_effect(path))
        return old
    return new


def _merge_tagged(old: Value, new: Tagged, report: Report, path: Path) -> Value:
    match new.tag:
        case MergeTag.DELETE:
            return new
        case MergeTag.REPLACE:
            return new.value
        case MergeTag.APPEND | MergeTag.PREPEND:
            items: list[Value] = new.value if isinstance(new.value, list) else [new.value]
            if isinstance(old, Tagged):
                if old.tag is new.tag and isinstance(old.value, list):
                    return Tagged(new.tag, _join(new.tag, old.value, items))
                return new.value
            if not isinstance(old, list):
                report(_kind_change(old, items, path))
                return items
            return _join(new.tag, old, items)


def _onto_tagged_list(old: Tagged, new: Value, report: Report, path: Path) -> Value:
    if not isinstance(new, list) and new is not None:
        report(_kind_change(old.value, new, path))
    return new


def _join(tag: MergeTag, old: list[Value], items: list[Value]) -> list[Value]:
    return [*old, *items] if tag is MergeTag.APPEND else [*items, *old]


def _merge_lists(
    rule: MergeRule, old: list[Value], new: list[Value], report: Report, rule_at: RuleLookup, path: Path
) -> list[Value]:
    match rule.kind:
        case "append":
            return [*old, *new]
        case "unique":
            return [*old, *(item for item in new if not any(same(item, known) for known in old))]
        case "by":
            return _merge_by_key(rule.key, old, new, report, rule_at, path)
        case _:
            return new


def _merge_by_key(
    key: str, old: list[Value], new: list[Value], report: Report, rule_at: RuleLookup, path: Path
) -> list[Value]:
    """Items of equal `key` merge in the place of the old one; others follow in their order. Tagged `!delete` items go."""
    result = list(old)
    places = {
        item[key]: index for index, item in enumerate(old) if isinstance(item, dict) and isinstance(item.get(key), str)
    }
    for index, item in enumerate(new):
        name = item.get(key) if isinstance(item, dict) else None
        if not isinstance(item, dict) or not isinstance(name, str):
            report(
                Problem("merge-list-key", f"{format_key_path(path)}[{index}] has no {key!r}", path=(*path, index),
                        hint=f"items of this list are matched by {key!r}")
            )  # fmt: skip
            result.append(item)
        elif name in places:
            place = places[name]
            beneath = result[place]
            assert isinstance(beneath, dict)
            result[place] = merge(beneath, item, _only_real(report), rule_at, (*path, index))
        else:
            places[name] = len(result)
            result.append(item)
    return result


def _only_real(report: Report) -> Report:
    """A list item repeats its key to be matched, so what it repeats is no finding."""
    return lambda problem: None if problem.rule == "overlay-no-effect" else report(problem)


def _is_deletion(value: Value) -> bool:
    return isinstance(value, Tagged) and value.tag is MergeTag.DELETE


def has_tags(value: Value) -> bool:
    """Whether a merge tag is left anywhere in the value."""
    if isinstance(value, Tagged):
        return True
    if isinstance(value, dict):
        return any(has_tags(item) for item in value.values())
    return isinstance(value, list) and any(has_tags(item) for item in value)


def settle(value: Value, report: Report, at: Path = ()) -> Value:
    """The value without the tags that found nothing beneath, each of them reported."""
    if isinstance(value, dict):
        settled = {
            key: settle(item, report, (*at, key))
            for key, item in value.items()
            if not deletes_nothing(item, report, (*at, key))
        }
        return value if all(settled.get(key) is item for key, item in value.items()) else settled
    if isinstance(value, list):
        items = [settle(item, report, (*at, index)) for index, item in enumerate(value)]
        return value if all(new is old for new, old in zip(items, value, strict=True)) else items
    if isinstance(value, Tagged):
        if value.tag is not MergeTag.REPLACE:
            report(
                Problem("merge-append-missing", f"{value.tag} finds no list at {format_key_path(at)}", path=at,
                        hint=f"write the list without {value.tag}, or check the key's spelling")
            )  # fmt: skip
        return settle(value.value, report, at)
    return value


def deletes_nothing(value: Value, report: Report, at: Path) -> bool:
    """Whether the value is a `!delete` that is left, which is reported."""
    if not _is_deletion(value):
        return False
    report(
        Problem("merge-delete-missing", f"!delete finds nothing at {format_key_path(at)}", path=at,
                hint="the layers beneath do not set this key: remove the line, or check its spelling")
    )  # fmt: skip
    return True


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
    return a == b


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
    )  # fmt: skip

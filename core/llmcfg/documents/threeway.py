"""Merging three versions of a value, key by key.

Rules: mappings are merged within. A list is one value, unless its merge rule says what makes two items the same: `{by: name}` or
`unique`; then it is merged as a mapping is. What one side alone changed is taken; what both changed alike is taken once; what both changed
otherwise is a clash. Values are the same when they are of one type and equal, whatever the order of their keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias, TypeVar

from msgspec import json

from llmcfg.model.change import ABSENT
from llmcfg.model.value import Tagged
from llmcfg.model.versions import Versions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from llmcfg.model.change import Side
    from llmcfg.model.merge import MergeRule
    from llmcfg.model.value import Path, Value

    RuleLookup: TypeAlias = Callable[[Path], MergeRule | None]
    Which: TypeAlias = Literal["ours", "theirs"]

K = TypeVar("K", bound="str | int")


class Clash(NamedTuple):
    """What both sides changed, each in its own way."""

    path: Path
    ours: Side
    theirs: Side


class ValueMerge(NamedTuple):
    """`value` holds what one side has at each clash."""

    value: Side
    clashes: tuple[Clash, ...]


def merge_values(versions: Versions[Side], rule_at: RuleLookup, prefer: Which = "ours", at: Path = ()) -> ValueMerge:
    """The merge of the values at `at`. `prefer` names the side that stands where both clash."""
    merge = _Merge(rule_at, prefer, [])
    return ValueMerge(merge.value(versions, at), tuple(merge.clashes))


def same(one: Side, other: Side) -> bool:
    match one, other:
        case dict(), dict():
            return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
        case list(), list():
            return len(one) == len(other) and all(map(same, one, other))
        case Tagged(), Tagged():
            return one.tag == other.tag and same(one.value, other.value)
        case _:
            return type(one) is type(other) and one == other


def merged_order(base: Sequence[K], ours: Sequence[K], theirs: Sequence[K]) -> list[K]:
    """Every key of either side: in our order, or in theirs where they alone changed it; what the other added behind what it follows."""
    is_kept, is_changed = _common(base, ours) == _common(ours, base), _common(base, theirs) != _common(theirs, base)
    host, guest = (theirs, ours) if is_kept and is_changed else (ours, theirs)
    result, known = list(host), set(guest)
    at = 0
    for key in guest:
        if key in host:
            at = result.index(key) + 1
        else:
            while at < len(result) and result[at] not in known:
                at += 1
            result.insert(at, key)
            at += 1
    return result


def item_names(items: Value, rule: MergeRule | None) -> list[str] | None:
    """What tells the items of a list apart by its rule; None where nothing does, or two items are not told apart."""
    if not isinstance(items, list) or rule is None or rule.kind not in ("by", "unique"):
        return None
    if rule.kind == "by" and not all(isinstance(item, dict) and rule.key in item for item in items):
        return None
    names = [_text(item[rule.key] if isinstance(item, dict) and rule.kind == "by" else item) for item in items]
    return names if len({*names}) == len(names) else None


class _Merge(NamedTuple):
    rule_at: RuleLookup
    prefer: Which
    clashes: list[Clash]

    def value(self, versions: Versions[Side], at: Path) -> Side:
        base, ours, theirs = versions
        if same(ours, theirs) or same(base, theirs):
            return ours
        if same(base, ours):
            return theirs
        if isinstance(ours, Tagged) and isinstance(theirs, Tagged) and ours.tag == theirs.tag:
            beneath = base.value if isinstance(base, Tagged) and base.tag == ours.tag else ABSENT
            inner = self.value(versions._replace(base=beneath, ours=ours.value, theirs=theirs.value), at)
            return Tagged(ours.tag, None if inner is ABSENT else inner)
        if isinstance(ours, dict) and isinstance(theirs, dict):
            return self._mapping(versions._replace(base=base if isinstance(base, dict) else {}), at)
        merged = self._list(versions, at)
        if merged is not None:
            return merged
        self.clashes.append(Clash(at, ours, theirs))
        return versions.of(self.prefer)

    def _mapping(self, versions: Versions[Side], at: Path) -> dict[str, Value]:
        base, ours, theirs = (side if isinstance(side, dict) else {} for side in versions)
        result: dict[str, Value] = {}
        for key in merged_order([*base], [*ours], [*theirs]):
            merged = self.value(Versions(*(side.get(key, ABSENT) for side in (base, ours, theirs))), (*at, key))
            if merged is not ABSENT:
                result[key] = merged
        return result

    def _list(self, versions: Versions[Side], at: Path) -> list[Value] | None:
        """Items are merged at the place that they have in ours, or else in theirs."""
        if not isinstance(versions.ours, list) or not isinstance(versions.theirs, list):
            return None
        rule = self.rule_at(at)
        lists = [side if isinstance(side, list) else [] for side in versions]
        named = [item_names(items, rule) for items in lists]
        if None in named:
            return None
        base, ours, theirs = (
            dict(zip(names or (), items, strict=True)) for names, items in zip(named, lists, strict=True)
        )
        result: list[Value] = []
        for name in merged_order([*base], [*ours], [*theirs]):
            index = [*(ours if name in ours else theirs)].index(name)
            sides = Versions(*(side.get(name, ABSENT) for side in (base, ours, theirs)))
            merged = self.value(sides, (*at, index))
            result += [] if merged is ABSENT else [merged]
        return result


def _common(keys: Sequence[K], others: Sequence[K]) -> list[K]:
    """In the order of the first."""
    known = {*others}
    return [key for key in keys if key in known]


def _text(value: Value) -> str:
    return json.encode(value, order="deterministic").decode()

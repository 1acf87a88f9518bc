"""How much could go wrong with a change, by rules that anyone can follow (docs/ci.md):

high    a protected environment: it is not protected any more, somebody new can open its secrets, bundles of it go, or at least half of
        several change
medium  a protected environment changes in any other way; somebody new can open secrets of an environment that is not protected; the
        manifest decides otherwise about more than one environment; or what judges changes is another
low     other environments change
none    no environment changes

A change that brings errors is high, whatever it changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from llmcfg.ci.tally import EnvironmentTally
    from llmcfg.model.change import Change, Side
    from llmcfg.model.impact import Difference
    from llmcfg.model.proposal import GuardChange

Level: TypeAlias = Literal["none", "low", "medium", "high"]
_LEVELS: Final[tuple[Level, ...]] = ("none", "low", "medium", "high")


class Risk(NamedTuple):
    """The level and what makes it so, in words."""

    level: Level
    reasons: tuple[str, ...]


def risk_of(
    environments: Sequence[EnvironmentTally],
    difference: Difference,
    guards: Sequence[GuardChange],
    *,
    has_new_errors: bool,
) -> Risk:
    found: list[tuple[Level, str]] = []
    if has_new_errors:
        found.append(("high", "it brings errors"))
    readers = {
        target.partition("/")[0] for one in difference.recipients if one.kind == "added" for target in one.targets
    }
    for one in filter(lambda one: one.is_touched, environments):
        found += _reasons(one, has_new_readers=one.name in readers)
    found += _decided(difference.decisions)
    if guards:
        found.append(("medium", "what judges changes is another"))
    levels: list[Level] = ["none", *(said for said, _ in found)]
    level = max(levels, key=_LEVELS.index)
    return Risk(level, tuple(dict.fromkeys(reason for said, reason in found if said == level)))


def _reasons(one: EnvironmentTally, *, has_new_readers: bool) -> Iterator[tuple[Level, str]]:
    serious: Level = "high" if one.is_protected else "medium"
    if has_new_readers:
        yield serious, f"somebody new can open secrets of {one.name}"
    if not one.is_protected:
        yield "low", f"{one.name} changes, which is not protected"
        return
    if one.removed:
        yield "high", f"bundles of {one.name}, which is protected, go"
    if one.affected > 1 and one.affected * 2 >= one.bundles:
        yield "high", f"{one.affected} of {one.bundles} bundles of {one.name}, which is protected, change"
    yield "medium", f"{one.name} is protected, and changes"


def _decided(decisions: Sequence[Change]) -> Iterator[tuple[Level, str]]:
    for change in decisions:
        part, *rest = map(str, change.path)
        if part == "environments" and _is_protected(change.before, rest) and not _is_protected(change.after, rest):
            yield "high", f"{rest[0]} is not protected any more"
        elif part != "environments":
            yield "medium", f"the manifest decides otherwise about {part}"


def _is_protected(side: Side, below: Sequence[str]) -> bool:
    """Whether a side of a decision about an environment, or about a part of one, says that it is protected."""
    if below[1:]:
        return below[1:] == ["protected"] and side is True
    return isinstance(side, dict) and side.get("protected") is True

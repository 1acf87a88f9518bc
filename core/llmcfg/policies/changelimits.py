"""Limits on changes, from `policies/*.yaml`: what a step may be, who may change what, and whose approval that takes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias, TypeGuard, TypeVar

from llmcfg.errors import UsageError
from llmcfg.model.scalartext import scalar_text
from llmcfg.policies.freezes import Freeze, parse_freeze
from llmcfg.policies.keypatterns import KeyPattern, covers, parse_file_pattern, parse_key_pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from llmcfg.model.change import Change
    from llmcfg.model.value import Path

T = TypeVar("T")


Part: TypeAlias = Literal["keys", "decisions", "guards"]
_PARTS: Final[tuple[Part, ...]] = ("keys", "decisions", "guards")


class Where(NamedTuple):
    """What a limit holds for, and in which environments; without them in all. `place` is the limit's own, in its file.

    The path of a guard is the steps of the file's.
    """

    patterns: Mapping[Part, tuple[KeyPattern, ...]]
    environments: tuple[str, ...]
    place: tuple[str, int]

    def holds(self, environment: str, part: Part, path: Path) -> bool:
        return (not self.environments or environment in self.environments) and self.means(part, path)

    def means(self, part: Part, path: Path) -> bool:
        return any(covers(pattern, path) for pattern in self.patterns[part])


class StepLimit(NamedTuple):
    """A number may become at most `factor` times as much or as little, and differ by at most `by`."""

    where: Where
    factor: float | None
    by: float | None

    def why_not(self, change: Change) -> str:
        """Empty for a change that is within the limit, or is none of a number."""
        before, after = change.before, change.after
        if not _is_number(before) or not _is_number(after):
            return ""
        shown = f"goes from {scalar_text(before)} to {scalar_text(after)}"
        if self.by is not None and abs(after - before) > self.by:
            return f"{shown}; a step is at most {scalar_text(self.by)}"
        if self.factor is not None and not _is_within(before, after, self.factor):
            return f"{shown}; a step is at most {scalar_text(self.factor)} times as much or as little"
        return ""


class RoleLimit(NamedTuple):
    """What only people of these roles change, or what takes the approval of `needed` of them, beside the author."""

    where: Where
    roles: tuple[str, ...]
    needed: int = 1


@dataclass(frozen=True, slots=True)
class ChangeLimits:
    """What one file says. `roles` are patterns of the names of people, by role."""

    roles: Mapping[str, tuple[str, ...]]
    steps: tuple[StepLimit, ...]
    owned: tuple[RoleLimit, ...]
    approvals: tuple[RoleLimit, ...]
    freezes: tuple[Freeze, ...]

    def in_roles(self, people: Iterable[str], roles: Iterable[str]) -> set[str]:
        """Those of these people who have one of the roles."""
        patterns = [pattern for role in roles for pattern in self.roles.get(role, ())]
        return {person for person in people if any(fnmatchcase(person, pattern) for pattern in patterns)}

    def places_on(self, path: Path) -> list[tuple[str, int]]:
        """Where the limits stand that hold for changes of a key in some environment."""
        return [where.place for where in self.wheres() if where.means("keys", path)]

    def wheres(self) -> list[Where]:
        return [*(step.where for step in self.steps), *(limit.where for limit in (*self.owned, *self.approvals))]


class ReadLimits(NamedTuple):
    """What a file says, without the items that mean nothing; these are beside it by their path in the file."""

    limits: ChangeLimits
    wrong: Mapping[Path, UsageError]


def read_change_limits(said: dict[str, Any]) -> ReadLimits:
    """What a file says that has the shape."""
    wrong: dict[Path, UsageError] = {}

    def each(section: str, make: Callable[[dict[str, Any], int], T]) -> tuple[T, ...]:
        found: list[T] = []
        for at, item in enumerate(said.get(section, ())):
            try:
                found.append(make(item, at))
            except UsageError as error:
                wrong[section, at] = error
        return tuple(found)

    limits = ChangeLimits(
        {role: tuple(people) for role, people in said.get("roles", {}).items()},
        each("steps", lambda item, at: StepLimit(_where(item, "steps", at), item.get("factor"), item.get("by"))),
        each("owned", lambda item, at: RoleLimit(_where(item, "owned", at), tuple(item["roles"]))),
        each("approvals", _approval),
        each("freezes", parse_freeze),
    )
    return ReadLimits(limits, wrong)


def _approval(said: dict[str, Any], at: int) -> RoleLimit:
    return RoleLimit(_where(said, "approvals", at), tuple(said["roles"]), said.get("count", 1))


def _where(said: dict[str, Any], section: str, at: int) -> Where:
    patterns: dict[Part, tuple[KeyPattern, ...]] = {
        part: tuple(map(_pattern_of(part), said.get(part, ()))) for part in _PARTS
    }
    return Where(patterns, tuple(said.get("environments", ())), (section, at))


def _pattern_of(part: Part) -> Callable[[str], KeyPattern]:
    return parse_file_pattern if part == "guards" else parse_key_pattern


def _is_within(before: float, after: float, factor: float) -> bool:
    """A change of sign, or away from zero, is as large a step as there is."""
    if before == after:
        return True
    if before == 0 or after == 0 or math.copysign(1, before) != math.copysign(1, after):
        return False
    ratio = after / before
    return 1 / factor <= ratio <= factor or math.isclose(ratio, factor) or math.isclose(ratio, 1 / factor)


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)

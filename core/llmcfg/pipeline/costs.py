"""What the scopes of a configuration may cost, and how two configurations differ in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llmcfg.pipeline.platforms import ground_of, platform_of, sights_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import date
    from decimal import Decimal

    from llmcfg.llm.cost.scope import Line, ScopeCost
    from llmcfg.llm.cost.usage import Usage
    from llmcfg.model.target import Scope
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.pipeline.effective import Effective


class CostChange(NamedTuple):
    """A line before and after; None on the side that does not have it."""

    scope: str
    before: Line | None
    after: Line | None

    @property
    def line(self) -> Line:
        line = self.after or self.before
        assert line is not None
        return line


def costs_of(
    configuration: Configuration, scopes: Iterable[Scope], as_of: date, usages: Sequence[Usage] | None = None
) -> dict[str, ScopeCost]:
    """By scope, those that describe a platform. Raises FindingsError where documents cannot be read."""
    from llmcfg.llm.cost.scope import cost_of
    from llmcfg.llm.cost.traffic import read_traffic
    from llmcfg.llm.platform import Spot
    from llmcfg.llm.reading import Node

    ground = ground_of(configuration, as_of)
    found: dict[str, ScopeCost] = {}
    known: dict[object, ScopeCost | None] = {}
    for scope, sight in sights_of(configuration, scopes).items():
        effective = configuration.readable(scope)
        own = None if usages is None else tuple(each for each in usages if (each.environment, each.tenant) == scope)
        key = sight, own, _named_budgets(effective, scope)
        if key not in known:
            platform = platform_of(configuration, scope)
            limits = effective.documents.get("limits")
            traffic = read_traffic(Node(limits.value if limits else None, Spot("limits")))
            known[key] = cost_of(platform, ground, traffic, own) if platform else None
        cost = known[key]
        if cost is not None:
            found[str(scope)] = cost
    return found


def _named_budgets(effective: Effective, scope: Scope) -> str | None:
    """The tenant, where budgets are given to tenants by name: scopes that see the same documents then differ."""
    budgets = effective.documents.get("budgets")
    return scope.tenant if budgets is not None and "tenants" in budgets.value else None


def cost_changes(before: Mapping[str, ScopeCost], after: Mapping[str, ScopeCost]) -> tuple[CostChange, ...]:
    """The lines that cost more or less, or come or go."""
    return tuple(
        CostChange(scope, *sides)
        for scope in dict.fromkeys([*after, *before])
        for sides in _pairs(before.get(scope), after.get(scope))
        if _figures(sides[0]) != _figures(sides[1])
    )


def changed_costs(
    before: Configuration, after: Configuration, as_of: date, keeps: Callable[[Scope], bool]
) -> tuple[CostChange, ...]:
    """How the worst cases of two configurations differ, in scopes of either."""
    sides = (costs_of(side, filter(keeps, side.scopes), as_of) for side in (before, after))
    return cost_changes(*sides)


def _pairs(before: ScopeCost | None, after: ScopeCost | None) -> Iterator[tuple[Line | None, Line | None]]:
    old = {(line.part, line.name): line for line in before.lines} if before else {}
    new = {(line.part, line.name): line for line in after.lines} if after else {}
    return ((old.get(key), new.get(key)) for key in dict.fromkeys([*new, *old]))


def _figures(line: Line | None) -> tuple[Decimal | None, ...] | None:
    if line is None:
        return None
    return (line.limits.usd, line.worst.usd, line.budget, line.expected.usd if line.expected else None)

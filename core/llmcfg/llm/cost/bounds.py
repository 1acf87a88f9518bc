"""Upper bounds of money, each with what it stands on. Amounts are USD in a month of 30 days, as exact decimals.

Nothing that is unknown counts as nothing: a sum with an unknown part is unknown, and says which part.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.llm.rules.limits import hours_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmcfg.llm.platform import Budget

MINUTES: Final = 30 * 24 * 60
"""Of a month."""
MILLION: Final = Decimal(1_000_000)
HOLDS: Final = frozenset({"", "reject"})
"""What `on_exceed` says of budgets that stop spending."""


class Bound(NamedTuple):
    """At most so much; None where nothing bounds it. `by` is what does, or why nothing does."""

    usd: Decimal | None
    by: str


def least(bounds: Iterable[Bound]) -> Bound:
    """The tightest of several bounds of one thing. The first says why, where there is none."""
    all_of_them = list(bounds)
    known = [bound for bound in all_of_them if bound.usd is not None]
    return min(known, key=lambda bound: bound.usd or Decimal(0)) if known else all_of_them[0]


def total(bounds: Iterable[Bound]) -> Bound:
    """The bound of all parts together; unknown where that of one part is."""
    parts = list(bounds)
    unknown = dict.fromkeys(bound.by for bound in parts if bound.usd is None)
    if unknown:
        return Bound(None, "; ".join(unknown))
    held_by = sorted({bound.by for bound in parts})
    return Bound(sum((bound.usd for bound in parts if bound.usd is not None), Decimal(0)), " and ".join(held_by))


def decimal(number: float) -> Decimal:
    """The number as it is written: 0.1 is a tenth."""
    return Decimal(str(number))


def monthly(budget: Budget) -> Decimal | None:
    """A budget for 30 days; None where its period is not said, or is no length of time."""
    hours = hours_of(budget.period)
    return None if not hours else decimal(budget.amount.value) * 30 * 24 / decimal(hours)

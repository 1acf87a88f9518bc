"""What one scope may cost and is expected to cost, line by line: altogether, by service, by model."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from msgspec.structs import replace

from llmcfg.llm.cost.bounds import Bound, monthly
from llmcfg.llm.cost.worst import Rating

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from llmcfg.llm.cost.traffic import Traffic
    from llmcfg.llm.cost.usage import Usage
    from llmcfg.llm.platform import Platform
    from llmcfg.llm.rules.ground import Ground

Part: TypeAlias = Literal["tenant", "service", "model"]
ASSUMPTIONS: Final = (
    "a month has 30 days; in the worst case every minute of it takes all that limits allow",
    "in the worst case every token costs the dearer of the prices in and out, or every request is as long as may be",
    "prices are those of the records, else of the catalogue, without discounts for cached or batched input",
    "a budget stops spending where on_exceed is reject or is not said; alert and fallback do not",
    "services share the limits of models, and a child tenant its parent's budget: figures of lines do not add up",
)


class Expected(NamedTuple):
    """USD a month by usage; `unpriced` are models in it whose price is not known, which are not part of the sum."""

    usd: Decimal
    unpriced: tuple[str, ...] = ()


class Line(NamedTuple):
    """`name` is empty for the whole scope. `limits` is the bound without any budget.

    `budget` is what is set for a month, whether or not it stops spending.
    """

    part: Part
    name: str
    worst: Bound
    limits: Bound
    budget: Decimal | None = None
    expected: Expected | None = None


class ScopeCost(NamedTuple):
    """`unmatched` are models that usage names and the scope does not have."""

    lines: tuple[Line, ...]
    unmatched: tuple[str, ...] = ()


def cost_of(platform: Platform, ground: Ground, traffic: Traffic, usages: Iterable[Usage] | None = None) -> ScopeCost:
    """`usages` are those of the scope; None where no usage is known at all."""
    rating = Rating(platform, ground, traffic)
    worst, limits = rating.worst(), Rating(replace(platform, budgets=()), ground, traffic).worst()
    spent = _Spent(rating, platform, usages) if usages is not None else None
    lines = [Line("tenant", "", worst.whole, limits.whole)]
    lines += [Line("service", name, bound, limits.services.get(name, bound)) for name, bound in worst.services.items()]
    lines += [Line("model", name, bound, limits.models[name]) for name, bound in worst.models.items()]
    budgets = _budgets(platform)
    return ScopeCost(
        tuple(
            line._replace(
                budget=budgets.get((line.part, line.name)), expected=spent.of(line.part, line.name) if spent else None
            )
            for line in lines
        ),
        spent.unmatched if spent else (),
    )


def _budgets(platform: Platform) -> Mapping[tuple[str, str], Decimal]:
    found: dict[tuple[str, str], Decimal] = {}
    for budget in platform.budgets:
        amount = monthly(budget)
        name = "" if budget.scope == "tenant" else budget.name
        if amount is not None and (budget.scope != "tenant" or budget.name in ("", platform.setting.tenant)):
            found[budget.scope, name] = min(amount, found.get((budget.scope, name), amount))
    return found


class _Spent:
    """Usage in money, by part and name."""

    def __init__(self, rating: Rating, platform: Platform, usages: Iterable[Usage]) -> None:
        self._usd: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        self._unpriced: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
        unmatched: dict[str, None] = {}
        for usage in usages:
            models = platform.answering(usage.model)
            if not models:
                unmatched[usage.model] = None
                continue
            prices = [rating.prices(model) for model in models]
            known = [price for price in prices if price is not None]
            for part in self._parts(usage, models[0].name):
                if len(known) < len(prices):
                    self._unpriced[part][usage.model] = None
                    continue
                dearest = max(usage.input_tokens * price.taken + usage.output_tokens * price.given for price in known)
                self._usd[part] += dearest * 30 / usage.days
        self.unmatched = tuple(unmatched)

    def of(self, part: Part, name: str) -> Expected:
        return Expected(self._usd[part, name], tuple(self._unpriced[part, name]))

    def _parts(self, usage: Usage, model: str) -> Iterator[tuple[str, str]]:
        yield "tenant", ""
        yield "model", model
        if usage.service:
            yield "service", usage.service

"""The most that a scope can cost in a month: for each model, each service, and altogether.

A model costs the most when every minute takes all that its limits allow, at the dearer of its two prices (by tokens a minute), or with the
longest requests (by requests a minute); the lower of the two bounds counts. Accounts of providers, limits of services and of the scope,
and budgets that stop spending bound sums of models. Services share models, so that their figures do not add up.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.llm.cost.bounds import HOLDS, MILLION, MINUTES, Bound, decimal, least, monthly, total
from llmcfg.llm.reading import number_of
from llmcfg.llm.rules.parameters import OUTPUT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from llmcfg.llm.cost.traffic import Traffic
    from llmcfg.llm.platform import Model, Platform, Provider, Rate
    from llmcfg.llm.rules.ground import Ground

_LIMITS: Final = "limits"


class Prices(NamedTuple):
    """USD per token in and out."""

    taken: Decimal
    given: Decimal

    @property
    def dearer(self) -> Decimal:
        return max(self.taken, self.given)


class Worst(NamedTuple):
    """The bounds of a scope: of all of it, and of services and models by name. Off models are in none of them."""

    whole: Bound
    services: dict[str, Bound]
    models: dict[str, Bound]


class Rating:
    """Bounds of the models of one scope, and of any set of them."""

    def __init__(self, platform: Platform, ground: Ground, traffic: Traffic) -> None:
        self._platform = platform
        self._ground = ground
        self._traffic = traffic

    def worst(self) -> Worst:
        running = [model for model in self._platform.models if _counts(model)]
        tenant = self._platform.setting.tenant
        budgets = [bound for name in ("", tenant) if name is not None for bound in self._holding("tenant", name)]
        whole = least([*budgets, *self._together(running, self._traffic.whole)])
        names = dict.fromkeys(model.name for model in running)
        used = self._used()
        services = sorted({*used, *(budget.name for budget in self._platform.budgets if budget.scope == "service")})
        return Worst(
            whole=whole,
            services={name: self._service(name, used.get(name, set()), whole) for name in services},
            models={name: self._named([model for model in running if model.name == name], whole) for name in names},
        )

    def _service(self, name: str, used: set[str], whole: Bound) -> Bound:
        budgets = [*self._holding("service", name)]
        reached = self._reached(used)
        if not reached:
            return least([*budgets, Bound(None, f"no route of {name} is known")])
        return least([*self._together(reached, self._traffic.services.get(name)), *budgets, whole])

    def _named(self, models: Sequence[Model], whole: Bound) -> Bound:
        """Of all deployments of one name."""
        return least([*self._together(models, None), whole])

    def _together(self, models: Sequence[Model], rate: Rate | None) -> Iterator[Bound]:
        """Bounds of a set of models: their sum, account by account, and what a limit for all of them lets through."""
        by_provider: dict[str, list[Model]] = {}
        for model in models:
            by_provider.setdefault(model.provider.name if model.provider else "", []).append(model)
        yield total(self._account(group) for group in by_provider.values())
        if rate is not None:
            yield from self._at_most(models, rate)

    def _account(self, models: Sequence[Model]) -> Bound:
        """Of models of one provider: no more than its account lets through, and than its budget."""
        provider: Provider | None = models[0].provider
        sum_of_all = total(self._model(model) for model in models)
        if provider is None:
            return sum_of_all
        return least([sum_of_all, *self._holding("provider", provider.name), *self._at_most(models, provider.rate)])

    def _model(self, model: Model) -> Bound:
        why = "no limit on" if self.prices(model) is not None else "no price of"
        unknown = Bound(None, f"{why} {model.name} ({model.upstream.value})")
        return least([*self._at_most([model], model.rate), *self._holding("model", model.name), unknown])

    def _at_most(self, models: Sequence[Model], rate: Rate) -> Iterator[Bound]:
        """What so many tokens and requests a minute cost with the dearest of the models; nothing where one has no price."""
        prices = [found for model in models if (found := self.prices(model)) is not None]
        if not models or len(prices) < len(models):
            return
        if rate.tpm is not None:
            yield Bound(rate.tpm.value * MINUTES * max(each.dearer for each in prices), _LIMITS)
        requests = [self._request(model) for model in models]
        if rate.rpm is not None and all(cost is not None for cost in requests):
            yield Bound(rate.rpm.value * MINUTES * max(cost for cost in requests if cost is not None), _LIMITS)

    def _request(self, model: Model) -> Decimal | None:
        """What the longest request costs; None where nothing says how long it may be."""
        prices = self.prices(model)
        taken = _smallest(self._ground.context(model), self._traffic.input_tokens)
        asked = next((number_of(model.params[name].value) for name in OUTPUT if name in model.params), None)
        given = _smallest(self._ground.output(model), self._traffic.output_tokens, asked)
        if prices is None or taken is None or (given is None and prices.given):
            return None
        return taken * prices.taken + (given or Decimal(0)) * prices.given

    def prices(self, model: Model) -> Prices | None:
        found = self._ground.price(model)
        return Prices(decimal(found[0]) / MILLION, decimal(found[1]) / MILLION) if found else None

    def _holding(self, scope: str, name: str) -> Iterator[Bound]:
        """The budgets that stop spending."""
        for budget in self._platform.budgets:
            amount = monthly(budget)
            if (budget.scope, budget.name) == (scope, name) and budget.on_exceed in HOLDS and amount is not None:
                yield Bound(amount, f"{scope} budget")

    def _used(self) -> dict[str, set[str]]:
        """The names of routes and models that each service uses."""
        found: dict[str, set[str]] = {}
        for reference in self._platform.references:
            folder, _, service = reference.name.spot.document.partition("/")
            if reference.kind == "model" and folder == "services":
                found.setdefault(service, set()).add(reference.name.value)
        return found

    def _reached(self, names: set[str]) -> list[Model]:
        """The running models that can answer to these names, fallbacks of fallbacks included, in reading order."""
        waiting, seen = [*names], set[str]()
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            for route in self._platform.routes:
                if route.name == name:
                    waiting += [
                        target.model.value for target in route.targets if not target.weight or target.weight.value
                    ]
                    waiting += [fallback.to.value for fallback in route.fallbacks]
        routes = {route.name for route in self._platform.routes}
        found = ((name, model) for name in seen for model in self._platform.answering(name))
        reached = {id(model) for name, model in found if name not in routes or name == model.name}
        return [model for model in self._platform.models if id(model) in reached and _counts(model)]


def _counts(model: Model) -> bool:
    """Whether it is one model, and may be sent to."""
    return model.is_on and not model.is_pattern


def _smallest(*numbers: float | None) -> Decimal | None:
    known = [decimal(number) for number in numbers if number is not None]
    return min(known) if known else None

"""Models whose last day is near or past: what to move to, and what the move would break.

What breaks is what the rules say about the platform with the successor in the model's place and do not say today, and what the successor
takes, gives or can less.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec.structs import replace

from llmcfg.llm.graph import ABILITIES
from llmcfg.llm.platform import Given
from llmcfg.llm.rules.fallbacks import find_incapable
from llmcfg.llm.rules.lifecycle import replacement_of
from llmcfg.llm.rules.parameters import find_long_output, find_misfits, find_out_of_range, find_unsupported

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from llmcfg.llm.platform import Model, Platform
    from llmcfg.llm.rules.ground import Find, Ground

_CHECKS: Final[tuple[Find, ...]] = (
    find_long_output,
    find_misfits,
    find_out_of_range,
    find_unsupported,
    find_incapable,
)


class Price(NamedTuple):
    """USD per million tokens in and out."""

    taken: float
    given: float


class Retirement(NamedTuple):
    """One model. `last_day` is None where it is known to be gone, and not since when; `successor` is empty where none is seen.

    Prices are None where they are not known.
    """

    model: str
    provider: str
    upstream: str
    last_day: date | None
    days: int | None
    routes: tuple[str, ...] = ()
    successor: str = ""
    breaks: tuple[str, ...] = ()
    price: Price | None = None
    successor_price: Price | None = None


def find_retirements(platform: Platform, ground: Ground) -> Iterator[Retirement]:
    """Those of models that are in use and whose last day is at most `ground.retire_within` days away, or past."""
    for model in platform.models:
        entry, day = ground.known(model), ground.last_day(model)
        is_gone = day is None and entry is not None and bool(entry.gone_after)
        days = (day - ground.as_of).days if day is not None else None
        if model.is_on and (is_gone or (days is not None and days <= ground.retire_within)):
            yield _retirement(platform, ground, model)


def _retirement(platform: Platform, ground: Ground, model: Model) -> Retirement:
    day = ground.last_day(model)
    successor = model.replacement.value if model.replacement else replacement_of(model, ground)
    moved = _moved(platform, model, successor) if successor else None
    return Retirement(
        model=model.name,
        provider=model.provider.name if model.provider else "",
        upstream=model.upstream.value,
        last_day=day,
        days=(day - ground.as_of).days if day is not None else None,
        routes=_routes_to(platform, model),
        successor=successor,
        breaks=tuple(dict.fromkeys(_breaks(platform, ground, model, moved))) if moved else (),
        price=_price(ground, model),
        successor_price=_price(ground, moved) if moved else None,
    )


def _routes_to(platform: Platform, model: Model) -> tuple[str, ...]:
    names = {model.name, *(alias.value for alias in model.aliases)}
    leads = (
        (route.name, {*(target.model.value for target in route.targets), *(each.to.value for each in route.fallbacks)})
        for route in platform.routes
    )
    return tuple(name for name, ends in leads if ends & names)


def _moved(platform: Platform, model: Model, successor: str) -> Model:
    """The model as it would be with its successor behind it: another record's model, or one of the catalogue at the same provider."""
    record = next((each for each in platform.answering(successor) if each is not model), None)
    kept = replace(
        model, context=None, output=None, supports=frozenset(), price_in=None, price_out=None, retires=None, replacement=None
    )  # fmt: skip
    if record is None:
        base = Given(successor, model.base_model.spot) if model.base_model else None
        return replace(kept, upstream=Given(successor, model.upstream.spot), base_model=base)
    return replace(
        kept,
        provider=record.provider,
        upstream=Given(record.upstream.value, model.upstream.spot),
        base_model=record.base_model,
        context=record.context,
        output=record.output,
        supports=record.supports,
        price_in=record.price_in,
        price_out=record.price_out,
    )


def _breaks(platform: Platform, ground: Ground, model: Model, moved: Model) -> Iterator[str]:
    after = replace(platform, models=tuple(moved if each is model else each for each in platform.models))
    for find in _CHECKS:
        said = {(complaint.rule, complaint.spot) for complaint in find(platform, ground)}
        yield from (each.message for each in find(after, ground) if (each.rule, each.spot) not in said)
    for what, size in (("context", ground.context), ("output", ground.output)):
        has, gets = size(model), size(moved)
        if has is not None and gets is not None and gets < has:
            yield f"{what} {gets:,} after {has:,} tokens"
    for ability in ABILITIES:
        if ground.supports(model, ability) and ground.supports(moved, ability) is False:
            yield f"no {ability}"


def _price(ground: Ground, model: Model) -> Price | None:
    found = ground.price(model)
    return Price(*found) if found else None

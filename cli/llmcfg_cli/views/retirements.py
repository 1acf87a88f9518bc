"""Models that retire, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmcfg_cli.views.document import to_json
from llmcfg_cli.views.reach import scopes_text
from llmcfg_cli.views.text import Style, paint, plural, visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from llmcfg.llm.retirements import Price, Retirement


def view_retirements(
    found: Mapping[Retirement, Sequence[str]], as_of: str, within: int, output: str, *, colour: bool = False
) -> str:
    """`output` is text or json; each retirement comes with the scopes that it is in."""
    if output == "json":
        items = [_fields(retirement, scopes) for retirement, scopes in found.items()]
        return to_json("Retirements", {"asOf": as_of, "withinDays": within, "items": items})
    return "\n\n".join("\n".join(_lines(retirement, scopes, colour)) for retirement, scopes in found.items())


def _lines(retirement: Retirement, scopes: Sequence[str], colour: bool) -> Iterator[str]:
    is_over = retirement.days is None or retirement.days < 0
    when = paint(_when(retirement), Style.RED if is_over else Style.YELLOW, colour)
    who = ", ".join(visible(part) for part in (retirement.provider, retirement.upstream) if part)
    yield f"{paint(visible(retirement.model), Style.BOLD, colour)} ({who}): {when}"
    yield f"  in       {visible(scopes_text(scopes))}"
    yield f"  routes   {', '.join(map(visible, retirement.routes)) or 'none'}"
    yield f"  move to  {visible(retirement.successor) or 'another model: the catalogue has no successor'}"
    if retirement.successor:
        yield f"  price    {_price(retirement.price)} -> {_price(retirement.successor_price)}"
    yield from (f"  breaks   {visible(each)}" for each in retirement.breaks)


def _when(retirement: Retirement) -> str:
    if retirement.last_day is None or retirement.days is None:
        return "gone from the catalogue"
    if retirement.days < 0:
        return f"retired since {retirement.last_day}"
    return f"until {retirement.last_day}, {plural(retirement.days, 'day')} left"


def _price(price: Price | None) -> str:
    return "unknown" if price is None else f"{price.taken:g} in, {price.given:g} out"


def _fields(retirement: Retirement, scopes: Sequence[str]) -> dict[str, Any]:
    return {
        "model": retirement.model,
        "provider": retirement.provider,
        "upstream": retirement.upstream,
        "lastDay": retirement.last_day.isoformat() if retirement.last_day else None,
        "daysLeft": retirement.days,
        "scopes": list(scopes),
        "routes": list(retirement.routes),
        "successor": retirement.successor or None,
        "price": _price_fields(retirement.price),
        "successorPrice": _price_fields(retirement.successor_price),
        "breaks": list(retirement.breaks),
    }


def _price_fields(price: Price | None) -> dict[str, float] | None:
    return None if price is None else {"input_per_million": price.taken, "output_per_million": price.given}

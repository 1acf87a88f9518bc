"""What is looked at when two revisions are compared: limits and budgets that jump."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmcfg.llm.platform import Complaint

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llmcfg.llm.platform import Given, Platform

_TENFOLD: Final = 10


def find_jumps(before: Platform, after: Platform) -> Iterator[Complaint]:
    """LLM031 of everything that both have. Places are those of `after`."""
    old = _amounts(before)
    for what, given in _amounts(after).items():
        was = old[what].value if what in old else None
        if was is None or not _has_jumped(was, given.value):
            continue
        grew = given.value > was
        yield Complaint("LLM031", f"{what} {'grew' if grew else 'shrank'} from {was:g} to {given.value:g}", given.spot,
                        "look at the digits; if it is meant, say why in the pull request")  # fmt: skip


def _has_jumped(was: float, now: float) -> bool:
    low, high = sorted((abs(was), abs(now)))
    return high > low * _TENFOLD


def _amounts(platform: Platform) -> Mapping[str, Given[float] | Given[int]]:
    """Every limit and budget by what it is called."""
    found: dict[str, Given[float] | Given[int]] = {}
    for budget in platform.budgets:
        found[f"the budget of {budget.scope} {budget.name}".rstrip()] = budget.amount
    for name, rate in [*((p.name, p.rate) for p in platform.providers), *((m.name, m.rate) for m in platform.models)]:
        for unit in ("rpm", "tpm", "parallel"):
            limit = getattr(rate, unit)
            if limit is not None:
                found[f"{unit} of {name}"] = limit
    return found

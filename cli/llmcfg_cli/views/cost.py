"""Costs as text. Amounts are USD a month; what is unknown is said to be so, and why."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Any, Final

from llmcfg_cli.views.diff_markdown import code
from llmcfg_cli.views.document import to_json
from llmcfg_cli.views.reach import scopes_text
from llmcfg_cli.views.tables import table
from llmcfg_cli.views.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from llmcfg.llm.cost.scope import Line, ScopeCost
    from llmcfg.pipeline.costs import CostChange

_CENT: Final = Decimal("0.01")
_COLUMNS: Final = ("SCOPE", "PART", "NAME", "BY LIMITS", "BUDGET", "WORST CASE", "EXPECTED", "HELD BY")
_EXPECTED: Final = _COLUMNS.index("EXPECTED")
_CHANGES: Final = ("SCOPE", "PART", "NAME", "FIGURE", "BEFORE", "AFTER", "CHANGE")


def view_costs(
    costs: Mapping[str, ScopeCost],
    assumptions: Sequence[str],
    output: str,
    *,
    colour: bool = False,
    width: int | None = None,
) -> str:
    """`output` is table, md or json."""
    if output == "json":
        items = [_fields(scope, line) for scope, cost in costs.items() for line in cost.lines]
        unmatched = [{"scope": scope, "model": name} for scope, cost in costs.items() for name in cost.unmatched]
        payload = {
            "currency": "USD",
            "days": 30,
            "assumptions": list(assumptions),
            "unmatched": unmatched,
            "items": items,
        }
        return to_json("Cost", payload)
    rows = [_row(scope, line) for scope, cost in costs.items() for line in cost.lines]
    if all(not row[_EXPECTED] for row in rows):
        rows = [_without(row, _EXPECTED) for row in rows]
        return _drawn(_without(_COLUMNS, _EXPECTED), rows, output, colour, width)
    return _drawn(_COLUMNS, rows, output, colour, width)


def view_cost_changes(
    changes: Sequence[CostChange],
    assumptions: Sequence[str],
    output: str,
    *,
    colour: bool = False,
    width: int | None = None,
) -> str:
    """`output` is table, md or json. Empty for no changes, but for JSON."""
    if output == "json":
        items = [change_fields(change) for change in changes]
        return to_json("CostDiff", {"currency": "USD", "days": 30, "assumptions": list(assumptions), "items": items})
    return _drawn(_CHANGES, change_rows(changes), output, colour, width)


def cost_section(changes: Sequence[CostChange]) -> str:
    """What a difference says of costs in a pull request; empty where nothing changes."""
    if not changes:
        return ""
    return f"#### Cost, USD a month\n\n{view_cost_changes(changes, (), 'md')}"


def notes_of(costs: Mapping[str, ScopeCost]) -> Iterator[str]:
    """What the figures leave out."""
    for scope, cost in costs.items():
        missing = {name: None for line in cost.lines if line.expected for name in line.expected.unpriced}
        yield from (
            f"{scope}: the price of {visible(name)} is not known, and its usage is not counted" for name in missing
        )
        yield from (f"{scope}: usage names {visible(name)}, which is no model there" for name in cost.unmatched)


def _row(scope: str, line: Line) -> tuple[str, ...]:
    expected = line.expected
    at_least = "> " if expected and expected.unpriced else ""
    spent = f"{at_least}{_money(expected.usd, ROUND_HALF_EVEN)}" if expected else ""
    return (
        scope,
        line.part,
        line.name or "-",
        _amount(line.limits.usd),
        _amount(line.budget, "-"),
        _amount(line.worst.usd),
        spent,
        line.worst.by,
    )


def change_rows(changes: Sequence[CostChange]) -> list[tuple[str, ...]]:
    """A row for each figure that changes, once for all scopes in which it changes alike."""
    alike: dict[tuple[str, ...], dict[str, None]] = {}
    for change in changes:
        for figure, before, after in _figures(change):
            if before != after:
                row = (
                    change.line.part,
                    change.line.name or "-",
                    figure,
                    _side(before),
                    _side(after),
                    _difference(before, after),
                )
                alike.setdefault(row, {})[change.scope] = None
    return [(scopes_text(tuple(scopes)), *row) for row, scopes in alike.items()]


def _difference(before: Decimal | str, after: Decimal | str) -> str:
    if not isinstance(before, Decimal) or not isinstance(after, Decimal):
        return ""
    return f"{'+' if after >= before else '-'}{_money(abs(after - before))}"


def _figures(change: CostChange) -> Iterator[tuple[str, Decimal | str, Decimal | str]]:
    """Each figure on both sides: an amount, `unknown`, or empty where a side has none."""
    sides = [_named(line) for line in (change.before, change.after)]
    return ((name, sides[0].get(name, ""), sides[1].get(name, "")) for name in dict.fromkeys([*sides[0], *sides[1]]))


def _named(line: Line | None) -> dict[str, Decimal | str]:
    if line is None:
        return {}
    found: dict[str, Decimal | str] = {
        "by limits": "unknown" if line.limits.usd is None else line.limits.usd,
        "worst case": "unknown" if line.worst.usd is None else line.worst.usd,
    }
    if line.budget is not None:
        found["budget"] = line.budget
    if line.expected is not None:
        found["expected"] = line.expected.usd
    return found


def _side(figure: Decimal | str) -> str:
    return _money(figure) if isinstance(figure, Decimal) else figure or "-"


def _amount(amount: Decimal | None, otherwise: str = "unknown") -> str:
    return otherwise if amount is None else _money(amount)


def _money(amount: Decimal, rounding: str = ROUND_CEILING) -> str:
    return f"{amount.quantize(_CENT, rounding):,}"


def _without(cells: Sequence[str], at: int) -> tuple[str, ...]:
    return (*cells[:at], *cells[at + 1 :])


def _drawn(headings: Sequence[str], rows: Sequence[Sequence[str]], output: str, colour: bool, width: int | None) -> str:
    if output != "md":
        return table(headings, rows, colour=colour, width=width)
    if not rows:
        return ""
    named = headings.index("NAME")
    lines = [
        [code(cell) if at == named and cell != "-" else _plain(cell) for at, cell in enumerate(row)] for row in rows
    ]
    return "\n".join(map(_cells, [[*map(str.lower, headings)], ["---"] * len(headings), *lines]))


def _cells(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _plain(cell: str) -> str:
    return visible(cell).replace("|", "\\|").replace("<", "&lt;")


def _fields(scope: str, line: Line) -> dict[str, Any]:
    return {"scope": scope, "part": line.part, "name": line.name or None, **_amounts(line)}


def change_fields(change: CostChange) -> dict[str, Any]:
    """For programs."""
    sides = {
        name: _amounts(line) if line else None for name, line in (("before", change.before), ("after", change.after))
    }
    return {"scope": change.scope, "part": change.line.part, "name": change.line.name or None, **sides}


def _amounts(line: Line) -> dict[str, Any]:
    """Amounts as texts, so that no reader rounds them."""
    found: dict[str, Any] = {
        "byLimits": _exact(line.limits.usd),
        "worst": _exact(line.worst.usd),
        "heldBy": line.worst.by,
        "budget": _exact(line.budget),
    }
    if line.expected is not None:
        found["expected"] = _exact(line.expected.usd)
        found["unpriced"] = list(line.expected.unpriced)
    return found


def _exact(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount.normalize():f}"

"""How two environments differ, as text, Markdown and JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmcfg.model.change import ABSENT
from llmcfg.model.keypath import format_key_path
from llmcfg_cli.views.diff_markdown import VALUE_SHOWN, code
from llmcfg_cli.views.document import to_json
from llmcfg_cli.views.tables import table
from llmcfg_cli.views.text import plural, visible
from llmcfg_cli.views.values import inline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmcfg.model.impact import ValueChange
    from llmcfg.pipeline.parity import Parity

_CELL = 40
_NAMED = 4  # tenants


def view_parity(
    parity: Parity, one: str, other: str, output: str, *, colour: bool = False, width: int | None = None
) -> str:
    """`output` is table, md or json."""
    if output == "json":
        items = [_payload(value, one, other) for value in parity.values]
        return to_json("Parity", {"environments": [one, other], "declared": parity.declared, "items": items})
    if output == "md":
        return _markdown(parity, one, other)
    rows = [_row(parity, value, _CELL) for value in parity.values]
    drawn = table(("KEY", one.upper(), other.upper(), "TENANTS"), rows, colour=colour, width=width)
    return "\n\n".join(filter(None, (drawn, headline(parity, one, other))))


def headline(parity: Parity, one: str, other: str) -> str:
    keys = {format_key_path(value.change.path) for value in parity.values}
    declared = f", {parity.declared} more as declared" if parity.declared else ""
    return f"{visible(one)} and {visible(other)} differ in {plural(len(keys), 'key')}{declared}"


def _row(parity: Parity, value: ValueChange, limit: int) -> tuple[str, ...]:
    before, after = (inline(side, limit) or "-" for side in (value.change.before, value.change.after))
    return format_key_path(value.change.path), before, after, _tenants(value.scopes, parity.tenants)


def _tenants(having: Sequence[str], everybody: Sequence[str]) -> str:
    """Names as long as they are few, or those that are left out are."""
    having_it = frozenset(having)
    others = [name for name in everybody if name not in having_it]
    if len(everybody) > 1 and not others:
        return "all"
    if len(having) <= _NAMED:
        return ", ".join(having)
    return f"all but {', '.join(others)}" if len(others) <= _NAMED else f"{len(having):,} of {len(everybody):,}"


def _markdown(parity: Parity, one: str, other: str) -> str:
    lines = [f"**{headline(parity, one, other)}**"]
    if parity.values:
        lines += ["", f"| key | {code(one)} | {code(other)} | tenants |", "|---|---|---|---|"]
    for value in parity.values:
        lines.append(f"| {' | '.join(code(cell) for cell in _row(parity, value, VALUE_SHOWN))} |")
    return "\n".join(lines)


def _payload(value: ValueChange, one: str, other: str) -> dict[str, Any]:
    sides = {one: value.change.before, other: value.change.after}
    return {
        "key": format_key_path(value.change.path),
        "values": {name: side for name, side in sides.items() if side is not ABSENT},
        "tenants": list(value.scopes),
    }

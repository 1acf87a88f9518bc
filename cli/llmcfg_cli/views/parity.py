"""How two environments differ, as text, Markdown and JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmcfg.model.change import ABSENT
from llmcfg.model.keypath import format_key_path
from llmcfg.model.target import SHARED
from llmcfg_cli.views.diff_markdown import VALUE_SHOWN, code
from llmcfg_cli.views.document import to_json
from llmcfg_cli.views.tables import table
from llmcfg_cli.views.text import plural, visible
from llmcfg_cli.views.values import inline

if TYPE_CHECKING:
    from llmcfg.pipeline.parity import Disparity, Parity

_CELL = 40


def view_parity(
    parity: Parity, one: str, other: str, output: str, *, colour: bool = False, width: int | None = None
) -> str:
    """`output` is table, md or json."""
    if output == "json":
        items = [_payload(disparity, one, other) for disparity in parity.disparities]
        return to_json("Parity", {"environments": [one, other], "declared": parity.declared, "items": items})
    if output == "md":
        return _markdown(parity, one, other)
    rows = [_row(parity, disparity, _CELL) for disparity in parity.disparities]
    drawn = table(("KEY", one.upper(), other.upper(), "TENANTS"), rows, colour=colour, width=width)
    return "\n\n".join(filter(None, (drawn, headline(parity, one, other))))


def headline(parity: Parity, one: str, other: str) -> str:
    keys = {format_key_path(disparity.change.path) for disparity in parity.disparities}
    declared = f", {parity.declared} more as declared" if parity.declared else ""
    return f"{visible(one)} and {visible(other)} differ in {plural(len(keys), 'key')}{declared}"


def _row(parity: Parity, disparity: Disparity, limit: int) -> tuple[str, ...]:
    before, after = (inline(side, limit) or "-" for side in (disparity.change.before, disparity.change.after))
    return format_key_path(disparity.change.path), before, after, _tenants(parity, disparity)


def _tenants(parity: Parity, disparity: Disparity) -> str:
    if len(parity.tenants) > 1 and disparity.tenants == parity.tenants:
        return "all"
    return ", ".join(tenant or SHARED for tenant in disparity.tenants)


def _markdown(parity: Parity, one: str, other: str) -> str:
    lines = [f"**{headline(parity, one, other)}**"]
    if parity.disparities:
        lines += ["", f"| key | {code(one)} | {code(other)} | tenants |", "|---|---|---|---|"]
    for disparity in parity.disparities:
        lines.append(f"| {' | '.join(code(cell) for cell in _row(parity, disparity, VALUE_SHOWN))} |")
    return "\n".join(lines)


def _payload(disparity: Disparity, one: str, other: str) -> dict[str, Any]:
    sides = {one: disparity.change.before, other: disparity.change.after}
    return {
        "key": format_key_path(disparity.change.path),
        "values": {name: side for name, side in sides.items() if side is not ABSENT},
        "tenants": [tenant or SHARED for tenant in disparity.tenants],
    }

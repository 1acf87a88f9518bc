"""A plan as text; in Markdown, names and paths are code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmcfg_cli.views.diff import view_diff
from llmcfg_cli.views.diff_markdown import code
from llmcfg_cli.views.text import plural, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from llmcfg.sync.act import RollbackPlan
    from llmcfg.sync.deliveries import Delivery
    from llmcfg.sync.plan import Plan


def view_plan(plan: Plan, output: str, *, colour: bool = False, width: int | None = None) -> str:
    protected = [plan.environment] if plan.protected else []
    before = plan.expected.source[:10] if plan.expected else "nothing deployed"
    show = code if output == "md" else visible
    now = f"{plan.revision.short} ({show(plan.revision.name)})"
    lines = [f"{plan.environment}: {f'{before} -> {now}' if before != plan.revision.short else f'stays at {now}'}", ""]
    if plan.quarantined:
        lines += [f"{plan.revision.short} is quarantined: it was rolled back", ""]
    if plan.damage:
        lines += [f"what is deployed is damaged and will be written anew: {show(plan.damage)}", ""]
    if plan.expected is None:
        lines.append(f"first deployment: {plural(plan.bundles, 'bundle')}")
    elif plan.moves_ref:
        shown = view_diff(plan.difference, output, protected, colour=colour, width=width)
        lines.append(shown.rstrip() or f"no change in content ({plural(plan.bundles, 'bundle')})")
    else:
        lines.append(f"no change: what is deployed has the same content ({plural(plan.bundles, 'bundle')})")
    if plan.to_seal:
        lines.append(f"to be sealed: the secrets of {plural(len(plan.to_seal), 'bundle')}, which needs a key")
    if plan.signers:
        lines.append(f"to be signed: {plural(plan.bundles, 'bundle')}, by {', '.join(plan.signers)}")
    return "\n".join([*lines, *_delivery_lines(plan.deliveries, show)])


def view_rollback(plan: RollbackPlan, *, colour: bool = False, width: int | None = None) -> str:
    current, target = plan.current.source[:10], plan.target.source[:10]
    names = [plan.environment] if plan.protected else []
    return "\n".join(
        [
            f"{plan.environment}: {current} -> {target}, deployed {plan.target.when:%Y-%m-%d %H:%M}",
            "",
            view_diff(plan.difference, "table", names, colour=colour, width=width) or "no change in content",
            *_delivery_lines(plan.deliveries, visible),
        ]
    )


def _delivery_lines(deliveries: Sequence[Delivery], show: Callable[[str], str]) -> list[str]:
    waiting = [delivery_text(delivery, show) for delivery in deliveries if delivery.state != "current"]
    return ["", *waiting] if waiting else []


def delivery_text(delivery: Delivery, show: Callable[[str], str] = visible) -> str:
    if delivery.state == "empty":
        return f"{show(delivery.sink.name)}: nothing there yet, will be written"
    shown = ", ".join(delivery.differing[:3]) + (", …" if len(delivery.differing) > 3 else "")
    return f"{show(delivery.sink.name)}: {plural(len(delivery.differing), 'file')} to write ({show(shown)})"

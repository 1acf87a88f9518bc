"""`llmcfg cost`: what a platform may cost in a month, and what it is expected to cost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from llmcfg.errors import UsageError
from llmcfg_cli.console import has_colour, note, out, table_width
from llmcfg_cli.declared import option
from llmcfg_cli.given import read_given
from llmcfg_cli.options import OUTPUT, At, Directory, Environments, Quiet, Tenants

if TYPE_CHECKING:
    from llmcfg.llm.cost.usage import Usage


def cost(
    directory: Directory = Path(),
    environments: Environments = None,
    tenants: Tenants = None,
    at: At = None,
    difference: Annotated[
        str | None,
        option("--diff", metavar="A..B", help="Show what changes from A to B; B may be left out for the work tree.",
                     show_default=False),
    ] = None,
    usage: Annotated[
        Path | None,
        option("--usage", metavar="FILE", help="Tokens that were used, for the expected cost.", exists=True, dir_okay=False,
                     show_default=False),
    ] = None,
    output: Annotated[Literal["table", "md", "json"], OUTPUT] = "table",
    quiet: Quiet = False,
) -> None:  # fmt: skip
    """Show the most that each scope, service and model can cost in a month, in USD, by budgets, limits and prices.

    With a usage file also what it is expected to cost. What has no price or no limit is named, and never counts as nothing.
    """
    from llmcfg.clock import now
    from llmcfg.llm.cost.scope import ASSUMPTIONS
    from llmcfg.pipeline.costs import cost_changes, costs_of
    from llmcfg.pipeline.llmviews import choose_scopes
    from llmcfg_cli.settings import reading
    from llmcfg_cli.views.cost import notes_of, view_cost_changes, view_costs

    if difference is not None and at is not None:
        raise UsageError("--diff names both revisions", hint="leave out --at")
    usages = _usages(usage) if usage is not None else None
    revisions = [at] if difference is None else _sides(difference)
    with reading(directory, "adding up", quiet=quiet) as workspace:
        found = [
            costs_of(side, choose_scopes(side, environments or (), tenants or ()), now().date(), usages)
            for side in map(workspace.configuration, revisions)
        ]
    if difference is None:
        out(view_costs(found[0], ASSUMPTIONS, output, colour=has_colour(), width=table_width()))
    else:
        changes = cost_changes(*found)
        if not changes and output != "json":
            note("costs do not change", quiet=quiet)
            return
        out(view_cost_changes(changes, ASSUMPTIONS, output, colour=has_colour(), width=table_width()))
    if output != "json":
        note("\n".join([*notes_of(found[-1]), *(f"assumed: {each}" for each in ASSUMPTIONS)]), quiet=quiet)


def _sides(difference: str) -> list[str | None]:
    before, dots, after = difference.partition("..")
    if not dots:
        raise UsageError(
            f"{difference!r} names no two revisions", hint="write --diff main..HEAD, or main.. for the work tree"
        )
    return [before or "HEAD", after or None]


def _usages(file: Path) -> tuple[Usage, ...]:
    from llmcfg.llm.cost.usage import read_usage

    return read_usage(read_given(file, "it is YAML or JSON of kind Usage: docs/spec/cost.md"), str(file))

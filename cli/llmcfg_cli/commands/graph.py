"""`llmcfg graph`: which models answer, who answers instead, and what is lost on the way."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from llmcfg_cli.console import has_colour, out
from llmcfg_cli.declared import argument
from llmcfg_cli.options import OUTPUT, AsOf, At, Directory, Environment, Tenant


def graph(
    route: Annotated[
        str | None,
        argument(metavar="[ROUTE]", help="Only this route and what it leads to.", show_default=False),
    ] = None,
    directory: Directory = Path(),
    environment: Environment = None,
    tenant: Tenant = None,
    at: At = None,
    as_of: AsOf = None,
    output: Annotated[Literal["text", "json", "mermaid", "svg"], OUTPUT] = "text",
) -> None:
    """Draw routes, the models that answer them, fallbacks, and the services and prompts that use them.

    Marked are names that nothing has, cycles, fallbacks that fail together with the first model, take less or lack an ability, models
    outside of the allowed region, and those that retire. Without -e it is the first protected environment, or the first.
    """
    from llmcfg.clock import now
    from llmcfg.pipeline.llmviews import graph_of, usual_scope
    from llmcfg_cli.settings import reading
    from llmcfg_cli.views.graph import view_graph

    with reading(directory, "following routes") as workspace:
        configuration = workspace.configuration(at)
        scope = usual_scope(configuration, environment, tenant)
        found = graph_of(configuration, scope, (as_of or now()).date(), route)
    title = str(scope) if route is None else f"{scope} {route}"
    out(view_graph(found, title, output, colour=has_colour()))

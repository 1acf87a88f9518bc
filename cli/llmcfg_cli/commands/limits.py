"""`llmcfg limits`: what input is held to."""

from __future__ import annotations

from typing import Annotated, Literal

from llmcfg import limits as budgets
from llmcfg_cli.console import out
from llmcfg_cli.options import OUTPUT
from llmcfg_cli.views.document import to_json
from llmcfg_cli.views.tables import table


def limits(output: Annotated[Literal["table", "json"], OUTPUT] = "table") -> None:
    """List the limits that input is held to."""
    found = {name.lower(): value for name, value in vars(budgets).items() if name.isupper()}
    if output == "json":
        out(to_json("Limits", found))
    else:
        out(table(("LIMIT", "VALUE"), [(name, f"{value:,}") for name, value in found.items()]))

"""`llmcfg rules`: the rules that findings name."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from llmcfg.errors import NotFoundError
from llmcfg.model.rules import RULES, Rule
from llmcfg.model.suggest import did_you_mean
from llmcfg_cli.console import out, width
from llmcfg_cli.options import OUTPUT
from llmcfg_cli.views.document import to_json
from llmcfg_cli.views.tables import table


def rules(
    rule: Annotated[str | None, typer.Argument(metavar="[RULE]", help="Explain this rule.", show_default=False)] = None,
    output: Annotated[Literal["table", "json"], OUTPUT] = "table",
) -> None:
    """List the rules that findings name, or explain one."""
    if rule is not None and rule not in RULES:
        raise NotFoundError(f"no rule is called {rule!r}", hint=did_you_mean(rule, RULES, "'llmcfg rules' lists them"))
    chosen = [RULES[rule]] if rule else [*RULES.values()]
    if output == "json":
        out(to_json("Rules", {"items": [_as_mapping(item) for item in chosen]}))
    elif rule:
        out(f"{rule} ({RULES[rule].severity}): {RULES[rule].title}\n{RULES[rule].why}")
    else:
        rows = [(item.id, str(item.severity), item.title) for item in chosen]
        out(table(("RULE", "SEVERITY", "MEANING"), rows, width=width()))


def _as_mapping(rule: Rule) -> dict[str, str]:
    return {"id": rule.id, "severity": str(rule.severity), "title": rule.title, "why": rule.why}

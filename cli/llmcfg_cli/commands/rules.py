"""`llmcfg rules`: the rules that findings name."""

from __future__ import annotations

import textwrap
from typing import Annotated, Final, Literal

from llmcfg.errors import NotFoundError
from llmcfg.model.llmrules import LLM_RULES
from llmcfg.model.rules import RULES, Rule
from llmcfg.model.suggest import did_you_mean
from llmcfg_cli.console import out, width
from llmcfg_cli.declared import argument
from llmcfg_cli.options import OUTPUT
from llmcfg_cli.views.document import to_json
from llmcfg_cli.views.tables import table

_LLM: Final = frozenset(rule.id for rule in LLM_RULES)


def rules(
    rule: Annotated[str | None, argument(metavar="[RULE]", help="Explain this rule.", show_default=False)] = None,
    output: Annotated[Literal["table", "json"], OUTPUT] = "table",
) -> None:
    """List the rules that findings name, or explain one."""
    if rule is not None and rule not in RULES:
        raise NotFoundError(f"no rule is called {rule!r}", hint=did_you_mean(rule, RULES, "'llmcfg rules' lists them"))
    chosen = [RULES[rule]] if rule else [*RULES.values()]
    if output == "json":
        out(to_json("Rules", {"items": [_as_mapping(item) for item in chosen]}))
    elif rule:
        out(_explained(RULES[rule]))
    else:
        rows = [(item.id, str(item.severity), item.title) for item in chosen]
        out(table(("RULE", "SEVERITY", "MEANING"), rows, width=width()))


def _explained(rule: Rule) -> str:
    head = f"{rule.id} ({_severity(rule)}): {rule.title}\n{rule.why}"
    if rule.id not in _LLM:
        return head
    from llmcfg.llm.explained import explain

    explained = explain(rule.id)
    text = "\n".join(textwrap.wrap(explained.text, width()))
    return f"{head}\n\n{text}\n\nA finding:\n\n{_indented(explained.bad)}\n\nNone:\n\n{_indented(explained.good)}"


def _severity(rule: Rule) -> str:
    return f"{rule.severity}, {rule.protected} in protected environments" if rule.protected else str(rule.severity)


def _indented(text: str) -> str:
    return textwrap.indent(text.rstrip(), "  ")


def _as_mapping(rule: Rule) -> dict[str, str]:
    protected = {"protected": str(rule.protected)} if rule.protected else {}
    return {"id": rule.id, "severity": str(rule.severity), **protected, "title": rule.title, "why": rule.why}

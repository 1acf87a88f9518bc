"""The records beside models and routes: budgets, guardrails, MCP servers, and services that are gateways."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmcfg.llm.platform import Budget, Gateway, Guardrail, McpServer
from llmcfg.llm.reading import Node, waiting_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_SCOPES: Final = {
    "tenants": "tenant",
    "providers": "provider",
    "services": "service",
    "models": "model",
    "teams": "team",
    "keys": "key",
}


def read_budgets(node: Node) -> Iterator[Budget]:
    """`tenant: {amount}`, `providers: {openai: {amount}}`, and single records with `scope` and `amount`."""
    default = str(node.fields.get("period") or "")
    amount = node.number("amount")
    if amount is not None:
        scope, _, name = str(node.fields.get("scope") or "tenant").partition(":")
        yield Budget(scope, name or str(node.fields.get("name") or ""), amount, default, _on_exceed(node))
    whole = node.at("tenant")
    amount = whole.number("amount")
    if amount is not None:
        yield Budget("tenant", "", amount, str(whole.fields.get("period") or default), _on_exceed(whole))
    for group, scope in _SCOPES.items():
        for name, item in node.at(group).items():
            amount = item.number("amount")
            if amount is not None:
                yield Budget(scope, name, amount, str(item.fields.get("period") or default), _on_exceed(item))


def _on_exceed(node: Node) -> str:
    return str(node.fields.get("on_exceed") or "")


def read_guardrails(node: Node) -> Iterator[Guardrail]:
    """`rules: [{name, kind}]` with `always_on: [name]`, or one record a document."""
    always = {found.value for found in node.each_text("always_on")}
    for item in node.at("rules").each():
        name = item.text("name", "id")
        if name is not None:
            yield Guardrail(name.value, item.spot, str(item.fields.get("kind") or ""), name.value in always)
    if "rules" not in node and "kind" in node:
        own = str(node.fields.get("id") or node.spot.document.rsplit("/", 1)[-1])
        yield Guardrail(own, node.spot, str(node.fields["kind"]), node.flag("always_on", False))


def read_mcp_server(node: Node) -> McpServer:
    return McpServer(
        name=node.spot.document.rsplit("/", 1)[-1],
        spot=node.spot,
        command=node.text("command"),
        args=node.texts("args"),
        url=node.text("url"),
        env=node.at("env").given_fields(),
        headers=node.at("headers").given_fields(),
        allowed_tools=node.texts("allowed_tools"),
    )


def read_gateway(node: Node) -> Gateway | None:
    """A service that lets callers in by a master key, or from origins."""
    if "master_key" not in node and "allowed_origins" not in node:
        return None
    level = node.text("log_level")
    return Gateway(
        name=node.spot.document.rsplit("/", 1)[-1],
        spot=node.spot,
        master_key=node.given("master_key")
        if "master_key" in node
        else node.given("client_key", "api_key", "authentication"),
        origins=node.texts("allowed_origins", "cors_origins"),
        verbose=level if level is not None and level.value.lower() in ("debug", "trace") else node.given("debug"),
        logs_prompts=node.given("log_prompts"),
        waiting=waiting_of(node.at("timeouts"), Node({"max": node.fields.get("retries")}, node.spot)),
    )

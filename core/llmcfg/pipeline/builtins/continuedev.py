"""config.yaml of Continue, schema v1: the routes of the gateway as models, and the MCP servers.

Secrets become ${{ secrets.NAME }}, which Continue fills in, unless the output is opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmcfg.pipeline.builtins.inputs import map_secrets, without_nulls
from llmcfg.pipeline.builtins.mcp import servers_of

if TYPE_CHECKING:
    from llmcfg.model.value import Value
    from llmcfg.pipeline.builtins.inputs import Inputs
    from llmcfg.pipeline.builtins.record import Record


def write(inputs: Inputs) -> str:
    settings = inputs.settings
    document: dict[str, Value] = {
        "name": settings.text("title", inputs.consumer),
        "version": settings.text("version", "1.0.0"),
        "schema": "v1",
        "models": [_model(settings, route) for route in settings.texts("routes")],
        "mcpServers": [_server(name, server) for name, server in servers_of(inputs).items()],
    }
    if not document["models"]:
        settings.need("routes", "it lists the models that people may choose")
    if not inputs.opened:
        document = {key: map_secrets(value, "${{{{ secrets.{} }}}}".format, key) for key, value in document.items()}
    return inputs.yaml({key: value for key, value in document.items() if value})


def _model(settings: Record, route: str) -> Value:
    """A gateway speaks OpenAI's protocol, whatever answers behind it."""
    options = without_nulls(
        {"maxTokens": settings.fields.get("max_tokens"), "temperature": settings.fields.get("temperature")}
    )
    return without_nulls({
        "name": route,
        "provider": "openai",
        "model": route,
        "apiBase": settings.text("base_url") or settings.need("gateway_url"),
        "apiKey": settings.fields.get("api_key"),
        "roles": list(settings.texts("roles")) or ["chat", "edit", "apply"],
        "defaultCompletionOptions": options or None,
    })  # fmt: skip


def _server(name: str, server: Record) -> Value:
    if "url" in server:
        kind = "sse" if server.text("transport") == "sse" else "streamable-http"
        options = {"headers": server.fields["headers"]} if "headers" in server else None
        return without_nulls({"name": name, "type": kind, "url": server.need("url"), "requestOptions": options})
    return without_nulls({
        "name": name,
        "command": server.need("command", "a server is reached by a command or a url"),
        "args": list(server.texts("args")),
        "env": server.fields.get("env"),
    })  # fmt: skip

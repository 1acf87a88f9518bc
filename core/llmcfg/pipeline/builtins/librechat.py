"""librechat.yaml: one endpoint for the gateway with the routes that people may choose, and the MCP servers.

LibreChat ignores keys that it does not know, so only those of its schema are written. Secrets become ${NAME}, which it reads from its
environment, unless the output is opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmcfg.pipeline.builtins.inputs import map_secrets, without_nulls
from llmcfg.pipeline.builtins.mcp import servers_of

if TYPE_CHECKING:
    from llmcfg.model.value import Value
    from llmcfg.pipeline.builtins.inputs import Inputs
    from llmcfg.pipeline.builtins.record import Record

VERSION: Final = "1.2.8"
"""The version of the schema that is written."""


def write(inputs: Inputs) -> str:
    settings = inputs.settings
    welcome = settings.text("welcome") or None
    uploads = settings.record("file_uploads")
    limits = without_nulls(
        {"fileLimit": uploads.fields.get("per_message"), "fileSizeLimit": uploads.fields.get("max_megabytes")}
    )
    servers: dict[str, Value] = {name: _server(server) for name, server in servers_of(inputs).items()}
    domains: list[Value] = [*settings.texts("allowed_domains")]
    document: dict[str, Value] = {
        "version": VERSION,
        "cache": True,
        "interface": without_nulls({"customWelcome": welcome, "modelSelect": True, "parameters": False}),
        "registration": {"allowedDomains": domains} if domains else None,
        "endpoints": {"custom": [_endpoint(settings)]},
        "fileConfig": {"endpoints": {"default": limits}} if limits else None,
        "mcpServers": servers or None,
    }
    written = without_nulls(document)
    if not inputs.opened:
        written = {key: map_secrets(value, "${{{}}}".format, key) for key, value in written.items()}
    return inputs.yaml(written)


def _endpoint(settings: Record) -> Value:
    title = settings.text("title", "Gateway")
    routes: list[Value] = [*settings.texts("routes")] or [
        settings.need("routes", "it lists the models that people may choose")
    ]
    return {
        "name": title,
        "apiKey": settings.need("api_key", "LibreChat leaves out an endpoint without a key"),
        "baseURL": settings.text("base_url") or settings.need("gateway_url"),
        "models": {"default": routes, "fetch": False},
        "titleConvo": True,
        "titleModel": routes[0],
        "modelDisplayLabel": title,
    }


def _server(server: Record) -> Value:
    timeout = server.number("timeout_seconds")
    milliseconds = int(timeout * 1000) if timeout else None
    if "url" in server:
        kind = "sse" if server.text("transport") == "sse" else "streamable-http"
        reached = {"type": kind, "url": server.need("url"), "headers": server.fields.get("headers")}
    else:
        reached = {
            "type": "stdio",
            "command": server.need("command", "a server is reached by a command or a url"),
            "args": list(server.texts("args")),
            "env": server.fields.get("env"),
        }
    return without_nulls({**reached, "timeout": milliseconds})

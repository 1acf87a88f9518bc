"""MCP servers in the three dialects of their clients, from the records under `mcp`.

Claude Code reads `.mcp.json` and fills in ${VARIABLES}; Visual Studio Code reads `.vscode/mcp.json` and asks for passwords; Claude Desktop
reads `claude_desktop_config.json`, fills in nothing, and starts servers by command only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmcfg.model.suggest import did_you_mean
from llmcfg.pipeline.builtins.inputs import as_json, map_secrets, secrets_within, without_nulls
from llmcfg.pipeline.builtins.record import RecordError

if TYPE_CHECKING:
    from llmcfg.model.value import Value
    from llmcfg.pipeline.builtins.inputs import Inputs
    from llmcfg.pipeline.builtins.record import Record


def write_claude_code(inputs: Inputs) -> str:
    servers: Value = {name: _server(server) for name, server in servers_of(inputs).items()}
    return as_json({"mcpServers": servers if inputs.opened else map_secrets(servers, "${{{}}}".format, "mcpServers")})


def write_vscode(inputs: Inputs) -> str:
    servers: Value = {name: _server(server, stdio="stdio") for name, server in servers_of(inputs).items()}
    if inputs.opened:
        return as_json({"servers": servers})
    asked = {str(map_secrets("{{secret:" + use + "}}", _input_id, use)): use for use in secrets_within(servers)}
    inputs_asked: list[Value] = [
        {"type": "promptString", "id": id, "description": use, "password": True} for id, use in sorted(asked.items())
    ]
    named = map_secrets(servers, lambda variable: "${input:" + _input_id(variable) + "}", "servers")
    return as_json({"inputs": inputs_asked, "servers": named} if asked else {"servers": named})


def write_claude_desktop(inputs: Inputs) -> str:
    servers: dict[str, Value] = {}
    for name, server in servers_of(inputs).items():
        if "url" in server:
            raise RecordError(f"{server.at('url')}: Claude Desktop starts servers by command, and reads no URL here",
                              hint=f"leave it out: list the others in {inputs.settings.at('mcp_servers')}")  # fmt: skip
        servers[name] = _server(server)
    if not inputs.opened and any(secrets_within(servers)):
        raise RecordError("Claude Desktop takes values as they stand, and this output would hold references",
                          hint="set `opened: true` on the output")  # fmt: skip
    return as_json({"mcpServers": servers})


def servers_of(inputs: Inputs) -> dict[str, Record]:
    """The servers that the consumer's settings list as `mcp_servers`; all that it selects where they list none."""
    known = dict(inputs.config.record("mcp").named())
    wanted = inputs.settings.texts("mcp_servers") or tuple(known)
    for name in wanted:
        if name not in known:
            raise RecordError(f"{inputs.settings.at('mcp_servers')} names the MCP server {name!r}, which is not there",
                              hint=did_you_mean(name, known, "select it too: mcp"))  # fmt: skip
    return {name: known[name] for name in wanted}


def _server(server: Record, stdio: str | None = None) -> Value:
    if "url" in server:
        kind = "sse" if server.text("transport") == "sse" else "http"
        return without_nulls({"type": kind, "url": server.need("url"), "headers": server.fields.get("headers")})
    return without_nulls({
        "type": stdio,
        "command": server.need("command", "a server is reached by a command or a url"),
        "args": list(server.texts("args")),
        "env": server.fields.get("env") or None,
    })  # fmt: skip


def _input_id(variable: str) -> str:
    return variable.lower().replace("_", "-")

"""Files in which MCP clients look for servers: `mcpServers` of Claude Code, Claude Desktop, Cursor and others, `servers` of VS Code."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from llmcfg.llm.formats.slips import find_slips
from llmcfg.llm.platform import Given, McpServer, Platform, Reference, Spot
from llmcfg.llm.reading import Node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.llm.foreign import ForeignFile

KEYS: Final = frozenset(
    {"type", "command", "args", "env", "envFile", "cwd", "url", "headers", "timeout", "disabled", "description"}
)
"""What clients read of a server."""
_SECTIONS: Final = ("mcpServers", "servers")
_INPUT: Final = re.compile(r"\$\{input:([^}]+)\}")


def is_mcp(value: Any) -> bool:
    """Whether a file is one of an MCP client: all servers of its mapping say what is run or called."""
    if not isinstance(value, dict):
        return False
    found = [value[key] for key in _SECTIONS if isinstance(value.get(key), dict)]
    servers = [server for section in found for server in section.values()]
    return (
        bool(servers or "mcpServers" in value)
        and bool(found)
        and all(isinstance(server, dict) and server.keys() & {"command", "url", "type"} for server in servers)
    )


def read_mcp(file: ForeignFile) -> Platform:
    root = Node(file.value, Spot(file.name))
    nodes = [(name, item) for key in _SECTIONS for name, item in root.at(key).items()]
    inputs = {found.value for item in root.at("inputs").each() if (found := item.text("id"))}
    return Platform(
        mcp_servers=tuple(read_server(name, node) for name, node in nodes),
        references=tuple(
            Reference("input", used, f"of {name}")
            for name, node in nodes if "servers" in root for used in _inputs(node)
        ),
        names={"input": frozenset(inputs)},
        flaws=(*file.flaws, *(slip for _, node in nodes for slip in find_slips(node, KEYS, "an MCP client"))),
    )  # fmt: skip


def read_server(name: str, node: Node) -> McpServer:
    """Clients ask people which tools may be used, so that none have to be listed."""
    return McpServer(
        name,
        node.spot,
        command=node.text("command"),
        args=node.texts("args"),
        url=node.text("url"),
        env=node.at("env").given_fields(),
        headers=node.at("headers").given_fields(),
        needs_allowed_tools=False,
    )


def _inputs(node: Node) -> Iterator[Given[str]]:
    if isinstance(node.value, str):
        yield from (Given(match[1], node.spot) for match in _INPUT.finditer(node.value))
    for inner in (*node.each(), *(item for _, item in node.items())):
        yield from _inputs(inner)

"""The MCP servers of `.mcp.json`, `.vscode/mcp.json` or `claude_desktop_config.json` as a repository that renders the file again.

`${NAME}` and `${input:name}` become references to secrets where the name is one of a credential. So does a value that stands in the
clear under such a name: it is not carried over, and has to be given anew.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from llmcfg.documents.writer import write_yaml
from llmcfg.importers.environment import is_credential
from llmcfg.importers.imported import Imported, label, manifest_text, secret_file
from llmcfg.model.findings import Problem, finding_from
from llmcfg.model.reference import secret_reference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.model.value import Value

_VARIABLE: Final = re.compile(r"\$\{(?:env:|input:)?([A-Za-z_][A-Za-z0-9_-]*)\}")
_INPUT: Final = re.compile(r"\$\{input:")
_SCHEME: Final = re.compile(r"(?:(Bearer|Basic|token) )?(.+)", re.DOTALL)
_KNOWN: Final = frozenset({"type", "command", "args", "env", "url", "headers"})
_SECRET_HEADERS: Final = frozenset({"authorization", "proxy-authorization", "cookie"})


class _Dialect(NamedTuple):
    key: str
    builtin: str
    path: str
    is_opened: bool = False


_CLAUDE_CODE: Final = _Dialect("mcpServers", "builtin:mcp-claude-code", "mcp.json")
_CLAUDE_DESKTOP: Final = _Dialect("mcpServers", "builtin:mcp-claude-desktop", "claude_desktop_config.json", True)
_VSCODE: Final = _Dialect("servers", "builtin:mcp-vscode", "mcp.json")


def import_mcp(content: bytes, *, name: str, file: str) -> Imported:
    """The repository for a file with MCP servers; `file` is where findings say they are, and its name tells Claude Desktop's."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        return _refused(error, file)
    dialect = _dialect(document, file)
    if dialect is None:
        return _refused(None, file)
    reader = _Reader()
    records = {label(key, "server"): reader.record(key, server) for key, server in document[dialect.key].items()}
    if len(records) < len(document[dialect.key]):
        return _refused(None, file, "two servers have names that become the same file name: rename one")
    others = [f"{key} is not carried over" for key in document if key not in (dialect.key, "inputs")]
    findings = tuple(
        finding_from(Problem("import-left-out", said, hint="see docs/consumers/mcp.md"), file, "")
        for said in [*others, *reader.left_out]
    )
    secrets = tuple(sorted(reader.secrets))
    return Imported(dict(_files(name, dialect, records, secrets)), findings, secrets, (), tuple(document))


def _refused(error: Exception | None, file: str, said: str = "") -> Imported:
    line, column = (error.lineno, error.colno) if isinstance(error, json.JSONDecodeError) else (1, 1)
    message = said or (
        f"it is not JSON: {error}" if error else "it has no mapping `mcpServers` or `servers` of servers"
    )
    problem = Problem("import-section", message, line, column, hint="name the file that an MCP client reads")
    return Imported({}, (finding_from(problem, file, ""),), (), ())


def _dialect(document: Any, file: str) -> _Dialect | None:
    if not isinstance(document, dict):
        return None
    for dialect in (_CLAUDE_DESKTOP if "claude_desktop" in file else _CLAUDE_CODE, _VSCODE):
        servers = document.get(dialect.key)
        if isinstance(servers, dict) and servers and all(isinstance(server, dict) for server in servers.values()):
            return dialect
    return None


class _Reader:
    """Makes records, and remembers the secrets that they refer to and the keys that they do not hold."""

    def __init__(self) -> None:
        self.secrets: set[str] = set()
        self.left_out: list[str] = []

    def record(self, name: str, server: dict[str, Any]) -> dict[str, Value]:
        self.left_out += [f"{name}.{key} is not carried over" for key in server if key not in _KNOWN]
        kind = server.get("type", "http" if "url" in server else "stdio")
        record: dict[str, Value] = {"transport": kind}
        for key in ("command", "args", "url"):
            if key in server:
                record[key] = self._value(server[key])
        for key in ("env", "headers"):
            fields = server.get(key)
            if isinstance(fields, dict) and fields:
                record[key] = {field: self._field(name, field, value) for field, value in fields.items()}
        return record

    def _value(self, value: Any) -> Value:
        if isinstance(value, list):
            return [self._value(item) for item in value]
        return _VARIABLE.sub(self._reference, value) if isinstance(value, str) else value

    def _field(self, server: str, field: str, value: Any) -> Value:
        """A value in the clear under a credential's name is left behind."""
        is_secret = is_credential(field.replace("-", "_")) or field.lower() in _SECRET_HEADERS
        if not isinstance(value, str) or not value or not is_secret or _VARIABLE.search(value):
            return self._value(value)
        scheme = _SCHEME.fullmatch(value)
        secret = re.sub(r"[^a-z0-9]+", "_", f"{server}_{field}".lower()).strip("_")
        self.secrets.add(secret)
        return f"{scheme[1]} {secret_reference(secret)}" if scheme and scheme[1] else secret_reference(secret)

    def _reference(self, match: re.Match[str]) -> str:
        if not is_credential(match[1].replace("-", "_")) and not _INPUT.match(match[0]):
            return match[0]
        secret = match[1].lower().replace("-", "_")
        self.secrets.add(secret)
        return secret_reference(secret)


def _files(
    name: str, dialect: _Dialect, records: dict[str, dict[str, Value]], secrets: tuple[str, ...]
) -> Iterator[tuple[str, bytes]]:
    output: dict[str, Value] = {"path": dialect.path, "template": dialect.builtin}
    if dialect.is_opened:
        output["opened"] = True
    consumer: dict[str, Value] = {
        "apiVersion": "llmcfg.dev/v1",
        "kind": "Consumer",
        "description": "An MCP client",
        "select": ["mcp"],
        "outputs": [output],
    }
    yield "llmcfg.yaml", manifest_text(name, "mcp").encode()
    yield "consumers/mcp-client.yaml", write_yaml(consumer).encode()
    for server, record in sorted(records.items()):
        yield f"base/mcp/{server}.yaml", write_yaml(dict(record)).encode()
    if secrets:
        yield "base/secrets/mcp.yaml", secret_file(secrets).encode()

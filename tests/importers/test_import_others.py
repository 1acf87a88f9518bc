"""`import mcp` and `import env`: repositories that render the same files again, and hold no value of a secret."""

from __future__ import annotations

import json

import pytest

from importers.rendering import render
from llmcfg.importers.env import import_env
from llmcfg.importers.mcp import import_mcp
from llmcfg.secrets.envfile import parse_env

STDIO = {
    "command": "npx",
    "args": ["-y", "server@1.2.3", "${HOME}/x"],
    "env": {"GITHUB_TOKEN": "${GITHUB_TOKEN}", "MODE": "ro"},
}
HTTP = {"type": "http", "url": "https://mcp.example/mcp", "headers": {"Authorization": "Bearer ${SHIPMENTS_TOKEN}"}}
CLEAR = "ghp_0123456789abcdefghijABCDEFGHIJ012345"


def mcp(document, file=".mcp.json"):
    return import_mcp(json.dumps(document, indent="\t").encode(), name="tools", file=file)


def rendered(imported, path):
    rendering = render(imported.files)
    assert {error.rule_id for error in rendering.errors} <= {"secret-empty", "consumer-opened"}, rendering.errors
    return rendering.files["prod"][f"files/{path}"].decode()


@pytest.mark.parametrize("servers", [{"github": STDIO}, {"github": STDIO, "shipments": HTTP}])
def test_servers_of_claude_code_come_back_as_they_were(servers):
    imported = mcp({"mcpServers": servers})
    assert imported.findings == ()
    assert json.loads(rendered(imported, "mcp.json")) == {"mcpServers": servers}


def test_inputs_of_visual_studio_code_become_secrets_and_come_back():
    server = {"type": "stdio", "command": "npx", "args": [], "env": {"TOKEN": "${input:github-token}"}}
    inputs = [{"type": "promptString", "id": "github-token", "description": "github_token", "password": True}]
    imported = mcp({"inputs": inputs, "servers": {"github": server}})
    assert imported.secrets == ("github_token",)
    assert json.loads(rendered(imported, "mcp.json")) == {"inputs": inputs, "servers": {"github": server}}


@pytest.mark.parametrize(
    "fields", [{"env": {"GITHUB_TOKEN": CLEAR}}, {"headers": {"Authorization": f"Bearer {CLEAR}"}}]
)
def test_a_key_in_the_clear_is_left_behind(fields):
    imported = mcp({"mcpServers": {"github": {"command": "npx", "args": [], **fields}}}, "claude_desktop_config.json")
    assert len(imported.secrets) == 1
    assert not any(CLEAR.encode() in content for content in imported.files.values())
    assert imported.secrets[0] in imported.files["base/mcp/github.yaml"].decode()


def test_what_no_record_holds_is_named():
    imported = mcp({"mcpServers": {"github": {**STDIO, "disabled": True}}, "theme": "dark"})
    assert [finding.message for finding in imported.findings] == [
        "theme is not carried over",
        "github.disabled is not carried over",
    ]


@pytest.mark.parametrize(
    "content", [b"{", b"[]", b'{"mcpServers": {}}', b'{"mcpServers": {"a": 1}}', b"\xff", b"[" * 100_000]
)
def test_other_files_are_refused_with_one_finding(content):
    imported = import_mcp(content, name="x", file="x.json")
    assert imported.files == {}
    assert [finding.rule_id for finding in imported.findings] == ["import-section"]


def test_servers_that_would_be_one_file_are_refused():
    imported = mcp({"mcpServers": {"a b": STDIO, "a-b": STDIO}})
    assert imported.files == {}
    assert "rename one" in imported.findings[0].message


def test_an_env_file_comes_back_with_references_for_its_secrets():
    text = "# ours\nexport APP_MODE='it is \"on\" $HOME'\nPORT=8080\nOPENAI_API_KEY=sk-not-for-the-repository\nEMPTY=\n"
    imported = import_env(text.encode(), name="app", file=".env")

    assert imported.secrets == ("openai_api_key",)
    assert not any(b"sk-not" in content for content in imported.files.values())
    variables = {each.name: each.value for each in parse_env(rendered(imported, "app.env")).variables}
    assert variables == {
        "APP_MODE": 'it is "on" $HOME',
        "PORT": "8080",
        "OPENAI_API_KEY": "{{secret:openai_api_key}}",
        "EMPTY": "",
    }


@pytest.mark.parametrize("content", [b"", b"no line of it\n", b"A={{secret:x}}\n", b"A='open\n"])
def test_env_files_that_cannot_be_carried_are_refused_without_their_values(content):
    imported = import_env(content, name="app", file=".env")
    assert imported.files == {}
    assert imported.findings

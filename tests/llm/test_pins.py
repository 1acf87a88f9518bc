"""Packages of MCP servers that are run in whichever version is newest, and how they are pinned."""

from __future__ import annotations

import pytest

from llmcfg.llm.rules.pins import find_loose

COMMIT = "0123abc" * 5


@pytest.mark.parametrize(
    ("line", "package", "pinned"),
    [
        ("npx -y pkg", "pkg", "pkg@1.2.3"),
        ("npx -y pkg@latest", "pkg@latest", "pkg@1.2.3"),
        ("/usr/bin/npx -y @scope/pkg@next --flag", "@scope/pkg@next", "@scope/pkg@1.2.3"),
        ("npx --package=@scope/pkg bin", "@scope/pkg", "@scope/pkg@1.2.3"),
        ("npx -y github:owner/repo", "github:owner/repo", "github:owner/repo#<commit>"),
        ("npx owner/repo#main", "owner/repo#main", "owner/repo#<commit>"),
        ("bunx pkg", "pkg", "pkg@1.2.3"),
        ("uvx pkg@latest", "pkg@latest", "pkg==1.2.3"),
        ("uvx -p 3.12 pkg", "pkg", "pkg==1.2.3"),
        ("uvx --from git+https://host/a/b tool", "git+https://host/a/b", "git+https://host/a/b@<commit>"),
        ("uvx --from=git+https://host/a/b@main tool", "git+https://host/a/b@main", "git+https://host/a/b@<commit>"),
        ("uvx --with other pkg[cli]>=1", "pkg[cli]>=1", "pkg[cli]==1.2.3"),
        ("pipx run --spec pkg tool", "pkg", "pkg==1.2.3"),
        ("docker run -i --rm -p 8080:80 -e KEY img", "img", "img@sha256:…"),
        ("docker run host:5000/a/img:latest", "host:5000/a/img:latest", "host:5000/a/img@sha256:…"),
        ("docker run host:5000/a/img --port 1", "host:5000/a/img", "host:5000/a/img@sha256:…"),
    ],
)
def test_what_is_not_pinned_is_named_with_how_it_would_be(line, package, pinned):
    command, *args = line.split()
    assert find_loose(command, args) == (package, pinned)


@pytest.mark.parametrize(
    "line",
    [
        "npx -y pkg@1.0.2",
        "npx -y @scope/pkg@2025.1.1 --flag value",
        f"npx github:owner/repo#{COMMIT}",
        "npx owner/repo#v1.2.0",
        "npx ./server.js",
        "npx",
        "uvx pkg==1.0",
        f"uvx --from git+https://host/a/b@{COMMIT} tool",
        "docker run -i img:1.4",
        f"podman run img@sha256:{'a' * 64}",
        "docker exec -i container tool",
        "docker mcp gateway run",
        "docker compose run web",
        "pipx list",
        "node server.js",
        "npx ${PACKAGE}",
    ],
)
def test_what_is_pinned_local_or_no_package_is_left_alone(line):
    command, *args = line.split()
    assert find_loose(command, args) is None

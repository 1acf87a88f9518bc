"""Rules about what guards requests: guardrails, and the servers whose tools agents may use."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from llmcfg.llm.platform import Complaint
from llmcfg.llm.rules.ground import Check, is_reference
from llmcfg.llm.vendors import host_of, is_internal
from llmcfg.model.severity import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.llm.platform import McpServer, Platform
    from llmcfg.llm.rules.ground import Ground

_RUNNERS: Final = {"npx": "@", "bunx": "@", "pnpx": "@", "uvx": "==", "pipx": "==", "docker": ":", "podman": ":"}
_PINNED: Final = {
    "@": re.compile(r"(@[^/@]+/)?[^@]+@v?\d+(\.\d+)*[\w.+-]*"),
    "==": re.compile(r"[^@=]+(==|@)v?\d[\w.+-]*|git\+\S+@[0-9a-f]{7,40}"),
    ":": re.compile(r".+@sha256:[0-9a-f]{64}|.+:v?\d[\w.-]*"),
}
_WORDS: Final = frozenset({"run", "exec", "dlx", "--rm", "-i", "-y", "--yes", "-q", "--quiet", "--init"})
_TAKES_VALUE: Final = frozenset(
    {"-e", "--env", "-v", "--volume", "--mount", "--network", "--name", "--env-file", "--from", "-p", "--package"}
)


def find_unguarded(platform: Platform, _ground: Ground) -> Iterator[Complaint]:
    """Routes of records that name no guardrail while the platform has some that are not on everywhere."""
    if (
        not platform.setting.environment
        or not platform.guardrails
        or any(rule.is_always_on for rule in platform.guardrails)
    ):
        return
    for route in platform.routes:
        if route.guardrails is None and route.spot.document.startswith("routes"):
            yield Complaint("LLM039", f"{route.name} names no guardrail, and none is always on", route.spot,
                            "write guardrails: […], or [] where none is meant")  # fmt: skip


def find_loose_servers(platform: Platform, _ground: Ground) -> Iterator[Complaint]:
    for server in platform.mcp_servers:
        yield from _unpinned(server)
        if server.url is not None and server.url.value.startswith("http://") and not is_reference(server.url.value):
            host = host_of(server.url.value)
            yield Complaint("LLM040", f"{server.name} is reached without encryption", server.url.spot, "write https://",
                            Severity.NOTE if is_internal(host) else None)  # fmt: skip
        if server.allowed_tools is None and server.needs_allowed_tools:
            yield Complaint(
                "LLM040",
                f"{server.name} offers agents every tool that it has",
                server.spot,
                "list allowed_tools",
                Severity.NOTE,
            )


def _unpinned(server: McpServer) -> Iterator[Complaint]:
    runner = server.command.value.rsplit("/", 1)[-1] if server.command else ""
    if server.args is None or runner not in _RUNNERS:
        return
    package = _package(server.args.value)
    if package and not is_reference(package) and not _PINNED[_RUNNERS[runner]].fullmatch(package):
        example = {"@": f"{package}@1.2.3", "==": f"{package}==1.2.3", ":": f"{package}@sha256:…"}[_RUNNERS[runner]]
        yield Complaint(
            "LLM040",
            f"{server.name} runs whatever version of {package} is newest",
            server.args.spot,
            f"pin it: {example}",
        )


def _package(args: tuple[str, ...]) -> str:
    """The first argument that is no option; what `--from` or `--package` names comes first."""
    for flag in ("--from", "-p", "--package"):
        if flag in args[:-1]:
            return args[args.index(flag) + 1]
    skip = False
    for arg in args:
        if skip:
            skip = False
        elif arg in _TAKES_VALUE:
            skip = True
        elif arg not in _WORDS and not arg.startswith("-"):
            return arg
    return ""


CHECKS: Final = (Check("LLM039", find_unguarded), Check("LLM040", find_loose_servers))

"""Rules about what guards requests: guardrails, and the servers whose tools agents may use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmcfg.llm.platform import Complaint
from llmcfg.llm.rules.ground import Check, is_reference
from llmcfg.llm.rules.pins import find_loose
from llmcfg.llm.vendors import host_of, is_internal
from llmcfg.model.severity import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.llm.platform import McpServer, Platform
    from llmcfg.llm.rules.ground import Ground


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
    loose = find_loose(server.command.value, server.args.value) if server.command and server.args else None
    if loose is not None and server.args is not None:
        message = f"{server.name} runs whatever version of {loose.package} is newest"
        yield Complaint("LLM040", message, server.args.spot, f"pin it: {loose.pinned}")


CHECKS: Final = (
    Check("LLM039", find_unguarded, frozenset({"guardrails", "routes"})),
    Check("LLM040", find_loose_servers),
)

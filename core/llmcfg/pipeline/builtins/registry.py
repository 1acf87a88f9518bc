"""The built-in renderers by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmcfg.pipeline.builtins import (
    clients,
    collector,
    continuedev,
    envoy,
    librechat,
    litellm,
    mcp,
    nemo,
    portkey,
    promptfoo,
    vllm,
)
from llmcfg.pipeline.builtins.inputs import Inputs
from llmcfg.pipeline.builtins.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

BUILTINS: Final[Mapping[str, Callable[[Inputs], str]]] = {
    "builtin:litellm": litellm.write_config,
    "builtin:litellm-env": litellm.write_environment,
    "builtin:openai-env": clients.write_openai,
    "builtin:anthropic-env": clients.write_anthropic,
    "builtin:azure-openai-env": clients.write_azure,
    "builtin:librechat": librechat.write,
    "builtin:mcp-claude-code": mcp.write_claude_code,
    "builtin:mcp-vscode": mcp.write_vscode,
    "builtin:mcp-claude-desktop": mcp.write_claude_desktop,
    "builtin:continue": continuedev.write,
    "builtin:nemo-guardrails": nemo.write,
    "builtin:promptfoo": promptfoo.write,
    "builtin:vllm": vllm.write_config,
    "builtin:vllm-env": vllm.write_environment,
    "builtin:portkey": portkey.write,
    "builtin:envoy-ai-gateway": envoy.write_objects,
    "builtin:envoy-ai-gateway-secrets": envoy.write_secrets,
    "builtin:otel-collector": collector.write,
}


def write_builtin(name: str, context: Mapping[str, Any], *, opened: bool) -> str:
    """The text that a built-in renderer makes of what a template sees. Raises RecordError."""
    config = Record((), context["config"])
    return BUILTINS[name](Inputs(config, context["environment"], context["tenant"], context["consumer"], opened))

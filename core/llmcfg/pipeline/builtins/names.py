"""The built-in renderers: their names, and the file that each writes. The code of each is loaded when it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

BUILTIN: Final = "builtin:"
BUILTIN_NAMES: Final[Mapping[str, str]] = {
    "builtin:litellm": "config.yaml of the LiteLLM proxy",
    "builtin:litellm-env": "the secrets of a LiteLLM config that is not opened",
    "builtin:openai-env": "an env file for OpenAI clients",
    "builtin:anthropic-env": "an env file for Anthropic clients",
    "builtin:azure-openai-env": "an env file for Azure OpenAI clients",
    "builtin:librechat": "librechat.yaml",
    "builtin:mcp-claude-code": ".mcp.json of Claude Code",
    "builtin:mcp-vscode": ".vscode/mcp.json of Visual Studio Code",
    "builtin:mcp-claude-desktop": "claude_desktop_config.json",
    "builtin:continue": "config.yaml of Continue",
    "builtin:nemo-guardrails": "config.yml of a NeMo Guardrails folder",
    "builtin:promptfoo": "promptfooconfig.yaml",
    "builtin:vllm": "the file for vllm serve --config",
    "builtin:vllm-env": "the key of a vLLM server",
    "builtin:portkey": "the JSON config of the Portkey gateway for one route",
    "builtin:envoy-ai-gateway": "objects of Envoy AI Gateway",
    "builtin:envoy-ai-gateway-secrets": "the Secrets that they name",
    "builtin:otel-collector": "config.yaml of the OpenTelemetry collector",
}


def is_builtin(template: str) -> bool:
    return template in BUILTIN_NAMES

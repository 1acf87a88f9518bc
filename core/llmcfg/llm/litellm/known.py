"""The keys that LiteLLM reads, and the providers that it routes to: known.json, derived from its source (MIT)."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

SECTIONS: Final = ("litellm_settings", "router_settings", "general_settings")
TYPES: Final = {
    "azure": "azure_openai",
    "azure_text": "azure_openai",
    "vertex_ai": "vertex",
    "vertex_ai_beta": "vertex",
    "together_ai": "together",
    "ollama_chat": "ollama",
    "cohere_chat": "cohere",
    "bedrock_converse": "bedrock",
    "hosted_vllm": "openai_compatible",
    "openai_like": "openai_compatible",
    "custom_openai": "openai_compatible",
    "lm_studio": "openai_compatible",
    "text-completion-openai": "openai",
    "anthropic_text": "anthropic",
}
"""Our provider types for LiteLLM's prefixes, where they differ."""


@cache
def known(group: str) -> frozenset[str]:
    """The names of a group: `top`, one of SECTIONS, or `providers`."""
    return frozenset(_groups()[group])


@cache
def _groups() -> Mapping[str, list[str]]:
    groups: Mapping[str, list[str]] = json.loads(Path(__file__).with_name("known.json").read_text(encoding="utf-8"))
    return groups

"""Parameters of requests, under the names that JavaScript programs and vendors give them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from llmcfg.llm.platform import Given
    from llmcfg.llm.reading import Node

_NAMES: Final = {
    "temperature": "temperature", "top_p": "top_p", "topP": "top_p", "top_k": "top_k", "topK": "top_k",
    "max_tokens": "max_tokens", "maxTokens": "max_tokens", "maxOutputTokens": "max_tokens",
    "max_completion_tokens": "max_completion_tokens",
    "presence_penalty": "presence_penalty", "frequency_penalty": "frequency_penalty", "reasoning_effort": "reasoning_effort",
    "seed": "seed", "stop": "stop",
}  # fmt: skip


def read_parameters(node: Node) -> dict[str, Given[Any]]:
    """Those that are given, by the names that rules know them by."""
    return {ours: found for theirs, ours in _NAMES.items() if (found := node.given(theirs))}

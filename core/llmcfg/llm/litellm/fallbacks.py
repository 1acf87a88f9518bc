"""LiteLLM's fallbacks: lists of `{name: [others]}` in two sections, by kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmcfg.llm.platform import Fallback, Given

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llmcfg.llm.platform import FallbackKind
    from llmcfg.llm.reading import Node

_KINDS: Final[dict[str, FallbackKind]] = {
    "fallbacks": "on_error",
    "context_window_fallbacks": "on_context",
    "content_policy_fallbacks": "on_policy",
}


def read_fallbacks(sections: Iterable[Node]) -> Iterator[tuple[Given[str], tuple[Fallback, ...]]]:
    """Whose fallbacks they are, and the edges. `*` stands for everybody, as do default_fallbacks."""
    for section in sections:
        for key, kind in _KINDS.items():
            node = section.at(key)
            groups = node.each() if isinstance(node.value, list) else iter([node])
            for group in groups:
                for name, targets in group.items():
                    edges = tuple(Fallback(kind, found) for found in _names(targets))
                    yield Given(name, targets.spot), edges
        edges = tuple(Fallback("on_error", found) for found in _names(section.at("default_fallbacks")))
        if edges:
            yield Given("*", section.spot.at("default_fallbacks")), edges


def _names(node: Node) -> Iterator[Given[str]]:
    """A target is a name, or a mapping with parameters of its own."""
    if isinstance(node.value, str):
        yield Given(node.value, node.spot)
    for item in node.each():
        if isinstance(item.value, str):
            yield Given(item.value, item.spot)
        elif (model := item.text("model")) is not None:
            yield model

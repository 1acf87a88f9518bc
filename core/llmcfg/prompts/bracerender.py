"""Fills a Mustache or Handlebars tree. Nothing is escaped: a prompt is no HTML. What is not there is an error, except as a condition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from llmcfg.model.scalartext import scalar_text
from llmcfg.model.value import kind_of
from llmcfg.prompts.braces import LOOP_NAMES, Section, Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from llmcfg.prompts.braces import Node, Output, Path

_MISSING: Final = object()


class FillError(Exception):
    """A value is missing, or has no text of its own."""


def fill_braces(nodes: Iterable[Node], values: Mapping[str, Any], *, is_handlebars: bool) -> Iterator[str]:
    """The pieces of the text. Raises FillError."""
    return _Filling(is_handlebars).fill(nodes, [values], {})


class _Filling:
    def __init__(self, is_handlebars: bool) -> None:
        self._is_handlebars = is_handlebars

    def fill(self, nodes: Iterable[Node], contexts: list[Any], loop: Mapping[str, Any]) -> Iterator[str]:
        for node in nodes:
            if isinstance(node, Text):
                yield node.text
            elif isinstance(node, Section):
                yield from self._section(node, contexts, loop)
            else:
                yield _text_of(self._look_up(node.path, contexts, loop), node)

    def _section(self, node: Section, contexts: list[Any], loop: Mapping[str, Any]) -> Iterator[str]:
        value = self._look_up(node.path, contexts, loop)
        holds = value is not _MISSING and bool(value)
        match node.kind:
            case "inverted" | "unless":
                yield from self.fill(node.otherwise if holds else node.body, contexts, loop)
            case _ if not holds:
                yield from self.fill(node.otherwise, contexts, loop)
            case "if":
                yield from self.fill(node.body, contexts, loop)
            case "with":
                yield from self.fill(node.body, [*contexts, value], loop)
            case "each" | "section":
                yield from self._items(node, value, contexts, loop)

    def _items(self, node: Section, value: Any, contexts: list[Any], loop: Mapping[str, Any]) -> Iterator[str]:
        if node.kind == "section" and not isinstance(value, list):
            yield from self.fill(node.body, [*contexts, value], loop)
            return
        items = value.items() if isinstance(value, dict) else enumerate(value)
        last = len(value) - 1
        for index, (key, item) in enumerate(items):
            own = {"@index": index, "@key": key, "@first": index == 0, "@last": index == last}
            yield from self.fill(node.body, [*contexts, item], own)

    def _look_up(self, path: Path, contexts: list[Any], loop: Mapping[str, Any]) -> Any:
        if path.names and path.names[0] in LOOP_NAMES:
            return loop.get(path.names[0], _MISSING)
        if not path.names:
            return contexts[-1 - path.up] if path.up < len(contexts) else _MISSING
        if not self._is_handlebars:
            around = reversed(contexts)
        else:
            around = iter([contexts[-1 - path.up]] if path.up < len(contexts) else [])
        value: Any = next((context for context in around if isinstance(context, dict) and path.names[0] in context), {})
        for name in path.names:
            value = value.get(name, _MISSING) if isinstance(value, dict) else _MISSING
        return value


def _text_of(value: Any, node: Output) -> str:
    if value is _MISSING:
        raise FillError(f"{node.written} has no value")
    if isinstance(value, dict | list):
        raise FillError(f"{node.written} is a {kind_of(value)} and has no text of its own")
    return "" if value is None else scalar_text(value)

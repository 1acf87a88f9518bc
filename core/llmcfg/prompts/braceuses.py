"""Which variables a Mustache or Handlebars tree takes from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmcfg.prompts.braces import LOOP_NAMES, BracesError, Output, Section, parse_braces
from llmcfg.prompts.syntax import Use

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from llmcfg.prompts.braces import Node, Path
    from llmcfg.prompts.syntax import Parsed

_OPENING = ("list", "object")
"""Types of variables whose own names a section brings into sight."""


def parse_mustache(text: str, types: Mapping[str, str]) -> Parsed:
    try:
        nodes = parse_braces(text, is_handlebars=False)
    except BracesError as error:
        return error.fault
    return tuple(_mustache(nodes, types, is_inside=False))


def parse_handlebars(text: str, _types: Mapping[str, str]) -> Parsed:
    try:
        nodes = parse_braces(text, is_handlebars=True)
    except BracesError as error:
        return error.fault
    return tuple(_handlebars(nodes, 0))


def _mustache(nodes: Iterable[Node], types: Mapping[str, str], *, is_inside: bool) -> Iterator[Use]:
    """Inside an object or a list, a name that is no declared variable is one of its own."""
    for node in nodes:
        if isinstance(node, Output | Section):
            name = node.path.names[0] if node.path.names else ""
            if name and (name in types or not is_inside):
                yield Use(name, node.written)
            if isinstance(node, Section):
                opens = node.kind == "section" and types.get(name, "object") in _OPENING
                yield from _mustache(node.body, types, is_inside=is_inside or opens)


def _handlebars(nodes: Iterable[Node], depth: int) -> Iterator[Use]:
    """`depth` is how many contexts lie around; a name of the outermost one is a variable."""
    for node in nodes:
        if isinstance(node, Output | Section):
            name = _outer_name(node.path, depth)
            if name:
                yield Use(name, node.written)
            if isinstance(node, Section):
                yield from _handlebars(node.body, depth + (node.kind in ("each", "with")))
                yield from _handlebars(node.otherwise, depth)


def _outer_name(path: Path, depth: int) -> str:
    is_outer = path.names and path.up == depth and path.names[0] not in LOOP_NAMES
    return path.names[0] if is_outer else ""

"""The text of a message in Handlebars, whatever engine it was written for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmcfg.errors import UsageError
from llmcfg.prompts.braces import BracesError, Output, Section, Text, parse_braces

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from llmcfg.prompts.braces import Node, Path


def mustache_to_handlebars(text: str, types: Mapping[str, str]) -> str:
    """Sections become `#if`, `#each` or `#with` by the type of their variable. Raises UsageError for a text that is no template."""
    try:
        return _written(parse_braces(text, is_handlebars=False), types, 0)
    except BracesError as error:
        raise UsageError(error.fault.message, hint=error.fault.hint) from error


def _written(nodes: Iterable[Node], types: Mapping[str, str], depth: int) -> str:
    return "".join(_node(node, types, depth) for node in nodes)


def _node(node: Node, types: Mapping[str, str], depth: int) -> str:
    """`depth` is how many contexts lie around; a declared variable is in the outermost."""
    match node:
        case Text():
            return node.text
        case Output():
            return f"{{{{{_path(node.path, types, depth)}}}}}"
        case Section():
            block = _block(node, types)
            inner = _written(node.body, types, depth + (block in ("each", "with")))
            return f"{{{{#{block} {_path(node.path, types, depth)}}}}}{inner}{{{{/{block}}}}}"


def _block(node: Section, types: Mapping[str, str]) -> str:
    if node.kind == "inverted":
        return "unless"
    return {"list": "each", "object": "with"}.get(types.get(".".join(node.path.names), ""), "if")


def _path(path: Path, types: Mapping[str, str], depth: int) -> str:
    out = "../" * depth if path.names and path.names[0] in types else ""
    return out + (".".join(path.names) or "this")

"""Normalises the layout of a document; its values, its comments and their order stay.

What changes: white space at the ends of lines, more than one empty line in a row, empty lines at both ends of the file, a missing line
break at its end, and more than one space between a key or dash and a value in the same line. Text that spans lines is never touched, nor
is what stands in braces. The result is loaded again and must hold the same; a document that is not sound stays as it is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from msgspec import json
from yaml.events import ScalarEvent

from llmcfg.documents.loader import load_document
from llmcfg.documents.nodes import iterate_nodes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llmcfg.documents.nodes import Node
    from llmcfg.model.value import Path

_BOM: Final = b"\xef\xbb\xbf"
_GAP: Final = re.compile(r" {2,}\Z")


def normalise_layout(content: bytes) -> bytes:
    """`content` in normal layout."""
    mark = _BOM if content.startswith(_BOM) else b""
    before = load_document(content).document
    if before is None:
        return content
    text = content.removeprefix(mark).decode("utf-8")
    end = "\r\n" if text.count("\r\n") == text.count("\n") > 0 else "\n"
    laid = _laid_out(text.replace("\r\n", "\n") if end == "\r\n" else text)
    result = mark + laid.replace("\n", end).encode("utf-8", "surrogatepass")
    after = load_document(result).document
    is_same = after is not None and json.encode(after.value) == json.encode(before.value)
    return result if is_same else content


def _laid_out(text: str) -> str:
    spaced = _spaced(text)
    kept = {line for _, node in iterate_nodes(spaced) for line in _lines_of_text(spaced, node)}
    lines = [line if number in kept else line.rstrip(" \t") for number, line in enumerate(spaced.split("\n"))]
    wanted = [
        line
        for number, line in enumerate(lines)
        if line or number in kept or (number and (lines[number - 1] or number - 1 in kept) and any(lines[:number]))
    ]
    while wanted and not wanted[-1] and len(lines) - 1 not in kept:
        wanted.pop()
    return "\n".join(wanted) + "\n"


def _spaced(text: str) -> str:
    """With one space before each value that begins in the line of its key or dash."""
    nodes = dict(iterate_nodes(text))
    parts, at = [], 0
    for path in sorted(nodes, key=lambda path: nodes[path].start):
        start = nodes[path].start.offset
        gap = _GAP.search(text, at, start) if _may_move(nodes[path]) and not _is_in_braces(nodes, path) else None
        if gap is not None and text[gap.start() - 1 : gap.start()] in (":", "-"):
            parts += [text[at : gap.start()], " "]
            at = start
    return "".join([*parts, text[at:]])


def _may_move(node: Node) -> bool:
    """Whether no other line hangs on the column at which the value begins."""
    return node.end.line == node.start.line and (isinstance(node.event, ScalarEvent) or node.event.flow_style)


def _is_in_braces(nodes: Mapping[Path, Node], path: Path) -> bool:
    return any(getattr(nodes[path[:size]].event, "flow_style", False) for size in range(len(path)))


def _lines_of_text(text: str, node: Node) -> Iterator[int]:
    """The lines of a text that spans several, with the empty ones at its end where it keeps them."""
    if not isinstance(node.event, ScalarEvent) or node.start.line == node.end.line:
        return
    event: Any = node.event
    written = text[node.start.offset : node.end.offset]
    keeps = event.style in ("|", ">") and "+" in written.partition("\n")[0]
    yield from range(node.start.line, node.start.line + (written if keeps else written.rstrip()).count("\n") + 1)

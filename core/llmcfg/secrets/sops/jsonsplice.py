"""Changes in the text of a JSON file: by entries, on lines of their own where the others are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmcfg.secrets.sops.jsonstore import quoted, write_json_value
from llmcfg.secrets.sops.model import METADATA, Comment, Item, Mapping, Sequence, Span
from llmcfg.secrets.sops.splice import Splice, cannot_splice, key_span, real_entries, span_of

if TYPE_CHECKING:
    from collections.abc import Sequence as AnySequence

    from llmcfg.secrets.sops.model import Node


def insert(
    text: str, parent: Mapping | Sequence, step: str | int, node: Node, _comments: AnySequence[Comment] = ()
) -> Splice:
    """A new entry behind the last; before the metadata in a root that has nothing else. JSON has no comments."""
    if parent.span is None:
        raise cannot_splice()
    entries = real_entries(parent) if isinstance(parent, Mapping) else list(parent.nodes())
    if entries:
        at = span_of(entries[-1]).end
        pad = _space_before(text, _start(entries[-1]))
        entry = _entry(parent, step, node, pad.count("\t"))
        return Splice(Span(at, at), f",{pad or ' '}{entry}")
    metadata = next(parent.entries(), None) if isinstance(parent, Mapping) else None
    if metadata is not None and metadata.key == METADATA:
        at = key_span(metadata).start
        pad = _space_before(text, at)
        return Splice(Span(at, at), f"{_entry(parent, step, node, pad.count(chr(9)))},{pad or ' '}")
    outer = _line_indent(text, parent.span.start)
    pad = f"\n{outer}\t"
    depth = outer.count("\t") + 1
    return Splice(parent.span, _enclosed(parent, f"{pad}{_entry(parent, step, node, depth)}\n{outer}"))


def remove(_text: str, parent: Mapping | Sequence, position: int) -> Splice:
    """An entry with one comma and the space before it; what stands before the next entry stays, but behind the first."""
    entries = [item for item in parent.items if not isinstance(item, Comment)]
    at = next(number for number, item in enumerate(entries) if item is parent.items[position])
    if at:
        return Splice(Span(span_of(entries[at - 1]).end, span_of(entries[at]).end), "")
    if len(entries) > 1:
        return Splice(Span(_start(entries[0]), _start(entries[1])), "")
    if parent.span is None:
        raise cannot_splice()
    return Splice(parent.span, _enclosed(parent, ""))


def replace(text: str, parent: Mapping | Sequence, position: int, node: Node) -> Splice:
    span = span_of(parent.items[position])
    return Splice(span, write_json_value(node, _line_indent(text, span.start).count("\t")))


def _entry(parent: Mapping | Sequence, step: str | int, node: Node, depth: int) -> str:
    value = write_json_value(node, depth)
    return f"{quoted(str(step))}: {value}" if isinstance(parent, Mapping) else value


def _enclosed(parent: Mapping | Sequence, content: str) -> str:
    return f"{{{content}}}" if isinstance(parent, Mapping) else f"[{content}]"


def _start(item: Item | Node) -> int:
    return key_span(item).start if isinstance(item, Item) else span_of(item).start


def _space_before(text: str, at: int) -> str:
    """The white space between an entry and what stands before it."""
    before = text[:at]
    return before[len(before.rstrip(" \t\r\n")) :]


def _line_indent(text: str, at: int) -> str:
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line[: len(line) - len(line.lstrip(" \t"))]

"""Changes in the text of a YAML file: in blocks by whole lines, within braces and brackets by entries."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from llmcfg.errors import UsageError
from llmcfg.secrets.sops.model import Comment, Item, Leaf, Mapping, Null, Sequence, Span, text_of
from llmcfg.secrets.sops.splice import Splice, cannot_splice, key_span, real_entries, span_of, trimmed
from llmcfg.secrets.sops.yamlscalars import is_simple_key, quote_double, write_leaf, write_line
from llmcfg.secrets.sops.yamlwriter import write_block, write_elements

if TYPE_CHECKING:
    from collections.abc import Sequence as AnySequence

    from llmcfg.secrets.sops.model import Node

_NEEDS_QUOTES_IN_FLOW = re.compile(r"[,\[\]{}?:]|\A[!&*]")


def write_in_place(text: str, span: Span, leaf: Leaf | Null, *, in_flow: bool) -> str:
    """A scalar for a span that holds one. Raises UsageError where an anchor or an alias stands."""
    first = text[span.start : span.start + 1]
    if first in ("&", "*"):
        raise UsageError(
            "an anchor or alias stands where the value is to be changed", hint="write the value itself there"
        )
    written = _flow(leaf) if in_flow else _one_line(leaf)
    if isinstance(leaf, Leaf) and leaf.kind == "str" and written == text_of(leaf):
        if first == '"':
            written = f'"{written}"'
        elif first == "'" and "'" not in written:
            written = f"'{written}'"
    is_empty = span.start == span.end
    return f" {written}" if is_empty and not text[: span.start].endswith((" ", "\n")) else written


def insert(
    text: str, parent: Mapping | Sequence, step: str | int, node: Node, comments: AnySequence[Comment] = ()
) -> Splice:
    """A new last entry, behind the last line of the one before it. Between braces it has no comments."""
    if parent.is_flow:
        return _insert_in_flow(text, parent, step, node)
    if isinstance(parent, Mapping):
        entries = real_entries(parent)
        if not entries:
            return _insert_first(parent, Mapping([*comments, Item(str(step), node)]))
        entry = Mapping([*comments, Item(str(step), node)])
        block = write_block(entry, _column(text, key_span(entries[0]).start))
        last: Item | Node = entries[-1]
    else:
        if parent.span is None:
            raise cannot_splice()
        block = write_elements(Sequence([node]), _column(text, parent.span.start))
        last = list(parent.nodes())[-1]
    at = _line_end(text, entry_end(text, last))
    if at == len(text) and not text.endswith("\n"):
        return Splice(Span(at, at), "\n" + block.removesuffix("\n"))
    return Splice(Span(at, at), block)


def remove(text: str, parent: Mapping | Sequence, position: int) -> Splice:
    """The lines of an entry, with nothing of the comments around it."""
    if parent.is_flow:
        return _remove_in_flow(parent, position)
    item = parent.items[position]
    others = [other for other in parent.items if not isinstance(other, Comment) and other is not item]
    start = _start(text, item)
    if not others:
        if parent.span is None:
            raise cannot_splice()
        return Splice(Span(start, entry_end(text, item)), "{}" if isinstance(parent, Mapping) else "[]")
    line = text.rfind("\n", 0, start) + 1
    if text[line:start].strip(" "):
        following = next((other for other in parent.items[position + 1 :] if not isinstance(other, Comment)), None)
        if following is None:
            raise cannot_splice()
        return Splice(Span(start, _start(text, following)), "")
    return Splice(Span(line, _line_end(text, entry_end(text, item))), "")


def replace(text: str, parent: Mapping | Sequence, position: int, node: Node) -> Splice:
    """Another value of another shape under the same key."""
    item = parent.items[position]
    if parent.is_flow:
        span = span_of(item)
        return Splice(span, _flow(node))
    start = _start(text, item)
    indent = _column(text, start)
    if isinstance(parent, Mapping):
        if not isinstance(item, Item):
            raise cannot_splice()
        block = write_block(Mapping([Item(item.key, node)]), indent)
    else:
        block = write_elements(Sequence([node]), indent)
    return Splice(Span(start, entry_end(text, item)), block[indent:].removesuffix("\n"))


def entry_end(text: str, item: Item | Node | Comment) -> int:
    """Where the last scalar of an entry ends."""
    value = item.value if isinstance(item, Item) else item
    if isinstance(value, Mapping | Sequence) and not value.is_flow:
        last = next((entry for entry in reversed(value.items) if not isinstance(entry, Comment)), None)
        if last is not None:
            return entry_end(text, last)
    return trimmed(text, span_of(value)).end


def _insert_first(parent: Mapping, entry: Mapping) -> Splice:
    """Into a root that has nothing but metadata."""
    metadata = next(parent.entries(), None)
    if metadata is None or metadata.key_span is None:
        raise cannot_splice()
    at = metadata.key_span.start
    return Splice(Span(at, at), write_block(entry, 0))


def _insert_in_flow(text: str, parent: Mapping | Sequence, step: str | int, node: Node) -> Splice:
    if parent.span is None:
        raise cannot_splice()
    inside = parent.span.end - 1
    at = parent.span.start + len(text[parent.span.start : inside].rstrip())
    entry = f"{_flow_key(str(step))}: {_flow(node)}" if isinstance(parent, Mapping) else _flow(node)
    has_entries = any(not isinstance(item, Comment) for item in parent.items)
    if text[at - 1] == "," or any(isinstance(item, Comment) for item in parent.items):
        raise cannot_splice()
    return Splice(Span(at, at), f", {entry}" if has_entries else entry)


def _remove_in_flow(parent: Mapping | Sequence, position: int) -> Splice:
    entries = [item for item in parent.items if not isinstance(item, Comment)]
    at = next(number for number, item in enumerate(entries) if item is parent.items[position])
    start = _flow_start(entries[at])
    if at + 1 < len(entries):
        return Splice(Span(start, _flow_start(entries[at + 1])), "")
    if at:
        return Splice(Span(span_of(entries[at - 1]).end, span_of(entries[at]).end), "")
    return Splice(Span(start, span_of(entries[at]).end), "")


def _flow_start(item: Item | Node) -> int:
    return key_span(item).start if isinstance(item, Item) else span_of(item).start


def _start(text: str, item: Item | Node | Comment) -> int:
    """Where an entry of a block starts: its key, or the dash before it."""
    if isinstance(item, Item):
        return key_span(item).start
    dash = text.rfind("-", 0, span_of(item).start)
    if dash < 0 or text[dash + 1 : span_of(item).start].strip(" \n"):
        raise cannot_splice()
    return dash


def _line_end(text: str, at: int) -> int:
    """Behind the line break of the line that `at` is on."""
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1


def _column(text: str, at: int) -> int:
    return at - (text.rfind("\n", 0, at) + 1)


def _one_line(leaf: Leaf | Null) -> str:
    if isinstance(leaf, Null):
        return "null"
    return write_line(text_of(leaf)) if leaf.kind == "str" else write_leaf(leaf, 0, hinted=False)


def _flow(node: Node) -> str:
    if isinstance(node, Mapping):
        return "{" + ", ".join(f"{_flow_key(item.key)}: {_flow(item.value)}" for item in node.entries()) + "}"
    if isinstance(node, Sequence):
        return "[" + ", ".join(_flow(item) for item in node.nodes()) + "]"
    written = _one_line(node)
    if (
        isinstance(node, Leaf)
        and node.kind == "str"
        and written[:1] not in "\"'"
        and _NEEDS_QUOTES_IN_FLOW.search(written)
    ):
        return quote_double(text_of(node))
    return written


def _flow_key(key: str) -> str:
    written = write_line(key)
    return quote_double(key) if not is_simple_key(key) or _NEEDS_QUOTES_IN_FLOW.search(written) else written

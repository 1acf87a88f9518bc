"""Candidate edits of a document's text, each by one or two splices. None is checked here: the editor keeps the first that is exact."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from yaml.events import AliasEvent, MappingStartEvent, ScalarEvent

from llmcfg.documents.nodes import iterate_nodes
from llmcfg.documents.scalars import quoted
from llmcfg.documents.writer import block_lines, entry_lines, flow_text, format_scalar, literal_lines
from llmcfg.model.value import Tagged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.documents.nodes import Node
    from llmcfg.model.value import Path, Scalar, Value


class Source:
    """A text with the places of its values. `text` has no byte order mark."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.nodes = dict(iterate_nodes(text))
        self.line_end = "\r\n" if "\r\n" in text else "\n"

    def spliced(self, start: int, end: int, replacement: str) -> str:
        return self.text[:start] + replacement.replace("\n", self.line_end) + self.text[end:]

    def kept_end(self, node: Node) -> int:
        """Where the node ends, without the white space after block text."""
        return node.start.offset + len(self.text[node.start.offset : node.end.offset].rstrip())

    def introduction_end(self, node: Node) -> int | None:
        """The offset behind the colon or dash that introduces the value; None if more than white space follows it."""
        start = node.start.offset
        if node.key is not None:
            at = self.text.find(":", node.key.end_mark.index, start + 1) + 1
        else:
            at = self.text.rfind("-", 0, start) + 1
        return at if at and not self.text[at:start].strip() else None

    def is_in_block(self, path: Path) -> bool:
        return not any(self.nodes[path[:size]].event.flow_style for size in range(len(path)))

    def column_of_entry(self, path: Path) -> int:
        """The column (from 0) of the key or dash of the entry at `path`."""
        node = self.nodes[path]
        if node.key is not None:
            return int(node.key.start_mark.column)
        dash = self.text.rfind("-", 0, node.start.offset)
        return dash - self.line_start(dash)

    def line_start(self, offset: int) -> int:
        return self.text.rfind("\n", 0, offset) + 1

    def line_after(self, offset: int) -> int:
        """The offset of the line after the one that holds `offset`."""
        end = self.text.find("\n", offset)
        return len(self.text) if end < 0 else end + 1


def splices_for_value(source: Source, path: Path, value: Value) -> Iterator[str]:
    """Texts that may hold `value` at `path`, best kept layout first."""
    if path in source.nodes:
        yield from _replacements(source, path, value)
    else:
        yield from _insertions(source, path, value)


def splices_for_deletion(source: Source, path: Path) -> Iterator[str]:
    """Texts that may lack what is at `path`."""
    if path not in source.nodes:
        return
    node = source.nodes[path]
    siblings = [other for other in source.nodes if len(other) == len(path) and other[:-1] == path[:-1]]
    if not source.is_in_block(path):
        yield from _deletion_from_flow(source, path, sorted(siblings, key=lambda other: source.nodes[other].start))
        return
    start = _entry_start(source, node)
    end = source.kept_end(node)
    own_line = not source.text[source.line_start(start) : start].strip()
    if len(siblings) == 1:
        yield from _emptied(source, path, start, end)
    elif own_line:
        yield source.spliced(source.line_start(start), source.line_after(end), "")
    else:
        following = [other for other in siblings if source.nodes[other].start > node.start]
        if following:
            behind = min(_entry_start(source, source.nodes[other]) for other in following)
            if "#" not in source.text[end:behind]:
                yield source.spliced(start, behind, "")


def _deletion_from_flow(source: Source, path: Path, siblings: list[Path]) -> Iterator[str]:
    """With the comma behind it; the last one with the comma before it."""
    starts = [_flow_start(source.nodes[other]) for other in siblings]
    at = siblings.index(path)
    start, end = starts[at], source.nodes[path].end.offset
    if at + 1 < len(siblings):
        end = starts[at + 1]
    elif at:
        start = source.nodes[siblings[at - 1]].end.offset
    if "#" not in source.text[start:end]:
        yield source.spliced(start, end, "")


def _flow_start(node: Node) -> int:
    return node.start.offset if node.key is None else int(node.key.start_mark.index)


def _replacements(source: Source, path: Path, value: Value) -> Iterator[str]:
    node = source.nodes[path]
    start, end = node.start.offset, source.kept_end(node)
    if not isinstance(value, dict | list | Tagged):
        if isinstance(node.event, ScalarEvent):
            space = " " if start == end and source.text[start - 1 : start] in _INTRODUCTIONS else ""
            yield source.spliced(start, end, space + _in_style(node, value))
            yield source.spliced(start, end, space + format_scalar(value))
            yield source.spliced(start, node.end.offset, format_scalar(value) + "\n")
    elif path and (
        not source.is_in_block(path) or (getattr(node.event, "flow_style", False) and node.end.offset - start > 2)
    ):
        yield source.spliced(start, end, flow_text(value))
    if not path and isinstance(value, dict) and value:
        yield source.spliced(start, end, "\n".join(block_lines(value)))
    elif path and source.is_in_block(path):
        line = source.line_start(start)
        if isinstance(value, dict | list) and value and not source.text[line:start].strip():
            yield source.spliced(line, end, "\n".join(_indented(block_lines(value), node.start.column)))
        at = source.introduction_end(node)
        if at is not None:
            yield source.spliced(at, end, _entry(source, path, value))
            yield source.spliced(at, node.end.offset, _entry(source, path, value) + "\n")


def _insertions(source: Source, path: Path, value: Value) -> Iterator[str]:
    size = max(size for size in range(len(path)) if path[:size] in source.nodes)
    parent, step = path[:size], path[size]
    for later in reversed(path[size + 1 :]):
        value = [value] if isinstance(later, int) else {later: value}
    node = source.nodes[parent]
    children = [other for other in source.nodes if len(other) == size + 1 and other[:size] == parent]
    if isinstance(node.event, AliasEvent):
        return
    if not children:
        yield from _replacements(source, parent, [value] if isinstance(step, int) else {step: value})
        return
    if not source.is_in_block(children[0]):
        end = node.end.offset - 1
        entry = flow_text(value) if isinstance(step, int) else f"{format_scalar(step)}: {flow_text(value)}"
        last = len(source.text[:end].rstrip().rstrip(","))
        yield source.spliced(last, last, f", {entry}")
        return
    column = source.column_of_entry(children[0])
    introduction = "-" if isinstance(step, int) else f"{format_scalar(step)}:"
    lines = "\n".join(_indented(entry_lines(introduction, value), column))
    at = source.line_after(source.kept_end(node))
    before = "" if source.text[:at].endswith("\n") else "\n"
    yield source.spliced(at, at, f"{before}{lines}\n")


def _emptied(source: Source, path: Path, start: int, end: int) -> Iterator[str]:
    """The collection that held only this entry, as `{}` or `[]`."""
    parent = source.nodes[path[:-1]]
    brackets = "{}" if isinstance(parent.event, MappingStartEvent) else "[]"
    at = source.introduction_end(parent) if path[:-1] else None
    if at is None:
        yield source.spliced(start, end, brackets)
    else:
        line, after = source.line_start(start), source.line_after(end)
        if line >= at:
            yield source.text[:at] + f" {brackets}" + source.text[at:line] + source.text[after:]
        yield source.spliced(at, end, f" {brackets}")


def _entry_start(source: Source, node: Node) -> int:
    if node.key is not None:
        return int(node.key.start_mark.index)
    return source.text.rfind("-", 0, node.start.offset)


def _in_style(node: Node, value: Scalar) -> str:
    """The scalar in the quotes or block style of the one that it replaces, where it can be."""
    style = node.event.style
    if not isinstance(value, str) or not style:
        return format_scalar(value)
    if style == "'" and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    if style == "|" and (lines := literal_lines(value)) is not None and not lines[0].endswith("+"):
        column = node.key.start_mark.column if node.key is not None else max(node.start.column - 2, 0)
        return "\n".join([lines[0], *_indented(lines[1:], column)])
    return quoted(value)


def _entry(source: Source, path: Path, value: Value) -> str:
    """What follows the colon or dash of the entry at `path` so that it holds `value`."""
    first, *rest = entry_lines("k:" if isinstance(path[-1], str) else "-", value)
    return "\n".join(
        [first[2:] if isinstance(path[-1], str) else first[1:], *_indented(rest, source.column_of_entry(path))]
    )


def _indented(lines: list[str], column: int) -> list[str]:
    return [" " * column + line if line else "" for line in lines]


_INTRODUCTIONS: Final[Any] = (":", "-", ",")

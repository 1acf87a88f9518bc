"""Moving an entry with its comments: out of one document's text and into another's, or under another key where it stands.

Where the text cannot be cut, because it stands in braces, the value moves alone; that is refused where a comment would be lost. Every
result is loaded again and must hold exactly the expected value, as in an edit (editor.py).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.documents.editor import delete_value, set_value
from llmcfg.documents.loader import load_document
from llmcfg.documents.nodes import iterate_nodes
from llmcfg.documents.paths import has_path, value_at, with_value, without_value
from llmcfg.documents.segments import Segments
from llmcfg.documents.threeway import same
from llmcfg.documents.writer import flow_text, format_scalar, write_yaml
from llmcfg.errors import UsageError
from llmcfg.model.keypath import format_key_path
from llmcfg.model.value import Tagged

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from llmcfg.documents.segments import Block
    from llmcfg.model.value import Path, Value

_BOM: Final = "\ufeff"
_STEP: Final = 2
_COMMENT: Final = re.compile(r"(^|[ \t])#", re.MULTILINE)


class Taken(NamedTuple):
    """An entry without its key: the comment lines before it, and its text from the colon on, both from column 0.

    `body` is None where the text could not be cut out.
    """

    value: Value
    comments: str = ""
    body: str | None = None


class Removal(NamedTuple):
    """What was taken, and the document that is left; None where nothing is."""

    taken: Taken
    left: bytes | None


def take_out(content: bytes, path: Path) -> Removal:
    """The entry at a path, and the document without it. Mappings that held nothing else go with it.

    Raises UsageError where that cannot be done without touching other bytes.
    """
    source = _Source(content)
    gone = outermost(source.value, path)
    taken = Taken(value_at(source.value, path))
    entry = source.segments.find(path)
    if entry is None:
        if not gone or (gone != path and source.segments.find(gone)):
            _refuse_comments(source.text[slice(*source.extent(gone))], path)
        return Removal(taken, delete_value(content, gone) if gone else None)
    start, end = source.extent(gone)
    leading = entry.start - source.column(path) - len(entry.leading)
    before, after = source.text[start:leading], source.text[entry.end : end]
    _refuse_comments(_other_lines(before + after), path)
    comments = _comment_lines(before) + _dedented(entry.leading, source.column(path)).lstrip() + _comment_lines(after)
    body = _dedented(source.text[source.key_end(path) : entry.end], source.column(path))
    left = source.text[:start] + source.text[end:]
    rest = source.checked(left, without_value(source.value, gone), path) if gone else None
    return Removal(taken._replace(comments=comments, body=body), rest)


def put_in(content: bytes | None, path: Path, taken: Taken) -> bytes:
    """The document with the entry at a path, behind what its mapping holds; a new document without one.

    Raises UsageError where something else stands in the way.
    """
    source = _Source(b"{}\n" if content is None else content)
    size = max(size for size in range(len(path)) if has_path(source.value, path[:size]))
    block = source.block(path[:size])
    if taken.body is None or (block is None and content is not None):
        _refuse_comments(taken.comments + (taken.body or ""), path)
        return set_value(b"{}\n" if content is None else content, path, taken.value)
    text, at, column = ("", 0, 0) if block is None else (source.text, block.entries[-1].end, block.column)
    lines = "".join(_entry_lines(path[size:], taken, column)).replace("\n", source.line_end)
    return source.checked(text[:at] + lines + text[at:], with_value(source.value, path, taken.value), path)


def rename_key(content: bytes, path: Path, key: str) -> bytes:
    """The document with another last key at a path, in its place. Raises UsageError where that cannot be done."""
    source = _Source(content)
    node = source.nodes[path]
    start, end = node.key.start_mark.index, node.key.end_mark.index
    text = source.text[:start] + format_scalar(key) + source.text[end:]
    parent = value_at(source.value, path[:-1])
    inner = parent.value if isinstance(parent, Tagged) else parent
    assert isinstance(inner, dict)
    renamed: Value = {key if each == path[-1] else each: value for each, value in inner.items()}
    if isinstance(parent, Tagged):
        renamed = Tagged(parent.tag, renamed)
    return source.checked(text, with_value(source.value, path[:-1], renamed), path)


def as_document(taken: Taken, path: Path) -> bytes:
    """A document whose root is what was taken from `path`. Raises UsageError for what cannot be one."""
    empty = _Source(b"{}\n")
    if taken.body is None:
        assert isinstance(taken.value, dict)
        return empty.checked(write_yaml(taken.value), taken.value, path)
    first, _, rest = taken.body.removeprefix(":").partition("\n")
    margin = min((len(line) - len(line.lstrip(" ")) for line in rest.split("\n") if line.strip()), default=0)
    root = f"{first.strip()}\n" if first.strip() else ""
    return empty.checked(taken.comments + root + _dedented(rest, margin), taken.value, path)


def insert_items(content: bytes, path: Path, added: Sequence[Value]) -> bytes:
    """The document with items before the list item at a path, each in one line, and on a line of its own where that one is.

    Raises UsageError where that cannot be done without touching other bytes.
    """
    source = _Source(content)
    start = source.nodes[path].start.offset
    lead = source.text[source.text.rfind("\n", 0, start) + 1 : start]
    between = f"{source.line_end}{lead}" if lead.strip() == "-" else ", "
    text = source.text[:start] + "".join(flow_text(item) + between for item in added) + source.text[start:]
    *around, index = path
    items = value_at(source.value, tuple(around))
    assert isinstance(items, list)
    assert isinstance(index, int)
    return source.checked(text, with_value(source.value, tuple(around), [*items[:index], *added, *items[index:]]), path)


class _Source:
    """A sound document's text, value and places."""

    def __init__(self, content: bytes) -> None:
        document = load_document(content).document
        if document is None:
            raise UsageError("a document with problems cannot be edited", hint="mend what llmcfg validate says first")
        whole = content.decode("utf-8")
        self._mark = _BOM if whole.startswith(_BOM) else ""
        self.line_end = "\r\n" if "\r\n" in whole else "\n"
        text = whole.removeprefix(_BOM)
        self.text = text if text.endswith("\n") else text + self.line_end
        self.value: Value = document.value
        self.segments = Segments(self.text, self.value)
        self.nodes = dict(iterate_nodes(self.text))

    def block(self, path: Path) -> Block | None:
        """The entries of a mapping that has lines of its own for each."""
        entry = self.segments.find(path)
        return self.segments.inner(entry) if entry else self.segments.root() if not path else None

    def column(self, path: Path) -> int:
        column: int = self.nodes[path].key.start_mark.column
        return column

    def key_end(self, path: Path) -> int:
        index: int = self.nodes[path].key.end_mark.index
        return index

    def extent(self, path: Path) -> tuple[int, int]:
        """Where an entry that can be cut out begins, with what belongs to it, and ends; of the root all."""
        entry = self.segments.find(path)
        if entry is None:
            return 0, len(self.text)
        return entry.start - self.column(path) - len(entry.leading), entry.end

    def checked(self, text: str, expected: Value, path: Path) -> bytes:
        """The text as bytes, if it holds what is expected."""
        edited = (self._mark + text).encode("utf-8", "surrogatepass")
        document = load_document(edited).document
        if document is None or not same(document.value, expected):
            raise UsageError(
                f"{format_key_path(path)} cannot be moved without touching other bytes",
                hint="edit the file by hand; aliases and unusual layouts are left to people",
            )
        return edited


def outermost(root: Value, path: Path) -> Path:
    """The path, or that of the mapping around it that holds nothing else; a tag on a mapping means something by itself."""
    while path:
        around = value_at(root, path[:-1])
        if not isinstance(around, dict) or len(around) > 1:
            break
        path = path[:-1]
    return path


def _entry_lines(steps: Path, taken: Taken, column: int) -> Iterator[str]:
    """The entry beneath the mappings that are missing on the way to it."""
    *around, key = (format_scalar(step) for step in steps)
    for step in around:
        yield f"{' ' * column}{step}:\n"
        column += _STEP
    yield _indented(taken.comments, column)
    yield _indented(f"{key}{taken.body}", column)


def _indented(text: str, column: int) -> str:
    return "".join(" " * column + line if line.strip() else line for line in _lines(text))


def _dedented(text: str, column: int) -> str:
    """Without as many spaces at the beginning of each line as `column`, where there are as many."""
    return "".join(line[min(column, len(line) - len(line.lstrip(" "))) :] for line in _lines(text))


def _lines(text: str) -> list[str]:
    """With plain line ends."""
    *lines, last = text.replace("\r\n", "\n").split("\n")
    return [*(f"{line}\n" for line in lines), *filter(None, [last])]


def _comment_lines(text: str) -> str:
    return "".join(line.lstrip() for line in _lines(text) if line.lstrip().startswith("#"))


def _other_lines(text: str) -> str:
    return "".join(line for line in _lines(text) if not line.lstrip().startswith("#"))


def _refuse_comments(text: str, path: Path) -> None:
    if _COMMENT.search(text):
        raise UsageError(
            f"a comment would be lost if {format_key_path(path)} were moved",
            hint="write the mapping with one key a line, or move the comment by hand first",
        )

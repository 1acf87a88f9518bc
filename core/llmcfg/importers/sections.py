"""The sections of a program's YAML file (its top-level keys) as strict documents, one each, with their comments.

- A mapping is the document itself; a list stands under the key `entries`, a single value or nothing under `value`.
- Comments before a section belong to it; comments after its last line do so if they are indented, or directly below and apart from
  what follows.
- A section whose text cannot be made strict in place is written anew, with its comments at the top. Either way the strict loader
  reads the very values that the YAML 1.1 reader saw, or the section is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import yaml

from llmcfg.documents.loader import load_document
from llmcfg.documents.writer import write_yaml
from llmcfg.importers.comments import Comments
from llmcfg.importers.source import MERGE_TAG
from llmcfg.importers.splice import Splicer, commented
from llmcfg.model.findings import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from llmcfg.importers.source import Pair, Source
    from llmcfg.model.value import Value


class Section(NamedTuple):
    """`key` is the one key of the document that holds the section; empty if the document is the section."""

    name: str
    key: str
    text: str
    problems: tuple[Problem, ...]


class _Part(NamedTuple):
    """The lines of the file that belong to a pair, and where its own content ends with its line."""

    pair: Pair
    start: int
    end: int


def split_sections(source: Source, values: Mapping[int, Value]) -> Iterator[Section]:
    """The sections in the file's order; what duplicate sections and merge keys at the top leave behind goes to the first one."""
    root = values[id(source.root)]
    assert isinstance(root, dict)
    comments = Comments(source)
    parts = [] if source.root.flow_style else list(_parts(source))
    current = {part.pair.key.value: part for part in parts if part.pair.key.tag != MERGE_TAG}
    head = _left_behind(source, comments, parts, current)
    for name, value in root.items():
        part = current.get(name)
        text = _spliced(source, values, comments, part) if part else ""
        own = comments.between(part.start, part.end) if part else []
        yield _choose(name, value, text, [*head, *own], part.pair.key.start_mark.line + 1 if part else 1)
        head = []


def document_value(value: Value) -> tuple[str, dict[str, Value]]:
    """The key that a section's value stands under in its document, and the document."""
    if isinstance(value, dict):
        return "", value
    key = "entries" if isinstance(value, list) else "value"
    return key, {key: value}


def _choose(name: str, value: Value, text: str, comments: list[str], line: int) -> Section:
    key, expected = document_value(value)
    kept = _with_comments(text, comments)
    if text and _differs(kept, expected) is None:
        return Section(name, key, kept, ())
    written = _with_comments(write_yaml(expected), comments)
    problem = _differs(written, expected)
    if problem is not None:
        return Section(
            name,
            key,
            "",
            (Problem("import-section", f"section {name} cannot be kept: {problem}", line, 1, "mend it in this file"),),
        )
    moved = f"section {name} is written anew" + (", with its comments at the top" if comments else "")
    return Section(name, key, written, (Problem("import-rewritten", moved, line, 1, "look whether it reads well"),))


def _with_comments(text: str, comments: Iterable[str]) -> str:
    """The text with those comments on top that it lost."""
    lost = [comment for comment in comments if comment not in text]
    return "".join(f"{comment}\n" for comment in lost) + text


def _differs(text: str, expected: Value) -> str | None:
    """Why the strict loader does not read `expected`; None when it does."""
    document, problems = load_document(text.encode("utf-8", "surrogatepass"))
    if document is None:
        return problems[0].message
    return None if _is_same(document.value, expected) else "its meaning would change"


def _is_same(one: Value, other: Value) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_is_same(item, other[key]) for key, item in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_is_same, one, other))
    return one == other


def _spliced(source: Source, values: Mapping[int, Value], comments: Comments, part: _Part) -> str:
    """The document made from the section's own lines; empty where they cannot be cut out."""
    pair = part.pair
    splicer = Splicer(source, values, part.start, part.end)
    edits = list(splicer.edits(pair.value, pair.value_place))
    head = _head_lines(source.text[part.start : source.line_start(pair.key_place.start)])
    if pair.value_place.is_alias:
        return ""
    if not isinstance(pair.value, yaml.MappingNode):
        key, _ = document_value(values[id(pair.value)])
        column = pair.key_place.start - source.line_start(pair.key_place.start)
        body = key + splicer.apply(edits, pair.key_place.end, part.end)
        return _tidy([*head, *_outdented(body, column)])
    first = pair.value_place.start if pair.value.flow_style else next(source.pairs(pair.value)).key_place.start
    body_start = first if pair.value.flow_style else source.line_start(first)
    if source.text[body_start:first].strip(" "):
        return ""
    head += comments.between(pair.key_place.end, body_start)
    return _tidy([*head, *_outdented(splicer.apply(edits, body_start, part.end), first - body_start)])


def _parts(source: Source) -> Iterator[_Part]:
    pairs = list(source.pairs(source.root))
    start = 0
    for pair, following in zip(pairs, [*pairs[1:], None], strict=True):
        content_end = source.next_line(source.content_end(pair.value, pair.value_place) - 1)
        if following is None:
            yield _Part(pair, start, len(source.text))
            return
        line = source.line_start(following.key_place.start)
        column = following.key_place.start - line
        end = content_end + _length_of_tail(source.text[content_end:line], column) if content_end < line else line
        yield _Part(pair, start, end)
        start = end


def _length_of_tail(gap: str, column: int) -> int:
    """How much of the lines between two sections belongs to the earlier one."""
    lines = gap.splitlines(keepends=True)
    indented = [
        index for index, line in enumerate(lines) if line.startswith(" " * (column + 1)) and line.lstrip()[:1] == "#"
    ]
    if indented:
        return sum(map(len, lines[: indented[-1] + 1]))
    blank = next((index for index, line in enumerate(lines) if not line.strip()), 0)
    return sum(map(len, lines[:blank]))


def _left_behind(source: Source, comments: Comments, parts: list[_Part], current: Mapping[str, _Part]) -> list[str]:
    """Comments of parts that become no section, and the lines of earlier sections of the same name as comments."""
    if source.root.flow_style:
        return comments.between(0, len(source.text))
    kept: list[str] = []
    for part in parts:
        if part.pair.key.tag == MERGE_TAG:
            kept += comments.between(part.start, part.end)
        elif current[part.pair.key.value] is not part:
            kept += commented(source.text[part.start : part.end]).split("\n")
    return kept


def _head_lines(text: str) -> list[str]:
    """The comments and blank lines before a section's key, without directives and document marks."""
    lines = (line.removeprefix("---").strip() for line in text.split("\n")[:-1] if not line.startswith("%"))
    return [line for line in lines if line.startswith("#") or not line]


def _outdented(text: str, columns: int) -> list[str]:
    indent = " " * columns
    return [line.removeprefix(indent) if line.startswith(indent) else line.lstrip(" ") for line in text.split("\n")]


def _tidy(lines: list[str]) -> str:
    text = "\n".join(line for line in lines if line.rstrip() != "...")
    return text.strip("\n") + "\n" if text.strip() else ""

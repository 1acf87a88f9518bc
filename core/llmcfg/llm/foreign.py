"""Another program's YAML or JSON file as that program reads it, with the place of everything.

Most read YAML 1.1, where the last of two keys wins. What such a reader takes differently than it looks is a flaw: keys written twice, `no`
for false, `12:30` for 750. Programs in JavaScript read YAML 1.2, where these are texts, and refuse keys that are written twice.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import yaml

from llmcfg import limits
from llmcfg.llm.platform import Complaint, Spot
from llmcfg.model.severity import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.model.value import Path

_TAG: Final = "tag:yaml.org,2002:"
_MERGE: Final = _TAG + "merge"
_MOST_NODES: Final = 200_000
_WORDS: Final = re.compile(r"(?i:y|n|yes|no|on|off)")
_NUMBERS: Final = re.compile(
    r"0[0-7]+|0o[0-7]+|[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+|[-+]?[0-9]+[eE][-+]?[0-9]+|[-+]?[0-9]+(_[0-9]+)+"
)
_JSON_BLANKS: Final = re.compile(r'("(?:[^"\\\n]|\\.)*")|/\*.*?\*/|//[^\n]*|\t', re.DOTALL)
"""Strings, which are kept, and what is blanked outside of them."""
Location = tuple[int, int]


class ForeignFile(NamedTuple):
    """`places` are line and column (from 1) of keys and list items by path; `value_places` of the values themselves.

    The value of a stream is the list of its documents.
    """

    name: str
    value: Any
    places: dict[Path, Location]
    value_places: dict[Path, Location]
    flaws: tuple[Complaint, ...]
    lines: tuple[str, ...]
    is_stream: bool = False

    def place(self, path: Path) -> Location:
        """Where a path stands, or the nearest thing around it."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, (1, 1))


def read_foreign(content: bytes, name: str, *, is_yaml_12: bool = False) -> ForeignFile:
    """The file. One that cannot be read has no value, and one flaw that says why."""
    text = content.decode("utf-8", "replace").removeprefix("\ufeff")
    lines = tuple(text.splitlines())
    if len(content) > limits.DOCUMENT_BYTES:
        return _unreadable(
            name, lines, f"the file has {len(content)} bytes; {limits.DOCUMENT_BYTES} is the limit", (0, 0)
        )
    try:
        nodes = _composed(text)
    except RecursionError:
        return _unreadable(name, lines, f"values are nested deeper than {limits.DOCUMENT_DEPTH} levels", (0, 0))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        reason = ": ".join(part for part in (error.context, error.problem) if part)
        return _unreadable(name, lines, f"no YAML reader takes this: {reason}", where)
    except yaml.YAMLError as error:
        return _unreadable(name, lines, f"no YAML reader takes this file: {str(error).splitlines()[0]}", (0, 0))
    if not nodes:
        empty = Complaint("LLM034", "the file says nothing", Spot(name), "write its settings, or remove it")
        return ForeignFile(name, None, {}, {}, (empty,), lines)
    reader = _Reader(name, is_yaml_12=is_yaml_12)
    is_stream = len(nodes) > 1
    value = (
        [reader.item(node, (index,), 1) for index, node in enumerate(nodes)]
        if is_stream
        else reader.read(nodes[0], (), 1)
    )
    return ForeignFile(name, value, reader.places, reader.value_places, tuple(reader.flaws), lines, is_stream)


def _composed(text: str) -> list[Any]:
    """The documents. JSON is tried again with blanks for what its readers allow and YAML does not: tabs between values, and comments."""
    try:
        return list(yaml.compose_all(text, Loader=yaml.CSafeLoader))
    except yaml.YAMLError:
        blanked = _JSON_BLANKS.sub(lambda match: match[1] or re.sub(r"[^\n]", " ", match[0]), text)
        if blanked == text or not text.lstrip().startswith(("{", "[", "//", "/*")):
            raise
        try:
            return list(yaml.compose_all(blanked, Loader=yaml.CSafeLoader))
        except yaml.YAMLError:
            pass
        raise


def _unreadable(name: str, lines: tuple[str, ...], message: str, where: Location) -> ForeignFile:
    flaw = Complaint("LLM099", message, Spot(name), "mend the file; the mistake may be a line before")
    return ForeignFile(name, None, {(): where}, {}, (flaw,), lines)


class _Reader:
    def __init__(self, name: str, *, is_yaml_12: bool) -> None:
        self.places: dict[Path, Location] = {(): (1, 1)}
        self.value_places: dict[Path, Location] = {}
        self.flaws: list[Complaint] = []
        self._name = name
        self._is_yaml_12 = is_yaml_12
        self._nodes = 0
        self._scalars = yaml.SafeLoader("")

    def read(self, node: Any, path: Path, depth: int) -> Any:
        self._nodes += 1
        if depth > limits.DOCUMENT_DEPTH or self._nodes > _MOST_NODES:
            return None
        self.value_places[path] = _location(node)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self.item(item, (*path, index), depth) for index, item in enumerate(node.value)]
        return self._scalar(node, path)

    def item(self, node: Any, path: Path, depth: int) -> Any:
        self.places[path] = _location(node)
        return self.read(node, path, depth + 1)

    def _mapping(self, node: Any, path: Path, depth: int) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        own: dict[str, Any] = {}
        for key, value in node.value:
            if key.tag == _MERGE:
                for source in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                    brought = self.read(source, path, depth + 1)
                    merged = {**(brought if isinstance(brought, dict) else {}), **merged}
                continue
            name = str(key.value)
            if name in own:
                first = self.places[(*path, name)][0]
                counts = "the program refuses the file" if self._is_yaml_12 else "only the later one counts"
                self._flaw(
                    (*path, name), f"{name!r} is written twice, first in line {first}; {counts}", "remove one of them"
                )
            self.places[(*path, name)] = _location(key)
            own[name] = self.read(value, (*path, name), depth + 1)
        return {**merged, **own}

    def _scalar(self, node: Any, path: Path) -> Any:
        try:
            value = self._scalars.construct_object(node, deep=True)
        except (yaml.YAMLError, ValueError, OverflowError):
            return node.value
        is_plain = not node.style  # "" of the parser in C, None of the one in Python
        if is_plain and self._is_yaml_12:
            return _of_yaml_12(node.value, value)
        if is_plain and not isinstance(value, str) and value is not None:
            self._look_at(node, path, value)
        elif is_plain and _NUMBERS.fullmatch(node.value):
            self._flaw(path, f"{node.value} is text to YAML 1.1 readers and a number to others", "write it out, or in quotes",
                       Severity.WARNING)  # fmt: skip
        return value if isinstance(value, str | int | float | bool | None) else node.value

    def _look_at(self, node: Any, path: Path, value: Any) -> None:
        written = node.value
        if isinstance(value, bool) and _WORDS.fullmatch(written):
            self._flaw(path, f"{written} is read as {str(value).lower()} here, and as text by YAML 1.2",
                       f'write {str(value).lower()}, or "{written}"', Severity.WARNING)  # fmt: skip
        elif isinstance(value, int | float) and not isinstance(value, bool) and _NUMBERS.fullmatch(written):
            if not re.fullmatch(r"[-+]?[0-9]+(_[0-9]+)+", written):
                self._flaw(path, f"{written} is read as {value}", f'write {value}, or "{written}"')
        elif not isinstance(value, int | float):
            self._flaw(path, f"{written} is read as a date", f'write "{written}"', Severity.WARNING)

    def _flaw(self, path: Path, message: str, hint: str, severity: Severity | None = None) -> None:
        self.flaws.append(Complaint("LLM033", message, Spot(self._name, path), hint, severity))


def _of_yaml_12(written: str, value: Any) -> Any:
    """What the core schema of YAML 1.2 makes of a plain scalar, given what YAML 1.1 does."""
    is_text = (
        not isinstance(value, str | int | float | bool | None)
        or _WORDS.fullmatch(written)
        or ":" in written
        or "_" in written
    )
    return written if is_text and not isinstance(value, str) else value


def _location(node: Any) -> Location:
    return node.start_mark.line + 1, node.start_mark.column + 1


def null_sections(file: ForeignFile, sections: frozenset[str]) -> Iterator[Complaint]:
    """Sections that are there and say nothing."""
    for key, value in file.value.items() if isinstance(file.value, dict) else ():
        if value is None and key in sections:
            yield Complaint("LLM034", f"{key} is empty, which is read as null and not as no settings", Spot(file.name, (key,)),
                            f"write {key}: {{}}, or remove it")  # fmt: skip

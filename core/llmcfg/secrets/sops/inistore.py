"""INI files, as far as decrypting them goes, read and printed as sops does with its library (ini.v1).

Rules: what stands before the first section is the section DEFAULT; a key that is written twice has its last value; a value may go on
behind a backslash, or stand in back quotes or three double quotes over several lines. The comment above a key is behind it in the
tree, that of a section is the first of its entries. Metadata is the section `sops`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from llmcfg.errors import UsageError
from llmcfg.secrets.sops.dotenvstore import flat_text, unflatten
from llmcfg.secrets.sops.model import METADATA, Comment, Item, Leaf, Mapping, Sequence

if TYPE_CHECKING:
    from llmcfg.secrets.sops.model import Node

_DEFAULT: Final = "DEFAULT"
_DELIMITERS: Final = re.compile("[=:]")
_REMARK: Final = re.compile("[#;]")


def read_ini(text: str) -> Mapping:
    """Sections as mappings; the metadata as the mapping `sops`. Raises UsageError with the line of what is not INI."""
    root = Mapping(list(_Reader(text.removeprefix("\ufeff")).sections()))
    if isinstance(default := root.items[0], Item) and isinstance(default.value, Mapping) and not default.value.items:
        root.items = root.items[1:]
    return Mapping([_with_metadata(item) for item in root.items])


def write_ini(mapping: Mapping) -> str:
    """As sops prints a decrypted file: an empty line after each section."""
    lines: list[str] = []
    for position, item in enumerate(mapping.entries()):
        if not isinstance(item.value, Mapping):
            raise UsageError("an INI file holds sections only", hint="write the file as YAML or JSON")
        first = next(iter(item.value.items), None)
        lines += _remarks(first) if isinstance(first, Comment) else []
        if position or item.key != _DEFAULT:
            lines.append(f"[{item.key}]")
        lines += (*_entries(item.value.items), "")
    return "".join(f"{line}\n" for line in lines)


class _Reader:
    def __init__(self, text: str) -> None:
        self.lines = text.splitlines(keepends=True) if "\r" not in text else re.findall("[^\n]*\n|[^\n]+", text)
        self.at = 0
        self.remark = ""

    def sections(self) -> list[Item]:
        sections = [Item(_DEFAULT, Mapping([]))]
        entries: dict[str, tuple[Item, str]] = {}
        while self.at < len(self.lines):
            line = self._next().lstrip()
            if not line:
                continue
            if line[0] in "#;":
                self.remark += line
            elif line[0] == "[":
                _close(sections[-1], entries)
                entries = {}
                sections.append(self._section(line))
            else:
                self._entry(line, entries)
        _close(sections[-1], entries)
        return sections

    def _section(self, line: str) -> Item:
        name, bracket, behind = line[1:].rpartition("]")
        if not bracket or not name:
            raise self._refused("a section is not closed or has no name")
        found = _REMARK.search(behind)
        self.remark += behind[found.start() :] if found else ""
        return Item(name, Mapping(list(self._take_remark())))

    def _entry(self, line: str, entries: dict[str, tuple[Item, str]]) -> None:
        key, rest = self._key(line)
        value = self._value(rest.lstrip())
        item = Item(key, Leaf("str", value.encode("utf-8", "surrogateescape")))
        entries[key] = (item, self.remark.strip())
        self.remark = ""

    def _key(self, line: str) -> tuple[str, str]:
        quote = next((mark for mark in ('"""', '"', "`") if line.startswith(mark)), "")
        start = len(quote)
        end = line.find(quote, start) if quote else 0
        found = _DELIMITERS.search(line, end + start if end >= 0 else len(line))
        if found is None or (not quote and not found.start()):
            raise self._refused("it is neither a section, a comment nor key = value")
        return line[start : end if quote else found.start()].strip(), line[found.end() :]

    def _value(self, text: str) -> str:
        quote = '"""' if len(text) > 3 and text.startswith('"""') else "`" if text.startswith("`") else ""
        if quote:
            end = text.rfind(quote, len(quote))
            return text[len(quote) : end] if end >= 0 else self._lines_until(quote, text[len(quote) :])
        text = text.strip()
        if text.endswith("\\"):
            return self._continued(text[:-1])
        found = _REMARK.search(text)
        if found:
            self.remark += text[found.start() :]
            text = text[: found.start()].strip()
        for mark in "'\"":
            if len(text) >= 2 and text[0] == text[-1] == mark and text.find(mark, 1) == len(text) - 1:
                return text[1:-1]
        return text

    def _lines_until(self, quote: str, value: str) -> str:
        while self.at < len(self.lines):
            line = self._next()
            end = line.rfind(quote)
            if end >= 0 and not line[end + len(quote) :].strip().endswith("\\"):
                found = _REMARK.search(line, end)
                self.remark += line[found.start() :].strip() if found else ""
                return value + line[:end]
            value += line
        raise self._refused("a quoted value does not end")

    def _continued(self, value: str) -> str:
        while self.at < len(self.lines):
            line = self._next().strip()
            if not line:
                break
            value += line
            if not value.endswith("\\"):
                break
            value = value[:-1]
        return value

    def _take_remark(self) -> list[Comment]:
        text, self.remark = self.remark.strip(), ""
        return [_comment(text)] if text else []

    def _next(self) -> str:
        self.at += 1
        return self.lines[self.at - 1]

    def _refused(self, what: str) -> UsageError:
        return UsageError(f"the file is not INI at line {self.at}: {what}", hint="mend it there")


def _close(section: Item, entries: dict[str, tuple[Item, str]]) -> None:
    if isinstance(section.value, Mapping):
        for item, remark in entries.values():
            section.value.items += [item, _comment(remark)] if remark else [item]


def _comment(text: str) -> Comment:
    text = text.lstrip("; ") if text.startswith(";") else text.lstrip("# ")
    return Comment(text.encode("utf-8", "surrogateescape"))


def _entries(items: list[Item | Comment]) -> list[str]:
    """Keys with aligned values; the comment behind each stands above it."""
    names = {item.key: _name(item.key) for item in items if isinstance(item, Item)}
    width = max(map(len, names.values()), default=0)
    lines: list[str] = []
    for position, item in enumerate(items):
        if isinstance(item, Comment):
            continue
        behind = items[position + 1] if position + 1 < len(items) else None
        lines += _remarks(behind) if isinstance(behind, Comment) else []
        lines.append(f"{names[item.key].ljust(width)} = {_written(item.value)}")
    return lines


def _remarks(comment: Comment) -> list[str]:
    lines = comment.text.decode("utf-8", "surrogateescape").split("\n")
    return [f"{line[:1]} {line[1:].strip()}" if line[:1] in ("#", ";") else f"; {line.strip()}" for line in lines]


def _name(key: str) -> str:
    if '"' in key or _DELIMITERS.search(key):
        return f"`{key}`"
    return f'"""{key}"""' if "`" in key else key


def _written(node: Node) -> str:
    if isinstance(node, Mapping | Sequence):
        raise UsageError(
            "an INI file cannot hold lists and mappings within a section", hint="write the file as YAML or JSON"
        )
    text = flat_text(node).replace("\\n", "\n")
    if "\n" in text or "`" in text:
        return f'"""{text}"""'
    if _REMARK.search(text):
        return f"`{text}`"
    return f'"{text}"' if text != text.strip() else text


def _with_metadata(item: Item | Comment) -> Item | Comment:
    if isinstance(item, Comment) or item.key != METADATA or not isinstance(item.value, Mapping):
        return item
    flat = [(entry.key, _real(entry.value)) for entry in item.value.entries() if isinstance(entry.value, Leaf)]
    return Item(METADATA, unflatten(flat))


def _real(leaf: Leaf) -> Leaf:
    return Leaf("str", leaf.reveal().replace(b"\\n", b"\n"))

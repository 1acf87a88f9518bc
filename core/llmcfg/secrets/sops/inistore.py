"""INI files, as far as decrypting them goes: sections of keys and values, comments before them, metadata in the section `sops`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmcfg.errors import UsageError
from llmcfg.secrets.sops.dotenvstore import flat_text, unflatten
from llmcfg.secrets.sops.model import METADATA, Comment, Item, Leaf, Mapping, Sequence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.secrets.sops.model import Node

_DEFAULT: Final = "DEFAULT"
_NEEDS_BACKQUOTES: Final = (";", "#")


def read_ini(text: str) -> Mapping:
    """Sections as mappings; the metadata as the mapping `sops`. Comments of a section stand before it, those of a key before that."""
    default = Mapping([])
    root = Mapping([])
    section, pending = default, list[Comment]()
    lines = iter(enumerate(text.splitlines(), start=1))
    for number, line in lines:
        stripped = line.strip()
        if not stripped:
            continue
        if stripped[0] in ";#":
            pending.append(Comment(stripped[1:].strip().encode("utf-8", "surrogateescape")))
        elif stripped[0] == "[" and "]" in stripped:
            section = Mapping([])
            root.items += (*pending, Item(stripped[1 : stripped.rindex("]")].strip(), section))
            pending = []
        else:
            key, value = _entry(stripped, number)
            if value.startswith('"""'):
                value = _block(value, lines)
            section.items += (*pending, Item(key, Leaf("str", _unquoted(value).encode("utf-8", "surrogateescape"))))
            pending = []
    if default.items:
        root.items.insert(0, Item(_DEFAULT, default))
    return Mapping([_with_metadata(item) for item in root.items])


def write_ini(mapping: Mapping) -> str:
    """As sops writes a decrypted file: an empty line after each section."""
    lines: list[str] = []
    for item in mapping.items:
        if isinstance(item, Comment):
            lines.append(f"; {item.text.decode('utf-8', 'surrogateescape')}")
            continue
        if not isinstance(item.value, Mapping):
            raise UsageError("an INI file holds sections only", hint="write the file as YAML or JSON")
        if item.key != _DEFAULT:
            lines.append(f"[{item.key}]")
        lines += (*_section(item.value), "")
    return "".join(f"{line}\n" for line in lines)


def _section(section: Mapping) -> list[str]:
    lines: list[str] = []
    width = max((len(item.key) for item in section.entries()), default=0)
    for item in section.items:
        if isinstance(item, Comment):
            lines.append(f"; {item.text.decode('utf-8', 'surrogateescape')}")
        else:
            lines.append(f"{item.key.ljust(width)} = {_written(item.value)}")
    return lines


def _written(node: Node) -> str:
    if isinstance(node, Mapping | Sequence):
        raise UsageError(
            "an INI file cannot hold lists and mappings within a section", hint="write the file as YAML or JSON"
        )
    text = flat_text(node).replace("\\n", "\n")
    if "\n" in text or "`" in text:
        return f'"""{text}"""'
    if any(mark in text for mark in _NEEDS_BACKQUOTES) or text != text.strip():
        return f"`{text}`"
    return text


def _entry(line: str, number: int) -> tuple[str, str]:
    at = min((line.index(mark) for mark in "=:" if mark in line), default=-1)
    if at < 0:
        raise UsageError(f"line {number} is neither a section, a comment nor key = value", hint="mend it there")
    return line[:at].strip().strip('`"'), line[at + 1 :].strip()


def _block(value: str, lines: Iterator[tuple[int, str]]) -> str:
    text = value[3:]
    while '"""' not in text:
        _, line = next(lines, (0, '"""'))
        text += "\n" + line
    return text.partition('"""')[0]


def _unquoted(value: str) -> str:
    for quote in ('"', "'", "`"):
        if len(value) >= 2 and value[0] == value[-1] == quote:
            return value[1:-1]
    return value


def _with_metadata(item: Item | Comment) -> Item | Comment:
    if isinstance(item, Comment) or item.key != METADATA or not isinstance(item.value, Mapping):
        return item
    flat = [(entry.key, _real(entry.value)) for entry in item.value.entries() if isinstance(entry.value, Leaf)]
    return Item(METADATA, unflatten(flat))


def _real(leaf: Leaf) -> Leaf:
    return Leaf("str", leaf.reveal().replace(b"\\n", b"\n"))

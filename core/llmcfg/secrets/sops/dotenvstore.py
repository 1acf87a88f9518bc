"""dotenv files as sops reads and writes them, and the flat form of metadata that dotenv and INI files share.

Rules: a line is split at its first `=`, without quotes; `\\n` in a value is a line break; `#` in the first column starts a comment. The
metadata is in keys that start with `sops_`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeAlias

from llmcfg.errors import UsageError
from llmcfg.secrets.sops.model import METADATA, Comment, Item, Leaf, Mapping, Null, Sequence, Span, text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llmcfg.secrets.sops.model import Node

PREFIX: Final = "sops_"
_STEP: Final = re.compile(r"__(list|map)_")


def read_dotenv(text: str) -> Mapping:
    """The lines of a file, with spans, and the metadata as the mapping `sops`."""
    items: list[Item | Comment] = []
    flat: list[tuple[str, Leaf]] = []
    at = 0
    for number, line in enumerate(text.split("\n"), start=1):
        start, at = at, at + len(line) + 1
        if not line:
            continue
        if line.startswith("#"):
            items.append(Comment(_bytes(line[1:]), span=Span(start + 1, start + len(line))))
            continue
        key, equals, value = line.partition("=")
        if not equals:
            raise UsageError(f"line {number} is neither a comment nor KEY=value", hint="mend it there")
        leaf = Leaf("str", _bytes(value.replace("\\n", "\n")), Span(start + len(key) + 1, start + len(line)))
        if key.startswith(PREFIX):
            flat.append((key.removeprefix(PREFIX), leaf))
        else:
            items.append(Item(key, leaf, Span(start, start + len(key))))
    if flat:
        items.append(Item(METADATA, unflatten(flat)))
    return Mapping(items)


def write_dotenv(mapping: Mapping) -> str:
    return "".join(f"{line}\n" for line in _lines(mapping))


def write_dotenv_line(key: str, node: Node) -> str:
    """Raises UsageError for what a line cannot hold."""
    if isinstance(node, Mapping | Sequence):
        raise UsageError("a dotenv file cannot hold lists and mappings", hint="write the file as YAML or JSON")
    return f"{key}={flat_text(node)}"


def metadata_lines(metadata: Mapping) -> list[str]:
    return [f"{PREFIX}{key}={value}" for key, value in flatten(metadata)]


def flatten(node: Mapping) -> list[tuple[str, str]]:
    """Metadata as names and texts, sorted by name; a line break is `\\n`."""
    return sorted((name, flat_text(leaf)) for name, leaf in _flat(node, ""))


def unflatten(flat: Iterable[tuple[str, Leaf]]) -> Mapping:
    """The reverse of `flatten`. Raises UsageError for names that contradict each other."""
    root: _Branch = {}
    for name, leaf in flat:
        first, *rest = _STEP.split(name)
        steps = [
            first,
            *(
                int(step) if kind == "list" and step.isdigit() else step
                for kind, step in zip(rest[::2], rest[1::2], strict=True)
            ),
        ]
        at = root
        for step in steps[:-1]:
            below = at.setdefault(step, {})
            if isinstance(below, Leaf):
                raise UsageError("the sops metadata of this file contradicts itself", hint="restore the file from Git")
            at = below
        at[steps[-1]] = leaf
    return Mapping([Item(str(key), _tree(value)) for key, value in root.items()])


def flat_text(node: Node) -> str:
    if not isinstance(node, Leaf):
        return "null" if isinstance(node, Null) else ""
    text = text_of(node)
    return (text.lower() if node.kind == "bool" else text).replace("\n", "\\n")


_Branch: TypeAlias = "dict[str | int, Leaf | _Branch]"


def _tree(value: Leaf | _Branch) -> Node:
    if isinstance(value, Leaf):
        return value
    if value and all(isinstance(key, int) for key in value):
        return Sequence([_tree(value[key]) for key in sorted(value, key=int)])
    return Mapping([Item(str(key), _tree(below)) for key, below in value.items()])


def _flat(node: Node, name: str) -> Iterator[tuple[str, Node]]:
    if isinstance(node, Mapping):
        for item in node.entries():
            yield from _flat(item.value, f"{name}__map_{item.key}" if name else item.key)
    elif isinstance(node, Sequence):
        for position, element in enumerate(node.nodes()):
            yield from _flat(element, f"{name}__list_{position}")
    else:
        yield name, node


def _lines(mapping: Mapping) -> Iterator[str]:
    for item in mapping.items:
        if isinstance(item, Comment):
            yield f"#{item.text.decode('utf-8', 'surrogateescape')}"
        elif item.key == METADATA and isinstance(item.value, Mapping):
            yield from metadata_lines(item.value)
        else:
            yield write_dotenv_line(item.key, item.value)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")

"""The tree of a SOPS document: ordered, with comments, each leaf a kind and its plaintext bytes.

One representation serves all formats: the plaintext bytes of a leaf are exactly what SOPS encrypts and hashes, so a store only has to
know how its format writes them. No leaf and no comment shows its content in a repr.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.model.value import Path

Kind: TypeAlias = Literal["str", "int", "float", "bool", "time", "bytes", "comment"]
METADATA = "sops"


class FileType(StrEnum):
    YAML = "yaml"
    JSON = "json"
    DOTENV = "dotenv"
    INI = "ini"
    BINARY = "binary"


_EXTENSIONS = {
    ".yaml": FileType.YAML,
    ".yml": FileType.YAML,
    ".json": FileType.JSON,
    ".env": FileType.DOTENV,
    ".ini": FileType.INI,
}


def file_type_of(name: str) -> FileType:
    """What SOPS takes a file of this name for."""
    return next((kind for extension, kind in _EXTENSIONS.items() if name.endswith(extension)), FileType.BINARY)


class Span(NamedTuple):
    """Where a node is written: characters of the text, the end exclusive."""

    start: int
    end: int


class Leaf:
    """A scalar that is not null. `reveal` gives the plaintext bytes; in an encrypted tree they are the text `ENC[…]`."""

    __slots__ = ("_plain", "kind", "span")

    def __init__(self, kind: Kind, plain: bytes, span: Span | None = None) -> None:
        self.kind: Kind = kind
        self._plain = plain
        self.span = span

    def reveal(self) -> bytes:
        return self._plain

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Leaf) and self.kind == other.kind and self._plain == other._plain

    def __hash__(self) -> int:
        return hash((self.kind, self._plain))

    def __repr__(self) -> str:
        return f"Leaf({self.kind}, …)"


@dataclass(slots=True)
class Null:
    span: Span | None = field(default=None, compare=False)


@dataclass(slots=True)
class Comment:
    """The text behind `#`. `inline`: it stands behind a value on its line."""

    text: bytes = field(repr=False)
    inline: bool = field(default=False, compare=False)
    span: Span | None = field(default=None, compare=False)


class Item(NamedTuple):
    """One entry of a mapping."""

    key: str
    value: Node
    key_span: Span | None = None


@dataclass(slots=True)
class Mapping:
    items: list[Item | Comment]
    span: Span | None = field(default=None, compare=False)
    is_flow: bool = field(default=False, compare=False)

    def entries(self) -> Iterator[Item]:
        return (item for item in self.items if isinstance(item, Item))

    def find(self, key: str) -> Item | None:
        return next((item for item in self.entries() if item.key == key), None)


@dataclass(slots=True)
class Sequence:
    items: list[Node | Comment]
    span: Span | None = field(default=None, compare=False)
    is_flow: bool = field(default=False, compare=False)

    def nodes(self) -> Iterator[Node]:
        return (item for item in self.items if not isinstance(item, Comment))


Node: TypeAlias = "Leaf | Null | Mapping | Sequence"
Documents: TypeAlias = "list[Mapping]"


def node_at(root: Mapping, path: Path) -> Node | None:
    """The node that a path leads to; None if nothing is there."""
    at: Node = root
    for step in path:
        if isinstance(at, Mapping) and isinstance(step, str):
            item = at.find(step)
            if item is None:
                return None
            at = item.value
        elif isinstance(at, Sequence) and isinstance(step, int):
            nodes = list(at.nodes())
            if step >= len(nodes):
                return None
            at = nodes[step]
        else:
            return None
    return at


def text_leaf(text: str) -> Leaf:
    return Leaf("str", text.encode("utf-8", "surrogateescape"))


def text_of(leaf: Leaf) -> str:
    """The plaintext as text; bytes that are no UTF-8 become lone surrogates."""
    return leaf.reveal().decode("utf-8", "surrogateescape")

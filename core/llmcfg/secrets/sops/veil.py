"""Which values and comments of a file are encrypted: what may never come out of an operation in the clear."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llmcfg.secrets.sops.cipher import is_token
from llmcfg.secrets.sops.model import Comment, Item, Leaf, Mapping, Sequence
from llmcfg.secrets.sops.walk import encrypt_tree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.secrets.sops.model import Documents, Node
    from llmcfg.secrets.sops.opened import OpenedFile
    from llmcfg.secrets.sops.rules import Rule

Place = tuple[int, tuple[str, ...]]  # document and keys; the elements of a list are at the keys of the list


class Veil(NamedTuple):
    """Places of values, and the texts of comments."""

    places: frozenset[Place]
    comments: frozenset[bytes]


def sealed_in(file: OpenedFile) -> Veil:
    return _veil(file, sealed=True)


def clear_in(file: OpenedFile) -> Veil:
    """What is not empty and not encrypted."""
    return _veil(file, sealed=False)


def mark_selected(documents: Documents, rule: Rule) -> Documents:
    """The documents with every value and comment changed that the rule encrypts, encrypted or not, and the others as they are.

    Raises UsageError as `encrypt_tree`.
    """
    return encrypt_tree(documents, _Marking(), rule)[0]


class _Marking:
    """Stands in for what seals."""

    def seal(self, leaf: Leaf, _additional: bytes) -> bytes:
        return b"\0" + leaf.reveal() if leaf.reveal() else b""


def _veil(file: OpenedFile, *, sealed: bool) -> Veil:
    found = [
        (number, path, node)
        for number, pair in enumerate(zip(file.parsed.documents, file.plain, strict=True))
        for path, node, is_sealed in _nodes(*pair, ())
        if is_sealed is sealed
    ]
    return Veil(
        frozenset((number, path) for number, path, node in found if isinstance(node, Leaf)),
        frozenset(node.text for _, _, node in found if isinstance(node, Comment)),
    )


def _nodes(
    sealed: Node | Comment, plain: Node | Comment, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Leaf | Comment, bool]]:
    if isinstance(sealed, Mapping | Sequence) and isinstance(plain, Mapping | Sequence):
        for one, other in zip(sealed.items, plain.items, strict=True):
            if isinstance(one, Item) and isinstance(other, Item):
                yield from _nodes(one.value, other.value, (*path, one.key))
            elif not isinstance(one, Item) and not isinstance(other, Item):
                yield from _nodes(one, other, path)
    elif isinstance(plain, Leaf | Comment) and isinstance(sealed, Leaf | Comment):
        written = sealed.reveal() if isinstance(sealed, Leaf) else sealed.text
        if written:
            yield (
                path,
                plain,
                is_token(written) and written != (plain.reveal() if isinstance(plain, Leaf) else plain.text),
            )

"""Encrypting and decrypting a whole tree, and its MAC.

The MAC is the SHA-512 of all plaintext leaves in order, over all documents; comments, nulls and empty strings add nothing to it. A
tree is never changed in place: each walk gives a new one.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from llmcfg.errors import IntegrityError, UsageError
from llmcfg.model.keypath import format_key_path
from llmcfg.secrets.sops.cipher import additional_data, is_token
from llmcfg.secrets.sops.model import Comment, Item, Leaf, Mapping, Sequence
from llmcfg.secrets.sops.rules import Selection

if TYPE_CHECKING:
    from collections.abc import Sequence as AnySequence

    from llmcfg.secrets.sops.cipher import Cipher
    from llmcfg.secrets.sops.model import Documents, Node
    from llmcfg.secrets.sops.rules import Rule

    Keys: TypeAlias = tuple[str, ...]
    Comments: TypeAlias = tuple[list[bytes], ...]

_ONLY_ENCRYPTED: Final = hashlib.sha256(b"sops").digest()


class Sealer(Protocol):
    """What gives a leaf its token."""

    def seal(self, leaf: Leaf, additional: bytes, /) -> bytes: ...


def decrypt_tree(
    documents: Documents, cipher: Cipher, rule: Rule, *, mac_only_encrypted: bool = False
) -> tuple[Documents, str]:
    """The plaintext documents and their MAC. Raises IntegrityError that names the path of what does not open."""
    opening = _Opening(cipher)
    mac = _Mac(only_encrypted=mac_only_encrypted)
    return _Walk(rule, opening, mac).documents(documents), mac.text()


def encrypt_tree(
    documents: Documents, sealer: Sealer, rule: Rule, *, mac_only_encrypted: bool = False
) -> tuple[Documents, str]:
    """The same documents with tokens for what the rule selects, and the MAC of the plaintext.

    Raises UsageError for comments in a list where a rule is on comments: sops could not decrypt what comes of it.
    """
    sealing = _Sealing(sealer, rule)
    mac = _Mac(only_encrypted=mac_only_encrypted)
    return _Walk(rule, sealing, mac).documents(documents), mac.text()


def visit_tree(documents: Documents, rule: Rule, visitor: Visitor) -> None:
    """Shows the visitor every leaf and comment, and whether the rule selects it. What the visitor gives back counts for nothing."""
    _Walk(rule, visitor, _Mac(only_encrypted=True)).documents(documents)


class Visitor(Protocol):
    """What is done to leaves and comments. `leaf` gives what it becomes, and its plaintext for the MAC; `places` are the paths that a
    comment may have been sealed under, its own first."""

    def leaf(self, leaf: Leaf, path: Keys, *, is_selected: bool) -> tuple[Leaf, Leaf]: ...

    def element(self, leaf: Leaf, path: Keys, *, is_selected: bool) -> tuple[Leaf | Comment, Leaf | None]: ...

    def comment(self, comment: Comment, places: AnySequence[Keys], *, is_selected: bool) -> Comment: ...

    def element_comment(
        self, comment: Comment, places: AnySequence[Keys], *, is_selected: bool
    ) -> Comment | Leaf | None: ...


class _Mac:
    def __init__(self, *, only_encrypted: bool) -> None:
        self.only_encrypted = only_encrypted
        self._hash = hashlib.sha512(_ONLY_ENCRYPTED if only_encrypted else b"")

    def add(self, plain: Leaf, *, is_selected: bool) -> None:
        if is_selected or not self.only_encrypted:
            self._hash.update(plain.reveal())

    def text(self) -> str:
        return self._hash.hexdigest().upper()


class _Walk:
    """Visits a tree in order. `comments` holds, for each open container, the comments since its last item."""

    def __init__(self, rule: Rule, visitor: Visitor, mac: _Mac) -> None:
        self.selection = Selection(rule)
        self.visitor = visitor
        self.mac = mac

    def documents(self, documents: Documents) -> Documents:
        return [self._mapping(document, (), ()) for document in documents]

    def _mapping(self, mapping: Mapping, path: Keys, comments: Comments) -> Mapping:
        here: list[bytes] = []
        around = (*comments, here)
        items: list[Item | Comment] = []
        for position, item in enumerate(mapping.items):
            if isinstance(item, Comment):
                here.append(item.text)
                is_selected = self.selection.has_comment(item.text, path, around)
                places = (path, *_section_behind(mapping, position, path))
                items.append(self.visitor.comment(item, places, is_selected=is_selected))
                continue
            key, value, span = item
            below = (*path, key)
            if isinstance(value, Leaf):
                is_selected = self.selection.has_value(below, around)
                value, plain = self.visitor.leaf(value, below, is_selected=is_selected)
                self.mac.add(plain, is_selected=is_selected)
            else:
                value = self._container(value, below, around)
            items.append(Item(key, value, span))
            here.clear()
        return Mapping(items, mapping.span, mapping.is_flow)

    def _sequence(self, sequence: Sequence, path: Keys, comments: Comments) -> Sequence:
        here: list[bytes] = []
        around = (*comments, here)
        items: list[Node | Comment] = []
        for item in sequence.items:
            if isinstance(item, Comment):
                here.append(item.text)
                is_selected = self.selection.has_comment(item.text, path, around)
                kept = self.visitor.element_comment(item, (path,), is_selected=is_selected)
                items += [kept] if kept is not None else []
                continue
            if isinstance(item, Leaf):
                is_selected = self.selection.has_value(path, around)
                value, plain = self.visitor.element(item, path, is_selected=is_selected)
                if plain is not None:
                    self.mac.add(plain, is_selected=is_selected)
                items.append(value)
            else:
                items.append(self._container(item, path, around))
            here.clear()
        return Sequence(items, sequence.span, sequence.is_flow)

    def _container(self, node: Node, path: Keys, comments: Comments) -> Node:
        if isinstance(node, Mapping):
            return self._mapping(node, path, comments)
        if isinstance(node, Sequence):
            return self._sequence(node, path, comments)
        return node


class _Opening:
    """From tokens to plaintext."""

    def __init__(self, cipher: Cipher) -> None:
        self.cipher = cipher

    def leaf(self, leaf: Leaf, path: Keys, *, is_selected: bool) -> tuple[Leaf, Leaf]:
        if not is_selected:
            return leaf, leaf
        try:
            plain = self.cipher.open(leaf.reveal(), additional_data(path), leaf.span)
        except IntegrityError as error:
            raise _does_not_open(path, error) from None
        if plain.kind == "comment":
            raise _does_not_open(path, IntegrityError("it is a comment where a value is expected"))
        return plain, plain

    def element(self, leaf: Leaf, path: Keys, *, is_selected: bool) -> tuple[Leaf | Comment, Leaf | None]:
        if not is_selected:
            return leaf, leaf
        try:
            plain = self.cipher.open(leaf.reveal(), additional_data(path), leaf.span)
        except IntegrityError as error:
            raise _does_not_open(path, error) from None
        return (Comment(plain.reveal(), span=leaf.span), None) if plain.kind == "comment" else (plain, plain)

    def comment(self, comment: Comment, places: AnySequence[Keys], *, is_selected: bool) -> Comment:
        """A comment may have been filed under an outer container when it was written."""
        if not is_selected or not is_token(comment.text):
            return comment
        own, *others = places
        outer = [own[:length] for length in range(len(own), -1, -1)]
        plain = self.cipher.open_at_any(comment.text, map(additional_data, [*outer, *others]))
        return comment if plain is None else Comment(plain.reveal(), span=comment.span)

    def element_comment(self, comment: Comment, places: AnySequence[Keys], *, is_selected: bool) -> Comment:
        return self.comment(comment, places, is_selected=is_selected)


class _Sealing:
    """From plaintext to tokens."""

    def __init__(self, sealer: Sealer, rule: Rule) -> None:
        self.sealer = sealer
        self.on_comments = rule.on_comments

    def leaf(self, leaf: Leaf, path: Keys, *, is_selected: bool) -> tuple[Leaf, Leaf]:
        if not is_selected:
            return leaf, leaf
        return Leaf("str", self.sealer.seal(leaf, additional_data(path)), leaf.span), leaf

    element = leaf

    def comment(self, comment: Comment, places: AnySequence[Keys], *, is_selected: bool) -> Comment:
        return Comment(self._seal(comment, places[0]), comment.inline, comment.span) if is_selected else comment

    def element_comment(
        self, comment: Comment, places: AnySequence[Keys], *, is_selected: bool
    ) -> Comment | Leaf | None:
        if self.on_comments:
            raise UsageError(
                f"the list {format_key_path(places[0])} has comments, and the rule of this file is on comments",
                hint="move the comment before the key, or use a rule on keys",
            )
        if not is_selected:
            return comment
        if not comment.text:
            return None  # sops would read an empty string
        return Leaf("str", self._seal(comment, places[0]), comment.span)

    def _seal(self, comment: Comment, path: Keys) -> bytes:
        return self.sealer.seal(Leaf("comment", comment.text), additional_data(path))


def _section_behind(mapping: Mapping, position: int, path: Keys) -> list[Keys]:
    """The mapping right behind a comment: in INI files, the comment belongs to it."""
    following = mapping.items[position + 1 : position + 2]
    return [(*path, item.key) for item in following if isinstance(item, Item) and isinstance(item.value, Mapping)]


def _does_not_open(path: Keys, error: IntegrityError) -> IntegrityError:
    return IntegrityError(
        f"the value of {format_key_path(path)} does not open: {error.message}", hint="restore the file from Git"
    )

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
    from llmcfg.secrets.sops.cipher import Cipher
    from llmcfg.secrets.sops.model import Documents, Node
    from llmcfg.secrets.sops.rules import Rule

    Keys: TypeAlias = tuple[str, ...]

_ONLY_ENCRYPTED: Final = hashlib.sha256(b"sops").digest()
_NEGATIVE_ZERO: Final = Leaf("float", b"-0")
_SIGNED_ZERO: Final = Leaf("float", b"-0.0")  # as it is written in the clear, since -0 is read as the integer 0


class Sealer(Protocol):
    """What gives a leaf its token."""

    def seal(self, leaf: Leaf, additional: bytes, /) -> bytes: ...


def decrypt_tree(
    documents: Documents, cipher: Cipher, rule: Rule, *, mac_only_encrypted: bool = False
) -> tuple[Documents, str]:
    """The plaintext documents and their MAC. Raises IntegrityError that names the path of what does not open."""
    walk = _Walk(Selection(rule), _Opening(cipher), mac_only_encrypted=mac_only_encrypted)
    return walk.documents(documents), walk.mac()


def encrypt_tree(
    documents: Documents, sealer: Sealer, rule: Rule, *, mac_only_encrypted: bool = False
) -> tuple[Documents, str]:
    """The same documents with tokens for what the rule selects, and the MAC of the plaintext.

    Raises UsageError for comments in a list where a rule is on comments: sops could not decrypt what comes of it.
    """
    selection = Selection(rule)
    walk = _Walk(selection, _Sealing(sealer, selection), mac_only_encrypted=mac_only_encrypted)
    return walk.documents(documents), walk.mac()


def visit_tree(documents: Documents, rule: Rule, visitor: Visitor) -> None:
    """Shows the visitor every leaf and comment, and whether the rule selects it. What the visitor gives back counts for nothing."""
    _Walk(Selection(rule), visitor, mac_only_encrypted=False).documents(documents)


class Visitor(Protocol):
    """What is done to leaves and comments.

    `leaf` and `element` (of a list) give what a leaf becomes and its plaintext for the MAC, which is empty for a comment. `path` leads
    to it, or to the container of a comment or element; `additional` is what binds it to its place.
    """

    def leaf(self, leaf: Leaf, path: Keys, additional: bytes, is_selected: bool, /) -> tuple[Leaf, bytes]: ...

    def element(
        self, leaf: Leaf, path: Keys, additional: bytes, is_selected: bool, /
    ) -> tuple[Leaf | Comment, bytes]: ...

    def comment(self, comment: Comment, path: Keys, is_selected: bool, /) -> Comment: ...

    def element_comment(self, comment: Comment, path: Keys, is_selected: bool, /) -> Comment | Leaf | None: ...


class _Walk:
    """Visits a tree in order.

    `hit` says whether a key on the way, or a comment before one of the open containers, matches the rule. Within a container, `here`
    says it of the comments since its last item.
    """

    def __init__(self, selection: Selection, visitor: Visitor, *, mac_only_encrypted: bool) -> None:
        self.selection = selection
        self.visitor = visitor
        self.hashes_all = not mac_only_encrypted
        self.hashed: list[bytes] = [_ONLY_ENCRYPTED] if mac_only_encrypted else []

    def documents(self, documents: Documents) -> Documents:
        return [self._mapping(document, b"", (), hit=False) for document in documents]

    def mac(self) -> str:
        return hashlib.sha512(b"".join(self.hashed)).hexdigest().upper()

    def _mapping(self, mapping: Mapping, prefix: bytes, path: Keys, *, hit: bool) -> Mapping:
        hits_key, encrypts_hits, visit = self.selection.hits_key, self.selection.encrypts_hits, self.visitor.leaf
        here = False
        items: list[Item | Comment] = []
        for item in mapping.items:
            if isinstance(item, Comment):
                is_selected, here = self._comment(item, hit, here)
                items.append(self.visitor.comment(item, path, is_selected))
                continue
            key, value, span = item
            is_hit = hit or here or hits_key(key)
            below = prefix + key.encode("utf-8", "surrogateescape") + b":"
            if isinstance(value, Leaf):
                is_selected = is_hit is encrypts_hits
                value, plain = visit(value, (*path, key), below, is_selected)
                if is_selected or self.hashes_all:
                    self.hashed.append(plain)
            else:
                value = self._container(value, below, (*path, key), hit=is_hit)
            items.append(Item(key, value, span))
            here = False
        return Mapping(items, mapping.span, mapping.is_flow)

    def _sequence(self, sequence: Sequence, prefix: bytes, path: Keys, *, hit: bool) -> Sequence:
        here = False
        items: list[Node | Comment] = []
        for item in sequence.items:
            if isinstance(item, Comment):
                is_selected, here = self._comment(item, hit, here)
                kept = self.visitor.element_comment(item, path, is_selected)
                items += [kept] if kept is not None else []
            else:
                items.append(self._element(item, prefix, path, hit or here))
                here = False
        return Sequence(items, sequence.span, sequence.is_flow)

    def _element(self, element: Node, prefix: bytes, path: Keys, hit: bool) -> Node | Comment:
        if not isinstance(element, Leaf):
            return self._container(element, prefix, path, hit=hit)
        is_selected = hit is self.selection.encrypts_hits
        value, plain = self.visitor.element(element, path, prefix, is_selected)
        if is_selected or self.hashes_all:
            self.hashed.append(plain)
        return value

    def _comment(self, comment: Comment, hit: bool, here: bool) -> tuple[bool, bool]:
        """Whether a comment is encrypted, and `here` behind it. One that asks for encryption does not ask for its own."""
        behind = here or self.selection.hits_comment(comment.text)
        if self.selection.encrypts_hits:
            return hit or here, behind
        return not (hit or behind), behind

    def _container(self, node: Node, prefix: bytes, path: Keys, *, hit: bool) -> Node:
        if isinstance(node, Mapping):
            return self._mapping(node, prefix, path, hit=hit)
        if isinstance(node, Sequence):
            return self._sequence(node, prefix, path, hit=hit)
        return node


class _Opening:
    """From tokens to plaintext."""

    def __init__(self, cipher: Cipher) -> None:
        self.cipher = cipher

    def leaf(self, leaf: Leaf, path: Keys, additional: bytes, is_selected: bool) -> tuple[Leaf, bytes]:
        plain, hashed = self.element(leaf, path, additional, is_selected)
        if isinstance(plain, Comment):
            raise _does_not_open(path, "it is a comment where a value is expected")
        return plain, hashed

    def element(self, leaf: Leaf, path: Keys, additional: bytes, is_selected: bool) -> tuple[Leaf | Comment, bytes]:
        token = leaf.reveal()
        if not is_selected or not token:
            return leaf, token
        try:
            kind, plain = self.cipher.open_token(token, additional)
        except IntegrityError as error:
            raise _does_not_open(path, error.message) from None
        if kind == "comment":
            return Comment(plain, span=leaf.span), b""
        return Leaf(kind, plain, leaf.span), plain

    def comment(self, comment: Comment, path: Keys, is_selected: bool) -> Comment:
        """A comment may have been filed under an outer container when it was written."""
        if not is_selected or not is_token(comment.text):
            return comment
        outer = [path[:length] for length in range(len(path), -1, -1)]
        plain = self.cipher.open_at_any(comment.text, map(additional_data, outer))
        return comment if plain is None else Comment(plain.reveal(), span=comment.span)

    element_comment = comment


class _Sealing:
    """From plaintext to tokens."""

    def __init__(self, sealer: Sealer, selection: Selection) -> None:
        self.sealer = sealer
        self.selection = selection

    def leaf(self, leaf: Leaf, _path: Keys, additional: bytes, is_selected: bool) -> tuple[Leaf, bytes]:
        plain = leaf.reveal()
        if not is_selected:
            return (_SIGNED_ZERO if leaf == _NEGATIVE_ZERO else leaf), plain
        return Leaf("str", self.sealer.seal(leaf, additional), leaf.span), plain

    element = leaf

    def comment(self, comment: Comment, path: Keys, is_selected: bool) -> Comment:
        return Comment(self._seal(comment, path), comment.inline, comment.span) if is_selected else comment

    def element_comment(self, comment: Comment, path: Keys, is_selected: bool) -> Comment | Leaf | None:
        if self.selection.on_comments:
            raise UsageError(
                f"the list {format_key_path(path)} has comments, and the rule of this file is on comments",
                hint="move the comment before the key, or use a rule on keys",
            )
        if not is_selected:
            return comment
        if not comment.text:
            return None  # sops would read an empty string
        return Leaf("str", self._seal(comment, path), comment.span)

    def _seal(self, comment: Comment, path: Keys) -> bytes:
        sealed = self.sealer.seal(Leaf("comment", comment.text), additional_data(path))
        if not self.selection.encrypts_hits and self.selection.hits_comment(sealed):
            raise UsageError(
                "the rule of this file matches encrypted comments too, and would keep what follows them in the clear",
                hint="use an expression that matches your own comments only",
            )
        return sealed


def _does_not_open(path: Keys, why: str) -> IntegrityError:
    return IntegrityError(
        f"the value of {format_key_path(path)} does not open: {why}", hint="restore the file from Git"
    )

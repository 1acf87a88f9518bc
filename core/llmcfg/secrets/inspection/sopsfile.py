"""Looking through a parsed SOPS file: its metadata, its keys, its values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmcfg.errors import IntegrityError, LlmcfgError
from llmcfg.model.findings import Problem
from llmcfg.model.keypath import format_key_path
from llmcfg.secrets.age import read_header
from llmcfg.secrets.age.armor import remove_armor
from llmcfg.secrets.inspection.outline import Inspected, Nonce, Places, mixed, single
from llmcfg.secrets.sops.cipher import is_token, parse_token
from llmcfg.secrets.sops.files import read_metadata
from llmcfg.secrets.sops.keys import armored, short_name
from llmcfg.secrets.sops.metadata import DamagedMetadataError
from llmcfg.secrets.sops.model import METADATA, Comment, Leaf, Mapping, Sequence
from llmcfg.secrets.sops.walk import visit_tree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.secrets.sops.metadata import KeyEntry, Metadata
    from llmcfg.secrets.sops.model import FileType, Node, Span
    from llmcfg.secrets.sops.stores import Parsed

_NONCE_BYTES: Final = 32
_RESTORE: Final = "restore the file from Git"
_QUOTES: Final = "put it in quotes; every change by llmcfg or sops writes it so"


def inspect_parsed(parsed: Parsed, file_type: FileType) -> Inspected:
    """Everything about one file, its problems in the order of its lines."""
    places = Places(parsed.text)
    node = parsed.metadata
    problems = [*_timestamps(node, places), *(found for tree in parsed.documents for found in _colons(tree, places))]
    at = _who_can_open(parsed, places)
    try:
        metadata = read_metadata(parsed, file_type)
    except DamagedMetadataError as error:
        item = node.find(error.key) if isinstance(node, Mapping) else None
        where = places.place(item.key_span) if item else at
        problems.append(Problem("secret-metadata", error.message, *where, error.hint))
        return Inspected(_ordered(problems))
    problems += _metadata_problems(metadata, node, at, places)
    look = _Look(places, on_comments=metadata.rule.on_comments)
    visit_tree(parsed.documents, metadata.rule, look)
    return Inspected(_ordered([*problems, *look.problems]), metadata, None, look.nonces, *at)


def _ordered(problems: list[Problem]) -> tuple[Problem, ...]:
    return tuple(sorted(problems, key=lambda problem: (problem.line, problem.column)))


def _who_can_open(parsed: Parsed, places: Places) -> tuple[int, int]:
    """The list of keys in the metadata, or the metadata as a whole."""
    node = parsed.metadata
    items = [node.find(name) for name in ("age", "key_groups")] if isinstance(node, Mapping) else []
    item = next((found for found in items if found is not None), None) or parsed.complete[0].find(METADATA)
    return places.place(item.key_span if item else None)


def _metadata_problems(metadata: Metadata, node: Node, at: tuple[int, int], places: Places) -> Iterator[Problem]:
    yield from _mac(metadata, node, at, places)
    for entry in metadata.entries:
        yield from _wrapped(entry, places, at)
    kinds = {recipient.startswith("age1pq1") for recipient in metadata.recipients}
    if len(kinds) > 1 or (True in kinds and len(metadata.recipients) < len(metadata.entries)):
        yield mixed(*at)
    if len(metadata.entries) < 2:
        yield single(*at)


def _mac(metadata: Metadata, node: Node, at: tuple[int, int], places: Places) -> Iterator[Problem]:
    item = node.find("mac") if isinstance(node, Mapping) else None
    if not metadata.mac:
        yield Problem("secret-metadata", "the file has no MAC, so nobody can tell whether it was changed",
                      *(places.place(item.key_span) if item else at), _RESTORE)  # fmt: skip
    elif item is not None and isinstance(item.value, Leaf):
        why = _why_malformed(item.value.reveal())
        if why:
            yield Problem("secret-token", f"the MAC is damaged: {why}", *places.place(item.value.span), _RESTORE)


def _wrapped(entry: KeyEntry, places: Places, at: tuple[int, int]) -> Iterator[Problem]:
    """Whether the data key for an age recipient is one that can be opened."""
    if entry.service != "age":
        return
    try:
        read_header(remove_armor(armored(entry)))
    except LlmcfgError as error:
        found = entry.source.find("enc") if entry.source else None
        yield Problem("secret-metadata", f"the data key for {short_name(entry.name)} is damaged: {error.message}",
                      *(places.place(found.key_span) if found else at), _RESTORE)  # fmt: skip


def _timestamps(node: Node, places: Places) -> Iterator[Problem]:
    """Times without quotes, which sops refuses from release 3.13 on."""
    if isinstance(node, Mapping):
        for item in node.entries():
            if isinstance(item.value, Leaf) and item.value.kind == "time":
                yield Problem("secret-timestamp", f"{item.key} is a time without quotes, which sops 3.13 does not read",
                              *places.place(item.value.span), _QUOTES)  # fmt: skip
            yield from _timestamps(item.value, places)
    elif isinstance(node, Sequence):
        for element in node.nodes():
            yield from _timestamps(element, places)


def _colons(node: Node, places: Places) -> Iterator[Problem]:
    if isinstance(node, Mapping):
        for item in node.entries():
            if ":" in item.key:
                yield Problem("secret-colon", f"the key {item.key!r} has a colon: with it a value could be moved unseen to nested keys",
                              *places.place(item.key_span), "write it without a colon, or nest it")  # fmt: skip
            if not isinstance(item.value, Leaf):
                yield from _colons(item.value, places)
    elif isinstance(node, Sequence):
        for element in node.nodes():
            yield from _colons(element, places)


def _why_malformed(token: bytes) -> str:
    try:
        parse_token(token)
    except IntegrityError as error:
        return error.message
    return ""


class _Look:
    """Sees every value and comment of a file, and what its rule says of it."""

    def __init__(self, places: Places, *, on_comments: bool) -> None:
        self.problems: list[Problem] = []
        self.nonces: dict[bytes, Nonce] = {}
        self._places = places
        self._on_comments = on_comments

    def leaf(self, leaf: Leaf, path: tuple[str, ...], _additional: bytes, is_selected: bool) -> tuple[Leaf, bytes]:
        text = leaf.reveal()
        if is_token(text):
            self._token(text, leaf.span, path, is_selected=is_selected)
        elif is_selected and text:
            self._add("secret-clear", f"the value of {format_key_path(path)} is not encrypted, and the file's rule says it is",
                      leaf.span, "set it anew with llmcfg secret set, and at its issuer if it was pushed")  # fmt: skip
        return leaf, text

    def element(self, leaf: Leaf, path: tuple[str, ...], additional: bytes, is_selected: bool) -> tuple[Leaf, bytes]:
        if self._on_comments and leaf.reveal().endswith(b",type:comment]"):
            self._comment_in_list(path, leaf.span)
        return self.leaf(leaf, path, additional, is_selected)

    def comment(self, comment: Comment, path: tuple[str, ...], is_selected: bool) -> Comment:
        if is_token(comment.text):
            self._token(comment.text, comment.span, path, is_selected=is_selected)
        return comment

    def element_comment(self, comment: Comment, path: tuple[str, ...], is_selected: bool) -> Comment:
        if self._on_comments:
            self._comment_in_list(path, comment.span)
        return self.comment(comment, path, is_selected)

    def _token(self, text: bytes, span: Span | None, path: tuple[str, ...], *, is_selected: bool) -> None:
        name = format_key_path(path)
        try:
            token = parse_token(text)
        except IntegrityError as error:
            self._add("secret-token", f"the value of {name} cannot be opened: {error.message}", span, _RESTORE)
            return
        if not is_selected:
            self._add("secret-token", f"{name} is encrypted, and the file's rule says it is not: it would be read as the text ENC[…]",
                      span, "restore the file from Git, or its rule")  # fmt: skip
        if len(token.iv) != _NONCE_BYTES:
            self._add("secret-nonce", f"the nonce of {name} has {len(token.iv)} bytes and not {_NONCE_BYTES}", span,
                      "set the value anew")  # fmt: skip
        self._nonce(token.iv, hash(token), span, name)

    def _nonce(self, nonce: bytes, ciphertext: int, span: Span | None, name: str) -> None:
        line, column = self._places.place(span)
        first = self.nonces.setdefault(nonce, Nonce(ciphertext, line, column))
        if (first.line, first.column) == (line, column):
            return
        if first.ciphertext == ciphertext:
            self._add("secret-repeated", f"{name} has the same ciphertext as line {first.line}: everybody sees that the values are equal",
                      span, "set one of them anew")  # fmt: skip
        else:
            self._add("secret-nonce-reuse", f"{name} has the same nonce as line {first.line} and another value: both can be found out",
                      span, "change both at their issuers, and rotate the file's data key")  # fmt: skip

    def _comment_in_list(self, path: tuple[str, ...], span: Span | None) -> None:
        self._add("secret-comment-rule", f"the list {format_key_path(path)} has comments, and the rule of this file is on comments: "
                  "sops cannot open it", span, "move the comment before the key, or use a rule on keys")  # fmt: skip

    def _add(self, rule: str, message: str, span: Span | None, hint: str) -> None:
        self.problems.append(Problem(rule, message, *self._places.place(span), hint))

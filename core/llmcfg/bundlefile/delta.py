"""Deltas: what leads from one bundle to another, applied only where it fits, and only if the outcome has the root that it names.

Steps grow with the change: single values of a document, a document whole, and when a delta would be as large as the file, no delta at all.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from llmcfg import limits
from llmcfg.bundlefile.bundle import LOCK, Bundle, make_leaf, read_leaf
from llmcfg.bundlefile.frames import pack_frame, unpack_frame
from llmcfg.bundlefile.head import NOTHING, Claims, Payload, Signature, check_claims, head_of, payload_of
from llmcfg.canonical import canonical_json
from llmcfg.errors import ConflictError, IntegrityError, UsageError
from llmcfg.model.change import ABSENT, Change
from llmcfg.model.difference import apply_changes, diff_values

if TYPE_CHECKING:
    from llmcfg.bundlefile.head import Head
    from llmcfg.bundlefile.nodes import Leaf
    from llmcfg.bundlefile.tree import LeafChange
    from llmcfg.model.value import Value

_MOST_EDITS: Final = 256  # of one document; beyond it the document comes whole


class _Put(msgspec.Struct, array_like=True, frozen=True, tag=0):
    """A part, new or whole again. The frame has no dictionary, since the receiver may have another."""

    name: str
    size: int
    frame: bytes


class _Drop(msgspec.Struct, array_like=True, frozen=True, tag=1):
    name: str


class _Edit(msgspec.Struct, array_like=True, frozen=True, tag=2):
    """Values of a document: set, each as its path and the value behind it, or removed."""

    name: str
    sets: list[tuple[list[str | int], Any]]
    removals: list[list[str | int]]


_Step: TypeAlias = "_Put | _Drop | _Edit"


class _NewClaims(msgspec.Struct, array_like=True, frozen=True):
    """What was signed, without what the base says alike: then `repository` is empty, `previous` absent, and so are the `keys`.

    `known` is a checksum of what the base says of repository and keys, since two bundles of one root may differ in who signed them.
    """

    known: int
    repository: str
    epoch: int
    sequence: int
    previous: bytes | None
    issued: int
    expires: int
    sources: bytes
    manifest: bytes
    keys: list[bytes] | None
    signatures: list[bytes]


class _Delta(msgspec.Struct, array_like=True, frozen=True):
    base: bytes
    head: Payload  # with an empty `previous` where that is the base
    claims: _NewClaims | None
    steps: list[_Put | _Drop | _Edit]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Delta).decode


class WrongBaseError(ConflictError):
    """The delta starts from another bundle than the one that is here."""


def make_delta(before: Bundle, after: Bundle) -> bytes:
    """What leads from `before` to `after` and its head, as small as it gets."""
    steps = [_step(change) for change in before.tree.differences(after.tree)]
    payload = payload_of(after.head)
    if payload.previous == before.head.root:
        payload = msgspec.structs.replace(payload, previous=NOTHING)
    return _encode(_Delta(before.head.root, payload, _new_claims(before.head, after.head.claims), steps))


def apply_delta(before: Bundle, delta: bytes) -> Bundle:
    """The bundle that the delta leads to. Raises WrongBaseError where it does not start from `before`, IntegrityError for a bad one."""
    parsed = _parse(delta)
    if parsed.base != before.head.root:
        raise WrongBaseError(
            f"the delta starts from {parsed.base.hex()[:10]}, and here is {before.head.root.hex()[:10]}",
            hint="fetch what differs by the digest tree, or the whole file",
        )
    payload = parsed.head
    if payload.previous == NOTHING:
        payload = msgspec.structs.replace(payload, previous=parsed.base)
    try:
        tree = before.tree.changed({step.name: _outcome(before, step) for step in parsed.steps})
    except UsageError as error:
        raise IntegrityError(f"a delta holds what no bundle can: {error.message}") from None
    if tree.digest != payload.root:
        raise IntegrityError("a delta does not lead to the root that it names")
    return Bundle(head_of(payload, _claims(before.head, parsed.claims)), tree)


def _new_claims(before: Head, claims: Claims | None) -> _NewClaims | None:
    if claims is None:
        return None
    keys = [made.key for made in claims.signatures]
    return _NewClaims(
        known=_known(before),
        repository="" if claims.repository == _repository(before) else claims.repository,
        epoch=claims.epoch,
        sequence=claims.sequence,
        previous=None if claims.previous == before.root else claims.previous,
        issued=claims.issued,
        expires=claims.expires,
        sources=claims.sources,
        manifest=claims.manifest,
        keys=None if keys == _keys(before) else keys,
        signatures=[made.content for made in claims.signatures],
    )


def _claims(before: Head, new: _NewClaims | None) -> Claims | None:
    """What was signed, whole again. Raises WrongBaseError, and IntegrityError where it is not what a head can hold."""
    if new is None:
        return None
    if new.known != _known(before):
        raise WrongBaseError("the delta starts from a bundle that others signed", hint="fetch the whole file")
    keys = _keys(before) if new.keys is None else new.keys
    try:
        signatures = [Signature(key, content) for key, content in zip(keys, new.signatures, strict=True)]
        claims = Claims(
            repository=new.repository or _repository(before),
            epoch=new.epoch,
            sequence=new.sequence,
            previous=before.root if new.previous is None else new.previous,
            issued=new.issued,
            expires=new.expires,
            sources=new.sources,
            manifest=new.manifest,
            signatures=signatures,
        )
        return check_claims(claims)
    except ValueError:
        raise IntegrityError("a delta holds a signature that no head can") from None


def _known(head: Head) -> int:
    return zlib.crc32(b"".join([_repository(head).encode(), *_keys(head)]))


def _repository(head: Head) -> str:
    return head.claims.repository if head.claims else ""


def _keys(head: Head) -> list[bytes]:
    return [made.key for made in head.claims.signatures] if head.claims else []


def _parse(delta: bytes) -> _Delta:
    if len(delta) > limits.DELTA_BYTES:
        raise IntegrityError(f"a delta of {len(delta)} bytes is too large, the limit is {limits.DELTA_BYTES}")
    try:
        return _decode(delta)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise IntegrityError("a delta cannot be read") from None


def _step(change: LeafChange) -> _Step:
    if change.after is None:
        return _Drop(change.name)
    content = read_leaf(change.after, change.name)
    whole = _Put(change.name, len(content), pack_frame(content, b""))
    is_document = change.name == LOCK or change.name.startswith("config/")
    edit = _edit(change.name, change.before, content) if change.before and is_document else None
    return edit if edit is not None and len(_encode(edit)) < len(whole.frame) else whole


def _edit(name: str, before: Leaf, content: bytes) -> _Edit | None:
    """The edits of a document; None when they are many, or one of the two is not canonical JSON."""
    try:
        old, new = _document(read_leaf(before, name)), _document(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    changes = list(diff_values(old, new))
    if len(changes) > _MOST_EDITS or _written(new) != content:
        return None
    sets = [([*change.path], change.after) for change in changes if change.after is not ABSENT]
    return _Edit(name, sets, [[*change.path] for change in changes if change.after is ABSENT])


def _outcome(before: Bundle, step: _Step) -> Leaf | None:
    """The leaf that a step makes; whether it is right is seen from the root."""
    match step:
        case _Drop():
            return None
        case _Put(_, size, frame):
            return make_leaf(unpack_frame(frame, min(size, limits.BUNDLE_PART_BYTES), b""))
        case _Edit(name, sets, removals):
            changes = [
                *(Change(tuple(path), ABSENT, value) for path, value in sets),
                *(Change(tuple(path), ABSENT, ABSENT) for path in removals),
            ]
            try:
                return make_leaf(_written(apply_changes(_document(before.read(name) or b""), changes)))
            except (AssertionError, LookupError, TypeError, ValueError, RecursionError):
                raise IntegrityError(f"a delta changes what is not in {name[:100]!r}") from None


def _document(content: bytes) -> Value:
    value: Value = msgspec.json.decode(content)
    return value


def _written(value: Value) -> bytes:
    return canonical_json(value) + b"\n"

"""The head: the small part of a bundle file that says what the rest is, and that will be signed.

It names the root of the digest tree, the bundle's digest as in `manifest.json`, the commit, and its place in the order of heads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

import msgspec

from llmcfg import limits
from llmcfg.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Iterable

_Digest = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
_OptionalDigest = Annotated[bytes, msgspec.Meta(max_length=32)]
_Number = Annotated[int, msgspec.Meta(ge=0, le=1 << 62)]

NOTHING: Final = b""


class Signature(NamedTuple):
    """Over the head's payload. Nothing signs yet."""

    key: bytes
    signature: bytes


class Head(NamedTuple):
    """`sequence` only grows; 0 says that nobody counted. Times are seconds since 1970, 0 where there is none."""

    root: bytes
    digest: bytes
    sequence: int = 0
    previous: bytes = NOTHING
    commit: str = ""
    issued: int = 0
    expires: int = 0
    signatures: tuple[Signature, ...] = ()


class Payload(msgspec.Struct, array_like=True, frozen=True):
    """What a signature covers."""

    sequence: _Number
    root: _Digest
    previous: _OptionalDigest
    digest: _Digest
    commit: Annotated[bytes, msgspec.Meta(max_length=32)]
    issued: _Number
    expires: _Number


class _Signed(msgspec.Struct, array_like=True, frozen=True):
    payload: bytes
    signatures: list[Signature]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Signed).decode
_decode_payload = msgspec.msgpack.Decoder(Payload).decode


def payload_of(head: Head) -> Payload:
    return Payload(
        head.sequence, head.root, head.previous, head.digest, bytes.fromhex(head.commit), head.issued, head.expires
    )


def head_of(payload: Payload, signatures: Iterable[Signature]) -> Head:
    return Head(
        payload.root,
        payload.digest,
        payload.sequence,
        payload.previous,
        payload.commit.hex(),
        payload.issued,
        payload.expires,
        tuple(signatures),
    )


def encode_head(head: Head) -> bytes:
    return _encode(_Signed(_encode(payload_of(head)), [*head.signatures]))


def parse_head(content: bytes) -> Head:
    """Raises IntegrityError for what is no head."""
    if len(content) > limits.BUNDLE_HEAD_BYTES:
        raise IntegrityError(
            f"the head of a bundle has {len(content)} bytes, and the limit is {limits.BUNDLE_HEAD_BYTES}"
        )
    try:
        signed = _decode(content)
        return head_of(_decode_payload(signed.payload), signed.signatures)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise IntegrityError("the head of a bundle cannot be read") from None

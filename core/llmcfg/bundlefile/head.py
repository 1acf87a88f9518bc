"""The head: the small part of a bundle file that says what the rest is.

It names the root of the digest tree, the bundle's digest as in `manifest.json`, the commit, and its place in the order of deliveries. Where
the bundle was signed it has the signed statement too, without what follows from the bundle (`llmcfg.signing.statement` puts it together).
"""

from __future__ import annotations

import base64
from typing import Annotated, Final, NamedTuple

import msgspec

from llmcfg import limits
from llmcfg.errors import IntegrityError

_Digest = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
_OptionalDigest = Annotated[bytes, msgspec.Meta(max_length=32)]
_Number = Annotated[int, msgspec.Meta(ge=0, le=1 << 62)]
_Exact = Annotated[int, msgspec.Meta(ge=0, le=1 << 52)]  # JSON has it exactly
_Time = Annotated[
    int, msgspec.Meta(ge=0, le=253_402_300_799)
]  # the last second that is written with four digits for its year
_Signature = Annotated[bytes, msgspec.Meta(min_length=64, max_length=64)]

NOTHING: Final = b""


class Signature(msgspec.Struct, array_like=True, frozen=True):
    """`key` is the SHA-256 of the public key, `content` the signature over the statement."""

    key: _Digest
    content: _Signature

    @property
    def fingerprint(self) -> str:
        """Of the key, as `ssh-keygen -l` writes it."""
        return "SHA256:" + base64.b64encode(self.key).decode().rstrip("=")


class Claims(msgspec.Struct, array_like=True, frozen=True):
    """What was signed of a bundle, beside root, digest and commit of its head, its target, and the digests of its sealed files.

    `sequence` is the number of the deployed state, `previous` the root that was signed before it; `manifest` is the SHA-256 of
    `manifest.json`, `sources` the digest of all files of the commit's configuration.
    """

    repository: Annotated[str, msgspec.Meta(max_length=100)]
    epoch: _Exact
    sequence: _Exact
    previous: _OptionalDigest
    issued: _Time
    expires: _Time
    sources: _Digest
    manifest: _Digest
    signatures: Annotated[list[Signature], msgspec.Meta(max_length=32)]


class Head(NamedTuple):
    """`sequence` only grows; 0 says that nobody counted. Times are seconds since 1970, 0 where there is none."""

    root: bytes
    digest: bytes
    sequence: int = 0
    previous: bytes = NOTHING
    commit: str = ""
    issued: int = 0
    expires: int = 0
    claims: Claims | None = None


class Payload(msgspec.Struct, array_like=True, frozen=True):
    """What whoever delivers says."""

    sequence: _Number
    root: _Digest
    previous: _OptionalDigest
    digest: _Digest
    commit: Annotated[bytes, msgspec.Meta(max_length=32)]
    issued: _Number
    expires: _Number


class _Head(msgspec.Struct, array_like=True, frozen=True):
    payload: bytes
    claims: Claims | None


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Head).decode
_decode_payload = msgspec.msgpack.Decoder(Payload).decode


def check_claims(claims: Claims) -> Claims:
    """The same. Raises ValueError for claims that no head could be read with."""
    return msgspec.msgpack.decode(_encode(claims), type=Claims)


def payload_of(head: Head) -> Payload:
    return Payload(
        head.sequence, head.root, head.previous, head.digest, bytes.fromhex(head.commit), head.issued, head.expires
    )


def head_of(payload: Payload, claims: Claims | None) -> Head:
    return Head(
        payload.root,
        payload.digest,
        payload.sequence,
        payload.previous,
        payload.commit.hex(),
        payload.issued,
        payload.expires,
        claims,
    )


def encode_head(head: Head) -> bytes:
    return _encode(_Head(_encode(payload_of(head)), head.claims))


def parse_head(content: bytes) -> Head:
    """Raises IntegrityError for what is no head."""
    if len(content) > limits.BUNDLE_HEAD_BYTES:
        raise IntegrityError(
            f"the head of a bundle has {len(content)} bytes, and the limit is {limits.BUNDLE_HEAD_BYTES}"
        )
    try:
        read = _decode(content)
        return head_of(_decode_payload(read.payload), read.claims)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise IntegrityError("the head of a bundle cannot be read") from None

"""Envelopes of signed documents: DSSE (github.com/secure-systems-lab/dsse, protocol 1.0), read in one form.

A signature covers the kind of the payload too, so a document of one kind never passes for another. An envelope is canonical JSON:
what reads the same and is written otherwise is refused, and so is one with a signature that does not count. So no bit of it can
change unnoticed.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

import msgspec

from llmcfg.canonical import canonical_json
from llmcfg.trust.failure import SIG_FEW, SIG_FORM, SIG_MISSING, SIG_UNKNOWN, SignatureError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from llmcfg.trust.keys import PublicKey

_MOST_SIGNATURES: Final = 32


class Signature(NamedTuple):
    """`key` is the fingerprint of whose it claims to be."""

    key: str
    content: bytes


class Envelope(NamedTuple):
    kind: str
    payload: bytes
    signatures: tuple[Signature, ...] = ()


class _Signature(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    keyid: Annotated[str, msgspec.Meta(max_length=100)]
    sig: str


class _Envelope(msgspec.Struct, forbid_unknown_fields=True, frozen=True, rename={"payload_type": "payloadType"}):
    payload: str
    payload_type: Annotated[str, msgspec.Meta(max_length=200)]
    signatures: Annotated[list[_Signature], msgspec.Meta(max_length=_MOST_SIGNATURES)]


_decode = msgspec.json.Decoder(_Envelope).decode


def signing_input(kind: str, payload: bytes) -> bytes:
    """What is signed: the pre-authentication encoding of the protocol."""
    name = kind.encode()
    return b"DSSEv1 %d %s %d %s" % (len(name), name, len(payload), payload)


def encode_envelope(envelope: Envelope) -> bytes:
    return canonical_json(
        {
            "payload": _text(envelope.payload),
            "payloadType": envelope.kind,
            "signatures": [{"keyid": made.key, "sig": _text(made.content)} for made in envelope.signatures],
        }
    )


def parse_envelope(content: bytes, *, kind: str, limit: int) -> Envelope:
    """An envelope of this kind of at most `limit` bytes; its signatures are not looked at. Raises SignatureError."""
    if len(content) > limit:
        raise SignatureError(SIG_FORM, f"it has more than {limit} bytes")
    try:
        read = _decode(content)
        made = tuple(Signature(one.keyid, base64.b64decode(one.sig, validate=True)) for one in read.signatures)
        envelope = Envelope(read.payload_type, base64.b64decode(read.payload, validate=True), made)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, binascii.Error, ValueError):
        raise SignatureError(SIG_FORM, "it is no envelope of a signed document") from None
    if encode_envelope(envelope) != content:
        raise SignatureError(SIG_FORM, "it is an envelope, but not written in its one form")
    if envelope.kind != kind:
        raise SignatureError(SIG_FORM, f"it holds {envelope.kind[:100]!r}, and not {kind!r}")
    return envelope


def signed_by(
    envelope: Envelope, keys: Iterable[PublicKey], check: Callable[[PublicKey, bytes, bytes], object]
) -> frozenset[PublicKey]:
    """Which of the keys signed. `check` raises SignatureError for a signature that is not the key's of a content.

    Raises SignatureError where one of the signatures does not count, stands there twice, or there is none.
    """
    known = {key.fingerprint: key for key in keys}
    content = signing_input(envelope.kind, envelope.payload)
    found: set[PublicKey] = set()
    for made in envelope.signatures:
        key = known.get(made.key)
        if key is None:
            raise SignatureError(SIG_UNKNOWN, f"the key {made.key[:60]} may not sign it", key=made.key)
        if key in found:
            raise SignatureError(SIG_FORM, f"the key {made.key} signed it twice", key=made.key)
        check(key, made.content, content)
        found.add(key)
    if not found:
        raise SignatureError(SIG_MISSING, "it is not signed")
    return frozenset(found)


def require(found: frozenset[PublicKey], allowed: Iterable[PublicKey], threshold: int, what: str) -> None:
    """Raises SignatureError where fewer than `threshold` of the allowed keys signed."""
    count = len(found & frozenset(allowed))
    if count < threshold:
        raise SignatureError(SIG_FEW, f"{count} of {threshold} {what} signed it")


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()

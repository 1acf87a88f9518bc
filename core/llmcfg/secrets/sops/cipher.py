"""Single values, sealed with AES-256-GCM: `ENC[AES256_GCM,data:…,iv:…,tag:…,type:…]`.

The additional data of a value is the path of mapping keys that leads to it, so a value that was moved to another key does not open. A
nonce of 32 random bytes is written; any length that the cipher takes is read. Nothing that was opened is in an error message.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from llmcfg.errors import IntegrityError
from llmcfg.secrets.sops.model import Leaf
from llmcfg.secrets.sops.numbers import format_float, normal_time, parse_bool, parse_float, parse_int

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmcfg.secrets.sops.model import Kind, Span

DATA_KEY_BYTES: Final = 32
PREFIX: Final = b"ENC[AES256_GCM,"
_IV_BYTES: Final = 32
_TAG_BYTES: Final = 16
_TOKEN = re.compile(rb"ENC\[AES256_GCM,data:(.+),iv:(.+),tag:(.+),type:(.+)\]")
_KINDS: Final = frozenset(("str", "int", "float", "bool", "time", "bytes", "comment"))


class Token(NamedTuple):
    """The parts of a sealed value."""

    kind: Kind
    sealed: bytes  # ciphertext and tag
    iv: bytes


class Cipher:
    """Seals and opens values under one data key."""

    __slots__ = ("_gcm",)

    def __init__(self, data_key: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        if len(data_key) != DATA_KEY_BYTES:
            raise IntegrityError("the data key of this file does not have 32 bytes", hint="restore the file from Git")
        self._gcm: Any = AESGCM(bytes(data_key))

    def seal(self, leaf: Leaf, additional: bytes, iv: bytes | None = None) -> bytes:
        """The token of a leaf. What is empty is never sealed and stays as it is."""
        plain = leaf.reveal()
        if not plain:
            return b""
        nonce = iv or os.urandom(_IV_BYTES)
        sealed = self._gcm.encrypt(nonce, plain, additional)
        return format_token(Token(leaf.kind, sealed, nonce))

    def open(self, token: bytes, additional: bytes, span: Span | None = None) -> Leaf:
        """The leaf of a token. Raises IntegrityError for one that is damaged, or that belongs elsewhere."""
        if not token:
            return Leaf("str", b"", span)
        kind, sealed, iv = parse_token(token)
        plain = self._open(sealed, iv, additional)
        return Leaf(kind, _normal(kind, plain), span)

    def open_at_any(self, token: bytes, additionals: Iterable[bytes]) -> Leaf | None:
        """The same with the first additional data that fits; None if none does."""
        for additional in additionals:
            try:
                return self.open(token, additional)
            except IntegrityError:
                continue
        return None

    def _open(self, sealed: bytes, iv: bytes, additional: bytes) -> bytes:
        from cryptography.exceptions import InvalidTag

        try:
            return cast("bytes", self._gcm.decrypt(iv, sealed, additional))
        except InvalidTag:
            raise IntegrityError("it was changed, or belongs to another key or file") from None
        except ValueError:
            raise IntegrityError("its nonce has an impossible length") from None


def additional_data(path: Iterable[str]) -> bytes:
    """What binds a value to its place: the keys on the way, without the positions in lists."""
    return (":".join(path) + ":").encode("utf-8", "surrogateescape")


def is_token(text: bytes) -> bool:
    return text.startswith(PREFIX)


def parse_token(text: bytes) -> Token:
    """Raises IntegrityError that says what is malformed."""
    found = _TOKEN.match(text)
    if found is None:
        raise IntegrityError("it is not an encrypted value of the form ENC[AES256_GCM,…]")
    data, iv, tag, kind = found.groups()
    name = kind.decode("ascii", "replace")
    if name not in _KINDS:
        raise IntegrityError("its type is none that SOPS knows")
    try:
        tag_bytes = binascii.a2b_base64(tag, strict_mode=True)
        parts = binascii.a2b_base64(data, strict_mode=True) + tag_bytes, binascii.a2b_base64(iv, strict_mode=True)
    except binascii.Error:
        raise IntegrityError("a part of it is not base64") from None
    if len(tag_bytes) != _TAG_BYTES:
        raise IntegrityError("its tag does not have 16 bytes")
    return Token(cast("Kind", name), *parts)


def format_token(token: Token) -> bytes:
    sealed, tag = token.sealed[:-_TAG_BYTES], token.sealed[-_TAG_BYTES:]
    return b"".join(
        (
            b"ENC[AES256_GCM,data:",
            base64.b64encode(sealed),
            b",iv:",
            base64.b64encode(token.iv),
            b",tag:",
            base64.b64encode(tag),
            b",type:",
            token.kind.encode(),
            b"]",
        )
    )


def _normal(kind: Kind, plain: bytes) -> bytes:
    """The bytes that SOPS hashes for what it reads: it understands more ways to write a value than it writes."""
    try:
        match kind:
            case "int":
                return b"%d" % parse_int(plain)
            case "float":
                return format_float(parse_float(plain.decode("ascii"))).encode()
            case "bool":
                return b"True" if parse_bool(plain) else b"False"
            case "time":
                return normal_time(plain.decode("ascii")).encode()
            case _:
                return plain
    except ValueError:
        raise IntegrityError(f"what it holds is not of its type {kind}") from None

"""Single values, sealed with AES-256-GCM: `ENC[AES256_GCM,data:…,iv:…,tag:…,type:…]`.

The additional data of a value is the path of mapping keys that leads to it, so a value that was moved to another key does not open. A
nonce of 32 random bytes is written; any length that the cipher takes is read. Nothing that was opened is in an error message.
"""

from __future__ import annotations

import os
from binascii import Error as BinasciiError
from binascii import a2b_base64, b2a_base64
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from llmcfg.errors import IntegrityError
from llmcfg.regex import regex
from llmcfg.secrets.sops.model import Leaf
from llmcfg.secrets.sops.numbers import format_float, normal_time, parse_bool, parse_float, parse_int

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmcfg.secrets.sops.model import Kind

DATA_KEY_BYTES: Final = 32
PREFIX: Final = b"ENC[AES256_GCM,"
_IV_BYTES: Final = 32
_TAG_BYTES: Final = 16
_TOKEN = regex(rb"ENC\[AES256_GCM,data:([^,]+),iv:([^,]+),tag:([^,]+),type:([a-z]+)\]")
_LENIENT_TOKEN = regex(rb"ENC\[AES256_GCM,data:(.+),iv:(.+),tag:(.+),type:(.+)\]")
_KINDS: Final[dict[bytes, Kind]] = {
    b"str": "str",
    b"int": "int",
    b"float": "float",
    b"bool": "bool",
    b"time": "time",
    b"bytes": "bytes",
    b"comment": "comment",
}


class Token(NamedTuple):
    """The parts of a sealed value."""

    kind: Kind
    sealed: bytes  # ciphertext and tag
    iv: bytes


class Cipher:
    """Seals and opens values under one data key."""

    __slots__ = ("_decrypt", "_encrypt", "_invalid")

    def __init__(self, data_key: bytes) -> None:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        if len(data_key) != DATA_KEY_BYTES:
            raise IntegrityError("the data key of this file does not have 32 bytes", hint="restore the file from Git")
        gcm: Any = AESGCM(bytes(data_key))
        self._encrypt, self._decrypt, self._invalid = gcm.encrypt, gcm.decrypt, InvalidTag

    def seal(self, leaf: Leaf, additional: bytes, iv: bytes | None = None) -> bytes:
        """The token of a leaf. What is empty is never sealed and stays as it is."""
        plain = leaf.reveal()
        if not plain:
            return b""
        nonce = iv or os.urandom(_IV_BYTES)
        sealed = self._encrypt(nonce, plain, additional)
        return format_token(Token(leaf.kind, sealed, nonce))

    def open(self, token: bytes, additional: bytes) -> Leaf:
        """The leaf of a token. Raises IntegrityError for one that is damaged, or that belongs elsewhere."""
        return Leaf(*self.open_token(token, additional)) if token else Leaf("str", b"")

    def open_token(self, token: bytes, additional: bytes) -> tuple[Kind, bytes]:
        """The same for a token that is not empty, as kind and plaintext."""
        kind, sealed, iv = _parts(token)
        try:
            plain: bytes = self._decrypt(iv, sealed, additional)
        except self._invalid:
            raise IntegrityError("it was changed, or belongs to another key or file") from None
        except ValueError:
            raise IntegrityError("its nonce has an impossible length") from None
        return kind, plain if kind == "str" else _normal(kind, plain)

    def open_at_any(self, token: bytes, additionals: Iterable[bytes]) -> Leaf | None:
        """The same with the first additional data that fits; None if none does."""
        for additional in additionals:
            try:
                return self.open(token, additional)
            except IntegrityError:
                continue
        return None


def additional_data(path: Iterable[str]) -> bytes:
    """What binds a value to its place: the keys on the way, without the positions in lists."""
    return (":".join(path) + ":").encode("utf-8", "surrogateescape")


def is_token(text: bytes) -> bool:
    return text.startswith(PREFIX)


def parse_token(text: bytes) -> Token:
    """Raises IntegrityError that says what is malformed. Like sops, it does not mind what stands behind a token."""
    return Token(*_parts(text))


def format_token(token: Token) -> bytes:
    sealed, tag = token.sealed[:-_TAG_BYTES], token.sealed[-_TAG_BYTES:]
    return b"ENC[AES256_GCM,data:%b,iv:%b,tag:%b,type:%b]" % (
        b2a_base64(sealed, newline=False),
        b2a_base64(token.iv, newline=False),
        b2a_base64(tag, newline=False),
        token.kind.encode(),
    )


def _parts(token: bytes) -> tuple[Kind, bytes, bytes]:
    found = _TOKEN.match(token) or _LENIENT_TOKEN.match(token)
    if found is None:
        raise IntegrityError("it is not an encrypted value of the form ENC[AES256_GCM,…]")
    data, iv, tag, name = found.groups()
    kind = _KINDS.get(name)
    if kind is None:
        raise IntegrityError("its type is none that SOPS knows")
    try:
        sealed, tag = a2b_base64(data, strict_mode=True), a2b_base64(tag, strict_mode=True)
        nonce = a2b_base64(iv, strict_mode=True)
    except BinasciiError:
        raise IntegrityError("a part of it is not base64") from None
    if len(tag) != _TAG_BYTES:
        raise IntegrityError("its tag does not have 16 bytes")
    return kind, sealed + tag, nonce


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

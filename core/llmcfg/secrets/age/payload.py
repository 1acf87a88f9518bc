"""What follows from an age file's key: the MAC of the header, and the payload in chunks (STREAM over ChaCha20-Poly1305).

Every chunk but the last holds 64 KiB; the last is marked as such in its nonce and is empty only when the whole payload is. So cutting,
joining and reordering are found out, and nothing is returned before everything was checked.
"""

from __future__ import annotations

import hmac
import os
from typing import TYPE_CHECKING, Final

from llmcfg.errors import IntegrityError
from llmcfg.secrets.age.header import MAC_LENGTH

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

FILE_KEY_LENGTH: Final = 16
CHUNK: Final = 64 << 10
_TAG: Final = 16
_NONCE_LENGTH: Final = 16


def header_mac(file_key: bytes, authenticated: bytes) -> bytes:
    return hmac.digest(_derive(file_key, b"", b"header"), authenticated, "sha256")


def seal_payload(file_key: bytes, plaintext: bytes) -> bytes:
    nonce = os.urandom(_NONCE_LENGTH)
    cipher = _cipher(file_key, nonce)
    chunks = [plaintext[at : at + CHUNK] for at in range(0, len(plaintext), CHUNK)] or [b""]
    last = len(chunks) - 1
    return b"".join([nonce, *(cipher.encrypt(_nonce(at, at == last), c, None) for at, c in enumerate(chunks))])


def open_payload(file_key: bytes, payload: bytes) -> bytes:
    """Raises IntegrityError when any of it is not as it was written."""
    from cryptography.exceptions import InvalidTag

    nonce, sealed = payload[:_NONCE_LENGTH], memoryview(payload)[_NONCE_LENGTH:]
    size = CHUNK + _TAG
    chunks = [sealed[at : at + size] for at in range(0, len(sealed), size)]
    if not chunks or (len(chunks) > 1 and len(chunks[-1]) <= _TAG):
        raise damaged()
    cipher = _cipher(file_key, nonce)
    last = len(chunks) - 1
    try:
        return b"".join([cipher.decrypt(_nonce(at, at == last), c, None) for at, c in enumerate(chunks)])
    except InvalidTag:
        raise damaged() from None


def damaged() -> IntegrityError:
    return IntegrityError(
        "this age file was damaged or changed after it was encrypted", hint="restore the file from Git"
    )


def _cipher(file_key: bytes, nonce: bytes) -> ChaCha20Poly1305:
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    return ChaCha20Poly1305(_derive(file_key, nonce, b"payload"))


def _nonce(counter: int, is_last: bool) -> bytes:
    return counter.to_bytes(11, "big") + (b"\x01" if is_last else b"\x00")


def _derive(key: bytes, salt: bytes, info: bytes) -> bytes:
    """HKDF-SHA-256 (RFC 5869) of 32 bytes: one round of expansion."""
    extracted = hmac.digest(salt or bytes(MAC_LENGTH), key, "sha256")
    return hmac.digest(extracted, info + b"\x01", "sha256")

"""SSH signatures of files and Git objects (OpenSSH's PROTOCOL.sshsig), read strictly.

Of all the ways to write the same signature one is read: no blank or odd line in the armour, base64 in its one form, the reserved field
empty, nothing after the end.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Final, NamedTuple

from llmcfg.trust import keys, wire
from llmcfg.trust.failure import SIG_FORM, SignatureError

BEGIN: Final = b"-----BEGIN SSH SIGNATURE-----"
END: Final = b"-----END SSH SIGNATURE-----"
GIT: Final = "git"
"""The namespace of commits and tags."""
_MAGIC: Final = b"SSHSIG"
_VERSION: Final = 1
_HASHES: Final = {"sha256": hashlib.sha256, "sha512": hashlib.sha512}
_LONGEST: Final = 16_384  # bytes of armour; the longest of an RSA key with 16384 bits has 6,200
_COLUMNS: Final = 70  # of ssh-keygen
_WIDEST: Final = 76


class Signed(NamedTuple):
    """Who signed. `counter` is that of a security key, 0 for others."""

    key: keys.PublicKey
    counter: int


def verify(armour: bytes, content: bytes, *, namespace: str) -> Signed:
    """The key that signed the content in this namespace. Raises SignatureError."""
    return verify_blob(disarmed(armour), content, namespace=namespace)


def verify_blob(blob: bytes, content: bytes, *, namespace: str) -> Signed:
    """The same for a signature without its armour."""
    fields = wire.Fields(blob, "signature")
    if fields.take(len(_MAGIC)) != _MAGIC or fields.number() != _VERSION:
        raise SignatureError(SIG_FORM, "it is no SSH signature of version 1")
    key = keys.parse_key(fields.string())
    said, reserved, hashed, signature = fields.name(), fields.string(), fields.name(), fields.string()
    fields.end()
    if said != namespace:
        raise SignatureError(SIG_FORM, f"it is made for {said[:30]!r}, and not for {namespace!r}", key=key.fingerprint)
    if reserved or hashed not in _HASHES:
        raise SignatureError(SIG_FORM, "it is made over another hash than SHA-256 or SHA-512", key=key.fingerprint)
    return Signed(key, keys.check(key, signature, _signed_bytes(namespace, hashed, content)))


def armoured(key: keys.PublicKey, signature: bytes, *, namespace: str, hashed: str = "sha512") -> bytes:
    """The text of a signature that `signing_input` was signed with, as ssh-keygen writes it."""
    parts = (key.blob, namespace.encode(), b"", hashed.encode(), signature)
    encoded = base64.b64encode(_MAGIC + _VERSION.to_bytes(4) + b"".join(map(wire.string, parts)))
    lines = [encoded[at : at + _COLUMNS] for at in range(0, len(encoded), _COLUMNS)]
    return b"\n".join((BEGIN, *lines, END, b""))


def signing_input(content: bytes, *, namespace: str) -> bytes:
    """What a key signs to sign the content."""
    return _signed_bytes(namespace, "sha512", content)


def _signed_bytes(namespace: str, hashed: str, content: bytes) -> bytes:
    parts = (namespace.encode(), b"", hashed.encode(), _HASHES[hashed](content).digest())
    return _MAGIC + b"".join(map(wire.string, parts))


def disarmed(armour: bytes) -> bytes:
    """The signature in an armour. Raises SignatureError."""
    if len(armour) > _LONGEST:
        raise SignatureError(SIG_FORM, f"it is longer than {_LONGEST} bytes")
    first, *lines, last = armour.removesuffix(b"\n").split(b"\n") if armour.count(b"\n") > 1 else (b"", b"")
    widths = [len(line) for line in lines]
    if first != BEGIN or last != END or not lines or not 0 < widths[-1] <= widths[0] <= _WIDEST:
        raise SignatureError(
            SIG_FORM, "its first and last line, or the lines between them, are not those of a signature"
        )
    if any(width != widths[0] for width in widths[:-1]):
        raise SignatureError(SIG_FORM, "its lines are not of one length")
    encoded = b"".join(lines)
    try:
        blob = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise SignatureError(SIG_FORM, "it is not base64") from None
    if base64.b64encode(blob) != encoded:
        raise SignatureError(SIG_FORM, "its base64 is not in its one form")
    return blob

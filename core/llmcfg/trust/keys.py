"""Public keys of SSH, and the check of one signature with one of them.

Read are ssh-ed25519, rsa-sha2-256 and -512 (keys of 2048 to 16384 bits), ecdsa on the NIST curves, and both kinds of security keys.
The name of the key's type, the algorithm of the signature and the name of the curve have to agree, as OpenSSH has them agree.
Signatures with SHA-1 (`ssh-rsa`), DSA and certificates are refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import TYPE_CHECKING, Final, NamedTuple

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from llmcfg.trust import wire
from llmcfg.trust.failure import SIG_FORM, SIG_PRESENCE, SIG_WRONG, SignatureError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ED25519: Final = "ssh-ed25519"
RSA: Final = "ssh-rsa"
SK_ED25519: Final = "sk-ssh-ed25519@openssh.com"
SK_ECDSA: Final = "sk-ecdsa-sha2-nistp256@openssh.com"
_CURVES: Final[Mapping[str, tuple[ec.EllipticCurve, hashes.HashAlgorithm]]] = {
    "nistp256": (ec.SECP256R1(), hashes.SHA256()),
    "nistp384": (ec.SECP384R1(), hashes.SHA384()),
    "nistp521": (ec.SECP521R1(), hashes.SHA512()),
}
_RSA_HASHES: Final[Mapping[str, hashes.HashAlgorithm]] = {
    "rsa-sha2-256": hashes.SHA256(),
    "rsa-sha2-512": hashes.SHA512(),
}
_RSA_BITS: Final = range(2048, 16385)
_PRESENCE: Final = 0x01  # the flag that somebody touched the key


class PublicKey(NamedTuple):
    """A key by its blob of the wire format, which is the same for the same key everywhere."""

    kind: str
    blob: bytes

    @property
    def fingerprint(self) -> str:
        """As `ssh-keygen -l` writes it."""
        return "SHA256:" + base64.b64encode(hashlib.sha256(self.blob).digest()).decode().rstrip("=")

    @property
    def text(self) -> str:
        """As a line of an authorized_keys file has it, without a comment."""
        return f"{self.kind} {base64.b64encode(self.blob).decode()}"


def parse_key(blob: bytes) -> PublicKey:
    """The key of a blob. Raises SignatureError for one that is not read here."""
    fields = wire.Fields(blob, "key")
    kind = fields.name()
    _verifier(kind, fields)
    return PublicKey(kind, blob)


def parse_key_text(text: str) -> PublicKey:
    """The key of `ssh-ed25519 AAAA… comment`."""
    kind, _, rest = text.strip().partition(" ")
    encoded = rest.split()[0] if rest.split() else ""
    try:
        blob = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        blob = b""
    if not blob or base64.b64encode(blob).decode() != encoded:
        raise SignatureError(SIG_FORM, "the key is not written as type and base64")
    key = parse_key(blob)
    if key.kind != kind:
        raise SignatureError(SIG_FORM, f"the key says {key.kind}, and the text before it {kind}")
    return key


def check(key: PublicKey, signature: bytes, message: bytes) -> int:
    """Whether `signature`, a blob of the wire format, is the key's of this message; SignatureError if it is not.

    Returns the counter of a security key, and 0 for others.
    """
    fields = wire.Fields(key.blob, "key")
    verify = _verifier(fields.name(), fields)
    given = wire.Fields(signature, "signature")
    algorithm, content = given.name(), given.string()
    counter = 0
    if key.kind in (SK_ED25519, SK_ECDSA):
        flags, counter = given.take(1)[0], given.number()
        application = _application(key)
        if not flags & _PRESENCE:
            raise SignatureError(SIG_PRESENCE, "nobody touched the security key for it", key=key.fingerprint)
        message = b"".join(
            (
                hashlib.sha256(application).digest(),
                bytes((flags,)),
                counter.to_bytes(4),
                hashlib.sha256(message).digest(),
            )
        )
    given.end()
    try:
        verify(algorithm, content, message)
    except InvalidSignature:
        raise SignatureError(SIG_WRONG, "it is not the key's signature of this content", key=key.fingerprint) from None
    return counter


def check_ed25519(key: PublicKey, signature: bytes, message: bytes) -> None:
    """The same for a bare Ed25519 signature (RFC 8032) of 64 bytes, which is what DSSE has."""
    check(key, wire.string(ED25519.encode()) + wire.string(signature), message)


def _application(key: PublicKey) -> bytes:
    """What a security key's key is made for, such as `ssh:`; the last field of its blob."""
    fields = wire.Fields(key.blob, "key")
    found = b""
    for _ in range(4 if key.kind == SK_ECDSA else 3):
        found = fields.string()
    return found


def _verifier(kind: str, fields: wire.Fields) -> Callable[[str, bytes, bytes], None]:
    """What checks signatures of the key whose fields follow."""
    if kind in (ED25519, SK_ED25519):
        verify = _ed25519(kind, fields.string())
    elif kind == RSA:
        verify = _rsa(fields.positive(), fields.positive())
    elif kind == SK_ECDSA or kind.startswith("ecdsa-sha2-"):
        verify = _ecdsa(kind, fields.name(), fields.string())
    else:
        raise SignatureError(SIG_FORM, f"keys of type {kind[:60]} are not read")
    if kind in (SK_ED25519, SK_ECDSA) and not fields.string():
        raise SignatureError(SIG_FORM, "the security key names no application")
    fields.end()
    return verify


def _ed25519(kind: str, content: bytes) -> Callable[[str, bytes, bytes], None]:
    if len(content) != 32:
        raise SignatureError(SIG_FORM, "an Ed25519 key has 32 bytes")
    key = Ed25519PublicKey.from_public_bytes(content)

    def verify(algorithm: str, signature: bytes, message: bytes) -> None:
        _agree(algorithm == kind, algorithm, kind)
        if len(signature) != 64:
            raise SignatureError(SIG_FORM, "an Ed25519 signature has 64 bytes")
        key.verify(signature, message)

    return verify


def _rsa(exponent: int, modulus: int) -> Callable[[str, bytes, bytes], None]:
    if modulus.bit_length() not in _RSA_BITS:
        raise SignatureError(
            SIG_FORM, f"an RSA key has {_RSA_BITS[0]} to {_RSA_BITS[-1]} bits, and not {modulus.bit_length()}"
        )
    try:
        key = rsa.RSAPublicNumbers(exponent, modulus).public_key()
    except ValueError:
        raise SignatureError(SIG_FORM, "its numbers make no RSA key") from None

    def verify(algorithm: str, signature: bytes, message: bytes) -> None:
        _agree(algorithm in _RSA_HASHES, algorithm, RSA)
        if len(signature) != (modulus.bit_length() + 7) // 8:
            raise SignatureError(SIG_FORM, "an RSA signature is as long as its key")
        key.verify(signature, message, padding.PKCS1v15(), _RSA_HASHES[algorithm])

    return verify


def _ecdsa(kind: str, curve_name: str, point: bytes) -> Callable[[str, bytes, bytes], None]:
    named = "nistp256" if kind == SK_ECDSA else kind.removeprefix("ecdsa-sha2-")
    if curve_name != named or curve_name not in _CURVES:
        raise SignatureError(SIG_FORM, f"the curve {curve_name[:30]} does not belong to {kind[:60]}")
    curve, hashed = _CURVES[curve_name]
    if point[:1] != b"\x04":
        raise SignatureError(SIG_FORM, "a point of a curve is written in full")
    try:
        key = ec.EllipticCurvePublicKey.from_encoded_point(curve, point)
    except (ValueError, UnsupportedAlgorithm):
        raise SignatureError(SIG_FORM, "the key is no point of its curve") from None

    def verify(algorithm: str, signature: bytes, message: bytes) -> None:
        _agree(algorithm == kind, algorithm, kind)
        numbers = wire.Fields(signature, "signature")
        encoded = encode_dss_signature(numbers.positive(), numbers.positive())
        numbers.end()
        key.verify(encoded, message, ec.ECDSA(hashed))

    return verify


def _agree(holds: bool, algorithm: str, kind: str) -> None:
    if not holds:
        raise SignatureError(SIG_FORM, f"the algorithm {algorithm[:60]} does not belong to a key of type {kind}")

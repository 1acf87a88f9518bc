"""OpenPGP as far as it has to be read before `gpg` is asked (RFC 9580): keys as they are exported, and one signature in one form.

Whether a signature is good, and whether the key that made it belongs to a certificate, was revoked or has expired, gpg says. What gpg
reads in more ways than one never reaches it: other packets, armour with headers, hashes that are weak, numbers with bits to spare, and
anything beside the signature that nobody signed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.trust.failure import SIG_FORM, SIG_WRONG, SignatureError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

KIND: Final = "openpgp"
"""What stands before a certificate in a list of signers, where others have the type of their key."""
BEGIN: Final = b"-----BEGIN PGP SIGNATURE-----"
_END: Final = b"-----END PGP SIGNATURE-----"
BEGIN_KEY: Final = b"-----BEGIN PGP PUBLIC KEY BLOCK-----"
_END_KEY: Final = b"-----END PGP PUBLIC KEY BLOCK-----"
_LONGEST: Final = 14_000  # bytes of a certificate, so that it fits a line of the root of trust
_SIGNATURE, _PUBLIC_KEY, _USER, _SUBKEY = 2, 6, 13, 14  # types of packets
_HASHES: Final[Mapping[int, str]] = {8: "sha256", 9: "sha384", 10: "sha512"}
_NUMBERS: Final[Mapping[int, int]] = {1: 1, 19: 2, 22: 2}  # of a signature, by algorithm: RSA, ECDSA, EdDSA
_OF_BYTES: Final = 0  # the type of a signature over bytes as they are
_ISSUER: Final = b"\x09\x10"  # length and type of the subpacket that names a key
_CRC_START, _CRC_POLYNOMIAL = 0xB704CE, 0x864CFB


class Certificate(NamedTuple):
    """A public key with its subkeys and what it says of itself, as `gpg --export` writes it."""

    blob: bytes
    fingerprint: str
    kind: str = KIND

    @property
    def text(self) -> str:
        """As a line of a list of signers has it."""
        return f"{KIND} {base64.b64encode(self.blob).decode()}"


class Made(NamedTuple):
    """A signature without its armour. `issuer` ends the fingerprint of who claims to have made it; empty where nobody does."""

    packet: bytes
    issuer: bytes


class Packet(NamedTuple):
    tag: int
    body: bytes


CheckOpenPgp = Callable[[Sequence[Certificate], bytes, bytes], str]
"""The fingerprint of the certificate that made a signature of a content. Raises SignatureError."""


def parse_certificate(blob: bytes) -> Certificate:
    """Raises SignatureError for what is not one public key of version 4."""
    packets = list(_packets(blob)) if len(blob) <= _LONGEST else []
    first = packets[0] if packets else Packet(0, b"")
    is_whole = all(packet.tag in (_SIGNATURE, _USER, _SUBKEY) for packet in packets[1:])
    if first.tag != _PUBLIC_KEY or first.body[:1] != b"\x04" or not is_whole:
        raise SignatureError(
            SIG_FORM, f"it is not one public key of OpenPGP, version 4, of at most {_LONGEST} bytes, without pictures"
        )
    named = hashlib.sha1(b"\x99" + len(first.body).to_bytes(2) + first.body, usedforsecurity=False)
    return Certificate(blob, named.hexdigest().upper())


def parse_certificate_text(text: str) -> Certificate:
    """The certificate of a line `openpgp mQGN…`, or of the text that `gpg --armor --export` writes."""
    try:
        if text.startswith(BEGIN_KEY.decode()):
            return parse_certificate(_disarmed(text.encode(), BEGIN_KEY, _END_KEY))
        return parse_certificate(base64.b64decode(text.removeprefix(KIND).split()[0], validate=True))
    except (binascii.Error, IndexError):
        raise SignatureError(SIG_FORM, "it is not written as a key of OpenPGP is") from None


def parse_signature(armour: bytes, content: bytes) -> Made:
    """Raises SignatureError for a signature that has not the one form, or that is of another content."""
    packet = _disarmed(armour, BEGIN, _END)
    found = [*_packets(packet)]
    if len(found) != 1 or found[0].tag != _SIGNATURE:
        raise SignatureError(SIG_FORM, "it is not one signature of OpenPGP")
    body = found[0].body
    version, kind, algorithm, hashed = body[:4] if len(body) > 10 else bytes(4)
    if version != 4 or kind != _OF_BYTES or algorithm not in _NUMBERS or hashed not in _HASHES:
        raise SignatureError(SIG_FORM, "it is no signature of version 4 over bytes, with RSA, ECDSA or EdDSA and SHA-2")
    signed, rest = _counted(body, 4)
    said, numbers = _counted(rest, 0)
    issuer = said[4:]
    if said[2:4] not in (b"", _ISSUER) or len(issuer) not in (0, 8):
        raise SignatureError(SIG_FORM, "it says things that nobody signed")
    _require_numbers(numbers[2:], _NUMBERS[algorithm])
    trailer = signed + b"\x04\xff" + len(signed).to_bytes(4)
    if hashlib.new(_HASHES[hashed], content + trailer).digest()[:2] != numbers[:2]:
        raise SignatureError(SIG_WRONG, "it is not a signature of this content")
    return Made(packet, issuer)


def _counted(content: bytes, at: int) -> tuple[bytes, bytes]:
    """What ends with as many bytes as the two at `at` say, and what follows."""
    end = at + 2 + int.from_bytes(content[at : at + 2])
    if end > len(content):
        raise SignatureError(SIG_FORM, "it ends too early")
    return content[:end], content[end:]


def _require_numbers(content: bytes, count: int) -> None:
    """So many numbers, each with as many bits as it says, or all those of its bytes, as the forges write them."""
    for _ in range(count):
        bits = int.from_bytes(content[:2])
        digits, content = content[2 : 2 + (bits + 7) // 8], content[2 + (bits + 7) // 8 :]
        if not bits or bits not in (int.from_bytes(digits).bit_length(), 8 * len(digits)):
            raise SignatureError(SIG_FORM, "a number in it is not written in its one form")
    if content:
        raise SignatureError(SIG_FORM, "something follows its end")


def _packets(content: bytes) -> Iterator[Packet]:
    """Of the lengths that gpg and others write: no partial ones, and none that are left open."""
    while content:
        head, size = content[0], content[1] if len(content) > 1 else 0
        if head & 0xC0 == 0xC0:
            tag, start = head & 0x3F, 2
            if 192 <= size < 224:
                size, start = ((size - 192) << 8) + int.from_bytes(content[2:3]) + 192, 3
            elif size == 255:
                size, start = int.from_bytes(content[2:6]), 6
        elif head & 0xC3 in (0x80, 0x81, 0x82):
            tag, start = (head & 0x3F) >> 2, 1 + (1 << (head & 3))
            size = int.from_bytes(content[1:start])
        else:
            raise SignatureError(SIG_FORM, "it is not written in packets of OpenPGP")
        if not size or start + size > len(content):
            raise SignatureError(SIG_FORM, "a packet in it ends too early")
        yield Packet(tag, content[start : start + size])
        content = content[start + size :]


def _disarmed(armour: bytes, begin: bytes, end: bytes) -> bytes:
    first, *lines, last = armour.strip(b"\n").split(b"\n") if armour.count(b"\n") > 2 else (b"", b"")
    if first != begin or last != end or not lines or lines[0]:
        raise SignatureError(SIG_FORM, "it is not armoured as gpg writes it: an empty line, and base64")
    written = lines.pop() if lines[-1].startswith(b"=") else None
    encoded = b"".join(lines)
    try:
        content = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise SignatureError(SIG_FORM, "it is not base64") from None
    sums = (None, b"=" + base64.b64encode(_crc24(content).to_bytes(3)))
    if base64.b64encode(content) != encoded or written not in sums:
        raise SignatureError(SIG_FORM, "its base64 is not in its one form, or its checksum is wrong")
    return content


def _crc24(content: bytes) -> int:
    found = _CRC_START
    for byte in content:
        found ^= byte << 16
        for _ in range(8):
            found <<= 1
            if found & 0x1000000:
                found ^= 0x1000000 | _CRC_POLYNOMIAL
    return found

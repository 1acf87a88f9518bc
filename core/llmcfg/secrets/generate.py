"""New values that nobody has to think of, from the system's source of randomness.

Passwords are letters and digits, so that they need no quotes in URLs, shells and files. Private keys are PEM (PKCS #8), or an age
identity. A JWT key is for HS256, HS384 or HS512: as many random bits as its hash has, in base64url.
"""

from __future__ import annotations

import secrets
import string
import uuid
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias, get_args

from llmcfg.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

Kind: TypeAlias = Literal["password", "hex", "uuid", "ed25519", "rsa", "age", "jwt-key"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


class Generated(NamedTuple):
    """`public` is what may be told: the public half of a key pair, empty for what has none."""

    value: str
    public: str = ""

    def __repr__(self) -> str:
        return f"Generated(…, {self.public!r})"


class Lengths(NamedTuple):
    """What `length` may be for a kind."""

    unit: str
    default: int
    allowed: range | tuple[int, ...]

    def __str__(self) -> str:
        if isinstance(self.allowed, tuple):
            return f"{', '.join(map(str, self.allowed))} {self.unit}"
        return f"{self.allowed[0]} to {self.allowed[-1]} {self.unit}"


LENGTHS: Final[dict[Kind, Lengths]] = {
    "password": Lengths("characters", 32, range(12, 1025)),
    "hex": Lengths("characters", 64, range(32, 1025)),
    "rsa": Lengths("bits", 3072, (2048, 3072, 4096, 8192)),
    "jwt-key": Lengths("bits", 256, (256, 384, 512)),
}


def generate(kind: Kind, length: int | None = None) -> Generated:
    """Raises UsageError as `check_length`."""
    check_length(kind, length)
    return _MAKERS[kind](length or (LENGTHS[kind].default if kind in LENGTHS else 0))


def check_length(kind: Kind, length: int | None) -> None:
    """Raises UsageError for a length that the kind does not have, or that would be too weak."""
    lengths = LENGTHS.get(kind)
    if length is not None and lengths is None:
        raise UsageError(f"{kind} has one length only", hint="leave --length out")
    if length is not None and lengths is not None and length not in lengths.allowed:
        raise UsageError(f"{kind} of {length} {lengths.unit} is not possible", hint=f"{kind} takes {lengths}")


def _password(length: int) -> Generated:
    letters = string.ascii_letters + string.digits
    return Generated("".join(secrets.choice(letters) for _ in range(length)))


def _hex(length: int) -> Generated:
    return Generated(secrets.token_hex((length + 1) // 2)[:length])


def _uuid(_length: int) -> Generated:
    return Generated(str(uuid.uuid4()))


def _jwt_key(bits: int) -> Generated:
    return Generated(secrets.token_urlsafe(bits // 8))


def _age(_length: int) -> Generated:
    from llmcfg.secrets.age import generate_identity

    identity = generate_identity()
    return Generated(identity.reveal(), identity.recipient.text)


def _ed25519(_length: int) -> Generated:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return _pem(Ed25519PrivateKey.generate())


def _rsa(bits: int) -> Generated:
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

    return _pem(generate_private_key(65537, bits))


def _pem(key: PrivateKeyTypes) -> Generated:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return Generated(private.decode(), public.decode())


_MAKERS: Final[dict[Kind, Callable[[int], Generated]]] = {
    "password": _password,
    "hex": _hex,
    "uuid": _uuid,
    "ed25519": _ed25519,
    "rsa": _rsa,
    "age": _age,
    "jwt-key": _jwt_key,
}

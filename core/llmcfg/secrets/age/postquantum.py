"""Post-quantum recipients of age: `mlkem768x25519` stanzas, HPKE with X-Wing (ML-KEM-768 and X25519 together).

A private key is a seed of 32 bytes, which SHAKE256 stretches to the seeds of both halves. A public key is the two public keys in a row.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from llmcfg.secrets.age.base64text import encode_raw
from llmcfg.secrets.age.header import POST_QUANTUM, Stanza

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey, MLKEM768X25519PublicKey, Suite

SEED_LENGTH: Final = 32
_ENCAPSULATION_LENGTH: Final = 1120
_MLKEM_PUBLIC_LENGTH: Final = 1184
PUBLIC_LENGTH: Final = _MLKEM_PUBLIC_LENGTH + 32
_MLKEM_SEED_LENGTH: Final = 64
_INFO: Final = b"age-encryption.org/mlkem768x25519"


def private_key(seed: bytes) -> MLKEM768X25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
    from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey

    stretched = hashlib.shake_256(seed).digest(_MLKEM_SEED_LENGTH + 32)
    return MLKEM768X25519PrivateKey(
        MLKEM768PrivateKey.from_seed_bytes(stretched[:_MLKEM_SEED_LENGTH]),
        X25519PrivateKey.from_private_bytes(stretched[_MLKEM_SEED_LENGTH:]),
    )


def public_bytes(seed: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    stretched = hashlib.shake_256(seed).digest(_MLKEM_SEED_LENGTH + 32)
    lattice = MLKEM768PrivateKey.from_seed_bytes(stretched[:_MLKEM_SEED_LENGTH]).public_key()
    curve = X25519PrivateKey.from_private_bytes(stretched[_MLKEM_SEED_LENGTH:]).public_key()
    return lattice.public_bytes_raw() + curve.public_bytes_raw()


def check_public_bytes(public: bytes) -> None:
    """Raises ValueError for bytes that are no public key of this kind."""
    from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PublicKey

    if len(public) != PUBLIC_LENGTH:
        raise ValueError("wrong length")
    MLKEM768PublicKey.from_public_bytes(public[:_MLKEM_PUBLIC_LENGTH])


def public_key(public: bytes) -> MLKEM768X25519PublicKey:
    from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PublicKey
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
    from cryptography.hazmat.primitives.hpke import MLKEM768X25519PublicKey

    return MLKEM768X25519PublicKey(
        MLKEM768PublicKey.from_public_bytes(public[:_MLKEM_PUBLIC_LENGTH]),
        X25519PublicKey.from_public_bytes(public[_MLKEM_PUBLIC_LENGTH:]),
    )


def wrap(file_key: bytes, key: MLKEM768X25519PublicKey) -> Stanza:
    sealed = _suite().encrypt(file_key, key, _INFO)
    encapsulation, body = sealed[:_ENCAPSULATION_LENGTH], sealed[_ENCAPSULATION_LENGTH:]
    return Stanza(POST_QUANTUM, (encode_raw(encapsulation).decode(),), body)


def unwrap(stanza: Stanza, key: MLKEM768X25519PrivateKey) -> bytes | None:
    """The file key; None when the stanza is for another recipient, or damaged, which nobody can tell apart."""
    from cryptography.exceptions import InvalidTag

    try:
        return _suite().decrypt(stanza.argument(0) + stanza.body, key, _INFO)
    except (InvalidTag, ValueError):
        return None


def _suite() -> Suite:
    from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

    return Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)

"""Signing with the key of a machine: an Ed25519 private key in a file that only its owner can read."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_ssh_private_key,
)

from llmcfg.errors import NotAuthorisedError, UsageError
from llmcfg.trust import dsse, sshsig, wire
from llmcfg.trust.keys import ED25519, PublicKey, parse_key_text

if TYPE_CHECKING:
    from pathlib import Path

_MOST: Final = 16 << 10  # bytes of a key file
_OTHERS: Final = 0o077
_OPENSSH: Final = b"-----BEGIN OPENSSH PRIVATE KEY-----"
_MAKE_ONE: Final = "make one: ssh-keygen -t ed25519 -N '' -f bundle.key"


class SigningKey:
    """Says its public half and signs; what it holds is in no repr."""

    __slots__ = ("_private", "public")

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        written = private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
        self.public: PublicKey = parse_key_text(written.decode())

    def sign(self, kind: str, payload: bytes) -> dsse.Signature:
        return dsse.Signature(self.public.fingerprint, self._private.sign(dsse.signing_input(kind, payload)))

    def sign_file(self, content: bytes, namespace: str) -> bytes:
        """The armoured signature that `ssh-keygen -Y sign` makes."""
        signature = self._private.sign(sshsig.signing_input(content, namespace=namespace))
        blob = wire.string(ED25519.encode()) + wire.string(signature)
        return sshsig.armoured(self.public, blob, namespace=namespace)

    def __repr__(self) -> str:
        return f"SigningKey({self.public.fingerprint})"


def read_signing_key(path: Path) -> SigningKey:
    """The key in a file of OpenSSH or PKCS #8 (PEM), without a passphrase, since nobody is there to type it.

    Raises NotAuthorisedError for a file that cannot be read, or that others can read too, and UsageError for what is no such key.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            facts = os.fstat(descriptor)
            content = file.read(_MOST) if stat.S_ISREG(facts.st_mode) else b""
    except OSError as error:
        raise NotAuthorisedError(
            f"the signing key {path} cannot be read: {error.strerror}", hint=_MAKE_ONE, code="signing-key"
        ) from None
    if facts.st_mode & _OTHERS:
        raise NotAuthorisedError(
            f"the signing key {path} can be read or changed by others (mode {stat.S_IMODE(facts.st_mode):04o})",
            hint=f"chmod 600 {path}; if anybody may have read it, make another one and revoke it",
            code="signing-key",
        )
    return SigningKey(_parse(content, path))


def _parse(content: bytes, path: Path) -> Ed25519PrivateKey:
    load = load_ssh_private_key if content.startswith(_OPENSSH) else load_pem_private_key
    try:
        private = load(content, password=None)
    except TypeError:
        raise UsageError(
            f"the signing key {path} has a passphrase", hint="take it off: ssh-keygen -p -N '' -f FILE"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise UsageError(f"{path} holds no private key of OpenSSH or PKCS #8", hint=_MAKE_ONE) from None
    if not isinstance(private, Ed25519PrivateKey):
        raise UsageError(f"the signing key {path} is not an Ed25519 key", hint=_MAKE_ONE)
    return private

"""Identities: the private keys that open files, parsed at the door. None of them is ever shown but by `reveal`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeAlias

from llmcfg.errors import NotAuthorisedError, UsageError
from llmcfg.secrets.age import sshkeys
from llmcfg.secrets.age.bech32 import decode_bech32, encode_bech32
from llmcfg.secrets.age.recipients import Kind, Recipient, post_quantum_recipient, x25519_recipient

if TYPE_CHECKING:
    from collections.abc import Callable

    Ask: TypeAlias = Callable[[str], str]  # a question, such as for a passphrase, to its answer

_X25519: Final = "AGE-SECRET-KEY-"
_POST_QUANTUM: Final = "AGE-SECRET-KEY-PQ-"
_SEED_LENGTH: Final = 32


class Identity:
    """One private key and its `recipient`. An SSH key with a passphrase is unlocked when it is first needed."""

    __slots__ = ("_key", "_text", "_unlock", "recipient")

    def __init__(self, recipient: Recipient, text: str, *, unlock: Callable[[], str] | None = None) -> None:
        self.recipient = recipient
        self._text = text
        self._unlock = unlock
        self._key: Any = None

    @property
    def kind(self) -> Kind:
        return self.recipient.kind

    @property
    def is_locked(self) -> bool:
        return self._unlock is not None

    def reveal(self) -> str:
        """The private key as text. Raises NotAuthorisedError when it stays locked."""
        if self._unlock is not None:
            self._text, self._unlock = self._unlock(), None
        return self._text

    def key(self) -> Any:
        """The key for what decrypts: pyrage's identity, or the native one for post-quantum files."""
        if self._key is None:
            self._key = _native_key(self.kind, self.reveal())
        return self._key

    def __repr__(self) -> str:
        return f"Identity(of {self.recipient.short})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("an identity stays in its process")


def generate_identity(*, post_quantum: bool = False) -> Identity:
    return _bech32_identity(os.urandom(_SEED_LENGTH), post_quantum=post_quantum)


def parse_identity(text: str, *, origin: str = "", ask: Ask | None = None) -> Identity:
    """One key, age or SSH. Raises UsageError that names `origin` and never the key.

    `ask` is called with a question when the key of an SSH identity with a passphrase is first needed.
    """
    text = text.strip()
    if text.startswith("-----BEGIN "):
        return _ssh_identity(text, origin, ask)
    if not text.startswith("AGE-SECRET-KEY-"):
        raise _refused(origin, _what_it_is(text))
    try:
        prefix, seed = decode_bech32(text)
    except ValueError as error:
        raise _refused(origin, f"this private key cannot be right: {error}") from None
    if prefix not in (_X25519, _POST_QUANTUM) or len(seed) != _SEED_LENGTH:
        raise _refused(origin, "this private key has a wrong length or an unknown kind")
    return _bech32_identity(seed, post_quantum=prefix == _POST_QUANTUM)


def parse_identities(text: str, *, origin: str = "", ask: Ask | None = None) -> tuple[Identity, ...]:
    """All keys of a key file: one a line, with comments and empty lines, or one SSH private key. Raises UsageError as above."""
    text = text.removeprefix("\ufeff")
    if text.lstrip().startswith("-----BEGIN "):
        return (parse_identity(text, origin=origin, ask=ask),)
    return tuple(
        parse_identity(word, origin=f"{origin}:{number}" if origin else f"line {number}", ask=ask)
        for number, line in enumerate(text.splitlines(), start=1)
        if not line.lstrip().startswith("#")
        for word in line.split()
    )


def _bech32_identity(seed: bytes, *, post_quantum: bool) -> Identity:
    if post_quantum:
        from llmcfg.secrets.age.postquantum import public_bytes

        recipient, prefix = post_quantum_recipient(public_bytes(seed)), _POST_QUANTUM
    else:
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

        recipient = x25519_recipient(X25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw())
        prefix = _X25519
    return Identity(recipient, encode_bech32(prefix.lower(), seed).upper())


def _ssh_identity(text: str, origin: str, ask: Ask | None) -> Identity:
    try:
        file = sshkeys.read_private(text.encode())
    except ValueError as error:
        raise _refused(origin, f"this private key cannot be used: {error}") from None
    recipient = Recipient(file.kind, file.public_line)
    if not file.is_encrypted:
        return Identity(recipient, file.pem.decode())

    def unlock() -> str:
        if ask is None:
            raise NotAuthorisedError(
                f"{origin or 'the SSH key'} has a passphrase, and nobody is there to be asked",
                hint="use an age identity: llmcfg key gen",
            )
        return sshkeys.unlocked(file, ask(f"passphrase of {origin or 'the SSH key'}: ")).decode()

    return Identity(recipient, "", unlock=unlock)


def _native_key(kind: Kind, text: str) -> Any:
    if kind == "post-quantum":
        from llmcfg.secrets.age.postquantum import private_key

        return private_key(decode_bech32(text).content)
    from llmcfg.secrets.age.rage import identity

    return identity(kind, text)


def _what_it_is(text: str) -> str:
    """What somebody put where an identity is expected, without repeating it."""
    if text.startswith(("age1", "ssh-")):
        return "a public key stands where a private key is expected"
    if text.startswith("AGE-PLUGIN-"):
        return "identities of age plugins cannot be used here"
    return "what stands here is not an identity"


def _refused(origin: str, what: str) -> UsageError:
    return UsageError(
        f"{origin}: {what}" if origin else what,
        hint="an identity is a line that starts with AGE-SECRET-KEY-, or an SSH private key; llmcfg key gen makes one",
    )

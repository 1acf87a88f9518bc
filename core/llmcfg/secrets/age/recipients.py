"""Recipients: the public keys that files are encrypted to, parsed at the door."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from llmcfg.errors import UsageError
from llmcfg.secrets.age import sshkeys
from llmcfg.secrets.age.bech32 import decode_bech32, encode_bech32

Kind: TypeAlias = Literal["x25519", "post-quantum", "ssh-ed25519", "ssh-rsa"]

_X25519: Final = "age"
_POST_QUANTUM: Final = "age1pq"
_KINDS_HINT: Final = "a recipient starts with age1, age1pq1, ssh-ed25519 or ssh-rsa"
_SHOWN: Final = 64


@dataclass(frozen=True, slots=True)
class Recipient:
    """`text` is the one way to write it, without the comment of an SSH key. Made by `parse_recipient` and the functions below."""

    kind: Kind
    text: str

    @property
    def is_post_quantum(self) -> bool:
        """Whether a file for it stays closed to who keeps it until quantum computers come."""
        return self.kind == "post-quantum"

    @property
    def short(self) -> str:
        """For people: a post-quantum recipient has 1,959 characters."""
        return self.text if len(self.text) <= _SHOWN else f"{self.text[:40]}…{self.text[-8:]}"

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Recipient({self.short})"


def parse_recipient(text: str) -> Recipient:
    """Raises UsageError that shows the start of what is no recipient, unless it is a private key."""
    text = text.strip()
    if "SECRET-KEY" in text.upper() or "PRIVATE KEY" in text:
        raise UsageError(
            "a private key stands where a recipient is expected",
            hint="write its public key; if others saw it, replace it: llmcfg key gen",
        )
    if text.startswith("ssh-"):
        return _ssh_recipient(text)
    if not text.lower().startswith("age1"):
        raise _refused(text, "it is of no known kind", _KINDS_HINT)
    try:
        prefix, public = decode_bech32(text)
    except ValueError as error:
        raise _refused(text, str(error), "copy it again, whole") from None
    if prefix == _X25519 and len(public) == 32:
        return x25519_recipient(public)
    if prefix == _POST_QUANTUM:
        return _checked_post_quantum(text, public)
    if prefix.startswith("age1"):
        raise _refused(text, f"it needs the plugin age-plugin-{prefix.removeprefix('age1')}", _KINDS_HINT)
    raise _refused(text, "it is of no known kind", _KINDS_HINT)


def needed_plugin(text: str) -> str:
    """The plugin of age that a recipient needs, such as `yubikey`; empty for one that needs none, or is no recipient."""
    try:
        prefix = decode_bech32(text.strip()).prefix.lower()
    except ValueError:
        return ""
    return prefix.removeprefix("age1") if prefix.startswith("age1") and prefix != _POST_QUANTUM else ""


def x25519_recipient(public: bytes) -> Recipient:
    return Recipient("x25519", encode_bech32(_X25519, public))


def post_quantum_recipient(public: bytes) -> Recipient:
    return Recipient("post-quantum", encode_bech32(_POST_QUANTUM, public))


def public_bytes(recipient: Recipient) -> bytes:
    """Of a recipient that is no SSH key."""
    return decode_bech32(recipient.text).content


def _checked_post_quantum(text: str, public: bytes) -> Recipient:
    from llmcfg.secrets.age import postquantum

    try:
        postquantum.check_public_bytes(public)
    except ValueError:
        raise _refused(text, "its content is no post-quantum public key", "copy it again, whole") from None
    return Recipient("post-quantum", text.lower())


def _ssh_recipient(text: str) -> Recipient:
    try:
        kind, line = sshkeys.parse_public_line(text)
    except ValueError as error:
        raise _refused(text, str(error), "an SSH recipient is a line such as ~/.ssh/id_ed25519.pub holds") from None
    return Recipient(kind, line)


def _refused(text: str, why: str, hint: str) -> UsageError:
    return UsageError(f"{text[:_SHOWN]!r} is not a recipient: {why}", hint=hint)

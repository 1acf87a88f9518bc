"""pyrage, which seals to and opens with X25519 and SSH keys. Imported when a key is first used. It never sees a header we did not check."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import pyrage

from llmcfg.errors import NotAuthorisedError, UsageError
from llmcfg.secrets.age.payload import damaged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmcfg.secrets.age.recipients import Kind, Recipient

_pyrage: Final[Any] = pyrage  # it has no types
_NO_MATCH: Final = "No matching keys found"


def seal(recipients: Sequence[Recipient], plaintext: bytes) -> bytes:
    """A binary age file. Raises UsageError for a recipient that pyrage refuses."""
    try:
        return bytes(_pyrage.encrypt(plaintext, [_recipient(recipient) for recipient in recipients]))
    except (_pyrage.RecipientError, _pyrage.EncryptError) as error:
        raise UsageError(f"cannot encrypt to these recipients: {error}", hint="check each of them") from error


def open_file(content: bytes, keys: Sequence[Any]) -> bytes | None:
    """The plaintext; None when no key fits. Raises IntegrityError for a damaged file."""
    try:
        return bytes(_pyrage.decrypt(content, keys))
    except _pyrage.DecryptError as error:
        if str(error) == _NO_MATCH:
            return None
        raise damaged() from error


def open_with_passphrase(content: bytes, passphrase: str) -> bytes:
    """Raises NotAuthorisedError, since a wrong passphrase and a damaged file look the same."""
    try:
        return bytes(_pyrage.passphrase.decrypt(content, passphrase))
    except _pyrage.DecryptError:
        raise NotAuthorisedError("this is not the passphrase of that key file", hint="try again") from None


def identity(kind: Kind, text: str) -> Any:
    """A key for `open_file`."""
    if kind == "x25519":
        return _pyrage.x25519.Identity.from_str(text)
    return _pyrage.ssh.Identity.from_buffer(text.encode())


@lru_cache(maxsize=1024)
def _recipient(recipient: Recipient) -> Any:
    if recipient.kind == "x25519":
        return _pyrage.x25519.Recipient.from_str(recipient.text)
    return _pyrage.ssh.Recipient.from_str(recipient.text)

"""Encrypting to recipients and opening with identities: whole age files, in memory."""

from __future__ import annotations

import hmac
import os
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from llmcfg.errors import NotAuthorisedError, UsageError
from llmcfg.limits import AGE_RECIPIENTS
from llmcfg.secrets.age.armor import armor as add_armor
from llmcfg.secrets.age.armor import is_armored, remove_armor
from llmcfg.secrets.age.base64text import encode_raw
from llmcfg.secrets.age.header import POST_QUANTUM, VERSION_LINE, read_header, write_stanza
from llmcfg.secrets.age.recipients import Recipient, public_bytes
from llmcfg.secrets.age.sshkeys import stanza_tag

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmcfg.secrets.age.header import Header
    from llmcfg.secrets.age.identities import Identity

_STANZA_TYPES = {"x25519": "X25519", "post-quantum": POST_QUANTUM, "ssh-ed25519": "ssh-ed25519", "ssh-rsa": "ssh-rsa"}


def encrypt_to(recipients: Sequence[Recipient], plaintext: bytes, *, armor: bool = True) -> bytes:
    """One age file that each of the recipients can open.

    Raises UsageError for none or too many of them, and for post-quantum recipients beside others, which would undo their protection.
    """
    wanted = tuple(dict.fromkeys(recipients))
    if not wanted:
        raise UsageError("nothing can be encrypted to nobody", hint="name at least one recipient")
    if len(wanted) > AGE_RECIPIENTS:
        raise UsageError(
            f"{len(wanted)} recipients are more than the {AGE_RECIPIENTS} of one file",
            hint="write one file for each group of readers",
        )
    safe = sum(recipient.is_post_quantum for recipient in wanted)
    if 0 < safe < len(wanted):
        raise UsageError(
            "post-quantum and other recipients cannot share one age file: the others would make it as weak as theirs",
            hint="give every reader an age1pq1 recipient (llmcfg key gen --pq), or none",
        )
    content = _seal_natively(wanted, plaintext) if safe else _seal(wanted, plaintext)
    return add_armor(content) if armor else content


def decrypt(content: bytes, identities: Sequence[Identity]) -> bytes:
    """The plaintext of an age file, armored or binary.

    Raises NotAuthorisedError when none of the identities fits, IntegrityError when the file is damaged or refused. Identities are tried
    in order, so put the one that is meant first.
    """
    binary = remove_armor(content) if is_armored(content) else content
    header = read_header(binary)
    fitting = [identity for identity in identities if _may_fit(identity, header)]
    for identity in fitting:
        if identity.recipient.is_post_quantum:
            file_key = _unwrap(header, identity)
            if file_key is not None:
                return _open_natively(header, file_key, binary)
    classic = [identity for identity in fitting if not identity.recipient.is_post_quantum]
    for locked in (False, True):  # what needs a passphrase comes last, so that nobody is asked in vain
        keys = [identity.key() for identity in classic if identity.is_locked is locked]
        plaintext = _open(binary, keys) if keys else None
        if plaintext is not None:
            return plaintext
    raise _not_authorised(header, len(identities))


def _not_authorised(header: Header, tried: int) -> NotAuthorisedError:
    kinds = ", ".join(sorted(header.types))
    count = "no identity was given" if not tried else f"none of {tried} identities fits" if tried > 1 else ""
    return NotAuthorisedError(
        f"this age file ({kinds}) cannot be opened: {count or 'the identity does not fit'}",
        hint="ask who can open it to add your recipient; llmcfg key list shows yours",
    )


@lru_cache(maxsize=256)
def _post_quantum_key(recipient: Recipient) -> Any:
    from llmcfg.secrets.age.postquantum import public_key

    return public_key(public_bytes(recipient))


def _seal(recipients: Sequence[Recipient], plaintext: bytes) -> bytes:
    from llmcfg.secrets.age.rage import seal

    return seal(recipients, plaintext)


def _open(content: bytes, keys: Sequence[Any]) -> bytes | None:
    from llmcfg.secrets.age.rage import open_file

    return open_file(content, keys)


def _seal_natively(recipients: Sequence[Recipient], plaintext: bytes) -> bytes:
    from llmcfg.secrets.age.payload import FILE_KEY_LENGTH, header_mac, seal_payload
    from llmcfg.secrets.age.postquantum import wrap

    file_key = os.urandom(FILE_KEY_LENGTH)
    stanzas = [write_stanza(wrap(file_key, _post_quantum_key(recipient))) for recipient in recipients]
    authenticated = b"".join([VERSION_LINE, b"\n", *stanzas, b"---"])
    mac = encode_raw(header_mac(file_key, authenticated))
    return b"".join([authenticated, b" ", mac, b"\n", seal_payload(file_key, plaintext)])


def _open_natively(header: Header, file_key: bytes, content: bytes) -> bytes:
    from llmcfg.secrets.age.payload import damaged, header_mac, open_payload

    if not hmac.compare_digest(header_mac(file_key, header.authenticated), header.mac):
        raise damaged()
    return open_payload(file_key, content[header.length :])


def _unwrap(header: Header, identity: Identity) -> bytes | None:
    from llmcfg.secrets.age.payload import FILE_KEY_LENGTH
    from llmcfg.secrets.age.postquantum import unwrap

    for stanza in header.stanzas:
        if stanza.type == POST_QUANTUM:
            file_key = unwrap(stanza, identity.key())
            if file_key is not None and len(file_key) == FILE_KEY_LENGTH:
                return file_key
    return None


def _may_fit(identity: Identity, header: Header) -> bool:
    """Whether a stanza is of the identity's type and, for SSH keys, names it."""
    wanted = _STANZA_TYPES[identity.kind]
    found = [stanza for stanza in header.stanzas if stanza.type == wanted]
    if identity.kind in ("ssh-ed25519", "ssh-rsa"):
        tag = stanza_tag(identity.recipient.text)
        return any(stanza.arguments[0] == tag for stanza in found)
    return bool(found)

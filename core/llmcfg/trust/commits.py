"""Whether a commit or a tag counts: signed in the one form, by somebody of the list, at a time when the key counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llmcfg.trust import sshsig
from llmcfg.trust.failure import SIG_FORM, SignatureError
from llmcfg.trust.gitobjects import split_commit, split_tag

if TYPE_CHECKING:
    from datetime import datetime

    from llmcfg.trust.gitobjects import SignedObject
    from llmcfg.trust.signers import Signer, Signers


class SignedBy(NamedTuple):
    """`counter` is that of a security key, 0 for others. The rest is what a tag says: the commit that it points at, and its message."""

    signer: Signer
    counter: int
    commit: str = ""
    message: bytes = b""


def who_committed(raw: bytes, signers: Signers, *, seen: datetime) -> SignedBy:
    """Who signed a raw commit. `seen` is when it was first seen here: its own dates are its author's word. Raises SignatureError."""
    signed = split_commit(raw)
    return _who(signed, signers, seen)


def who_tagged(raw: bytes, name: str, signers: Signers, *, seen: datetime) -> SignedBy:
    """Who signed a raw annotated tag that a ref `refs/tags/<name>` points to; likewise. A tag with another name in it is none."""
    signed = split_tag(raw)
    if signed.names != name:
        raise SignatureError(SIG_FORM, f"it calls itself {signed.names[:100]!r}")
    found = _who(signed, signers, seen)
    return found._replace(commit=signed.commit, message=signed.message)


def _who(signed: SignedObject, signers: Signers, seen: datetime) -> SignedBy:
    if signed.is_openpgp:
        key = signers.by_openpgp(signed.signature, signed.content)
        return SignedBy(signers.whose(key, namespace=sshsig.GIT, at=seen), 0)
    by = sshsig.verify(signed.signature, signed.content, namespace=sshsig.GIT)
    return SignedBy(signers.whose(by.key, namespace=sshsig.GIT, at=seen), by.counter)

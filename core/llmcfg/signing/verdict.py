"""Whether a signed bundle may be used: the rules, without any input or output (docs/spec/signing.md).

In this order, so that nothing is believed before it is known who said it:

1. the signatures: enough of the root's bundle keys, each over these very bytes, and none beside them
2. the audience: repository, environment, tenant and consumer
3. the epoch of the root
4. the sequence: not below the root's floor, not before what was taken before, not the same number for something else, not a leap
5. the times: not from the future, not expired, and a root that has not expired

Whether the content is what was signed is seen where it is read: the digest tree hangs below the signed root.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from llmcfg.errors import IntegrityError
from llmcfg.signing.statement import envelope_of, statement_of
from llmcfg.trust import dsse
from llmcfg.trust.failure import SIG_REVOKED, SIG_UNKNOWN, SIG_WRONG, SignatureError
from llmcfg.trust.signers import revocation

if TYPE_CHECKING:
    from datetime import datetime

    from llmcfg.bundlefile.bundle import Bundle
    from llmcfg.signing.statement import Statement
    from llmcfg.trust.keys import PublicKey
    from llmcfg.trust.root import Root

STALE: Final = frozenset({"bundle-expired", "root-expired"})
"""Codes of bundles that somebody entitled made, and that may not be the newest any more."""
_EARLY_SECONDS: Final = 3600  # by how much clocks may differ
_ED25519_BYTES: Final = 32


class Wanted(NamedTuple):
    """For whom a bundle has to be: the environment and the bundle's folder in it; None is for any."""

    environment: str | None = None
    folder: str | None = None


class UntrustedError(IntegrityError):
    """A bundle that is not taken. `code` says by which rule."""


def check_bundle(
    bundle: Bundle, root: Root, wanted: Wanted, before: Statement | None = None, now: datetime | None = None
) -> Statement:
    """What was signed of the bundle. `before` was taken last, by this consumer; without `now`, times are not looked at.

    Raises UntrustedError. Nothing has changed then, so what was taken before stays.
    """
    try:
        statement = statement_of(bundle)
        signed = dsse.signed_by(envelope_of(bundle), root.bundle_keys, check_signature)
        dsse.require(signed, root.bundle_keys, root.bundle_threshold, "bundle keys")
    except SignatureError as error:
        raise _untrusted(error, root) from None
    _check_audience(statement, root, wanted)
    _check_order(statement, root, before)
    if now is not None:
        check_times(statement, root, now)
    return statement


def check_signature(key: PublicKey, signature: bytes, content: bytes) -> None:
    """Raises SignatureError where it is not the Ed25519 key's signature of this content."""
    try:
        Ed25519PublicKey.from_public_bytes(key.blob[-_ED25519_BYTES:]).verify(signature, content)
    except InvalidSignature:
        raise SignatureError(SIG_WRONG, "it is not the key's signature of this content", key=key.fingerprint) from None


def check_times(statement: Statement, root: Root, now: datetime) -> None:
    """Raises UntrustedError for a bundle of the future, one that has expired, and below a root that has."""
    seconds = now.timestamp()
    if statement.issued > seconds + _EARLY_SECONDS:
        raise UntrustedError(
            "it was signed in the future",
            hint="set the clocks of this machine and of the one that deploys",
            code="bundle-early",
        )
    if 0 < statement.expires <= seconds:
        raise UntrustedError(
            "it has expired", hint="deploy again, which signs again: llmcfg apply", code="bundle-expired"
        )
    if root.expires <= seconds:
        raise UntrustedError(
            f"version {root.version} of the root of trust has expired",
            hint="deliver a newer version of the root",
            code="root-expired",
        )


def _check_audience(statement: Statement, root: Root, wanted: Wanted) -> None:
    if statement.repository != root.repository:
        raise UntrustedError(
            f"it is of the repository {statement.repository}, and the root of trust is that of {root.repository}",
            code="bundle-audience",
        )
    target = statement.target
    expected = Wanted(wanted.environment or target.environment, wanted.folder or target.folder)
    if expected != (target.environment, target.folder):
        raise UntrustedError(
            f"it is for {target}, and not for {expected.environment}/{expected.folder}", code="bundle-audience"
        )


def _check_order(statement: Statement, root: Root, before: Statement | None) -> None:
    said = statement.sequence
    if statement.epoch != root.epoch:
        raise UntrustedError(
            f"it is of epoch {statement.epoch}, and the root of trust of epoch {root.epoch}",
            hint="deploy again with the newest root, which signs again: llmcfg apply",
            code="bundle-epoch",
        )
    floor = root.floors.get(statement.target.environment, 0)
    if said < floor:
        raise UntrustedError(
            f"it has number {said}, and the root of trust takes none below {floor}", code="bundle-floor"
        )
    if before is None or before.epoch != statement.epoch:
        return
    if said < before.sequence:
        raise UntrustedError(
            f"it is older than what was taken before: number {said} after {before.sequence}",
            hint="to go back on purpose: llmcfg rollback, which signs the older content under a new number",
            code="bundle-older",
        )
    if said == before.sequence and statement != before:
        raise UntrustedError(
            f"it has number {said}, and so does another bundle that was taken before",
            hint="two machines sign without seeing one another: see deployed/ENV",
            code="bundle-twice",
        )
    if said > before.sequence + root.max_jump:
        raise UntrustedError(
            f"it leaps from number {before.sequence} to {said}, by more than {root.max_jump}",
            hint="if that is right, publish a root with a greater max_jump, or with a new epoch",
            code="bundle-leap",
        )


def _untrusted(error: SignatureError, root: Root) -> UntrustedError:
    if error.code == SIG_UNKNOWN and error.key in root.revoked:
        return UntrustedError(
            f"its signature does not count: {revocation(error.key, root.revoked)}",
            hint="deploy again with a key of the newest root: llmcfg apply",
            code=SIG_REVOKED,
        )
    return UntrustedError(f"its signature does not count: {error.reason}", code=error.code)

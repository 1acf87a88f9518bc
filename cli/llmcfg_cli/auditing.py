"""What commands about the audit log are given: where it lies, and files with checkpoints, proofs and keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmcfg.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from llmcfg.audit.checkpoint import Checkpoint
    from llmcfg.audit.proof import Proof
    from llmcfg.audit.settings import AuditSettings
    from llmcfg.auditlog import AuditPlace
    from llmcfg.trust.keys import PublicKey

_MOST_BYTES = 1 << 20


def audit_at(directory: Path) -> AuditPlace:
    from llmcfg.auditlog import audit_place
    from llmcfg.git.repository import open_repository

    return audit_place(open_repository(directory))


def begun_audit(directory: Path) -> tuple[AuditPlace, AuditSettings]:
    """Raises NotFoundError where nothing is recorded."""
    from llmcfg.audit.settings import read_audit_settings

    place = audit_at(directory)
    settings = read_audit_settings(place.root)
    if settings is None:
        raise NotFoundError(f"nothing is recorded in {place.repository}", hint="begin with llmcfg audit init")
    return place, settings


def read_checkpoint(file: Path) -> Checkpoint:
    from llmcfg.audit.checkpoint import parse_checkpoint

    return parse_checkpoint(_read(file))


def read_proof(file: Path) -> Proof:
    from llmcfg.audit.proof import parse_proof

    return parse_proof(_read(file))


def read_signer(file: Path) -> PublicKey:
    """The key of a file such as id_ed25519.pub. Raises UsageError for what is none."""
    from llmcfg.trust.failure import SignatureError
    from llmcfg.trust.keys import parse_key_text

    try:
        return parse_key_text(_read(file).decode())
    except (SignatureError, UnicodeDecodeError):
        raise UsageError(f"{file} is no public key", hint="name the file that ends in .pub") from None


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(_MOST_BYTES)
    except OSError as error:
        raise NotFoundError(f"cannot read {file}: {error.strerror}", hint="see that it is there") from None

"""What the audit of one clone is set to: `settings.json` in the folder of its logs. While that file is there, acts are recorded.

It carries a MAC of the platform's key: who could change it unnoticed would have entries deleted early, or others sign checkpoints.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final

import msgspec

from llmcfg.audit.log import platform_log
from llmcfg.canonical import canonical_json
from llmcfg.disk import atomic_write, storage_errors
from llmcfg.errors import IntegrityError

if TYPE_CHECKING:
    from pathlib import Path

FOLDER: Final = "audit"
REF: Final = "refs/llmcfg/audit"
"""Where checkpoints are kept."""
_FILE: Final = "settings.json"


class AuditSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`key` is the file with the signing key, empty without one; `signer` its public half, as it was when it was named.

    A checkpoint is due once a log grew by so many entries, and so many seconds after the last one where it grew at all.
    """

    keep_days: int = 365
    key: str = ""
    signer: str = ""
    checkpoint_entries: int = 64
    checkpoint_seconds: int = 3600


class _Sealed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    settings: AuditSettings
    mac: str


def read_audit_settings(root: Path) -> AuditSettings | None:
    """None where nothing is recorded. Raises IntegrityError for what `write_audit_settings` did not write."""
    path = root / _FILE
    with storage_errors("read", path):
        try:
            content = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
    try:
        sealed = msgspec.json.decode(content, type=_Sealed)
        if hmac.compare_digest(sealed.mac, _mac(root, sealed.settings)):
            return sealed.settings
    except (msgspec.DecodeError, UnicodeDecodeError, FileNotFoundError):
        pass
    raise IntegrityError(
        f"{path} is not as llmcfg wrote it",
        hint="restore it from a backup; or remove it, and say anew how acts are recorded: llmcfg audit init",
    )


def write_audit_settings(root: Path, settings: AuditSettings) -> None:
    """The platform's log has to be there."""
    sealed = _Sealed(settings, _mac(root, settings))
    atomic_write(root / _FILE, msgspec.json.encode(sealed) + b"\n", mode=0o600)


def _mac(root: Path, settings: AuditSettings) -> str:
    key = hmac.digest(platform_log(root).key(), b"llmcfg audit settings", "sha256")
    return hmac.digest(key, canonical_json(msgspec.to_builtins(settings)), "sha256").hex()

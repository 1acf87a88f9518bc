"""What the audit of one clone is set to: `settings.json` in the folder of its logs. While that file is there, acts are recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from llmcfg.disk import atomic_write, make_folders, storage_errors
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


def read_audit_settings(root: Path) -> AuditSettings | None:
    """None where nothing is recorded. Raises IntegrityError for what cannot be read as settings."""
    path = root / _FILE
    with storage_errors("read", path):
        try:
            content = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
    try:
        return msgspec.json.decode(content, type=AuditSettings)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise IntegrityError(f"{path} cannot be read as settings", hint="write it anew: llmcfg audit init") from None


def write_audit_settings(root: Path, settings: AuditSettings) -> None:
    with storage_errors("write", root / _FILE):
        make_folders(root, mode=0o700)
    atomic_write(root / _FILE, msgspec.json.encode(settings) + b"\n", mode=0o600)

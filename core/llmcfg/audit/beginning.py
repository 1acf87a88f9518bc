"""Switching the audit of a clone on, and changing how it is set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from llmcfg.audit.settings import REF, AuditSettings, read_audit_settings, write_audit_settings
from llmcfg.audit.trail import Trail, open_logs
from llmcfg.errors import ConflictError
from llmcfg.model.act import Act
from llmcfg.trust.signer import read_signing_key

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from llmcfg.audit.entry import Who
    from llmcfg.audit.place import CheckpointPlace
    from llmcfg.model.settings import Recording

INIT = "audit.init"


def begin(
    root: Path,
    place: CheckpointPlace,
    who: Who,
    now: Callable[[], datetime],
    *,
    key: Path | None = None,
    keep_days: int | None = None,
) -> AuditSettings:
    """Record acts from now on, or record them otherwise. What is not given stays as it is. The first checkpoint is made at once.

    Raises NotAuthorisedError for a key that cannot be used, ConflictError where Git has checkpoints of logs that are not here.
    """
    settings = read_audit_settings(root) or AuditSettings()
    if key is not None:
        settings = msgspec.structs.replace(settings, **_signer(key))
    if keep_days is not None:
        settings = msgspec.structs.replace(settings, keep_days=keep_days)
    _begin(root, place, who, now, settings)
    return settings


def begin_as(
    said: Recording, root: Path, place: CheckpointPlace, who: Who, now: Callable[[], datetime]
) -> AuditSettings:
    """Record acts as the settings of a machine say it. Where that is so already, nothing is written. Raises as `begin`."""
    settings = AuditSettings(
        keep_days=said.keep_days,
        checkpoint_entries=said.checkpoint_entries,
        checkpoint_seconds=said.checkpoint_seconds,
        **(_signer(said.key) if said.key else {}),
    )
    if settings != read_audit_settings(root):
        _begin(root, place, who, now, settings)
    return settings


def _begin(root: Path, place: CheckpointPlace, who: Who, now: Callable[[], datetime], settings: AuditSettings) -> None:
    if read_audit_settings(root) is None and not open_logs(root) and place.read_ref(REF) is not None:
        raise ConflictError(
            f"{REF} has checkpoints of an audit log that is not here",
            hint=f"restore the log; to begin another: git branch old-audit {REF} && git update-ref -d {REF}",
        )
    trail = Trail(root, settings, place, who, now)
    with trail.acting(Act(INIT, facts={"keep": f"{settings.keep_days} days", "signer": settings.signer})):
        write_audit_settings(root, settings)
    trail.checkpoint()


def _signer(key: Path) -> dict[str, str]:
    place = key.resolve()
    return {"key": str(place), "signer": read_signing_key(place).public.text}

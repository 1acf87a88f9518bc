"""Switching the audit of a clone on, and changing how it is set."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    before = read_audit_settings(root)
    if before is None and not open_logs(root) and place.read_ref(REF) is not None:
        raise ConflictError(
            f"{REF} has checkpoints of an audit log that is not here",
            hint=f"restore the log; to begin another: git branch old-audit {REF} && git update-ref -d {REF}",
        )
    settings = _changed(before or AuditSettings(), key, keep_days)
    trail = Trail(root, settings, place, who, now)
    with trail.acting(Act(INIT, facts={"keep": f"{settings.keep_days} days", "signer": settings.signer})):
        write_audit_settings(root, settings)
    trail.checkpoint()
    return settings


def _changed(settings: AuditSettings, key: Path | None, keep_days: int | None) -> AuditSettings:
    if key is not None:
        place = key.resolve()
        settings = AuditSettings(settings.keep_days, str(place), read_signing_key(place).public.text)
    return settings if keep_days is None else AuditSettings(keep_days, settings.key, settings.signer)

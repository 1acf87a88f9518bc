"""The audit log of a clone: where it lies, who acts there, and what records acts where somebody began that.

What only a clone with a log needs is imported when there is one: every command that changes something starts through this module.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from llmcfg.clock import now
from llmcfg.errors import IntegrityError, LlmcfgError
from llmcfg.git.repository import open_repository
from llmcfg.pipeline.configuration import Configuration
from llmcfg.pipeline.memo import Memo

if TYPE_CHECKING:
    from pathlib import Path

    from llmcfg.audit.entry import Who
    from llmcfg.audit.settings import AuditSettings
    from llmcfg.audit.trail import Trail
    from llmcfg.git.repository import GitRepository
    from llmcfg.model.settings import Recording
    from llmcfg.ports import AuditLog


class AuditPlace(NamedTuple):
    """Where the audit of a clone lies, and who acts there."""

    root: Path
    repository: GitRepository
    who: Who

    def trail(self, settings: AuditSettings) -> Trail:
        from llmcfg.audit.trail import Trail

        return Trail(
            self.root, settings, self.repository, self.who, now, lambda name: _has_tenant(self.repository, name)
        )


def audit_place(repository: GitRepository) -> AuditPlace:
    from llmcfg.audit.entry import Who
    from llmcfg.audit.settings import FOLDER

    return AuditPlace(repository.state_folder / FOLDER, repository, Who(repository.identity, _system_user()))


def _has_tenant(repository: GitRepository, name: str) -> bool:
    """Whether the manifest names it; where that cannot be read it names nobody."""
    try:
        head = repository.head() if repository.is_bare else None
        snapshot = repository.snapshot(head) if head else repository.work_tree()
        return name in Configuration(snapshot, Memo()).manifest.tenants
    except LlmcfgError:
        return False


def open_audit(repository: GitRepository, said: Recording | None = None) -> AuditLog:
    """What records acts in a clone, begun if the settings of the machine say so: nothing where nobody did.

    Raises IntegrityError where it was begun and is gone, and with settings what keeps it from being begun.
    """
    from llmcfg.audit.settings import FOLDER, REF, read_audit_settings
    from llmcfg.audit.unrecorded import Unrecorded

    settings = read_audit_settings(repository.state_folder / FOLDER)
    if settings is not None or said is not None:
        place = audit_place(repository)
        if said is not None:
            from llmcfg.audit.beginning import begin_as

            settings = begin_as(said, place.root, repository, place.who, now)
        assert settings is not None
        return place.trail(settings)
    if repository.target(REF) is not None:
        raise IntegrityError(
            f"the audit log of {repository} is gone, and {REF} has checkpoints of it",
            hint="restore it from a backup, or see docs/spec/audit.md for how another is begun",
        )
    return Unrecorded()


def find_audit(folder: Path, said: Recording | None = None) -> AuditLog:
    """The same for the clone that holds a folder; nothing is recorded outside of any."""
    from llmcfg.audit.unrecorded import Unrecorded

    try:
        repository = open_repository(folder)
    except LlmcfgError:  # the command itself says what is wrong with it, or does without
        return Unrecorded()
    return open_audit(repository, said)


def _system_user() -> str:
    """The name of this process's user, as the system and not its environment has it."""
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())

"""The audit of one clone: a log for the platform and one for each tenant.

An act has an entry before it happens and one that says what came of it, joined by a random word. The first is on the disk before anything
is done; where it cannot be written in time, nothing is done (`UnrecordedError`). A checkpoint that is due is made then too, so that one
that cannot be made refuses an act and never follows it.
"""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from llmcfg.audit.checkpoint import Checkpoint
from llmcfg.audit.deadline import within
from llmcfg.audit.entry import Said, value_print
from llmcfg.audit.log import PLATFORM, Log, platform_log
from llmcfg.audit.place import keep_checkpoints, past_checkpoints
from llmcfg.audit.writer import append, note_checkpoint
from llmcfg.errors import IntegrityError, LlmcfgError, PartlyAppliedError, RemoteError, StorageError, UnrecordedError
from llmcfg.limits import AUDIT_SECONDS
from llmcfg.model.act import Account
from llmcfg.model.names import why_not_a_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from llmcfg.audit.entry import Who
    from llmcfg.audit.head import Head
    from llmcfg.audit.place import CheckpointPlace
    from llmcfg.audit.settings import AuditSettings
    from llmcfg.model.act import Act, Outcome

TENANTS: Final = "tenants/"
_FAILURES: Final = (StorageError, RemoteError, PartlyAppliedError)
_HINT: Final = (
    "nothing was done; see that the disk is writable and has room, or what changed the log: llmcfg audit verify"
)


def open_log(root: Path, tenant: str = "") -> Log:
    """The log below `root` that entries about a tenant go to. What cannot be a tenant's name is the platform's."""
    if not tenant or why_not_a_name(tenant) is not None:
        return platform_log(root)
    return Log(root / f"{TENANTS}{tenant}", f"{TENANTS}{tenant}")


def open_logs(root: Path) -> list[Log]:
    """Those that are there: the platform's, then tenants by name."""
    folder = root / TENANTS
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    return [log for log in (open_log(root), *(open_log(root, name) for name in names)) if log.exists]


class Trail:
    """`ports.AuditLog` over the logs below `root`, for one who acts."""

    def __init__(
        self,
        root: Path,
        settings: AuditSettings,
        place: CheckpointPlace,
        who: Who,
        now: Callable[[], datetime],
        is_tenant: Callable[[str], bool] = lambda _: True,
    ) -> None:
        """`is_tenant` is asked before a log is begun for a name: what is no tenant's is entered for the platform."""
        self._root = root
        self._settings = settings
        self._place = place
        self._who = who
        self._now = now
        self._is_tenant = is_tenant

    @contextmanager
    def acting(self, act: Act) -> Iterator[Account]:
        correlation = secrets.token_hex(8)
        account = Account(
            act,
            lambda told: self._enter(told.tenant, [Said(told, "noted", correlation)]),
            lambda value: value_print(self._log_of(act.tenant).key(), value),
        )
        self._enter(act.tenant, [Said(act, "begun", correlation)])
        try:
            yield account
        except BaseException as error:
            self._enter_end(Said(account.act, _outcome(error), correlation, _code(error)))
            raise
        self._enter_end(Said(account.act, "refused" if account.refused else "done", correlation, account.refused))

    def note(self, act: Act) -> None:
        self._enter(act.tenant, [Said(act, "noted")])

    def refuse(self, act: Act, code: str) -> None:
        self._enter(act.tenant, [Said(act, "refused", secrets.token_hex(8), code)])

    def keep_up(self) -> None:
        with _unrecorded():
            heads = [log.head_file().read() for log in open_logs(self._root)]
            if any(head.top.size > head.checkpoint and self._is_due(head) for head in heads):
                self.checkpoint()

    def checkpoint(self) -> Sequence[Checkpoint]:
        """Put a checkpoint of every log that grew into Git, signed where there is a key, and return these. Raises LlmcfgError."""
        made = keep_checkpoints(self._place, self._checkpoints, self._settings.key)
        for one in made:
            note_checkpoint(Log(self._root / one.log, one.log), one.size, self._now())
        return made

    def _checkpoints(self) -> list[Checkpoint]:
        heads = [log.head_file().read() for log in open_logs(self._root)]
        return [Checkpoint(head.id, head.log, head.top.size, head.top.frontier.root) for head in heads if head.top.size]

    def _enter(self, tenant: str, said: Sequence[Said]) -> None:
        """Enter these into the log of a tenant, and make the checkpoint that is due. Raises UnrecordedError."""
        keep = timedelta(days=self._settings.keep_days)
        with _unrecorded():
            log = self._log_of(tenant)
            head = within(AUDIT_SECONDS, lambda: append(log, said, self._who, self._now(), keep))
            if self._is_due(head):
                self.checkpoint()

    def _enter_end(self, said: Said) -> None:
        try:
            self._enter(said.act.tenant, [said])
        except UnrecordedError as error:
            error.message = f"what was begun is on record, and what came of it is not: {error.message}"
            raise

    def _log_of(self, tenant: str) -> Log:
        """Raises IntegrityError for a log that Git has a checkpoint of and that is gone: it is not begun anew."""
        log = open_log(self._root, tenant)
        if log.exists:
            return log
        if log.name in past_checkpoints(self._place, None):
            raise IntegrityError(
                f"{log.folder} is gone, and Git has checkpoints of it",
                hint="restore it from a backup: docs/spec/audit.md",
            )
        return log if log.name == PLATFORM or self._is_tenant(tenant) else self._log_of("")

    def _is_due(self, head: Head) -> bool:
        if head.top.size - head.checkpoint >= self._settings.checkpoint_entries or not head.checked_at:
            return True
        after = timedelta(seconds=self._settings.checkpoint_seconds)
        return abs(self._now() - datetime.fromisoformat(head.checked_at)) >= after  # a clock may have been set back


@contextmanager
def _unrecorded() -> Iterator[None]:
    """Whatever keeps an entry or a checkpoint from the disk, as one error."""
    try:
        yield
    except (LlmcfgError, OSError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        hint = error.hint if isinstance(error, LlmcfgError) else ""
        raise UnrecordedError(f"the audit log takes no entry: {why}", hint=hint or _HINT) from error


def _outcome(error: BaseException) -> Outcome:
    return "refused" if isinstance(error, LlmcfgError) and not isinstance(error, _FAILURES) else "failed"


def _code(error: BaseException) -> str:
    return error.code if isinstance(error, LlmcfgError) else type(error).__name__

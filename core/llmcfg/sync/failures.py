"""From an error to a failure: who can mend it decides whether sync stalls, waits or tries again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmcfg.errors import (
    ConflictError,
    FindingsError,
    FrozenError,
    HeldError,
    IntegrityError,
    LlmcfgError,
    NotAuthorisedError,
    NotFoundError,
    RefusedError,
    RemoteError,
    StorageError,
    UnknownRevisionError,
    UnrecordedError,
    UsageError,
)
from llmcfg.model.failure import Failure, FailureKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmcfg.model.failure import Step

QUARANTINED: Final = "quarantined"
_STALLED: Final = (
    FindingsError,
    NotAuthorisedError,
    NotFoundError,
    IntegrityError,
    UsageError,
    HeldError,
    RefusedError,
)
_WAITING: Final = (UnknownRevisionError,)  # the branch or tag may still come
_STALLED_CODES: Final = frozenset(
    [QUARANTINED, "refused", "hook-validate", "hook-probe", "hook-signal", "no-such-name"]
)
_GRAVITY: Final = (10, 9, 5, 4, 6, 2, 7, 8, 1, 3)  # exit codes, the one that most needs a person first


def failure_from(error: LlmcfgError | OSError, step: Step) -> Failure:
    if isinstance(error, OSError):
        reason = error.strerror or str(error)
        error = StorageError(
            f"the disk failed: {reason}", hint="check that it is writable and has free space and inodes"
        )
    kind = _kind(error)
    wait = error.wait_seconds if isinstance(error, RemoteError | FrozenError) else None
    if wait is not None:
        kind = FailureKind.WAITING
    return Failure(step, kind, error.code, _message(error), error.hint, error.exit_code, wait)


def gravest(codes: Iterable[int]) -> int:
    """One exit code for many: that of the failure which most needs a person; 0 for none."""
    codes = {*codes} - {0}
    return next((code for code in _GRAVITY if code in codes), 1 if codes else 0)


def _kind(error: LlmcfgError) -> FailureKind:
    if error.code == QUARANTINED:
        return FailureKind.STALLED
    if isinstance(error, _WAITING):
        return FailureKind.WAITING
    if isinstance(error, UnrecordedError) or (isinstance(error, ConflictError) and not isinstance(error, HeldError)):
        return FailureKind.RETRY
    return FailureKind.STALLED if isinstance(error, _STALLED) else FailureKind.RETRY


def _message(error: LlmcfgError) -> str:
    """With the first finding, so that a log line says what is wrong."""
    if not isinstance(error, FindingsError) or not error.findings:
        return error.message
    first = error.findings[0]
    more = f" (and {len(error.findings) - 1} more)" if len(error.findings) > 1 else ""
    return f"{error.message}: {first.origin}: {first.rule_id}: {first.message}{more}"

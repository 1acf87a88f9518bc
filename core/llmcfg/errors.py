"""The whole error tree. An error stops the command; a *finding* (about the user's configuration) is a value and is collected instead.

LlmcfgError                    exit  who can mend it
├── UsageError                  2    the caller: a wrong argument or a missing answer
├── FindingsError               4    the author of the configuration
├── NotAuthorisedError          5    whoever grants access or holds the key
│   └── UnrecordedError         5    the operator: the audit log takes no entry, so nothing is done
├── ConflictError               6    nobody: somebody else was first, look again
│   ├── StalePlanError          6    the caller: make a new plan
│   └── HeldError               6    a person: what a remote now says goes back on what was accepted
├── NotFoundError               7    the caller: no such thing
│   ├── UnknownRevisionError
│   └── UnknownKeyError
├── PendingError                8    time: held by another process, or timed out
│   ├── RemoteError             8    time, or the other side: it does not answer, or not as it should
│   └── FrozenError             8    time: the repository says that nothing is deployed now
├── PartlyAppliedError          9    the operator: some of it happened
│   └── RefusedError            9    the operator: who should get a delivery does not take it
├── IntegrityError             10    the operator: what is stored is not what was written
└── StorageError                1    the operator: disk full, read-only, input/output error
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


class LlmcfgError(Exception):
    """Says subject and value in its message and the next step in `hint`.

    `code` is a stable word for programs; the class has one, and who raises may say it more precisely.
    """

    exit_code = 1
    code = "failed"

    def __init__(self, message: str, *, hint: str = "", code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code or self.code


class UsageError(LlmcfgError):
    exit_code = 2
    code = "usage"


class FindingsError(LlmcfgError):
    """Raised where sound configuration is needed. `findings` are the `model.findings.Finding` values that say what is wrong."""

    exit_code = 4
    code = "findings"

    def __init__(self, message: str, *, findings: Sequence[Any] = (), hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.findings = tuple(findings)


class NotAuthorisedError(LlmcfgError):
    exit_code = 5
    code = "not-authorised"


class UnrecordedError(NotAuthorisedError):
    """The audit log is on and takes no entry, so what was asked for is not done."""

    code = "audit-unavailable"


class ConflictError(LlmcfgError):
    exit_code = 6
    code = "conflict"


class StalePlanError(ConflictError):
    """What a saved plan was made from is no longer what is there."""

    code = "stale-plan"


class HeldError(ConflictError):
    """A remote's ref is not followed: it was rewritten, moved or removed."""

    code = "held"


class NotFoundError(LlmcfgError):
    exit_code = 7
    code = "not-found"


class UnknownRevisionError(NotFoundError):
    code = "revision-missing"


class UnknownKeyError(NotFoundError):
    pass


class PendingError(LlmcfgError):
    exit_code = 8
    code = "pending"


class RemoteError(PendingError):
    """A remote repository, an endpoint or a program beside us failed, or was cut off for taking too long or too much.

    `wait_seconds` is how long it asked to be left alone, if it did.
    """

    code = "remote"

    def __init__(self, message: str, *, hint: str = "", code: str = "", wait_seconds: float | None = None) -> None:
        super().__init__(message, hint=hint, code=code)
        self.wait_seconds = wait_seconds


class FrozenError(PendingError):
    """A freeze of the repository is on. `wait_seconds` is how long it still lasts."""

    code = "frozen"

    def __init__(self, message: str, *, hint: str = "", wait_seconds: float | None = None) -> None:
        super().__init__(message, hint=hint)
        self.wait_seconds = wait_seconds


class PartlyAppliedError(LlmcfgError):
    """The deployed ref moved, but not everything after it happened."""

    exit_code = 9
    code = "partly-applied"


class RefusedError(PartlyAppliedError):
    """An endpoint or a hook refused a delivery, or it was taken back because a consumer was not well. The same again is refused again."""

    code = "refused"


class IntegrityError(LlmcfgError):
    exit_code = 10
    code = "damaged"


class StorageError(LlmcfgError):
    code = "storage"

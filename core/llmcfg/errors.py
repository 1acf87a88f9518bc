"""The whole error tree. An error stops the command; a *finding* (about the user's configuration) is a value and is collected instead.

LlmcfgError                    exit  who can mend it
├── UsageError                  2    the caller: a wrong argument or a missing answer
├── FindingsError               4    the author of the configuration
├── NotAuthorisedError          5    whoever grants access or holds the key
├── ConflictError               6    nobody: somebody else was first, look again
│   └── StalePlanError          6    the caller: make a new plan
├── NotFoundError               7    the caller: no such thing
│   ├── UnknownRevisionError
│   └── UnknownKeyError
├── PendingError                8    time: held by another process, or timed out
├── PartlyAppliedError          9    the operator: some of it happened
├── IntegrityError             10    the operator: what is stored is not what was written
└── StorageError                1    the operator: disk full, read-only, input/output error
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


class LlmcfgError(Exception):
    """Says subject and value in its message and the next step in `hint`."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(LlmcfgError):
    exit_code = 2


class FindingsError(LlmcfgError):
    """Raised where sound configuration is needed. `findings` are the `model.findings.Finding` values that say what is wrong."""

    exit_code = 4

    def __init__(self, message: str, *, findings: Sequence[Any] = (), hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.findings = tuple(findings)


class NotAuthorisedError(LlmcfgError):
    exit_code = 5


class ConflictError(LlmcfgError):
    exit_code = 6


class StalePlanError(ConflictError):
    """What a saved plan was made from is no longer what is there."""


class NotFoundError(LlmcfgError):
    exit_code = 7


class UnknownRevisionError(NotFoundError):
    pass


class UnknownKeyError(NotFoundError):
    pass


class PendingError(LlmcfgError):
    exit_code = 8


class PartlyAppliedError(LlmcfgError):
    """The deployed ref moved, but not everything after it happened."""

    exit_code = 9


class IntegrityError(LlmcfgError):
    exit_code = 10


class StorageError(LlmcfgError):
    pass

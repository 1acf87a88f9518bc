"""What reading configuration can go wrong with. Each is also the error of Python that a program may already catch."""

from __future__ import annotations

from llmcfg.errors import LlmcfgError, PendingError, UnknownKeyError


class MissingKeyError(UnknownKeyError, KeyError):
    """No value lies at a key path, or no secret has a name."""

    def __str__(self) -> str:
        return self.message


class ValueTypeError(LlmcfgError, TypeError):
    """A value is there and is of another type than the program asks for."""

    exit_code = 2


class RefusedError(LlmcfgError):
    """The program's own check refused the configuration, and there is no earlier one to go on with."""

    exit_code = 4


class StaleError(PendingError):
    """The configuration may be out of date, and the program wants to stop then (`on_stale="stop"`)."""

    code = "stale"

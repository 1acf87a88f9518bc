"""How bad a finding is, and what a rule is."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Severity(StrEnum):
    """Ordered by `rank`: an error blocks apply, a warning is worth a look, a note is worth knowing."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"

    @property
    def rank(self) -> int:
        return {"error": 2, "warning": 1, "note": 0}[self.value]


class Rule(NamedTuple):
    """`protected` is how bad it is where a protected environment is reached, if that differs."""

    id: str
    severity: Severity
    title: str
    why: str
    protected: Severity | None = None

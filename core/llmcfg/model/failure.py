"""Why a pass of sync did not get to its end, and how it goes on from there."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Step(StrEnum):
    """The steps of a pass, in their order. The first two concern the repository, the others one environment."""

    FETCH = "fetch"
    VERIFY = "verify"
    BUILD = "build"
    OBSERVE = "observe"
    PLAN = "plan"
    ACT = "act"
    RECORD = "record"


class FailureKind(StrEnum):
    """Stalled needs a person or a new revision; waiting goes on at a time that is known; retry comes back after a random pause."""

    STALLED = "stalled"
    WAITING = "waiting"
    RETRY = "retry"


class Failure(NamedTuple):
    """`code` is the stable word of the error, `wait_seconds` how long whoever failed asked to be left alone."""

    step: Step
    kind: FailureKind
    code: str
    message: str
    hint: str = ""
    exit_code: int = 1
    wait_seconds: float | None = None


class Held(NamedTuple):
    """A ref of a remote that is not followed, and why."""

    ref: str
    code: str
    message: str
    hint: str = ""

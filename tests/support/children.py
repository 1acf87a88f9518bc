"""Work in forked processes, none of which outlives its test for long."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_SECONDS: Final = 120


def start_child(work: Callable[[], object], seconds: int = _SECONDS) -> int:
    """The process that runs `work`. It exits with 0 when that returned, 1 when it raised, and is ended by SIGALRM after so long."""
    child = os.fork()
    if child:
        return child
    signal.signal(
        signal.SIGALRM, signal.SIG_DFL
    )  # whatever the parent does about it, a child that hangs cannot run a handler
    signal.alarm(seconds)
    code = 1
    try:
        work()
        code = 0
    finally:
        os._exit(code)


def wait_for(child: int) -> int:
    """Its exit code, or the negative number of the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def run_in_child(work: Callable[[], object]) -> int:
    return wait_for(start_child(work))


def run_in_children(works: Iterable[Callable[[], object]]) -> list[int]:
    """All at once."""
    return [wait_for(child) for child in [start_child(work) for work in works]]

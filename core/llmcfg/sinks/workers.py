"""The worker processes of a server that answers a signal with new ones, as gunicorn and nginx do. Read from /proc, so on Linux alone."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

_PROC: Final = Path("/proc")
_PAUSE_SECONDS: Final = 0.1
_ENDED: Final = ("Z", "X")
_STATE, _PARENT, _STARTED = 0, 1, 19  # fields of /proc/PID/stat after the name of the program, proc(5)


class Worker(NamedTuple):
    """A child of a server. With the moment of its start, in ticks since boot, since numbers are used again."""

    pid: int
    started: str


def workers_of(server: int) -> frozenset[Worker]:
    """Those that run now. Raises OSError where /proc is not there."""
    return frozenset(
        Worker(int(folder.name), facts[_STARTED])
        for folder in _PROC.iterdir()
        if folder.name.isdigit() and (facts := _facts(folder)) and facts[_PARENT] == str(server)
    )


def wait_until_gone(workers: frozenset[Worker], seconds: float) -> int:
    """How many still run after so many seconds."""
    deadline = time.monotonic() + seconds
    while (left := sum(map(_runs, workers))) and time.monotonic() < deadline:
        time.sleep(_PAUSE_SECONDS)
    return left


def _runs(worker: Worker) -> bool:
    facts = _facts(_PROC / str(worker.pid))
    return facts is not None and facts[_STARTED] == worker.started


def _facts(folder: Path) -> list[str] | None:
    """What /proc says of a process that has not ended."""
    with suppress(OSError):
        facts = (folder / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return facts if len(facts) > _STARTED and facts[_STATE] not in _ENDED else None
    return None

"""A forked child that runs what is not trusted: rid of what its parent has open, held to limits that the kernel keeps, heard over pipes.

Messages on the pipes are frames: 4 bytes of length, then the bytes.
"""

from __future__ import annotations

import fcntl
import gc
import os
import resource
import select
import signal
import struct
import time
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Final

OUT_OF_MEMORY: Final = 71
BROKEN: Final = 70
TIME_SIGNALS: Final = frozenset({signal.SIGPROF, signal.SIGXCPU})
_LENGTH: Final = struct.Struct(">I")
_FIRST_PIPE: Final = 3
_PIPE_BYTES: Final = 1 << 20


class PipeError(Exception):
    """Nothing came over the pipe for too long, or something that is no frame."""


def widen(pipe: int) -> None:
    """Room for the answers of a usual batch, so that the child need not wait for its parent; where the system allows it."""
    with suppress(AttributeError, OSError):
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


def write_frame(pipe: int, body: bytes) -> None:
    rest = memoryview(_LENGTH.pack(len(body)) + body)
    while rest:
        rest = rest[os.write(pipe, rest) :]


def read_frame(pipe: int, *, most: int | None = None, deadline: float | None = None) -> bytes | None:
    """The next frame, or None if the pipe ends before it does. Without a deadline it waits as long as it takes. Raises PipeError."""
    head = _read_exactly(pipe, _LENGTH.size, deadline)
    if head is None:
        return None
    (size,) = _LENGTH.unpack(head)
    if most is not None and size > most:
        raise PipeError(f"it wrote a frame of {size} bytes")
    return _read_exactly(pipe, size, deadline)


def leave_parent(*pipes: int) -> list[int]:
    """Drop the parent's files, signal handlers and warning filters; the pipes under their new numbers."""
    gc.freeze()
    warnings.simplefilter("ignore")
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPROF):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    above = [fcntl.fcntl(pipe, fcntl.F_DUPFD_CLOEXEC, _FIRST_PIPE) for pipe in pipes]
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    start = 3
    for pipe in sorted(above):
        os.closerange(start, pipe)
        start = pipe + 1
    os.closerange(start, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    return above


def limit(*, memory: int, cpu_seconds: int) -> None:
    """Hold this process to so much more memory than it has mapped, so much processor time, and no file that it writes."""
    lower(resource.RLIMIT_AS, _address_space() + memory)
    lower(resource.RLIMIT_CPU, cpu_seconds)
    lower(resource.RLIMIT_FSIZE, 0)
    lower(resource.RLIMIT_CORE, 0)


def lower(which: int, value: int) -> None:
    _, hard = resource.getrlimit(which)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(which, (value, hard))


def _read_exactly(pipe: int, size: int, deadline: float | None) -> bytes | None:
    parts: list[bytes] = []
    while size > 0:
        if deadline is not None:
            ready, _, _ = select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise PipeError("it was silent for too long")
        part = os.read(pipe, min(size, 1 << 20))
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _address_space() -> int:
    """What this process has mapped now; where the system does not say (no /proc), a generous guess."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except OSError:
        return 8 << 30
    return pages * resource.getpagesize()

"""Running a program beside us: by a list of arguments, in a group of its own, with a deadline and a cap on what it may say.

Nothing of our environment is passed on but what the caller gives. When time or output runs out the whole group is killed, so nothing
that the program started lives on.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.errors import NotAuthorisedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

_CHUNK: Final = 1 << 16
_LOOK_SECONDS: Final = 0.05
MOST_CREDENTIALS: Final = 16 << 10
"""Bytes that a program, or a file, says for credentials."""
_CREDENTIALS_SECONDS: Final = 30.0
_LAST_SECONDS: Final = 5.0  # for the end of a program that has closed its output


class Ran(NamedTuple):
    """`stopped` says why the program was killed: `time`, `output` or what `watch` said; empty when it ended by itself."""

    code: int
    out: bytes
    err: bytes
    stopped: str = ""


def run(
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str],
    seconds: float,
    folder: Path | None = None,
    most_output: int = 1 << 20,
    watch: Callable[[], str] = str,
    pass_files: Sequence[int] = (),
    stdin: int = subprocess.DEVNULL,
) -> Ran:
    """Run a program to its end. `watch` is asked all the time and stops it by returning why. Raises OSError if it cannot be started."""
    child = subprocess.Popen(
        [*arguments],
        cwd=folder,
        env=dict(environment),
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=tuple(pass_files),
        start_new_session=True,
    )
    said: dict[int, bytearray] = {}
    try:
        stopped = _listen(child, said, time.monotonic() + seconds, most_output, watch)
    finally:
        _end(child)
    out, err = (bytes(text) for text in said.values())
    return Ran(child.returncode, out, err, stopped)


def ask_for_credentials(command: Sequence[str], environment: Mapping[str, str], *, hint: str) -> bytes:
    """What a program says that gives credentials, as a credential helper or `gh auth token` does.

    Raises NotAuthorisedError, without any of what it said.
    """
    program = command[0]
    try:
        ran = run(command, environment=environment, seconds=_CREDENTIALS_SECONDS, most_output=MOST_CREDENTIALS)
    except OSError as error:
        raise NotAuthorisedError(f"{program} cannot be started: {error.strerror}", hint=hint) from None
    if ran.stopped or ran.code:
        why = f"was stopped for too much {ran.stopped}" if ran.stopped else f"ended with {ran.code}"
        raise NotAuthorisedError(f"{program}, which gives the credentials, {why}", hint="run it by hand")
    return ran.out


def _listen(
    child: subprocess.Popen[bytes],
    said: dict[int, bytearray],
    deadline: float,
    most_output: int,
    watch: Callable[[], str],
) -> str:
    assert child.stdout is not None
    assert child.stderr is not None
    with selectors.DefaultSelector() as selector:
        for stream in (child.stdout, child.stderr):
            said[stream.fileno()] = bytearray()
            selector.register(stream, selectors.EVENT_READ)
        while selector.get_map():
            for key, _ in selector.select(_LOOK_SECONDS):
                chunk = os.read(key.fd, _CHUNK)
                said[key.fd] += chunk
                if not chunk:
                    selector.unregister(key.fileobj)
            if sum(map(len, said.values())) > most_output:
                return "output"
            if time.monotonic() > deadline:
                return "time"
            why = watch()
            if why:
                return why
    with suppress(subprocess.TimeoutExpired):
        child.wait(min(max(deadline - time.monotonic(), 0), _LAST_SECONDS))
        return ""
    return "time"


def _end(child: subprocess.Popen[bytes]) -> None:
    """Kill what is left of its group, and close the pipes."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    for stream in (child.stdout, child.stderr):
        if stream is not None:
            stream.close()

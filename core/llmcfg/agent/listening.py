"""The socket of an agent: its own, or one that a supervisor opened for it.

A socket of its own is made aside and renamed, so nobody reaches it with wider rights than it should have. A lock beside it says whose it
is, and ends with the process: what a killed agent left is replaced.
"""

from __future__ import annotations

import fcntl
import os
import socket
import stat
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Final

from llmcfg.disk import storage_errors
from llmcfg.errors import PendingError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_WAITING: Final = 1024  # connections that were not taken yet
_LONGEST_PATH: Final = 100  # the kernel takes 107, and the name aside is longer
_FIRST_GIVEN: Final = 3  # sd_listen_fds(3)


@contextmanager
def listen_at(path: Path, *, mode: int, group: int | None) -> Iterator[socket.socket]:
    """`group` is who may use the socket as `mode` says; None for the group of this process.

    Raises PendingError when another agent has the socket, and UsageError where something else than a socket is.
    """
    if len(os.fsencode(path)) > _LONGEST_PATH:
        raise UsageError(f"{path} is too long for a socket", hint=f"use at most {_LONGEST_PATH} bytes")
    with _own(path):
        listener = _bind(path, mode, group)
        try:
            yield listener
        finally:
            with suppress(OSError):
                path.unlink()
            listener.close()


def given_listener(environment: Mapping[str, str], process: int) -> socket.socket | None:
    """The socket that systemd opened for this process, by sd_listen_fds(3); None where it opened none.

    Raises UsageError where it is no Unix stream socket, or one of several.
    """
    if environment.get("LISTEN_PID") != str(process):
        return None
    if environment.get("LISTEN_FDS") != "1":
        raise UsageError(
            "the supervisor opened several sockets, and an agent serves at one", hint="mend the .socket unit"
        )
    listener = socket.socket(fileno=_FIRST_GIVEN)
    is_stream = listener.family == socket.AF_UNIX and listener.type == socket.SOCK_STREAM
    if not is_stream or not listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        raise UsageError(
            "the supervisor opened no Unix stream socket", hint="write ListenStream=/run/llmcfg/agent.sock"
        )
    listener.setblocking(False)
    listener.set_inheritable(False)
    return listener


@contextmanager
def _own(path: Path) -> Iterator[None]:
    with storage_errors("listen at", path):
        lock = path.with_name(f"{path.name}.lock").open("ab")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PendingError(f"another agent serves at {path}", hint="end it first, or use another socket") from None
        yield


def _bind(path: Path, mode: int, group: int | None) -> socket.socket:
    aside = path.with_name(f".{path.name}.new")
    with storage_errors("listen at", path), ExitStack() as undo:
        if path.exists() and not stat.S_ISSOCK(path.lstat().st_mode):
            raise UsageError(f"{path} is there and is no socket", hint="name another path for the socket")
        listener = undo.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        aside.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            listener.bind(os.fspath(aside))
        finally:
            os.umask(before)
        if group is not None:
            os.chown(aside, -1, group)
        aside.chmod(mode)
        listener.listen(_WAITING)
        listener.setblocking(False)
        aside.rename(path)
        undo.pop_all()
        return listener

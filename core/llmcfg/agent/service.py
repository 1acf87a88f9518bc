"""An agent as a supervisor sees it: signals, signs of life, and how it came to its socket."""

from __future__ import annotations

import resource
import signal
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from llmcfg.agent.server import Server
from llmcfg.audit.unrecorded import Unrecorded

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator
    from types import FrameType

    from llmcfg.agent.access import Access
    from llmcfg.agent.server import Log
    from llmcfg.agent.shelf import Shelf
    from llmcfg.notify import Notifier
    from llmcfg.ports import AuditLog

_SIGN_EVERY: Final = 60.0  # seconds, where no sign of life is asked for
_FILES: Final = 4096  # descriptors for connections and for what is handed over


class Agent:
    def __init__(
        self,
        shelf: Shelf,
        access: Access,
        *,
        notifier: Notifier,
        log: Log,
        audit: Callable[[], AuditLog] = Unrecorded,
    ) -> None:
        self._shelf = shelf
        self._access = access
        self._notifier = notifier
        self._log = log
        self._audit = audit
        self._came: list[int] = []

    def run(self, listener: socket.socket) -> signal.Signals:
        """Serve until a signal ends it: that signal. SIGHUP has everything looked at anew, as after a key was put in its place."""
        _allow_files()
        with self._signals():
            server = Server(listener, self._shelf, self._access, self._log, self._audit)
            self._log({"event": "listening"})
            self._notifier.ready("serving")
            try:
                return self._serve(server)
            finally:
                self._notifier.stopping()
                server.close()

    def _serve(self, server: Server) -> signal.Signals:
        next_sign = 0.0
        while True:
            server.turn()
            while self._came:
                number = signal.Signals(self._came.pop(0))
                if number is not signal.SIGHUP:
                    return number
                self._notifier.reloading()
                self._shelf.retry()
                self._notifier.ready("serving")
            if time.monotonic() >= next_sign:
                next_sign = time.monotonic() + (self._notifier.interval or _SIGN_EVERY)
                self._notifier.alive()
                self._notifier.status(f"{len(server)} programs connected")

    @contextmanager
    def _signals(self) -> Iterator[None]:
        wanted = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        before = {number: signal.signal(number, self._note) for number in wanted}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self._came.append(number)


def _allow_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))

"""A real terminal with a `llmcfg` process on it."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

WAIT_SECONDS = 60


class Ended(NamedTuple):
    shown: str
    exit_code: int


class Terminal:
    """A process on a terminal of 60 columns, with what it has shown so far."""

    def __init__(self, arguments: list[str], folder: Path, environment: dict[str, str]) -> None:
        self.shown = ""
        self._master, slave = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "llmcfg_cli", *arguments],
            cwd=folder,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "60", "LINES": "24", **environment},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + WAIT_SECONDS
        while text not in self.shown:
            assert time.monotonic() < deadline, f"no {text!r} in {self.shown!r}"
            assert self._read(), f"it ended without {text!r}: {self.shown!r}"

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def interrupt(self) -> None:
        self._process.send_signal(signal.SIGINT)

    def end(self) -> Ended:
        while self._read():
            pass
        os.close(self._master)
        return Ended(self.shown.replace("\r\n", "\n"), self._process.wait(WAIT_SECONDS))

    def _read(self) -> bool:
        ready, _, _ = select.select([self._master], [], [], WAIT_SECONDS)
        try:
            part = os.read(self._master, 65536) if ready else b""
        except OSError:  # Linux says so when the other end is closed
            part = b""
        self.shown += part.decode()
        return bool(part)

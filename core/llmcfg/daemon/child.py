"""A child program of the supervisor, spoken with in lines. It is started when it is first needed, and again after it ended."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import msgspec

from llmcfg.daemon.wire import MOST_LINE, read_from_child, write_line

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from llmcfg.daemon.wire import FromChild, Start, ToChild

_END_SECONDS: Final = 5


class ChildEnded(Exception):
    """The child is gone, or could not be started. `how` says by which signal or code, or why."""

    def __init__(self, how: str, *, is_signal: bool) -> None:
        super().__init__(how)
        self.how = how
        self.is_signal = is_signal


class Child:
    """Runs `python -m MODULE`. Its stderr is ours, its environment is `environment`, and it has a process group of its own."""

    def __init__(self, module: str, start: Start, environment: Mapping[str, str]) -> None:
        self._module = module
        self._start = start
        self._environment = environment
        self._running: asyncio.subprocess.Process | None = None

    @property
    def is_running(self) -> bool:
        return self._running is not None

    async def say(self, message: ToChild) -> None:
        """Start it if it does not run, and give it a message. Raises ChildEnded."""
        running = self._running or await self._launch()
        assert running.stdin is not None
        try:
            running.stdin.write(write_line(message))
            await running.stdin.drain()
        except ConnectionError:
            raise await self._ended(running) from None

    async def listen(self) -> AsyncIterator[FromChild]:
        """What it says, from now on. Raises ChildEnded when it ends, or says what it never would."""
        running = self._running
        while running is not None:
            assert running.stdout is not None
            try:
                line = await running.stdout.readuntil(b"\n")
                yield read_from_child(line)
            except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, msgspec.DecodeError, UnicodeDecodeError):
                raise await self._ended(running) from None

    async def stop(self, seconds: float = _END_SECONDS) -> None:
        """Close its stdin, which it ends on; kill it when it takes longer than `seconds`."""
        running = self._running
        if running is None:
            return
        assert running.stdin is not None
        running.stdin.close()
        with suppress(TimeoutError):
            await asyncio.wait_for(running.wait(), seconds)
        await self._ended(running)

    async def kill(self) -> ChildEnded | None:
        return await self._ended(self._running) if self._running else None

    async def _launch(self) -> asyncio.subprocess.Process:
        try:
            running = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-P", "-m", self._module),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env=dict(self._environment),
                limit=MOST_LINE,
                start_new_session=True,
            )
        except OSError as error:
            raise ChildEnded(f"cannot be started: {error.strerror}", is_signal=False) from None
        assert running.stdin is not None
        running.stdin.write(write_line(self._start))
        self._running = running
        return running

    async def _ended(self, running: asyncio.subprocess.Process) -> ChildEnded:
        """See to it that nothing of it lives on."""
        was_alive = running.returncode is None
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(running.pid, signal.SIGKILL)
        code = await running.wait()
        if self._running is running:
            self._running = None
        if code < 0 and was_alive and code == -signal.SIGKILL:
            return ChildEnded("was killed", is_signal=True)
        if code < 0:
            return ChildEnded(f"ended by {signal.Signals(-code).name}", is_signal=True)
        return ChildEnded(f"ended with {code}", is_signal=False)

"""One child process, supervised: signals are passed on, its exit code becomes ours, and it is told when what it was given changes.

It is told only when what it was given differs, whatever else changed in the configuration. When it ends by itself, so does the supervision.
"""

from __future__ import annotations

import math
import signal
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from llmcfg.disk import atomic_write, make_folders
from llmcfg.errors import LlmcfgError, NotFoundError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import FrameType

    from llmcfg.client import Config, Snapshot
    from llmcfg.supervise.given import Given

_PASSED_ON: Final = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
_STOPPING: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
_LOOK_EVERY: Final = 0.05  # seconds
_KILLED: Final = 128  # and the number of the signal, as shells say it


class Supervisor:
    """`provide` says what the child is given of a snapshot. `on_change` is the signal that tells it; None starts it anew."""

    def __init__(
        self,
        config: Config,
        command: Sequence[str],
        provide: Callable[[Snapshot], Given],
        *,
        environment: Mapping[str, str],
        folder: Path | None,
        on_change: signal.Signals | None,
        stop_timeout: float,
        is_interrupted_too: bool,
        say: Callable[[str], None],
    ) -> None:
        """`folder` is where files are written. `is_interrupted_too` says that a terminal's Ctrl-C reaches the child by itself."""
        self._config = config
        self._command = command
        self._provide = provide
        self._environment = environment
        self._folder = folder
        self._on_change = on_change
        self._stop_timeout = stop_timeout
        self._passes_interrupt = not is_interrupted_too
        self._say = say
        self._snapshot = config.snapshot()
        self._given = provide(self._snapshot)
        self._is_stopping = False
        self._early: list[int] = []  # signals that came while the child was being started
        self._kill_at = math.inf
        self._written: frozenset[str] = frozenset()
        self._child: subprocess.Popen[bytes] | None = None

    def run(self) -> int:
        """Until the child ends: its exit code, or 128 and its signal. Raises NotFoundError or UsageError when it cannot be started."""
        self._write_files()
        with self._signals():
            child = self._start()
            while (code := self._wait(child)) is None:
                if self._is_stopping:
                    self._kill_late(child)
                else:
                    child = self._look(child)
        return _KILLED - code if code < 0 else code

    def _wait(self, child: subprocess.Popen[bytes]) -> int | None:
        try:
            return child.wait(_LOOK_EVERY)
        except subprocess.TimeoutExpired:
            return None

    def _kill_late(self, child: subprocess.Popen[bytes]) -> None:
        if time.monotonic() > self._kill_at:
            self._say(f"the program did not end within {self._stop_timeout:g} s and is killed")
            child.kill()

    def _look(self, child: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
        """The child that runs from now on: the same, or a new one."""
        self._config.refresh()
        snapshot = self._config.snapshot()
        if snapshot is self._snapshot:
            return child
        self._snapshot = snapshot
        try:
            given = self._provide(snapshot)
        except LlmcfgError as error:
            self._say(f"the program keeps what it has: {error.message}")
            return child
        if given == self._given:
            return child
        self._given = given
        self._write_files()
        if self._on_change is None:
            return self._restart(child)
        child.send_signal(self._on_change)
        return child

    def _restart(self, child: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
        self._say("the configuration changed: starting the program anew")
        child.terminate()
        self._kill_at = time.monotonic() + self._stop_timeout
        while self._wait(child) is None:
            self._kill_late(child)
        if self._is_stopping:
            return child
        self._child = None
        return self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        try:
            child = subprocess.Popen([*self._command], env={**self._environment, **self._given.variables})
        except FileNotFoundError:
            raise NotFoundError(f"there is no program {self._command[0]!r}", hint="name it by its path") from None
        except OSError as error:
            raise UsageError(
                f"{self._command[0]!r} cannot be run: {error.strerror}", hint="is it executable?"
            ) from None
        self._child = child
        while self._early:
            child.send_signal(self._early.pop(0))
        return child

    def _write_files(self) -> None:
        """Each in one rename; what is in the bundle no longer is removed."""
        if self._folder is None:
            return
        for path, content in self._given.files.items():
            target = self._folder / path
            make_folders(target.parent, mode=0o700)
            atomic_write(target, content, mode=0o600)
        for path in self._written - self._given.files.keys():
            (self._folder / path).unlink(missing_ok=True)
        self._written = frozenset(self._given.files)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """What this process gets, the child gets."""
        before = {number: signal.signal(number, self._pass_on) for number in (*_PASSED_ON, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _pass_on(self, number: int, _frame: FrameType | None) -> None:
        if number in _STOPPING and not self._is_stopping:
            self._is_stopping = True
            self._kill_at = time.monotonic() + self._stop_timeout
        if self._child is None:
            self._early.append(number)
        elif number != signal.SIGINT or self._passes_interrupt:
            self._child.send_signal(number)

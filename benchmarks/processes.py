"""Programs as a user starts them: what a whole process takes, from before it is started until it is gone."""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


class Run(NamedTuple):
    """Seconds that passed, seconds of the processors, KiB of memory of the largest process, bytes that were added to the repository."""

    seconds: float
    processors: float
    memory: int = 0
    grown: int = 0


class Command(NamedTuple):
    """A program with its arguments, and the file that gets what it prints."""

    arguments: Sequence[str]
    out: Path = Path(os.devnull)


class FailedError(Exception):
    """The program did not end well."""


class TooLongError(FailedError):
    """It was ended, since it took longer than it had."""


_PATIENCE = 10


def run(
    command: Command, folder: Path, environment: Mapping[str, str] | None = None, limit: int = 0, errors: str = ""
) -> Run:
    """Runs it to its end. Bytecode may be written, as in a real installation.

    With a limit it has so many seconds of the processors, so that other work does not count; a program that waits has ten times as many.

    What it says on stderr goes to the file `errors`, or where ours goes. A process that starts others has theirs in its figures.
    """
    started = time.perf_counter()
    child = os.fork()
    if child == 0:
        _become(command, folder, {**_inherited(), **(environment or {})}, limit, errors)
    _, status, used = os.wait4(child, 0)
    if status:
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)  # what it started and did not end
        raise _failure(command, os.waitstatus_to_exitcode(status))
    return Run(time.perf_counter() - started, used.ru_utime + used.ru_stime, used.ru_maxrss)


def _become(command: Command, folder: Path, environment: Mapping[str, str], limit: int, errors: str) -> None:
    """In the child. Limit and alarm outlive the exec, and end the program."""
    try:
        os.setsid()
        os.chdir(folder)
        os.dup2(_opened(str(command.out)), 1)
        if errors:
            os.dup2(_opened(errors), 2)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.signal(signal.SIGXCPU, signal.SIG_DFL)
        signal.alarm(_PATIENCE * limit)
        if limit:
            resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))
        os.execve(command.arguments[0], list(command.arguments), dict(environment))
    finally:
        os._exit(127)


def _opened(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)


def _inherited() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if name != "PYTHONDONTWRITEBYTECODE" and not name.startswith("LLMCFG_")
    }


def _failure(command: Command, status: int) -> FailedError:
    if status in (-signal.SIGALRM, -signal.SIGXCPU):
        return TooLongError()
    return FailedError(f"{Path(command.arguments[0]).name} {' '.join(command.arguments[1:3])} ended with {status}")


def in_turn(runs: Sequence[Run]) -> Run:
    """Of processes that ran one after another."""
    seconds, processors = sum(run.seconds for run in runs), sum(run.processors for run in runs)
    return Run(seconds, processors, max(run.memory for run in runs))


def python(*arguments: str) -> Command:
    return Command([sys.executable, *arguments])


def llmcfg(*arguments: str, interpreter: str = sys.executable) -> Command:
    """The program as people run it, of the checkout that is installed for this interpreter; `python -m` would load `runpy` first."""
    return Command([str(Path(interpreter).with_name("llmcfg")), *arguments])


def of_cache(cache: Path | None) -> dict[str, str]:
    """The environment of a command that has this cache on disk, or none."""
    return {"LLMCFG_NO_CACHE": "1"} if cache is None else {"XDG_CACHE_HOME": str(cache)}


def apart(action: Callable[Arguments, Answer], *arguments: Arguments.args, **named: Arguments.kwargs) -> Answer:
    """In a process of its own: what this one has in memory would count as that of each process that it starts."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(action, *arguments, **named).result()


def timed(action: Callable[[], object]) -> Run:
    """Within this process."""
    passed, used = time.perf_counter(), time.process_time()
    action()
    return Run(time.perf_counter() - passed, time.process_time() - used)

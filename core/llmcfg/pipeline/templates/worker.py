"""The process that renders: forked, limited, and supervised from the parent.

The child makes its engine, reads one frame (4 bytes of length, JSON) with all requests from a pipe, and only
then writes one frame (msgpack) for each answer to another pipe, in order. So neither side waits for the other in a
circle, and a child can get ready before anybody knows what it will render. The first request without an answer is the one at which
the child ended. The child leaves by `os._exit` only: it runs no exit handlers, test hooks or destructors of its parent, and keeps none
of its files open.
"""

from __future__ import annotations

import base64
import fcntl
import gc
import inspect
import json
import math
import os
import resource
import select
import signal
import struct
import sys
import time
import warnings
from contextlib import suppress
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn

from llmcfg.model.findings import Problem
from llmcfg.pipeline.templates.request import BUDGET_RULES, OutOfTimeError, Rendered, RenderRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from llmcfg.pipeline.templates.request import Budget, Renders

_LENGTH: Final = struct.Struct(">I")
_FRAME_SLACK: Final = 4 << 20  # what a frame may hold beside the output: messages and names of templates
_FIRST_PIPE: Final = 3
_PIPE_BYTES: Final = 1 << 20
_BROKEN: Final = 70
_OUT_OF_MEMORY: Final = 71
_CALLS: Final = 1000  # how deep calls may nest in a rendering
_HARD_STOP: Final = 1.25  # the signal that cannot be caught comes this much later than the one that knows the line
_TIME_SIGNALS: Final = frozenset({signal.SIGPROF, signal.SIGXCPU})


class Ending(Enum):
    DONE = auto()
    TIME = auto()
    MEMORY = auto()
    DIED = auto()


class Report(NamedTuple):
    """The answers before the worker ended, and how it ended."""

    rendered: tuple[Rendered, ...]
    ending: Ending
    detail: str = ""


class _Frame(NamedTuple):
    """An answer on the pipe; a problem is (rule, message, line, column, hint, length)."""

    text: bytes | None
    problems: tuple[tuple[str, str, int, int, str, int], ...]
    file: str
    template_files: tuple[str, ...]
    secrets: tuple[str, ...]


class _PipeError(Exception):
    """Nothing came over the pipe for too long, or something that is no frame."""


class Worker:
    """A fresh child that gets ready at once, renders what `assign` gives it beside its parent, and is waited for by `report`.

    `make_engine` is called in the child, so that its parent does not pay for what only rendering needs. The child ends in order after
    the last answer, or after an answer that used up its budget. `report` or `kill` must be called.
    """

    def __init__(self, make_engine: Callable[[], Renders], budget: Budget) -> None:
        self._count = 0
        self._budget = budget
        requests, self._asking = os.pipe()
        self._reading, answers = os.pipe()
        for end in (self._asking, answers):
            _widen(end)
        self._child = os.fork()
        if self._child == 0:
            _work(make_engine, budget, requests, answers)
        os.close(requests)
        os.close(answers)

    def assign(self, requests: Sequence[RenderRequest]) -> Worker:
        """Give the worker its batch, once."""
        self._count = len(requests)
        asked = [
            request._replace(context=dict(request.context), values=request.values and dict(request.values))
            for request in requests
        ]
        body = json.dumps(asked, default=_bytes_in_json).encode()
        with suppress(BrokenPipeError):  # it died: `report` says how
            _write_all(self._asking, _LENGTH.pack(len(body)) + body)
        os.close(self._asking)
        self._asking = -1
        return self

    def report(self) -> Report:
        """All answers, and how the worker ended."""
        rendered: list[Rendered] = []
        trouble = ""
        at_end = False
        try:
            at_end = _read_answers(self._reading, self._count, self._budget, rendered)
        except _PipeError as error:
            trouble = str(error)
        finally:
            status = self._end(kill=not at_end)
        if trouble:
            return Report(tuple(rendered), Ending.DIED, trouble)
        if len(rendered) == self._count:
            return Report(tuple(rendered), Ending.DONE)
        return Report(tuple(rendered), *_ending(status, bool(rendered)))

    def kill(self) -> None:
        """End the worker without its answers."""
        self._end(kill=True)

    def _end(self, *, kill: bool) -> int:
        os.close(self._reading)
        if self._asking >= 0:
            os.close(self._asking)
        if kill:
            os.kill(self._child, signal.SIGKILL)
        return os.waitpid(self._child, 0)[1]


def _widen(pipe: int) -> None:
    """Room for the answers of a usual batch, so that the worker need not wait for its parent; where the system allows it."""
    with suppress(AttributeError, OSError):
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


def _ending(status: int, has_answers: bool) -> tuple[Ending, str]:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return (Ending.TIME if number in _TIME_SIGNALS else Ending.DIED), signal.Signals(number).name
    match os.WEXITSTATUS(status):
        case 0 if has_answers:
            return Ending.DONE, ""
        case code if code == _OUT_OF_MEMORY:
            return Ending.MEMORY, ""
        case code:
            return Ending.DIED, f"exit code {code}"


def _read_answers(pipe: int, count: int, budget: Budget, rendered: list[Rendered]) -> bool:
    """Append the answers that come; True if the pipe ended before there were `count`."""
    import msgspec

    decoder = msgspec.msgpack.Decoder(_Frame)
    while len(rendered) < count:
        deadline = time.monotonic() + budget.wall_seconds
        head = _read_exactly(pipe, _LENGTH.size, deadline)
        if head is None:
            return True
        (size,) = _LENGTH.unpack(head)
        if size > budget.output_bytes + _FRAME_SLACK:
            raise _PipeError(f"it wrote a frame of {size} bytes")
        body = _read_exactly(pipe, size, deadline)
        if body is None:
            return True
        try:
            rendered.append(_answer_in(decoder.decode(body)))
        except msgspec.DecodeError as error:
            raise _PipeError("it wrote something that is no answer") from error
    return False


def _read_exactly(pipe: int, size: int, deadline: float | None = None) -> bytes | None:
    """`size` bytes, or None if the pipe ends before. Without a deadline it waits as long as it takes."""
    parts: list[bytes] = []
    while size > 0:
        if deadline is not None:
            ready, _, _ = select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise _PipeError("it was silent for too long")
        part = os.read(pipe, min(size, 1 << 20))
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _work(make_engine: Callable[[], Renders], budget: Budget, asked: int, answering: int) -> NoReturn:
    status = _BROKEN
    try:
        asked, answering = _leave_parent(asked, answering)
        engine = make_engine()
        requests = _read_requests(asked)
        _limit(budget, len(requests))
        _answer(engine, requests, budget, answering)
        status = 0
    except MemoryError:
        status = _OUT_OF_MEMORY
    finally:
        os._exit(status)


def _read_requests(pipe: int) -> list[RenderRequest]:
    """The batch; empty if the parent went away or changed its mind."""
    head = _read_exactly(pipe, _LENGTH.size)
    body = _read_exactly(pipe, _LENGTH.unpack(head)[0]) if head else None
    return [RenderRequest(*request) for request in json.loads(body, object_hook=_bytes_from_json)] if body else []


def _bytes_in_json(value: bytes) -> dict[str, dict[str, str]]:
    """A binary secret on the pipe. No document has a key `$secret`."""
    return {"$secret": {"base64": base64.b64encode(value).decode()}}


def _bytes_from_json(value: dict[str, Any]) -> Any:
    return base64.b64decode(value["$secret"]["base64"]) if value.keys() == {"$secret"} else value


def _leave_parent(*pipes: int) -> list[int]:
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


def _limit(budget: Budget, count: int) -> None:
    """Rlimits, and a depth of calls that does not depend on how deep the parent stood in its own."""
    sys.setrecursionlimit(_call_depth() + _CALLS)
    _lower(resource.RLIMIT_AS, _address_space() + budget.memory)
    _lower(resource.RLIMIT_CPU, math.ceil(count * budget.cpu_seconds * _HARD_STOP) + 5)
    _lower(resource.RLIMIT_FSIZE, 0)
    _lower(resource.RLIMIT_CORE, 0)


def _call_depth() -> int:
    depth, frame = 0, inspect.currentframe()
    while frame is not None:
        depth, frame = depth + 1, frame.f_back
    return depth


def _lower(limit: int, value: int) -> None:
    _, hard = resource.getrlimit(limit)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(limit, (value, hard))


def _address_space() -> int:
    """What this process has mapped now; where the system does not say (no /proc), a generous guess."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except OSError:
        return 8 << 30
    return pages * resource.getpagesize()


def _answer(engine: Renders, requests: Sequence[RenderRequest], budget: Budget, pipe: int) -> None:
    import msgspec

    def on_time_up(_number: int, _frame: object) -> NoReturn:
        raise OutOfTimeError(f"it takes more than {budget.cpu_seconds:g} s of processor time")

    signal.signal(signal.SIGVTALRM, on_time_up)
    encoder = msgspec.msgpack.Encoder()
    for request in requests:
        signal.setitimer(signal.ITIMER_VIRTUAL, budget.cpu_seconds)
        signal.setitimer(signal.ITIMER_PROF, budget.cpu_seconds * _HARD_STOP)
        rendered = engine.render(request)
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.setitimer(signal.ITIMER_PROF, 0)
        body = encoder.encode(_frame_of(rendered))
        _write_all(pipe, _LENGTH.pack(len(body)) + body)
        if any(problem.rule in BUDGET_RULES for problem in rendered.problems):
            return


def _frame_of(answer: Rendered) -> _Frame:
    problems = tuple(
        (each.rule, each.message, each.line, each.column, each.hint, each.length) for each in answer.problems
    )
    return _Frame(answer.text, problems, answer.file, answer.template_files, answer.secrets)


def _answer_in(frame: _Frame) -> Rendered:
    problems = tuple(
        Problem(rule, message, line, column, hint, length=length)
        for rule, message, line, column, hint, length in frame.problems
    )
    return Rendered(frame.text, problems, frame.file, frame.template_files, frame.secrets)


def _write_all(pipe: int, frame: bytes) -> None:
    rest = memoryview(frame)
    while rest:
        rest = rest[os.write(pipe, rest) :]

"""The process that renders: forked, limited, and supervised from the parent.

The child makes its engine, reads one frame (4 bytes of length, JSON) with all requests from a pipe, and only
then writes one frame (msgpack) for each answer to another pipe, in order. So neither side waits for the other in a
circle, and a child can get ready before anybody knows what it will render. The first request without an answer is the one at which
the child ended. The child leaves by `os._exit` only: it runs no exit handlers, test hooks or destructors of its parent, and keeps none
of its files open.
"""

from __future__ import annotations

import base64
import inspect
import json
import math
import os
import signal
import sys
import time
from contextlib import suppress
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn

from llmcfg.confined import (
    BROKEN,
    OUT_OF_MEMORY,
    TIME_SIGNALS,
    PipeError,
    leave_parent,
    limit,
    read_frame,
    widen,
    write_frame,
)
from llmcfg.model.findings import Problem
from llmcfg.pipeline.templates.request import BUDGET_RULES, OutOfTimeError, Rendered, RenderRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from llmcfg.pipeline.templates.request import Budget, Renders

_FRAME_SLACK: Final = 4 << 20  # what a frame may hold beside the output: messages and names of templates
_CALLS: Final = 1000  # how deep calls may nest in a rendering
_HARD_STOP: Final = 1.25  # the signal that cannot be caught comes this much later than the one that knows the line


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
            widen(end)
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
            write_frame(self._asking, body)
        os.close(self._asking)
        self._asking = -1
        return self

    def report(self, answered: Callable[[], object] = bool) -> Report:
        """All answers, and how the worker ended. `answered` is called when an answer has come."""
        rendered: list[Rendered] = []
        trouble = ""
        at_end = False
        try:
            at_end = _read_answers(self._reading, self._count, self._budget, rendered, answered)
        except PipeError as error:
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


def _ending(status: int, has_answers: bool) -> tuple[Ending, str]:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return (Ending.TIME if number in TIME_SIGNALS else Ending.DIED), signal.Signals(number).name
    match os.WEXITSTATUS(status):
        case 0 if has_answers:
            return Ending.DONE, ""
        case code if code == OUT_OF_MEMORY:
            return Ending.MEMORY, ""
        case code:
            return Ending.DIED, f"exit code {code}"


def _read_answers(
    pipe: int, count: int, budget: Budget, rendered: list[Rendered], answered: Callable[[], object]
) -> bool:
    """Append the answers that come; True if the pipe ended before there were `count`."""
    import msgspec

    decoder = msgspec.msgpack.Decoder(_Frame)
    while len(rendered) < count:
        deadline = time.monotonic() + budget.wall_seconds
        body = read_frame(pipe, most=budget.output_bytes + _FRAME_SLACK, deadline=deadline)
        if body is None:
            return True
        try:
            rendered.append(_answer_in(decoder.decode(body)))
        except msgspec.DecodeError as error:
            raise PipeError("it wrote something that is no answer") from error
        answered()
    return False


def _work(make_engine: Callable[[], Renders], budget: Budget, asked: int, answering: int) -> NoReturn:
    status = BROKEN
    try:
        asked, answering = leave_parent(asked, answering)
        engine = make_engine()
        requests = _read_requests(asked)
        _limit(budget, len(requests))
        _answer(engine, requests, budget, answering)
        status = 0
    except MemoryError:
        status = OUT_OF_MEMORY
    finally:
        os._exit(status)


def _read_requests(pipe: int) -> list[RenderRequest]:
    """The batch; empty if the parent went away or changed its mind."""
    body = read_frame(pipe)
    return [RenderRequest(*request) for request in json.loads(body, object_hook=_bytes_from_json)] if body else []


def _bytes_in_json(value: bytes) -> dict[str, dict[str, str]]:
    """A binary secret on the pipe. No document has a key `$secret`."""
    return {"$secret": {"base64": base64.b64encode(value).decode()}}


def _bytes_from_json(value: dict[str, Any]) -> Any:
    return base64.b64decode(value["$secret"]["base64"]) if value.keys() == {"$secret"} else value


def _limit(budget: Budget, count: int) -> None:
    """Rlimits, and a depth of calls that does not depend on how deep the parent stood in its own."""
    sys.setrecursionlimit(_call_depth() + _CALLS)
    limit(memory=budget.memory, cpu_seconds=math.ceil(count * budget.cpu_seconds * _HARD_STOP) + 5)


def _call_depth() -> int:
    depth, frame = 0, inspect.currentframe()
    while frame is not None:
        depth, frame = depth + 1, frame.f_back
    return depth


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
        write_frame(pipe, body)
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

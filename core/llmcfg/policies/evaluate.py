"""Running policies: one child for all inputs, supervised. What fails, or takes too much, has a fault, and never an empty answer."""

from __future__ import annotations

import json
import os
import signal
import time
from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from llmcfg.confined import OUT_OF_MEMORY, TIME_SIGNALS, PipeError, read_frame, widen, write_frame
from llmcfg.policies.answers import DEFAULT_BUDGET, NOT_TRIED, Answer, Evaluated, Refusal
from llmcfg.policies.nested import nest_input, nest_modules

if TYPE_CHECKING:
    from llmcfg.policies.answers import Asked, Budget


def has_engine() -> bool:
    """Whether the engine is installed; it is not loaded."""
    return find_spec("regopy") is not None


def evaluate(asked: Asked, budget: Budget = DEFAULT_BUDGET) -> Evaluated:
    """The calling process forks, so no other thread of it may hold a lock that evaluating needs."""
    child = _Child(budget)
    child.ask(asked)
    try:
        head = child.frame(time.monotonic() + budget.wall_seconds)
        if head is None:
            return Evaluated((Refusal("", _why(child.end(), budget)),), ())
        refusals = tuple(Refusal(*said) for said in head)
        count = len(asked.inputs) * len(asked.entrypoints) if not refusals else 0
        answers = _answers(child, count, budget)
    except PipeError as error:
        child.end(kill=True)
        return Evaluated((Refusal("", str(error)),), ())
    width = len(asked.entrypoints)
    rows = tuple(tuple(answers[at : at + width]) for at in range(0, len(answers), width)) if width else ()
    return Evaluated(refusals, rows)


def _answers(child: _Child, count: int, budget: Budget) -> list[Answer]:
    answers: list[Answer] = []
    why = ""
    while len(answers) < count:
        try:
            said = child.frame(time.monotonic() + budget.wall_seconds)
        except PipeError as error:
            said, why = None, str(error)
        if said is None:
            why = why or _why(child.end(), budget)
            break
        answers.append(Answer(*said))
    child.end(kill=True)
    if len(answers) < count:
        answers.append(Answer(fault=why, is_limit=True))
    return answers + [Answer(fault=NOT_TRIED, is_limit=True)] * (count - len(answers))


class _Child:
    """`end` must be called; once it was, it gives the same again."""

    def __init__(self, budget: Budget) -> None:
        asked, self._asking = os.pipe()
        self._reading, answering = os.pipe()
        self._most = budget.output_bytes
        self._status: int | None = None
        for pipe in (self._asking, answering):
            widen(pipe)
        self._pid = os.fork()
        if self._pid == 0:
            from llmcfg.policies.regoworker import work

            work(budget, asked, answering)
        os.close(asked)
        os.close(answering)

    def ask(self, asked: Asked) -> None:
        with suppress(BrokenPipeError):  # it died: the answers that are missing say so
            modules = {file: nest_modules(text) for file, text in asked.modules.items()}
            inputs = [nest_input(text) for text in asked.inputs]
            write_frame(self._asking, json.dumps([modules, [*asked.entrypoints], inputs]).encode())
        os.close(self._asking)

    def frame(self, deadline: float) -> list[Any] | None:
        body = read_frame(self._reading, most=self._most, deadline=deadline)
        found: list[Any] | None = None if body is None else json.loads(body)
        return found

    def end(self, *, kill: bool = False) -> int:
        if self._status is None:
            os.close(self._reading)
            if kill:
                os.kill(self._pid, signal.SIGKILL)
            self._status = os.waitpid(self._pid, 0)[1]
        return self._status


def _why(status: int, budget: Budget) -> str:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number in TIME_SIGNALS:
            return f"it takes more than {budget.cpu_seconds:g} s of processor time"
        return f"the engine broke ({signal.Signals(number).name}): it nests without end, or needs too much memory"
    if os.WEXITSTATUS(status) == OUT_OF_MEMORY:
        return f"it needs more than {budget.memory >> 20} MiB of memory"
    return f"the child that evaluates ended with {os.WEXITSTATUS(status)}"

"""Rendering a batch of templates: what the pipeline calls.

One worker renders a small batch; a large one is split among a few. A rendering that uses up its budget ends its worker, and a fresh one
goes on with the next request, so no rendering feels what another did. A worker that dies without a reason of its own is tried once
more. A template that has used up its budget for `STRIKES` requests of a batch is not tried for the rest of them.
"""

from __future__ import annotations

import os
from collections import defaultdict
from importlib import import_module
from typing import TYPE_CHECKING, Final

from llmcfg.model.findings import Problem
from llmcfg.model.progress import UNWATCHED
from llmcfg.pipeline.templates.request import BUDGET_RULES, DEFAULT_BUDGET, Budget, Rendered, RenderRequest, refused
from llmcfg.pipeline.templates.worker import Ending, Report, Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from llmcfg.model.progress import Progress
    from llmcfg.pipeline.templates.engine import Engine
    from llmcfg.pipeline.templates.request import Renders

__all__ = ["Budget", "RenderRequest", "Rendered", "Rendering", "load_engine", "render_batch"]

STRIKES: Final = 3
_WORTH_A_WORKER: Final = 16  # requests that take about as long as a second worker takes to start
_WORKERS: Final = 4


def render_batch(
    requests: Sequence[RenderRequest], templates: Mapping[str, bytes], *, budget: Budget = DEFAULT_BUDGET
) -> tuple[Rendered, ...]:
    """The answers in the order of the requests.

    `templates` holds every file that a template may include, by its path in the repository. The calling process forks, so no other
    thread of it may hold a lock that rendering needs.
    """
    with Rendering(templates, budget) as rendering:
        rendering.begin(requests)
        return rendering.answers()


def load_engine() -> None:
    """Load what rendering needs into this process, so that workers which are forked from it need not."""
    import_module("llmcfg.pipeline.templates.engine")


class Rendering:
    """A batch that is rendered beside its parent; leaving the `with` ends all workers.

    With `is_likely` one worker gets ready when it is entered, so that it is by the time that the requests are known. Without, workers are
    started for requests, if there are any.
    """

    def __init__(
        self,
        templates: Mapping[str, bytes],
        budget: Budget = DEFAULT_BUDGET,
        *,
        is_likely: bool = True,
        progress: Progress = UNWATCHED,
    ) -> None:
        self._progress = progress
        self._templates = templates
        self._budget = budget
        self._is_likely = is_likely
        self._requests: Sequence[RenderRequest] = ()
        self._lanes: list[list[int]] = []
        self._workers: list[Worker] = []

    def __enter__(self) -> Rendering:
        if self._is_likely:
            self._workers.append(Worker(self._make_engine, self._budget))
        return self

    def __exit__(self, *_: object) -> None:
        while self._workers:
            self._workers.pop().kill()

    def begin(self, requests: Sequence[RenderRequest]) -> None:
        """Hand out the requests, once."""
        self._requests = requests
        self._lanes = _split(requests)
        self._workers += [Worker(self._make_engine, self._budget) for _ in self._lanes[len(self._workers) :]]
        for lane, worker in zip(self._lanes, self._workers, strict=False):
            worker.assign([requests[at] for at in lane])

    def answers(self) -> tuple[Rendered, ...]:
        """The answers in the order of the requests; asked for once."""
        answers: dict[int, Rendered] = {}
        step = self._progress.counter("rendering files", len(self._requests))
        for lane in self._lanes:
            first = self._workers.pop(0)
            requests = [self._requests[at] for at in lane]
            rendered = render_with(self._make_engine, requests, self._templates, self._budget, first, step)
            answers.update(zip(lane, rendered, strict=True))
        return tuple(answers[at] for at in range(len(self._requests)))

    def _make_engine(self) -> Engine:
        from llmcfg.pipeline.templates.engine import Engine

        return Engine(self._templates, self._budget.output_bytes)


def _split(requests: Sequence[RenderRequest]) -> list[list[int]]:
    """The places of the requests that each worker gets: all of one template to one worker, so that each is compiled once."""
    by_template: dict[str, list[int]] = defaultdict(list)
    for at, request in enumerate(requests):
        by_template[request.template].append(at)
    if not requests:
        return []
    lanes: list[list[int]] = [
        [] for _ in range(min(os.cpu_count() or 1, len(requests) // _WORTH_A_WORKER + 1, _WORKERS))
    ]
    for places in sorted(by_template.values(), key=len, reverse=True):
        min(lanes, key=len).extend(places)
    return [sorted(lane) for lane in lanes if lane]


def render_with(
    make_engine: Callable[[], Renders],
    requests: Sequence[RenderRequest],
    templates: Mapping[str, bytes],
    budget: Budget,
    first: Worker | None = None,
    answered: Callable[[], object] = bool,
) -> tuple[Rendered, ...]:
    """Supervise the workers that run the engine. `first` already works on all requests. `answered` is called with each answer."""
    done: list[Rendered] = []
    strikes: dict[str, list[Problem]] = defaultdict(list)
    is_second_try = False
    while len(done) < len(requests):
        rest = _until_struck(requests[len(done) :], strikes)
        if not rest:
            name = requests[len(done)].template
            done.append(refused(name, _not_tried(name, strikes[name][-1]), tuple(sorted(templates))))
            continue
        worker = first or Worker(make_engine, budget).assign(rest)
        first = None
        report = worker.report(answered)
        answers = list(report.rendered)
        is_second_try = is_second_try and not answers
        if report.ending is Ending.DIED and not is_second_try:
            is_second_try = True
        elif report.ending is not Ending.DONE:
            name = rest[len(answers)].template
            answers.append(refused(name, _stopped(name, report, budget), tuple(sorted(templates))))
            is_second_try = False
        for request, answer in zip(rest, answers, strict=False):
            strikes[request.template] += [problem for problem in answer.problems if problem.rule in BUDGET_RULES]
        done += answers
    return tuple(done)


def _until_struck(requests: Sequence[RenderRequest], strikes: Mapping[str, list[Problem]]) -> Sequence[RenderRequest]:
    for at, request in enumerate(requests):
        if len(strikes.get(request.template, ())) >= STRIKES:
            return requests[:at]
    return requests


def _not_tried(name: str, last: Problem) -> Problem:
    message = f"{name} was not tried again, since it used up its budget {STRIKES} times"
    return Problem(last.rule, message, hint="mend it for the targets that have a finding of their own")


def _stopped(name: str, report: Report, budget: Budget) -> Problem:
    """What ended the worker at this template. Its answer depends on all templates, since what it had read is not known."""
    match report.ending:
        case Ending.TIME:
            return Problem(
                "template-timeout",
                f"{name} takes more than {budget.cpu_seconds:g} s of processor time",
                hint="look for nested loops and for arithmetic on large numbers",
            )
        case Ending.MEMORY:
            return Problem(
                "template-limit",
                f"{name} needs more than {budget.memory >> 20} MiB of memory",
                hint="look for repeated texts and for lists that grow",
            )
        case _:
            return Problem(
                "template-worker",
                f"the worker that renders {name} died twice ({report.detail})",
                hint="run it again; if it dies again, look at the memory and the limits of this machine",
            )

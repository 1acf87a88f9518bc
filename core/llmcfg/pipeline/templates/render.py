"""Rendering a batch of templates: what the pipeline calls.

One worker renders the batch. A rendering that uses up its budget ends that worker, and a fresh one goes on with the next request, so
no rendering feels what another did. A worker that dies without a reason of its own is tried once more. A template that has used up its
budget for `STRIKES` requests of a batch is not tried for the rest of them.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from llmcfg.model.findings import Problem
from llmcfg.pipeline.templates.request import BUDGET_RULES, DEFAULT_BUDGET, Budget, Rendered, RenderRequest, refused
from llmcfg.pipeline.templates.worker import Ending, Report, Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from llmcfg.pipeline.templates.engine import Engine

__all__ = ["Budget", "RenderRequest", "Rendered", "Rendering", "render_batch"]

STRIKES: Final = 3


def render_batch(
    requests: Sequence[RenderRequest], templates: Mapping[str, bytes], *, budget: Budget = DEFAULT_BUDGET
) -> tuple[Rendered, ...]:
    """The answers in the order of the requests.

    `templates` holds every file that a template may include, by its path in the repository. The calling process forks, so no other
    thread of it may hold a lock that rendering needs.
    """
    with Rendering(requests, templates, budget) as rendering:
        return rendering.answers()


class Rendering:
    """A batch whose worker begins at once, beside its parent; `answers` waits for it. Leaving the `with` ends it in any case."""

    def __init__(
        self, requests: Sequence[RenderRequest], templates: Mapping[str, bytes], budget: Budget = DEFAULT_BUDGET
    ) -> None:
        self._requests = requests
        self._templates = templates
        self._budget = budget
        self._worker: Worker | None = None

    def __enter__(self) -> Rendering:
        if self._requests:
            self._worker = Worker(self._make_engine, self._requests, self._budget)
        return self

    def __exit__(self, *_: object) -> None:
        if self._worker is not None:
            self._worker.kill()
            self._worker = None

    def answers(self) -> tuple[Rendered, ...]:
        """The answers in the order of the requests; asked for once."""
        first, self._worker = self._worker, None
        return render_with(self._make_engine, self._requests, self._templates, self._budget, first)

    def _make_engine(self) -> Engine:
        from llmcfg.pipeline.templates.engine import Engine

        return Engine(self._templates, self._budget.output_bytes)


def render_with(
    make_engine: Callable[[], Engine],
    requests: Sequence[RenderRequest],
    templates: Mapping[str, bytes],
    budget: Budget,
    first: Worker | None = None,
) -> tuple[Rendered, ...]:
    """Supervise the workers that run the engine. `first` already works on all requests."""
    done: list[Rendered] = []
    strikes: dict[str, list[Problem]] = defaultdict(list)
    is_second_try = False
    while len(done) < len(requests):
        rest = _until_struck(requests[len(done) :], strikes)
        if not rest:
            name = requests[len(done)].template
            done.append(refused(name, _not_tried(name, strikes[name][-1]), tuple(sorted(templates))))
            continue
        worker = first or Worker(make_engine, rest, budget)
        first = None
        report = worker.report()
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

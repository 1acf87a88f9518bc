"""Rendering a batch of templates: what the pipeline calls.

One worker renders the batch. A rendering that uses up its budget ends that worker, and a fresh one goes on with the next request, so
no rendering feels what another did. A worker that dies without a reason of its own is tried once more. A template that has used up its
budget for `STRIKES` requests of a batch is not tried for the rest of them.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from llmcfg.model.findings import Problem
from llmcfg.pipeline.templates.request import BUDGET_RULES, DEFAULT_BUDGET, Budget, Rendered, RenderRequest, refused
from llmcfg.pipeline.templates.worker import Ending, Report, run_worker

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Budget", "RenderRequest", "Rendered", "render_batch"]

STRIKES: Final = 3


def render_batch(
    requests: Sequence[RenderRequest], templates: Mapping[str, bytes], *, budget: Budget = DEFAULT_BUDGET
) -> tuple[Rendered, ...]:
    """The answers in the order of the requests.

    `templates` holds every file that a template may include, by its path in the repository. The calling process forks, so no other
    thread of it may hold a lock that rendering needs.
    """
    from llmcfg.pipeline.templates.engine import Engine

    engine = Engine(templates, budget.output_bytes)
    done: list[Rendered] = []
    strikes: Counter[str] = Counter()
    is_second_try = False
    while len(done) < len(requests):
        rest = _until_struck(requests[len(done) :], strikes)
        if not rest:
            done.append(_not_tried(requests[len(done)], templates))
            continue
        report = run_worker(engine, rest, budget)
        answers = list(report.rendered)
        is_second_try = is_second_try and not answers
        if report.ending is Ending.DIED and not is_second_try:
            is_second_try = True
        elif report.ending is not Ending.DONE:
            answers.append(_stopped(rest[len(answers)], templates, report, budget))
            is_second_try = False
        strikes.update(request.template for request, answer in zip(rest, answers, strict=False) if _used_up(answer))
        done += answers
    return tuple(done)


def _until_struck(requests: Sequence[RenderRequest], strikes: Counter[str]) -> Sequence[RenderRequest]:
    for at, request in enumerate(requests):
        if strikes[request.template] >= STRIKES:
            return requests[:at]
    return requests


def _used_up(answer: Rendered) -> bool:
    return any(problem.rule in BUDGET_RULES for problem in answer.problems)


def _not_tried(request: RenderRequest, templates: Mapping[str, bytes]) -> Rendered:
    problem = Problem(
        "template-timeout",
        f"{request.template} was not tried again, since it used up its budget {STRIKES} times",
        hint="mend it for the targets that have a finding of their own",
    )
    return refused(request.template, problem, tuple(sorted(templates)))


def _stopped(request: RenderRequest, templates: Mapping[str, bytes], report: Report, budget: Budget) -> Rendered:
    """The answer for the request at which the worker ended. What it had read is unknown, so it depends on all templates."""
    name = request.template
    match report.ending:
        case Ending.TIME:
            problem = Problem(
                "template-timeout",
                f"{name} was stopped after {budget.cpu_seconds:g} s of processor time",
                hint="look for nested loops and for arithmetic on large numbers",
            )
        case Ending.MEMORY:
            problem = Problem(
                "template-limit",
                f"{name} needs more than {budget.memory >> 20} MiB of memory",
                hint="look for repeated texts and for lists that grow",
            )
        case _:
            problem = Problem(
                "template-worker",
                f"the worker that renders {name} died twice ({report.detail})",
                hint="run it again; if it dies again, look at the memory and the limits of this machine",
            )
    return refused(name, problem, tuple(sorted(templates)))

"""Rendering prompts: in the worker that templates are rendered in, with its limits on time, memory and output."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from llmcfg.pipeline.templates.render import render_with
from llmcfg.pipeline.templates.request import DEFAULT_BUDGET, RenderRequest
from llmcfg.prompts.given import filled, find_unfit
from llmcfg.prompts.record import Message
from llmcfg.prompts.tokens import tokens_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from llmcfg.model.findings import Problem
    from llmcfg.pipeline.templates.prompting import PromptEngine
    from llmcfg.pipeline.templates.request import Budget
    from llmcfg.prompts.record import Expectation, Version


class Filled(NamedTuple):
    """The messages as they would be sent, or why they cannot be."""

    messages: tuple[Message, ...]
    problem: Problem | None = None

    @property
    def tokens(self) -> int:
        return tokens_of([message.content for message in self.messages])


class Outcome(NamedTuple):
    """What a test of a version came to; no `faults` is a pass."""

    test: Expectation
    faults: tuple[str, ...]


def render_prompts(
    asked: Sequence[tuple[Version, Mapping[str, Any]]], *, budget: Budget = DEFAULT_BUDGET
) -> tuple[Filled, ...]:
    """Each version filled with its values, whose types are known to be right. The calling process forks."""
    requests = [
        RenderRequest(
            version.number,
            "text",
            {
                "engine": version.engine,
                "messages": [message.content for message in version.messages],
                "values": filled(version, given),
            },
        )
        for version, given in asked
    ]
    answers = render_with(partial(_make_engine, budget), requests, {}, budget)
    found = []
    for (version, _), answer in zip(asked, answers, strict=True):
        texts: list[str] = json.loads(answer.text) if answer.text is not None else []
        messages = tuple(Message(message.role, text) for message, text in zip(version.messages, texts, strict=False))
        found.append(Filled(messages, answer.problems[0] if answer.problems else None))
    return tuple(found)


def run_tests(version: Version) -> tuple[Outcome, ...]:
    """The tests of a version, rendered and compared. A test whose values do not fit fails."""
    unfit = [tuple(each.message for each in find_unfit(version, test.variables)) for test in version.tests]
    sound = [test for test, faults in zip(version.tests, unfit, strict=True) if not faults]
    rendered = iter(render_prompts([(version, test.variables) for test in sound]))
    return tuple(
        Outcome(test, faults or tuple(_faults(test, next(rendered))))
        for test, faults in zip(version.tests, unfit, strict=True)
    )


def _faults(test: Expectation, found: Filled) -> Iterator[str]:
    if found.problem is not None:
        yield found.problem.message
        return
    text = "\n".join(message.content for message in found.messages)
    yield from (f"{wanted!r} is not in it" for wanted in test.contains if wanted not in text)
    yield from (f"{unwanted!r} is in it" for unwanted in test.lacks if unwanted in text)
    if test.max_tokens is not None and found.tokens > test.max_tokens:
        yield f"it has about {found.tokens} tokens; {test.max_tokens} are allowed"


def _make_engine(budget: Budget) -> PromptEngine:
    from llmcfg.pipeline.templates.prompting import PromptEngine

    return PromptEngine(budget.output_bytes)

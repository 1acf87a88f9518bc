"""Running the tests of policies: the rules `test_…` of `*_test.rego`. One that is not true has failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llmcfg.policies.answers import Asked
from llmcfg.policies.evaluate import evaluate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.policies.answers import Answer, Refusal
    from llmcfg.policies.loading import Policies, TestRule


class Tested(NamedTuple):
    """`why` is empty for a test that passed."""

    file: str
    test: TestRule
    why: str


class TestRun(NamedTuple):
    """With refusals nothing was run."""

    refusals: tuple[Refusal, ...]
    tests: tuple[Tested, ...]


def run_tests(policies: Policies) -> TestRun:
    """Where there are no tests, the policies are asked, so that one that cannot be read is refused all the same."""
    named = [(file, test) for file, tests in policies.test_names.items() for test in tests]
    tests = [test.entrypoint for _, test in named]
    entrypoints = list(dict.fromkeys(tests or [policy.entrypoint for policy in policies.policies]))
    if not entrypoints:
        return TestRun((), ())
    evaluated = evaluate(Asked({**policies.modules, **policies.tests}, entrypoints, ["{}"]))
    if evaluated.refusals:
        return TestRun(evaluated.refusals, ())
    answers = dict(zip(entrypoints, evaluated.answers[0], strict=True))
    return TestRun((), tuple(_tested(named, answers)))


def _tested(named: list[tuple[str, TestRule]], answers: dict[str, Answer]) -> Iterator[Tested]:
    for file, test in named:
        answer = answers[test.entrypoint]
        yield Tested(file, test, answer.fault or ("" if answer.value is True else "it is not true"))

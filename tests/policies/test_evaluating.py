"""Running policies: values go in and come out as they are, and what breaks, hangs or eats memory is a fault and never silence."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from llmcfg.policies.answers import Asked, Budget, Evaluated
from llmcfg.policies.evaluate import evaluate
from llmcfg.policies.nested import nest_modules, place_as_written

GENTLE = Budget(cpu_seconds=1, memory=128 << 20, output_bytes=4096)


def run(text: str, *inputs: object, budget: Budget = GENTLE, rule: str = "deny") -> Evaluated:
    asked = Asked({"policies/a.rego": f"package a\n\n{text}\n"}, [f"a/{rule}"], [json.dumps(each) for each in inputs])
    return evaluate(asked, budget)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20)
    | st.integers(-(10**9), 10**9).map(lambda number: number / 10**9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)  # fmt: skip


@given(st.lists(VALUES, min_size=1, max_size=20))
@example([1.5e-7, 2.5e-10, 12345678.125, '\u2028\x7f\x01"', {"": []}])
@settings(max_examples=15, deadline=None)
def test_values_go_through_the_engine_unchanged(values: list[object]):
    evaluated = run("deny contains input.value", *({"value": value} for value in values), budget=Budget())
    assert [answers[0].value for answers in evaluated.answers] == [[value] for value in values]


def test_rule_that_is_not_defined_gives_nothing():
    assert run("deny := 1 if false", {}).answers[0][0] == (None, "", False)


@pytest.mark.fault("A19")
@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("deny contains x if x := 1 / input.zero", "a function in it failed"),
        ("deny contains x if x := to_number(`many`)", "a function in it failed"),
        ("f(x) := f(x + 1)\ndeny contains f(1)", ""),
        ("deny contains x if { some x in numbers.range(1, 30000000) }", "the engine broke (SIG"),
        ("deny contains n if { n := count([1 | some a in numbers.range(1, 3000); some b in numbers.range(1, 3000); a == b]) }",
         "it takes more than 1 s of processor time"),
        ("deny contains x if { x := numbers.range(1, 2000) }", "it gives more than 4 KiB"),
    ],
    ids=["division", "builtin", "recursion", "memory", "time", "output"],
)  # fmt: skip
def test_hostile_or_broken_policy_has_a_fault_and_no_value(text: str, why: str):
    (answers,) = run(text, {"zero": 0}).answers
    assert answers[0].value is None
    assert answers[0].fault.startswith(why)
    assert answers[0].fault


def test_what_comes_after_a_broken_input_is_not_taken_as_allowed():
    text = "deny contains n if { n := count(numbers.range(1, input.n)) }"
    evaluated = run(text, {"n": 3}, {"n": 50000000}, {"n": 3})
    assert evaluated.answers[0][0].value == [3]
    assert all(answers[0].fault and answers[0].value is None for answers in evaluated.answers[1:])


def test_module_that_breaks_the_parser_is_refused():
    (refusal,) = run("deny contains " + "[" * 20000 + "]" * 20000, {}).refusals
    assert "engine broke" in refusal.message


def test_child_has_no_environment_and_no_files(monkeypatch):
    monkeypatch.setenv("A_SECRET", "canary")
    (answers,) = run("deny contains opa.runtime().env", {}).answers
    (environment,) = answers[0].value
    assert environment.keys().isdisjoint({"A_SECRET", "PATH", "HOME"})


def test_no_child_is_left_behind():
    run("deny contains x if { some x in numbers.range(1, 30000000) }", {})
    run("deny contains > 1", {})
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_place_of_an_error_is_that_of_the_text_as_written():
    text = 'package a\n\ndeny contains "é" if input.a > > input.b\n'
    (refusal, *_) = evaluate(Asked({"policies/a.rego": text}, ["a/deny"], [])).refusals
    assert place_as_written(text, refusal.offset) == (3, 30)


def test_only_the_input_is_nested():
    assert (
        nest_modules("x.input := input.a\n# input\ny := `input`\n")
        == "x.input := input.asked.a\n# input\ny := `input`\n"
    )

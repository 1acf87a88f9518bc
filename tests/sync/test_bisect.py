"""Bisecting a value: the first bad change, with few questions, each value asked about once."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcfg import limits
from llmcfg.errors import LlmcfgError, NotFoundError, RemoteError, UsageError
from llmcfg.model.change import ABSENT
from llmcfg.model.snapshot import CommitFacts
from llmcfg.sync.bisect import Verdict, find_first_bad, run_test
from llmcfg.sync.history import KeyChange


def changes(*values):
    """One change for each value but the first, which is what there was before."""
    facts = [
        CommitFacts(f"{number:040x}", "Ada", "a@b.c", datetime(2026, 1, 1, tzinfo=UTC), "x")
        for number in range(len(values))
    ]
    return [KeyChange(facts[at], values[at - 1], values[at]) for at in range(1, len(values))]


def above(limit, skipped=()):
    return lambda value: Verdict.SKIPPED if value in skipped else Verdict.BAD if value > limit else Verdict.GOOD


@given(st.integers(2, 200), st.data())
def test_the_first_bad_change_is_found_with_about_log2_of_them_questions(count, data):
    limit = data.draw(st.integers(0, count - 2))
    found = find_first_bad(changes(*range(count)), above(limit))
    assert [change.after for change in found.suspects] == [limit + 1]
    assert len(found.tested) <= count.bit_length() + 2


@given(st.integers(3, 40), st.data())
def test_the_first_bad_change_is_among_the_suspects_whatever_is_skipped(count, data):
    limit = data.draw(st.integers(0, count - 2))
    skipped = data.draw(st.frozensets(st.integers(1, count - 2)))
    found = find_first_bad(changes(*range(count)), above(limit, skipped))
    assert limit + 1 in [change.after for change in found.suspects]
    assert all(change.after in skipped for change in found.suspects[:-1])


def test_a_value_that_comes_back_is_asked_about_once():
    asked = []
    find_first_bad(changes(1, 2, 1, 2, 1, 2, 1, 9), lambda value: asked.append(value) or above(5)(value))
    assert sorted(asked) == sorted(set(asked))


def test_true_and_one_are_two_values():
    found = find_first_bad(changes(0, 1, True), lambda value: Verdict.BAD if value is True else Verdict.GOOD)
    assert [change.after is True for change in found.suspects] == [True]


def test_a_key_that_was_not_set_before_counts_as_good():
    found = find_first_bad(changes(ABSENT, 9), above(5))
    assert [change.before for change in found.suspects] == [ABSENT]


@pytest.mark.parametrize("values", [(), (1, 2), (8, 9)], ids=["no change", "newest is good", "oldest is bad"])
def test_without_a_good_and_a_bad_end_there_is_nothing_to_find(values):
    with pytest.raises(NotFoundError):
        find_first_bad(changes(*values), above(5))


@pytest.mark.parametrize(("skipped", "end"), [(9, "newest"), (1, "oldest")])
def test_an_end_that_cannot_be_told_is_said_to_be_so(skipped, end):
    with pytest.raises(NotFoundError, match=f"the {end} value, .*, cannot be told"):
        find_first_bad(changes(1, 9), above(5, {skipped}))


@pytest.mark.parametrize("value", ["text \N{SNOWMAN}", "", 5, True, None, [1, "a"], {"a": {"b": 1.5}}])
def test_the_value_is_on_stdin_and_in_the_variable(value, tmp_path):
    command = f'cat > {tmp_path}/in; printf "%s\\n" "$LLMCFG_VALUE" > {tmp_path}/var'
    assert run_test(command, value, {"PATH": "/bin:/usr/bin"}) is Verdict.GOOD
    assert (tmp_path / "in").read_bytes() == (tmp_path / "var").read_bytes()


def test_a_key_that_is_not_set_gives_no_variable_although_there_was_one():
    environment = {"PATH": "/bin:/usr/bin", "LLMCFG_VALUE": "old"}
    assert run_test('test -z "${LLMCFG_VALUE+set}" && test -z "$(cat)"', ABSENT, environment) is Verdict.GOOD


@pytest.mark.parametrize("value", ["x" * 300_000, "a\0b"], ids=["too long", "with NUL"])
def test_what_a_variable_cannot_hold_is_on_stdin_alone(value):
    command = f'test -z "${{LLMCFG_VALUE+set}}" && test $(wc -c) = {len(value) + 1}'
    assert run_test(command, value, {"PATH": "/bin:/usr/bin"}) is Verdict.GOOD


@pytest.mark.parametrize(
    ("code", "verdict"), [(0, Verdict.GOOD), (1, Verdict.BAD), (124, Verdict.BAD), (125, Verdict.SKIPPED)]
)
def test_exit_codes_are_those_of_git_bisect(code, verdict):
    assert run_test(f"exit {code}", 1, {}) is verdict


@pytest.mark.parametrize(
    ("command", "error"),
    [("exit 126", UsageError), ("exit 127", UsageError), ("exit 130", LlmcfgError), ("kill -9 $$", LlmcfgError)],
)
def test_what_is_no_answer_stops(command, error):
    with pytest.raises(error, match="the test"):
        run_test(command, 1, {"PATH": "/bin:/usr/bin"})


def test_a_test_that_does_not_end_is_stopped(monkeypatch):
    monkeypatch.setattr(limits, "BISECT_SECONDS", 0.2)
    with pytest.raises(RemoteError, match=r"more than 0\.2 seconds"):
        run_test("sleep 60", 1, {"PATH": "/bin:/usr/bin"})

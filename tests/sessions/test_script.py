"""The format of sessions (README.md here)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .runner import SessionError, run_file, update_file
from .script import Answer, Step, fill, match, parse_documentation, parse_session, rewrite, written

if TYPE_CHECKING:
    from pathlib import Path


def step(*expected: str, exit_code: int = 0) -> Step:
    return Step("command", expected, exit_code, 0, 0)


def test_a_command_goes_on_with_the_continuation_prompt() -> None:
    (only,) = parse_session("$ cat > a.yaml <<'END'\n> a: 1\n>\n> END\nwritten\n").steps
    assert only.command == "cat > a.yaml <<'END'\na: 1\n\nEND"
    assert only.expected == ("written",)


def test_an_answer_ends_at_the_next_command_and_a_comment_before_it_is_no_output() -> None:
    text = "# what it shows\n# repository=sample-repo\n$ one\n# output\n\nmore\n\n# a remark\n# of two lines\n$ two\n[exit 4]\n"
    session = parse_session(text)
    assert session.repository == "sample-repo"
    assert [(found.expected, found.exit_code) for found in session.steps] == [(("# output", "", "more"), 0), ((), 4)]


def test_console_blocks_of_a_page_share_a_directory_until_one_is_new() -> None:
    page = "text\n```console\n$ one\n1\n```\n```text\n$ not run\n```\n```console\n$ two\n```\n```console new\n$ three\n```\n"
    first, second = parse_documentation(page)
    assert [found.command for found in first.steps] == ["one", "two"]
    assert [found.command for found in second.steps] == ["three"]


def test_a_console_block_may_start_with_a_repository() -> None:
    (session,) = parse_documentation("```console repository=sample-repo\n$ one\n```\n")
    assert session.repository == "sample-repo"


@pytest.mark.parametrize(
    ("expected", "output"),
    [
        (("a", "b"), "a  \nb\n\n"),
        (("a", "...", "z"), "a\nb\nc\nz\n"),
        (("a", "...", "z"), "a\nz\n"),
        (("took <any> s",), "took 0.31 s\n"),
        (("(a) [b] *",), "(a) [b] *\n"),
        ((), ""),
    ],
)
def test_expected_output_matches(expected: tuple[str, ...], output: str) -> None:
    assert match(step(*expected), Answer(output, 0), {}) == {}


@pytest.mark.parametrize(
    ("expected", "output"), [(("a",), "b\n"), (("a",), "a\na\n"), (("a", "..."), "b\n"), (("<id> <id>",), "1 2\n")]
)
def test_other_output_does_not_match(expected: tuple[str, ...], output: str) -> None:
    assert match(step(*expected), Answer(output, 0), {}) is None


def test_the_exit_code_is_part_of_the_answer() -> None:
    assert match(step("a", exit_code=4), Answer("a\n", 0), {}) is None
    assert match(step("a", exit_code=4), Answer("a\n", 4), {}) == {}


def test_a_name_takes_its_first_value_and_stands_for_it_from_then_on() -> None:
    found = match(
        step("commit <first-commit>", "again <first-commit>"), Answer("commit abc1234\nagain abc1234\n", 0), {}
    )
    assert found == {"first-commit": "abc1234"}
    assert fill("llmcfg diff <first-commit> <other>", found) == "llmcfg diff abc1234 <other>"
    assert match(step("<first-commit>"), Answer("def5678\n", 0), found) is None
    assert written(Answer("at abc1234\n", 3), found) == ["at <first-commit>", "[exit 3]"]


def test_rewriting_replaces_answers_and_nothing_else() -> None:
    text = "# head\n$ one\nold\n\n# remark\n$ two\nkept\n"
    one, _ = parse_session(text).steps
    assert rewrite(text, [(one, ["new", "lines"])]) == "# head\n$ one\nnew\nlines\n\n# remark\n$ two\nkept\n"


def test_the_directory_and_exported_variables_last_from_command_to_command(tmp_path: Path) -> None:
    session_file = tmp_path / "one.session"
    session_file.write_text("$ mkdir sub && cd sub && export WORD='a b'\n$ pwd; echo $WORD\n<here>/sub\na b\n")
    run_file(session_file, tmp_path / "1")


def test_a_wrong_answer_is_shown_and_updating_writes_it_down(tmp_path: Path) -> None:
    session_file = tmp_path / "one.session"
    session_file.write_text("$ echo new; exit 3\nold\n")
    with pytest.raises(SessionError, match=r"-old\n\+new\n\+\[exit 3\]"):
        run_file(session_file, tmp_path / "1")
    assert update_file(session_file, tmp_path / "2")
    assert session_file.read_text() == "$ echo new; exit 3\nnew\n[exit 3]\n"
    assert not update_file(session_file, tmp_path / "3")

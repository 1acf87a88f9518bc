"""`.env` files: what programs make of them, problems by line and without values, and what is written is read back."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmcfg.secrets.envfile import environment_names, parse_env, write_env

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


def read(text: str) -> dict[str, str]:
    found = parse_env(text)
    assert not found.problems
    return {variable.name: variable.value for variable in found.variables}


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=plain", "plain"),
        ("export A=plain", "plain"),
        ("  A  =  plain  ", "plain"),
        ("A=", ""),
        ("A=''", ""),
        ("A=two words", "two words"),
        ("A=value # a comment", "value"),
        ("A=value#no-comment", "value#no-comment"),
        ("A=# a comment", ""),
        ("A='# no comment' # a comment", "# no comment"),
        ("A='it''", None),
        ("A='it\\'s'", "it's"),
        ("A='\\n stays'", "\\n stays"),
        ('A="\\n becomes"', "\n becomes"),
        ('A="a \\"quote\\""', 'a "quote"'),
        ('A="\\q stays"', "\\q stays"),
        ('A="\\$5 and \\`"', "$5 and `"),
        ('A="one\ntwo"', "one\ntwo"),
        ("A='one\r\ntwo'", "one\ntwo"),
        ("A=value\r\n", "value"),
        ("A=$HOME", "$HOME"),
        ('A="${HOME}"', "${HOME}"),
        ("A=postgres://u:p@host/db?x=1", "postgres://u:p@host/db?x=1"),
        ("\ufeffA=plain", "plain"),
        ("# first\n\n   # second\nA=plain", "plain"),
    ],
)
def test_a_line_gives_the_value_that_programs_take(line, value) -> None:
    found = parse_env(line)
    assert [variable.value for variable in found.variables] == ([] if value is None else [value])
    assert bool(found.problems) is (value is None)


def test_variables_keep_their_order_and_know_their_lines() -> None:
    found = parse_env("B=1\n\nA='x\ny'\n# c\nC=3\n")
    assert [(variable.name, variable.line) for variable in found.variables] == [("B", 1), ("A", 3), ("C", 6)]


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("A=1\nhunter2\nB=2", 2, "neither"),
        ("A=1\nB='hunter2", 2, "never closed"),
        ('A="x" hunter2\n', 1, "follows"),
        ("A=hunter1\nB=2\nA=hunter2", 3, "line 1 already"),
        ("a-b=hunter2", 1, "letters"),
        ("1A=hunter2", 1, "letters"),
        ("A=hunter2\0", 1, "NUL"),
        ("=hunter2", 1, "neither"),
    ],
)
def test_problems_name_the_line_and_never_the_value(text, line, what) -> None:
    problems = parse_env(text).problems
    assert [problem.line for problem in problems] == [line]
    assert what in problems[0].message
    assert "hunter" not in problems[0].message


def test_lines_behind_a_problem_are_still_read() -> None:
    found = parse_env("nonsense\nA=1\n")
    assert [variable.name for variable in found.variables] == ["A"]


def test_a_repr_shows_no_value() -> None:
    assert "hunter2" not in repr(parse_env("A=hunter2"))


@given(st.dictionaries(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]*", fullmatch=True), TEXT))
def test_what_is_written_is_read_back(values) -> None:
    assert read(write_env(values.items())) == values


@given(st.text(st.sampled_from("A='\"\\n#\n\r $")))
def test_no_text_is_too_strange(text) -> None:
    parse_env(text)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("abc", "abc"),
        ("a b", "'a b'"),
        ("$x", "'$x'"),
        ("it's", '"it\'s"'),
        ("a\nb", "'a\nb'"),
        ("a\\b", '"a\\\\b"'),
        ("it's $x", '"it\'s \\$x"'),
        ("`it's`", '"\\`it\'s\\`"'),
        ("it's\ntwo", '"it\'s\ntwo"'),
    ],
)
def test_quotes_are_those_that_shells_read_too(value, written) -> None:
    assert write_env([("A", value)]) == f"A={written}\n"


@settings(max_examples=60)
@given(st.text(st.sampled_from("ab \"'\\$`(){}!#;&|<>*?~\n\té")))
def test_a_shell_takes_a_value_for_what_it_is(value) -> None:
    script = f'{write_env([("A", value)])}printf %s "$A"'
    assert subprocess.run(["sh", "-euc", script], capture_output=True, check=True).stdout.decode() == value


def test_names_of_secrets_become_names_of_variables_and_may_meet() -> None:
    names = environment_names(["openai.api-key", "openai_api_key", "keys[0]", '"1st"'])
    assert names == {"OPENAI_API_KEY": ["openai.api-key", "openai_api_key"], "KEYS_0": ["keys[0]"], "_1ST": ['"1st"']}

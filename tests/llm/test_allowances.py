"""Comments that let findings pass: where they count, and what is said of those that are wrong, too old or of no use."""

from __future__ import annotations

from datetime import date

import pytest

from llmcfg.llm.allowances import apply_allowances, read_allowances
from llmcfg.model.findings import Finding, Origin

DAY = date(2026, 11, 25)
ALLOW = "# llmcfg: allow LLM012 until 2027-01-31 because the customer moves in January"


def left(text: str, *lines: int, rule: str = "LLM012", day: date = DAY, is_whole: bool = True) -> list[str]:
    """`rule:line` of what is left of findings in these lines, and of what is said of the comments."""
    findings = [Finding(rule, "m", Origin("a.yaml", line, 1)) for line in lines]
    found = apply_allowances("a.yaml", text, findings, day, is_whole=is_whole)
    return [f"{finding.rule_id}:{finding.origin.line}" for finding in found]


def test_behind_a_value_it_counts_for_its_line() -> None:
    assert left(f"a: 1  {ALLOW}\nb: 2\n", 1, 2) == ["LLM012:2"]


def test_on_a_line_of_its_own_it_counts_for_the_next_one_and_what_is_indented_below() -> None:
    assert left(f"x: 1\n{ALLOW}\n# and more\na:\n  b: 1\n\n  c: 1\nd: 1\n", 1, 4, 5, 7, 8) == ["LLM012:1", "LLM012:8"]


def test_before_an_item_of_a_list_it_counts_for_that_item() -> None:
    assert left(f"l:\n  {ALLOW}\n  - a: 1\n    b: 1\n  - a: 2\n", 3, 4, 5) == ["LLM012:5"]


def test_before_a_key_it_counts_for_a_list_that_is_not_indented() -> None:
    assert left(f"{ALLOW}\nl:\n- a: 1\n- b: 1\nm: 1\n", 3, 4, 5) == ["LLM012:5"]


def test_in_the_opening_comment_before_an_empty_line_it_counts_for_the_file() -> None:
    assert left(f"# title\n{ALLOW}\n\na: 1\nb: 1\n", 4, 5) == []
    assert left(f"{ALLOW}\na: 1\nb: 1\n", 2, 3) == ["LLM012:3"]


def test_another_rule_is_not_allowed_by_it() -> None:
    assert left(f"a: 1  {ALLOW}\n", 1, rule="LLM013") == ["LLM013:1", "allow-unused:1"]


def test_its_last_day_still_counts_and_then_it_is_a_finding_itself() -> None:
    assert left(f"a: 1  {ALLOW}\n", 1, day=date(2027, 1, 31)) == []
    assert left(f"a: 1  {ALLOW}\n", 1, day=date(2027, 2, 1)) == ["LLM012:1", "allow-expired:1"]


def test_one_that_allows_nothing_is_a_finding_if_everything_was_looked_for() -> None:
    assert left(f"a: 1  {ALLOW}\n") == ["allow-unused:1"]
    assert left(f"a: 1  {ALLOW}\n", is_whole=False) == []


@pytest.mark.parametrize(
    ("comment", "message"),
    [
        ("# llmcfg: allow LLM012 until 2027-01-31", "the comment gives no reason"),
        ("# llmcfg: allow LLM012 because why not", "the comment gives no day"),
        ("# llmcfg: allow LLM012 until 2027-02-30 because why not", "2027-02-30 is no day"),
        ("# llmcfg: allow LLM12 until 2027-01-31 because why not",
         "no rule about LLM platforms is called LLM12; did you mean 'LLM012'?"),
        ("# llmcfg: allow yaml-root until 2027-01-31 because why not", "no rule about LLM platforms is called yaml-root"),
    ],
)  # fmt: skip
def test_one_that_is_not_written_as_it_should_be_allows_nothing_and_says_how_it_is_written(
    comment: str, message: str
) -> None:
    allowances, [finding] = read_allowances("a.yaml", f"a: 1  {comment}\n")
    assert allowances == []
    assert (finding.rule_id, finding.message, str(finding.origin)) == ("allow-form", message, "a.yaml:1:7")
    assert "until 2027-01-31 because" in finding.hint


def test_one_comment_may_allow_several_rules() -> None:
    [allowance], [] = read_allowances(
        "a.yaml", "a: 1  # llmcfg: allow LLM001,LLM002 , LLM003 until 2027-01-31 because x\n"
    )
    assert allowance.rules == ("LLM001", "LLM002", "LLM003")

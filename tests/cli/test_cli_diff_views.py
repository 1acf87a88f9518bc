"""How a difference is shown: cut for a terminal, whole for everything else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcfg.model.change import Change
from llmcfg.model.impact import Difference, FileChange, SecretChange, ValueChange
from llmcfg_cli.views.diff import view_diff, view_stat
from llmcfg_cli.views.reach import summary
from llmcfg_cli.views.text import clip_pair, display_width

TARGETS = ("dev/_shared/app", "prod/_shared/app")
VALUE = ValueChange(Change(("budgets", "amount"), 1, 2), (), TARGETS)
SECRET = SecretChange("api_key", "changed", TARGETS)


def file_change(*lines: str) -> FileChange:
    return FileChange("app", "app.env", "changed", "\n".join(["--- a/app.env", "+++ b/app.env", *lines]), TARGETS)


def difference(*, values=(), files=(), secrets=(), added=(), removed=()) -> Difference:
    return Difference(
        values=values, files=files, secrets=secrets, targets_added=added, targets_removed=removed, affected=TARGETS
    )


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (difference(values=(VALUE,)), "1 value changes in 2 bundles"),
        (difference(values=(VALUE, VALUE)), "2 values change in 2 bundles"),
        (difference(values=(VALUE,), secrets=(SECRET,)), "1 value and 1 secret change in 2 bundles"),
        (
            difference(values=(VALUE,) * 3, files=(file_change(),), secrets=(SECRET,), added=TARGETS[:1]),
            "3 values, 1 rendered file and 1 secret change in 2 bundles (1 new)",
        ),
        (difference(removed=TARGETS), "nothing changes in 2 bundles (2 removed)"),
    ],
)
def test_the_summary_is_a_sentence(changed: Difference, said: str) -> None:
    assert summary(changed) == said


def test_counts_alone_are_by_environment() -> None:
    assert view_stat(difference(values=(VALUE,))).split("\n")[:2] == ["dev: 1 bundle", "prod: 1 bundle"]


def test_a_table_shows_the_first_lines_of_a_long_file_and_says_where_the_rest_is() -> None:
    long = difference(files=(file_change(*(f"+line {number}" for number in range(100))),))
    shown = view_diff(long, "table")
    assert "+line 39" in shown
    assert "+line 40" not in shown
    assert "… 60 more lines: llmcfg diff -o patch" in shown
    for output in ("patch", "md", "json"):
        assert "+line 99" in view_diff(long, output)


def test_lines_that_replace_one_another_are_cut_where_they_differ() -> None:
    prefix = "PROMPT=" + "x" * 500
    shown = view_diff(difference(files=(file_change(f"-{prefix}old", f"+{prefix}new"),)), "table", width=80)
    removed, added = (line for line in shown.split("\n") if line.startswith(("  -", "  +")))
    assert (removed[-3:], added[-3:]) == ("old", "new")
    assert max(map(len, (removed, added))) <= 80


def test_a_long_value_leaves_its_short_counterpart_whole() -> None:
    change = ValueChange(Change(("a",), "short", "y" * 500), (), TARGETS)
    (line,) = (line for line in view_diff(difference(values=(change,)), "table", width=80).split("\n") if "~" in line)
    assert '"short" -> "yyy' in line
    assert len(line) <= 80


def test_data_cannot_act_on_the_terminal_or_leave_its_place_in_markdown() -> None:
    nasty = file_change("+\x1b[31mred", "+```", "+</details>")
    assert "\x1b" not in view_diff(difference(files=(nasty,)), "table")
    shown = view_diff(difference(files=(nasty,)), "md")
    assert "\x1b" not in shown
    assert "\n````diff\n" in shown


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60), st.integers(8, 40))
def test_cut_pairs_fit_and_still_differ(shared: str, old: str, new: str, width: int) -> None:
    before, after = clip_pair(shared + old, shared + new, width)
    assert max(display_width(before), display_width(after)) <= width
    if shared + old == shared + new:
        assert before == after

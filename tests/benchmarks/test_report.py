"""The report of `make bench`: each target has a figure that is really measured, and its verdict is what the figure says."""

import subprocess
import sys
from argparse import ArgumentParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.benchmarks import FOLDER, load

targets, suite, figures = load("targets"), load("suite"), load("figures")
WORDS = {"daily": {"sample-repo"}, "loading": {"documents", "hostile"}, "differing": {"shared", "apart"}}
OURS, THEIRS = targets.Figure("some", "here", "ours"), targets.Figure("some", "here", "theirs")


def full_sizes(benchmark):
    """What the full tier has columns for: of keys, of tenants, or of what is the same in every tier."""
    parser = ArgumentParser()
    parser.add_argument("--keys", type=int, action="append", default=[])
    parser.add_argument("--tenants", type=int, action="append", default=[])
    given, _ = parser.parse_known_args(suite.BENCHMARKS[benchmark].full)
    keys, tenants = map(figures.of_keys, given.keys), map(figures.of_tenants, given.tenants or (1, 10, 100, 1_000))
    if benchmark in WORDS:
        return WORDS[benchmark]
    if benchmark == "tenants":
        return {*tenants}
    return {f"{count}, {tenant}" for count in keys for tenant in tenants} if benchmark == "deployed" else {*keys}


@pytest.mark.parametrize("target", targets.TARGETS, ids=lambda target: f"{target.work}: {target.says}")
def test_each_target_has_figures_that_the_full_report_measures(target):
    for figure in filter(None, (target.figure, target.base)):
        if figure.benchmark != "differing":
            assert figure.name in load(figure.benchmark).NAMES
        assert figure.size in full_sizes(figure.benchmark)


def found(**seconds):
    """The same seconds of the clock and of the processors, for each name."""
    runs = {name: [figures.Run(value, value)] for name, value in seconds.items()}
    return {"some": {"here": figures.Column(runs, {}, {})}}


amounts = st.floats(1e-6, 1e6)


@given(amounts, amounts, amounts)
def test_a_bound_is_met_or_missed_by_what_was_measured(value, base, bound):
    most = targets.Target("work", OURS, bound, "ratio", THEIRS)
    verdicts = [
        targets.judge(one, found(ours=value, theirs=base)).verdict for one in (most, most._replace(is_least=True))
    ]
    assert verdicts == [
        "met" if value / base <= bound else "**missed**",
        "met" if value / base >= bound else "**missed**",
    ]


@given(amounts, amounts)
def test_a_busy_machine_is_told_from_a_slow_program(used, waited):
    columns = found(ours=used)
    columns["some"]["here"].runs["ours"][0] = figures.Run(used + waited, used)
    assert targets.judge(targets.Target("work", OURS, used), columns).verdict == "met by the processors' time"


@given(amounts, amounts, amounts)
def test_what_was_given_up_can_meet_a_target_and_never_miss_one(waited, base, bound):
    columns = found(theirs=base)
    columns["some"]["here"].given_up["ours"] = waited
    columns["some"]["here"].without["ours"] = "took more"
    least = targets.Target("work", OURS, bound, "ratio", THEIRS, is_least=True)
    assert (targets.judge(least, columns).verdict == "met") == (waited / base >= bound)
    assert targets.judge(least._replace(is_least=False), columns).verdict == "not known: it was given up"


def test_what_has_no_figure_says_why():
    columns = found()
    target = targets.Target("work", OURS, 1)
    assert targets.judge(target, {}).verdict == "not measured: some did not run at here"
    columns["some"]["here"].without["ours"] = "is not installed"
    assert targets.judge(target, columns).verdict == "not measured: is not installed"


def test_one_command_writes_a_report_with_what_ran_and_why_something_did_not(tmp_path):
    command = [sys.executable, FOLDER / "report.py", "--no-install", "--to", tmp_path, "--only", "physical"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert (tmp_path / "report.md").read_text() == said
    assert "| hashed with SHA-256 |" in said
    assert "not measured: daily did not run at sample-repo" in said


def test_what_ran_earlier_stays_in_the_report_under_its_own_revision(tmp_path):
    assert suite.read_outcome("daily", tmp_path).why_not == "it did not run"
    columns = found(ours=1.5)["some"]
    figures.write_columns(tmp_path / "daily.json", columns)
    (tmp_path / "daily.md").write_text("| ours |\n")
    outcome = suite.read_outcome("daily", tmp_path)
    assert outcome == ("| ours |", columns, load("machine").read_revision(), "")
    report = load("report")
    assert "Of an earlier run" not in "".join(report.section("daily", outcome, outcome.revision))
    assert f"Of an earlier run, with revision {outcome.revision}." in "".join(report.section("daily", outcome, "v2"))

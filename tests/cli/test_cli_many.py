"""What there is a lot of is told in a line, and never in thousands."""

from __future__ import annotations

import json

import pytest

from llmcfg.model.change import Change
from llmcfg.model.impact import ValueChange
from llmcfg.pipeline.parity import Parity
from llmcfg_cli.app import run
from llmcfg_cli.views.parity import view_parity
from support.written import CONSUMER, MANIFEST, WrittenRepository

MANY = ("_shared", *(f"t{number:04}" for number in range(1000)))


@pytest.mark.parametrize(("everybody", "having", "told"), [
    (MANY, MANY, "all"),
    (MANY, MANY[:3], "_shared, t0000, t0001"),
    (MANY, MANY[2:], "all but _shared, t0000"),
    (MANY, MANY[:500], "500 of 1,001"),
    (("_shared",), ("_shared",), "_shared"),
])  # fmt: skip
@pytest.mark.parametrize("form", ["table", "md"])
def test_tenants_in_which_environments_differ_are_named_while_they_are_few(everybody, having, told, form) -> None:
    parity = Parity(everybody, (ValueChange(Change(("limits", "rpm"), 1, 2), having, ()),), 0)
    row = next(line for line in view_parity(parity, "dev", "prod", form).split("\n") if "limits.rpm" in line)
    assert row.strip("|` ").endswith(told)


def test_files_of_a_sink_that_differ_are_named_while_they_are_few_and_counted_then(tmp_path, capsys) -> None:
    documents = {f"base/d{number}.yaml": "a: 1\n" for number in range(9)}
    made = WrittenRepository(tmp_path / "made", {"consumers/api.yaml": CONSUMER, **documents})
    assert run(["apply", "-e", "prod", "-y", "-q", "-C", str(made.path)]) == 0
    for number in range(9):
        next((tmp_path / "made/delivered/prod").glob(f"current/**/d{number}.json")).write_text("{}")
    capsys.readouterr()
    run(["status", "-e", "prod", "-C", str(made.path)])
    told = [line for line in capsys.readouterr().err.splitlines() if "differs in" in line]
    assert (len(told), told[-1].rpartition(" differs in ")[2]) == (6, "4 more")


def test_plans_of_all_environments_are_those_of_each_with_what_each_tracks(tmp_path, capsys) -> None:
    manifest = MANIFEST.replace("prod: {}", "prod: {track: {branch: stable}}")
    files = {"llmcfg.yaml": manifest, "consumers/api.yaml": CONSUMER, "base/a.yaml": "a: 1\n"}
    made = WrittenRepository(tmp_path / "made", files)
    made.git("branch", "stable")
    made.commit({"base/a.yaml": "a: 2\n"})

    def plan(*arguments):
        capsys.readouterr()
        assert run(["plan", "-q", "-o", "json", "-C", str(made.path), *arguments]) == 0
        return json.loads(capsys.readouterr().out)

    together, apart = plan(), [plan("-e", name) for name in ("dev", "prod")]
    assert (together["kind"], [each.pop("kind") for each in apart]) == ("Plans", ["Plan", "Plan"])
    assert together["environments"] == [{key: each[key] for key in each if key != "apiVersion"} for each in apart]
    assert together["environments"][0]["revision"] != together["environments"][1]["revision"]
    assert plan("-e", "prod", "-e", "dev", "-e", "prod")["environments"] == together["environments"][::-1]

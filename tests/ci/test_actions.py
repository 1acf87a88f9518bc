"""The actions and the workflows of docs/ci.md: pinned, with no text of an event in a script, and with outputs that exist."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).resolve().parents[2]
CHECK = runpy.run_path(str(PROJECT / ".ci/actions.py"))
ACTIONS = {file.parent.name: file for file in sorted((PROJECT / ".github/actions").glob("*/action.yml"))}
SHOWN = CHECK["shown_workflows"]()


def steps(document):
    if "runs" in document:
        return document["runs"]["steps"]
    return [step for job in document["jobs"].values() for step in job["steps"]]


DOCUMENTS = {
    **{name: yaml.safe_load(file.read_text(encoding="utf-8")) for name, file in ACTIONS.items()},
    **{name: yaml.safe_load(text) for name, text in SHOWN.items()},
}


def test_the_page_shows_the_workflow_that_reviews_and_the_one_that_posts() -> None:
    assert set(SHOWN) == {".github/workflows/config.yml", ".github/workflows/config-post.yml"}
    assert set(ACTIONS) == {"setup-llmcfg", "llmcfg-ci"}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_no_expression_stands_in_a_script(name: str) -> None:
    for step in steps(DOCUMENTS[name]):
        assert "${{" not in step.get("run", "")


@pytest.mark.parametrize("file", [*ACTIONS.values(), *sorted((PROJECT / ".github/workflows").glob("*.yml"))], ids=str)
def test_what_is_used_is_pinned_to_a_commit(file: Path) -> None:
    assert CHECK["unpinned"](file) == []


def test_what_is_not_pinned_is_found(tmp_path: Path) -> None:
    (tmp_path / "x.yml").write_text("steps:\n- uses: actions/checkout@v4\n- uses: ./here\n")
    assert CHECK["unpinned"](tmp_path / "x.yml") == ["actions/checkout@v4"]


@pytest.mark.parametrize("name", SHOWN)
def test_shown_workflows_have_no_rights_but_those_they_name_and_pass_inputs_that_exist(name: str) -> None:
    document = DOCUMENTS[name]
    assert document["permissions"] == {}
    assert all(job["permissions"] for job in document["jobs"].values())
    for step in steps(document):
        if step.get("uses", "").startswith("./"):
            inputs = DOCUMENTS[Path(step["uses"]).name]["inputs"]
            assert set(step.get("with", {})) <= set(inputs)


def test_outputs_of_the_action_are_those_of_the_command() -> None:
    from llmcfg_cli.views import ci

    written = set(
        re.findall(r'^        "(\w+)": ', Path(ci.__file__).read_text().split("outputs = {")[1], re.MULTILINE)[:4]
    )
    assert written == {"changed", "environments", "risk", "digest"}
    assert set(DOCUMENTS["llmcfg-ci"]["outputs"]) == written | {"report"}


def test_the_job_that_may_write_runs_nothing_of_a_fork() -> None:
    document = DOCUMENTS[".github/workflows/config-post.yml"]
    (job,) = document["jobs"].values()
    checkout = job["steps"][0]
    assert checkout["uses"].startswith("actions/checkout@")
    assert set(checkout["with"]) == {"persist-credentials"}  # no ref: the main branch
    assert "pull-requests" not in DOCUMENTS[".github/workflows/config.yml"]["permissions"]

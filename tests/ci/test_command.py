"""The command as a job runs it: what it prints, writes and ends with, and what it leaves alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from support.forge import TOKEN, Forge
from support.written import CONSUMER, MANIFEST, WrittenRepository

FILES = {
    "llmcfg.yaml": MANIFEST.replace("prod: {}", "prod: {protected: true}"),
    "base/limits.yaml": "rpm: 10\n",
    "consumers/api.yaml": CONSUMER,
}


@pytest.fixture
def repository(tmp_path):
    made = WrittenRepository(tmp_path / "made", FILES)
    made.git("checkout", "-q", "-b", "topic")
    return made


def llmcfg(folder, *arguments, **variables):
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", "llmcfg_cli", *map(str, arguments)],
        cwd=folder,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**kept, "HOME": "/nonexistent", "LLMCFG_AS_OF": "2026-11-25", **variables},
    )


def job(tmp_path, repository, **event):
    """The variables of a job of GitHub, with an event of a pull request."""
    head, main = (repository.git("rev-parse", name) for name in ("HEAD", "main"))
    pull = {"number": 7, "base": {"sha": main, "ref": "main"}, "head": {"sha": head}}
    place = tmp_path / "event.json"
    place.write_text(json.dumps({"pull_request": pull, **event}))
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_EVENT_PATH": str(place),
        "GITHUB_REPOSITORY": "o/r",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
        "GITHUB_OUTPUT": str(tmp_path / "outputs"),
    }


def test_a_job_of_github_gets_everything_in_one_pass(repository, tmp_path) -> None:
    repository.commit({"base/limits.yaml": "rpm: 20\n"})
    done = llmcfg(repository.path, "ci", "--out", tmp_path / "out", **job(tmp_path, repository))
    assert done.returncode == 0, done.stderr
    assert done.stdout == "pass: 1 value changes in 2 bundles (prod, dev); risk medium; no new findings\n"
    assert "where the change left its target branch" in done.stderr
    outputs = dict(line.split("=", 1) for line in (tmp_path / "outputs").read_text().splitlines())
    assert outputs["changed"] == "true"
    assert json.loads(outputs["environments"]) == ["prod", "dev"]
    assert outputs["risk"] == "medium"
    report = json.loads((tmp_path / "out/diff.json").read_text())
    assert outputs["digest"] == report["digest"]
    assert report["verdict"] == "pass"
    page = (tmp_path / "out/comment.md").read_text()
    assert "https://github.com/o/r/pull/7/files#diff-" in page
    assert (tmp_path / "summary.md").read_text() == page == (tmp_path / "out/diff.md").read_text()


def test_errors_of_the_change_end_with_4_and_are_annotated(repository, tmp_path) -> None:
    repository.commit({"base/limits.yaml": "rpm: no\n"})
    done = llmcfg(repository.path, "ci", **job(tmp_path, repository))
    assert done.returncode == 4
    verdict, *rest = done.stdout.splitlines()
    assert verdict.startswith("fail: ")
    assert "new: 1 error" in verdict
    assert any(line.startswith("::error file=base/limits.yaml,line=1") for line in rest)


@pytest.mark.parametrize(("fail_on", "code"), [("error", 0), ("warning", 4), ("never", 0)])
def test_what_holds_a_change_up_is_chosen(repository, fail_on, code) -> None:
    repository.commit({"environments/dev/limits.yaml": "rpm: 10\n"})  # says what is so anyway: a warning
    done = llmcfg(repository.path, "ci", "--fail-on", fail_on)
    assert "new: 1 warning" in done.stdout
    assert done.returncode == code


def test_a_change_without_effect_has_an_empty_comment(repository, tmp_path) -> None:
    repository.commit({"base/limits.yaml": "# a remark\nrpm: 10\n"})
    done = llmcfg(repository.path, "ci", "--out", tmp_path / "out", **job(tmp_path, repository))
    assert done.stdout == "pass: nothing changes in effect; risk none; no new findings\n"
    assert (tmp_path / "out/comment.md").read_text() == ""
    assert "changed=false" in (tmp_path / "outputs").read_text()


def test_the_same_change_gives_the_same_bytes(repository, tmp_path) -> None:
    repository.commit({"base/limits.yaml": "rpm: 20\n"})
    for name in ("one", "two"):
        llmcfg(repository.path, "ci", "--out", tmp_path / name)
        repository.git("commit", "-q", "--amend", "--allow-empty", "-m", "said otherwise")
    assert (tmp_path / "one/comment.md").read_bytes() == (tmp_path / "two/comment.md").read_bytes()


def test_the_checkout_is_left_as_it_was(repository, tmp_path) -> None:
    repository.commit({"base/limits.yaml": "rpm: 20\n"})

    def seen():
        return {str(path): path.stat().st_mtime_ns for path in repository.path.rglob("*")}

    before = seen()
    assert llmcfg(tmp_path, "ci", "-C", repository.path, "--out", tmp_path / "out").returncode == 0
    assert seen() == before


def test_an_answer_for_programs_is_one_object(repository) -> None:
    repository.commit({"base/limits.yaml": "rpm: 20\n"})
    done = llmcfg(repository.path, "ci", "-o", "json")
    answer = json.loads(done.stdout)
    assert (answer["kind"], answer["verdict"]) == ("Review", "pass")
    assert answer["difference"]["values"][0]["before"] == 10
    assert answer["difference"]["origins"][0]["after"] == {"file": "base/limits.yaml", "line": 1, "column": 1}


def test_names_of_environments_cannot_write_another_output(repository, tmp_path) -> None:
    repository.commit({"base/limits.yaml": 'rpm: "20\\n::set-output name=risk::none\\nrisk=none"\n'})
    done = llmcfg(repository.path, "ci", **job(tmp_path, repository))
    assert "\n::set-output" not in done.stdout
    lines = (tmp_path / "outputs").read_text().splitlines()
    assert [line.partition("=")[0] for line in lines] == ["changed", "environments", "risk", "digest"]


def test_an_event_that_cannot_be_read_is_told(repository, tmp_path) -> None:
    variables = job(tmp_path, repository) | {"GITHUB_EVENT_PATH": str(tmp_path / "nowhere.json")}
    done = llmcfg(repository.path, "ci", **variables)
    assert done.returncode == 2
    assert "GITHUB_EVENT_PATH" in done.stderr


def test_a_report_is_posted_by_the_next_step(repository, tmp_path) -> None:
    repository.commit({"base/limits.yaml": "rpm: 20\n"})
    variables = job(tmp_path, repository)
    llmcfg(repository.path, "ci", "--out", tmp_path / "out", **variables)
    with Forge().serving() as forge:
        variables |= {"GITHUB_TOKEN": TOKEN, "GITHUB_API_URL": forge.address}
        said = [llmcfg(tmp_path, "ci", "post", "--from", "out", "--checks", **variables).stdout for _ in range(2)]
        (comment,) = forge.comments
        assert [check["conclusion"] for check in forge.checks[:2]] == ["success", "success"]
    assert said[0].startswith("comment on #7: posted\n")
    assert said[1].startswith("comment on #7: is the same\n")
    assert "limits.rpm" in comment["body"]


def test_without_a_token_nothing_is_posted(repository, tmp_path) -> None:
    done = llmcfg(tmp_path, "ci", "post", "--from", ".", **job(tmp_path, repository))
    assert done.returncode == 5
    assert "GITHUB_TOKEN" in done.stderr

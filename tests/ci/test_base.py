"""What a change is compared with: on both forges and without one, in whole and cut-off clones."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from llmcfg.ci.base import Base, find_base
from llmcfg.ci.occasion import Occasion, occasion_from
from llmcfg.errors import NotFoundError, UsageError
from llmcfg.git.repository import open_repository
from support.written import WrittenRepository

ZEROS = "0" * 40
ELSEWHERE = "1" * 40


@pytest.fixture
def repository(tmp_path):
    """main: one, two; topic leaves at one."""
    made = WrittenRepository(tmp_path / "made", {"base/a.yaml": "n: 1\n"})
    made.git("checkout", "-q", "-b", "topic")
    made.commit({"base/b.yaml": "n: 1\n"})
    made.git("checkout", "-q", "main")
    made.commit({"base/a.yaml": "n: 2\n"})
    made.git("checkout", "-q", "topic")
    return made


def at(repository, revision):
    return repository.git("rev-parse", revision)


def base(repository, occasion=None, asked=None) -> Base:
    opened = open_repository(getattr(repository, "path", repository))
    return find_base(opened, opened.resolve("HEAD"), occasion or Occasion(), asked)


def cut_off(repository, folder, depth, branch="topic"):
    """A clone of so many commits of a branch, as CI services make it."""
    subprocess.run(
        ["git", "clone", "-q", f"--depth={depth}", f"--branch={branch}", repository.path.as_uri(), folder],
        check=True,
        env={"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "HOME": "/x"},
        capture_output=True,
    )
    return folder


def github(name, event, **others):
    variables = {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": name, "GITHUB_REPOSITORY": "o/r", **others}
    return occasion_from(variables, json.dumps(event).encode())


def pull(base, head):
    return {"pull_request": {"number": 7, "base": {"sha": base, "ref": "main"}, "head": {"sha": head}}}


def test_what_is_asked_for_wins(repository) -> None:
    found = base(repository, Occasion("github", base=at(repository, "main")), "topic")
    assert found.commit == at(repository, "topic")


def test_without_a_forge_it_is_where_head_left_the_main_branch(repository) -> None:
    assert base(repository) == Base(at(repository, "main~1"), "where HEAD left main")


def test_on_the_main_branch_it_is_the_first_parent(repository) -> None:
    repository.git("checkout", "-q", "main")
    assert base(repository).commit == at(repository, "main~1")
    repository.git("merge", "-q", "--no-ff", "topic")
    assert base(repository).commit == at(repository, "main^1")


def test_before_the_first_commit_there_is_nothing(tmp_path) -> None:
    made = WrittenRepository(tmp_path / "made", {})
    assert base(made) == Base(None, "nothing: HEAD is the first commit")


def test_a_detached_head_is_like_any_other(repository) -> None:
    repository.git("checkout", "-q", "--detach", "topic")
    assert base(repository).commit == at(repository, "main~1")


def test_a_pull_request_is_compared_with_where_it_left_its_target(repository) -> None:
    event = pull(at(repository, "main"), at(repository, "topic"))
    assert base(repository, github("pull_request", event)).commit == at(repository, "main~1")


def test_the_result_of_merging_is_compared_with_the_target_it_merges_into(repository) -> None:
    event = pull(at(repository, "main~1"), at(repository, "topic"))  # the event may be older than the merge
    repository.git("checkout", "-q", "--detach", "main")
    repository.git("merge", "-q", "--no-ff", "topic")
    found = base(repository, github("pull_request", event))
    said = "the target branch, which HEAD merges the change into"
    assert found == Base(at(repository, "main"), said, source=at(repository, "topic"))


def test_a_push_is_compared_with_what_the_branch_was(repository) -> None:
    event = {"before": at(repository, "main"), "repository": {"default_branch": "main"}}
    assert base(repository, github("push", event)).commit == at(repository, "main")


@pytest.mark.parametrize("before", [ZEROS, "not an id", None, 7, "-" * 40])
def test_a_push_of_a_new_branch_is_compared_with_the_main_branch(repository, before) -> None:
    event = {"before": before, "repository": {"default_branch": "main"}}
    assert base(repository, github("push", event)) == Base(at(repository, "main~1"), "where HEAD left main")


def test_a_commit_before_that_is_not_here_is_told(repository) -> None:
    found = base(repository, github("push", {"before": ELSEWHERE}))
    assert found.commit == at(repository, "main~1")
    assert found.notes == ("1111111111, the commit before, is not in this clone",)


def test_a_merge_group_names_its_base(repository) -> None:
    event = {"merge_group": {"base_sha": at(repository, "main")}}
    assert base(repository, github("merge_group", event)).commit == at(repository, "main")


def test_a_merge_request_names_where_it_left(repository) -> None:
    variables = {
        "GITLAB_CI": "true",
        "CI_MERGE_REQUEST_IID": "3",
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": at(repository, "main~1"),
        "CI_COMMIT_BEFORE_SHA": ZEROS,
    }
    assert base(repository, occasion_from(variables, None)).commit == at(repository, "main~1")
    merged = {**variables, "CI_MERGE_REQUEST_TARGET_BRANCH_SHA": at(repository, "main")}
    assert base(repository, occasion_from(merged, None)).commit == at(repository, "main")


def test_a_pipeline_of_a_branch_is_compared_with_what_it_was(repository) -> None:
    variables = {"GITLAB_CI": "true", "CI_COMMIT_BEFORE_SHA": at(repository, "main"), "CI_DEFAULT_BRANCH": "main"}
    assert base(repository, occasion_from(variables, None)).commit == at(repository, "main")


def test_a_clone_of_one_commit_says_how_to_fetch_more(repository, tmp_path) -> None:
    clone = cut_off(repository, tmp_path / "clone", 1)
    with pytest.raises(NotFoundError) as raised:
        base(clone, Occasion("github", base=at(repository, "main")))
    assert "shallow" in raised.value.message
    assert "fetch-depth: 0" in raised.value.hint


def test_a_merge_result_needs_two_commits(repository, tmp_path) -> None:
    event = github("pull_request", pull(at(repository, "main"), at(repository, "topic")))
    repository.git("checkout", "-q", "-b", "merged", "main")
    repository.git("merge", "-q", "--no-ff", "topic")
    assert base(cut_off(repository, tmp_path / "two", 2, "merged"), event).commit == at(repository, "main")
    with pytest.raises(NotFoundError, match="shallow"):
        base(cut_off(repository, tmp_path / "one", 1, "merged"), event)


def test_a_cut_off_clone_that_has_only_the_tips_says_what_it_cannot_tell(repository, tmp_path) -> None:
    clone = cut_off(repository, tmp_path / "clone", 1)
    subprocess.run(["git", "-C", clone, "fetch", "-q", "--depth=1", "origin", "main"], check=True, capture_output=True)
    found = base(clone, Occasion("github", base=at(repository, "main")))
    assert found.commit == at(repository, "main")
    assert "shows as taken back" in found.notes[0]


def test_an_event_that_is_no_object_is_refused() -> None:
    for content in (b"[]", b"{", b"\xff", b"[" * 100_000):
        with pytest.raises(UsageError, match="GITHUB_EVENT_PATH"):
            occasion_from({"GITHUB_ACTIONS": "true"}, content)

"""One comment, kept as it should be, and checks, on a stub of the forge."""

from __future__ import annotations

import json
import os

import pytest

from llmcfg.ci.github import GitHub
from llmcfg.ci.posting import COMMENT_CHARACTERS, Pull, post_checks, post_comment, pull_of, read_report
from llmcfg.errors import LlmcfgError, NotAuthorisedError, NotFoundError, RefusedError, RemoteError, UsageError
from support.forge import PERSON, TOKEN, Forge

HEAD = "a" * 40
PULL = Pull(7, HEAD, is_foreign=False)
FOREIGN = Pull(7, HEAD, is_foreign=True)
RUN = {"workflow_run": {"head_sha": HEAD, "head_branch": "topic", "head_repository": {"owner": {"login": "fork"}}}}


@pytest.fixture
def forge():
    with Forge().serving() as serving:
        yield serving


@pytest.fixture
def github(forge):
    return GitHub(forge.address, "o/r", TOKEN)


def report(folder, *, comment="words", verdict="pass", environments=()):
    folder.mkdir(exist_ok=True)
    (folder / "comment.md").write_text(comment)
    content = {"headline": "pass: x", "verdict": verdict, "environments": list(environments), "more": [1]}
    (folder / "diff.json").write_text(json.dumps(content))
    return read_report(folder)


def bodies(forge):
    return [comment["body"].replace("\r\n", "\n") for comment in forge.comments]


def test_one_comment_is_posted_then_changed_then_left_alone_then_removed(forge, github) -> None:
    assert post_comment(github, PULL, "one\n", "llmcfg") == "posted"
    assert post_comment(github, PULL, "one\n", "llmcfg") == "is the same"
    assert post_comment(github, PULL, "two\nlines\n", "llmcfg") == "changed"
    assert bodies(forge) == ["two\nlines\n<!-- llmcfg:ci:llmcfg -->"]
    assert post_comment(github, PULL, "two\nlines\n", "llmcfg") == "is the same"
    assert post_comment(github, PULL, "", "llmcfg") == "removed"
    assert forge.comments == []
    assert post_comment(github, PULL, "\n", "llmcfg") == "nothing to say"
    assert sum(asked.startswith(("POST", "PATCH", "DELETE")) for asked in forge.asked) == 3


def test_comments_of_others_are_left_alone(forge, github) -> None:
    forge.add_comment("mine\n<!-- llmcfg:ci:llmcfg -->", PERSON)
    forge.add_comment("another\n<!-- llmcfg:ci:other -->")
    forge.add_comment("<!-- llmcfg:ci:llmcfg --> quoted by another bot")
    assert post_comment(github, PULL, "ours", "llmcfg") == "posted"
    assert len(forge.comments) == 4
    assert post_comment(github, PULL, "", "llmcfg") == "removed"
    assert len(forge.comments) == 3


def test_our_comment_is_found_behind_a_hundred_others_and_doubles_go(forge, github) -> None:
    for number in range(150):
        forge.add_comment(f"talk {number}", PERSON)
    for _ in range(2):
        forge.add_comment("old\n<!-- llmcfg:ci:llmcfg -->")
    assert post_comment(github, PULL, "new", "llmcfg") == "changed"
    assert bodies(forge)[150:] == ["new\n<!-- llmcfg:ci:llmcfg -->"]


def test_a_comment_is_never_longer_than_the_forge_takes(forge, github) -> None:
    post_comment(github, PULL, "x" * 100_000, "llmcfg")
    post_comment(github, FOREIGN, "@" * 100_000, "fork")
    assert all(len(body) <= COMMENT_CHARACTERS for body in bodies(forge))
    assert all(body.endswith("-->") for body in bodies(forge))


def test_a_comment_from_a_fork_says_so_and_calls_nobody(forge, github) -> None:
    post_comment(github, FOREIGN, "hello @everyone", "llmcfg")
    (body,) = bodies(forge)
    assert "@everyone" not in body
    assert "A job without rights wrote this report" in body


def test_checks_are_one_for_each_class_of_environments(forge, github, tmp_path) -> None:
    environments = [
        {"name": "prod", "protected": True, "errors": 0},
        {"name": "dev", "protected": False, "errors": 2},
    ]
    said = post_checks(github, PULL, report(tmp_path / "r", environments=environments), "llmcfg")
    assert said == ["protected environments: success", "other environments: failure"]
    assert [check["head_sha"] for check in forge.checks] == [HEAD, HEAD]
    assert {check["status"] for check in forge.checks} == {"completed"}


def test_a_failed_verdict_fails_the_check_of_protected_environments(github, tmp_path) -> None:
    environments = [{"name": "prod", "protected": True, "errors": 0}]
    failed = report(tmp_path / "r", verdict="fail", environments=environments)
    assert post_checks(github, PULL, failed, "x") == [
        "protected environments: failure",
        "other environments: neutral",
    ]


def test_a_report_of_a_fork_makes_no_check(forge, github, tmp_path) -> None:
    with pytest.raises(UsageError, match="a fork may have written"):
        post_checks(github, FOREIGN, report(tmp_path / "r"), "llmcfg")
    assert forge.checks == []


def test_a_report_of_a_fork_goes_to_the_pull_request_that_is_at_its_commit(forge, github) -> None:
    other = {"number": 6, "head": {"label": "fork:topic", "sha": "b" * 40}}
    forge.pulls = [other, {"number": 7, "head": {"label": "fork:topic", "sha": HEAD}}]
    assert pull_of(RUN, github) == FOREIGN
    forge.pulls = [other]
    with pytest.raises(NotFoundError, match="no open pull request"):
        pull_of(RUN, github)


def test_a_pull_request_is_that_of_the_event(github) -> None:
    event = {"pull_request": {"number": 7, "head": {"sha": HEAD}}}
    assert pull_of(event, github) == PULL
    for wrong in ({}, {"push": {}}, {"pull_request": {"number": 7, "head": {"sha": "HEAD; rm"}}}):
        with pytest.raises(UsageError):
            pull_of(wrong, github)


@pytest.mark.parametrize(
    ("status", "message", "error"),
    [
        (401, "Bad credentials", NotAuthorisedError),
        (403, "Resource not accessible by integration", NotAuthorisedError),
        (403, "You have exceeded a secondary rate limit", RemoteError),
        (404, "Not Found", NotFoundError),
        (422, "Validation Failed", RefusedError),
        (500, "", RemoteError),
        (302, "Moved", RefusedError),
    ],
)
def test_a_refusal_says_what_was_refused_and_by_whom(forge, github, status, message, error) -> None:
    forge.refuse = (status, {"message": message})
    with pytest.raises(error) as raised:
        post_comment(github, PULL, "words", "llmcfg")
    assert message in raised.value.message
    assert TOKEN not in f"{raised.value.message} {raised.value.hint}"


def test_an_address_that_would_show_the_token_to_others_is_refused() -> None:
    for address in ("http://api.github.com", "file:///etc", "ftp://127.0.0.1", "api.github.com"):
        with pytest.raises(UsageError):
            GitHub(address, "o/r", TOKEN)


def test_nobody_there_is_told_as_such() -> None:
    with pytest.raises(RemoteError, match="does not answer"):
        post_comment(GitHub("http://127.0.0.1:1", "o/r", TOKEN), PULL, "x", "llmcfg")


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", "[" * 100_000, '{"headline": 1, "verdict": "pass", "environments": []}']
)
def test_what_is_no_report_is_refused(tmp_path, content) -> None:
    (tmp_path / "comment.md").write_text("x")
    (tmp_path / "diff.json").write_text(content)
    with pytest.raises(UsageError, match="no report"):
        read_report(tmp_path)
    with pytest.raises(UsageError, match="cannot read"):
        read_report(tmp_path / "nowhere")


def test_a_report_that_leads_elsewhere_is_not_followed(tmp_path) -> None:
    (tmp_path / "diff.json").write_text("{}")
    (tmp_path / "comment.md").symlink_to("/proc/self/environ")
    with pytest.raises(UsageError, match=r"cannot read .*comment\.md"):
        read_report(tmp_path)
    (tmp_path / "comment.md").unlink()
    os.mkfifo(tmp_path / "comment.md")
    with pytest.raises(UsageError, match="no regular file"):
        read_report(tmp_path)


def test_a_key_cannot_close_the_comment_that_holds_it(github) -> None:
    with pytest.raises(LlmcfgError, match="cannot mark"):
        post_comment(github, PULL, "x", "--> <b>")

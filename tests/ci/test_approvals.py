"""Who proposes and who agreed, asked of a stub of the forge; and what a repository that requires it then says."""

from __future__ import annotations

import pytest

from llmcfg.ci.approvals import approvals, ask_proposed
from llmcfg.ci.github import GitHub
from llmcfg.errors import UsageError
from support.forge import TOKEN, Forge, GitLabForge
from support.written import MANIFEST, WrittenRepository

from .test_command import job, llmcfg

HEAD, OLD = "a" * 40, "b" * 40
LIMITS = """\
apiVersion: llmcfg.dev/v1
kind: ChangeLimits
roles: {finance: [fin], platform: [ada, fin]}
owned: [{keys: [limits], roles: [platform]}]
approvals: [{keys: [limits], roles: [finance]}]
"""


def words(*said):
    return [{"user": {"login": who}, "state": state, "commit_id": commit} for who, state, commit in said]


@pytest.mark.parametrize(
    ("said", "agreed"),
    [
        ([("fin", "APPROVED", HEAD)], {"fin"}),
        ([("fin", "APPROVED", OLD)], set()),
        ([("fin", "APPROVED", OLD), ("fin", "APPROVED", HEAD), ("bob", "APPROVED", HEAD)], {"fin", "bob"}),
        ([("fin", "APPROVED", HEAD), ("fin", "COMMENTED", HEAD)], {"fin"}),
        ([("fin", "APPROVED", HEAD), ("fin", "CHANGES_REQUESTED", HEAD)], set()),
        ([("fin", "DISMISSED", HEAD)], set()),
        ([("fin", "CHANGES_REQUESTED", HEAD), ("fin", "APPROVED", HEAD)], {"fin"}),
    ],
)
def test_the_last_word_of_each_person_on_this_commit_counts(said, agreed) -> None:
    assert approvals(words(*said), HEAD) == agreed


def test_a_review_of_somebody_who_is_gone_is_passed_over() -> None:
    assert approvals([{"user": None, "state": "APPROVED", "commit_id": HEAD}], HEAD) == frozenset()


def test_every_page_of_reviews_is_read() -> None:
    with Forge().serving() as forge:
        for number in range(120):
            forge.review(f"p{number}", "APPROVED", HEAD)
        event = {"pull_request": {"number": 7, "head": {"sha": HEAD}, "user": {"login": "ada"}}}
        proposed = ask_proposed(event, GitHub(forge.address, "o/r", TOKEN))
    assert proposed.author == "ada"
    assert proposed.approvals is not None
    assert len(proposed.approvals) == 120


@pytest.mark.parametrize(
    "event", [{}, {"pull_request": None}, {"pull_request": {"number": 7}}, {"ref": "refs/heads/x"}]
)
def test_a_job_that_is_about_no_pull_request_is_refused(event) -> None:
    with pytest.raises(UsageError, match="not about a pull request"):
        ask_proposed(event, GitHub("http://127.0.0.1:1", "o/r", TOKEN))


# the command


@pytest.fixture
def forge():
    with Forge().serving() as serving:
        yield serving


def review(tmp_path, forge, *arguments, author="ada", token=TOKEN):
    """`llmcfg ci` in a job about a change of a key that has an owner and takes an approval."""
    files = {"llmcfg.yaml": MANIFEST, "base/limits.yaml": "rpm: 10\n", "policies/limits.yaml": LIMITS}
    repository = WrittenRepository(tmp_path / "made", files)
    repository.git("checkout", "-q", "-b", "topic")
    head = repository.commit({"base/limits.yaml": "rpm: 20\n"})
    main = repository.git("rev-parse", "main")
    pull = {"number": 7, "base": {"sha": main, "ref": "main"}, "head": {"sha": head}, "user": {"login": author}}
    given = {"GITHUB_TOKEN": token, "GITHUB_API_URL": forge.address, "GITHUB_REPOSITORY": "o/r"}
    variables = job(tmp_path, repository, pull_request=pull) | given
    for who, at in (("fin", head), ("bob", main)):
        forge.review(who, "APPROVED", at)
    return llmcfg(repository.path, "ci", "-o", "json", *arguments, **variables)


def test_an_approval_on_the_forge_lets_the_change_pass(tmp_path, forge) -> None:
    done = review(tmp_path, forge, "--ask-forge")
    assert done.returncode == 0, done.stdout
    assert forge.asked == ["GET /pulls/7/reviews"]


def test_the_approval_of_the_author_is_none(tmp_path, forge) -> None:
    done = review(tmp_path, forge, "--ask-forge", author="fin")
    assert done.returncode == 4
    assert "change-approval" in done.stdout


def test_somebody_who_does_not_own_the_key_is_told_so(tmp_path, forge) -> None:
    done = review(tmp_path, forge, "--ask-forge", author="mallory")
    assert done.returncode == 4
    assert "mallory may not change limits.rpm" in done.stdout


def test_a_forge_that_refuses_leaves_no_verdict(tmp_path, forge) -> None:
    forge.refuse = 403, {"message": "Resource not accessible by integration"}
    done = review(tmp_path, forge, "--ask-forge")
    assert (done.returncode, done.stdout) == (5, "")
    assert TOKEN not in done.stderr


def test_names_are_either_asked_or_given(tmp_path, forge) -> None:
    done = review(tmp_path, forge, "--ask-forge", "--author", "ada")
    assert done.returncode == 2
    assert forge.asked == []


def test_without_a_token_nobody_is_asked(tmp_path, forge) -> None:
    assert review(tmp_path, forge, "--ask-forge", token="").returncode == 5


# GitLab


def review_on_gitlab(tmp_path, *approved_by, author="ada", is_behind=False, **other):
    """`llmcfg ci --ask-forge` in a job about the merge request of a change that takes an approval, and what it asked."""
    files = {"llmcfg.yaml": MANIFEST, "base/limits.yaml": "rpm: 10\n", "policies/limits.yaml": LIMITS}
    repository = WrittenRepository(tmp_path / "made", files)
    repository.git("checkout", "-q", "-b", "topic")
    head = repository.commit({"base/limits.yaml": "rpm: 20\n"})
    with GitLabForge(author, OLD if is_behind else head, *approved_by).serving() as forge:
        forge.status = other.pop("status", 200)
        variables = {
            "GITLAB_CI": "true",
            "GITLAB_TOKEN": TOKEN,
            "CI_API_V4_URL": forge.address,
            "CI_PROJECT_ID": "12",
            "CI_COMMIT_SHA": head,
            "CI_MERGE_REQUEST_IID": "7",
            "CI_MERGE_REQUEST_DIFF_BASE_SHA": repository.git("rev-parse", "main"),
        }
        return llmcfg(repository.path, "ci", "--ask-forge", "-o", "json", **variables | other), forge.asked


def test_an_approval_on_gitlab_lets_the_change_pass(tmp_path) -> None:
    done, asked = review_on_gitlab(tmp_path, "fin", "bob")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [each.rpartition("/projects/")[2] for each in asked] == [
        "12/merge_requests/7",
        "12/merge_requests/7/approvals",
    ]


@pytest.mark.parametrize(
    ("approved_by", "more", "said"),
    [
        (["bob"], {}, "takes the approval of 1 of finance"),
        (["fin"], {"author": "fin"}, "takes the approval of 1 of finance"),
        (["fin"], {"author": "mallory"}, "mallory may not change limits.rpm"),
        (["fin"], {"is_behind": True}, "takes the approval of 1 of finance"),  # of which commit, nobody knows
    ],
)
def test_what_was_not_agreed_to_on_gitlab_does_not_pass(tmp_path, approved_by, more, said) -> None:
    done, _ = review_on_gitlab(tmp_path, *approved_by, **more)
    assert (done.returncode, said in done.stdout) == (4, True), done.stdout + done.stderr


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"status": 403}, 5),
        ({"status": 503}, 8),
        ({"GITLAB_TOKEN": ""}, 5),
        ({"CI_MERGE_REQUEST_IID": ""}, 2),
        ({"CI_PROJECT_ID": "13"}, 7),
        ({"CI_API_V4_URL": "http://gitlab.example/api/v4"}, 2),
    ],
)
def test_where_gitlab_does_not_say_there_is_no_verdict(tmp_path, more, code) -> None:
    done, _ = review_on_gitlab(tmp_path, "fin", **more)
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert TOKEN not in done.stderr

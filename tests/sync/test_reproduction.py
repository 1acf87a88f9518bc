"""What was deployed is built again from its commits, and has to come to the same digests."""

from __future__ import annotations

import json

import pytest

from llmcfg.errors import UnknownRevisionError
from llmcfg.sync.reproduction import Outcome, commits_between, reproduce


@pytest.fixture
def ran(deployer):
    """A deployer on which two revisions ran."""
    deployer.apply()
    deployer.commit({"base/limits.yaml": "rpm: 20\n"})
    deployer.apply()
    return deployer


def found(deployer, within=None):
    workspace = deployer.workspace
    return [*reproduce(workspace.repository, workspace.configuration_at, "prod", within)]


def outcomes(deployer, within=None):
    return [each.outcome for each in found(deployer, within)]


def rewrite(deployer, change, message=lambda text: text):
    """The tip of the deployed branch with other files, as one who can write the ref may have it."""
    git = deployer.git
    git("worktree", "add", "-q", "--detach", "../other", "deployed/prod")
    folder = deployer.written.path.parent / "other"
    change(folder)
    said = message(git("log", "-1", "--format=%B", "deployed/prod"))
    git("-C", str(folder), "add", "-A")
    git("-C", str(folder), "commit", "-q", "--amend", "-m", said)
    git("update-ref", "refs/heads/deployed/prod", git("-C", str(folder), "rev-parse", "HEAD"))


def with_other_source(deployer):
    """A state whose bundles are sound, and those of another commit than it says."""
    tip, before = (deployer.git("rev-parse", name) for name in ("main", "main~1"))
    rewrite(deployer, lambda _: None, lambda text: text.replace(tip, before))


def test_what_runs_and_what_ran_is_what_its_commit_gives(ran):
    ran.rollback()
    assert outcomes(ran) == [Outcome.SAME] * 3


def test_bundles_of_another_commit_than_is_said_differ_by_name(ran):
    with_other_source(ran)
    tip, before = found(ran)
    assert (tip.outcome, before.outcome) == (Outcome.DIFFERS, Outcome.SAME)
    assert tip.differing == ("_shared/api", "acme/api", "beta/api")


def test_files_that_are_not_what_their_manifest_says_are_damaged(ran):
    def change(folder):
        (folder / "acme/api/config/limits.json").write_text('{"rpm":999}\n')

    rewrite(ran, change)
    tip = found(ran)[0]
    assert tip.outcome is Outcome.DAMAGED
    assert "acme/api/config/limits.json" in tip.why


def test_a_bundle_that_was_taken_out_differs(ran):
    def change(folder):
        head = json.loads((folder / "head.json").read_text())
        del head["bundles"]["acme/api"]
        (folder / "head.json").write_text(json.dumps(head))
        for file in (folder / "acme/api").rglob("*.json"):
            file.unlink()

    rewrite(ran, change)
    tip = found(ran)[0]
    assert (tip.outcome, tip.why) == (Outcome.DAMAGED, "the root digest in head.json is not that of its bundles")


def test_what_another_engine_made_otherwise_proves_nothing(ran):
    with_other_source(ran)
    rewrite_engine(ran)
    tip = found(ran)[0]
    assert tip.outcome is Outcome.OTHER_ENGINE
    assert tip.why.startswith("llmcfg/0.0.1 made it")


def rewrite_engine(deployer):
    deployer.git("worktree", "remove", "-f", "../other", check=False)
    rewrite(deployer, lambda _: None, _with_engine)


def _with_engine(text):
    return "\n".join("Engine: llmcfg/0.0.1" if line.startswith("Engine:") else line for line in text.split("\n"))


def test_another_engine_that_comes_to_the_same_is_the_same(ran):
    rewrite_engine(ran)
    tip = found(ran)[0]
    assert (tip.outcome, tip.engine) == (Outcome.SAME, "llmcfg/0.0.1")


def test_a_commit_that_is_not_here_is_missing(ran):
    gone = "1" * 40
    tip = ran.git("rev-parse", "main")
    rewrite(ran, lambda _: None, lambda text: text.replace(tip, gone))
    assert outcomes(ran) == [Outcome.MISSING, Outcome.SAME]


def test_a_range_takes_what_was_built_from_its_commits(ran):
    repository = ran.workspace.repository
    first, second = (ran.git("rev-parse", name) for name in ("main~1", "main"))
    assert commits_between(repository, first, "HEAD") == {second}
    assert commits_between(repository, "", first) == {first}
    assert outcomes(ran, commits_between(repository, first, "HEAD")) == [Outcome.SAME]
    assert outcomes(ran, frozenset()) == []
    with pytest.raises(UnknownRevisionError):
        commits_between(repository, "nowhere", "HEAD")

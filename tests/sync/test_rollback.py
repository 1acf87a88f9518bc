"""Going back: to any state that ran, by a commit on top, with a quarantine that holds until it is lifted or something new comes."""

from __future__ import annotations

from itertools import pairwise

import pytest

from llmcfg.errors import ConflictError, IntegrityError, NotFoundError, UnknownRevisionError
from llmcfg.sync.deployed import deployed_history, find_deployed
from support.written import CONSUMER, MANIFEST


@pytest.fixture
def ran(deployer):
    """A deployer on which three revisions ran, and their commits."""
    commits = [deployer.git("rev-parse", "HEAD")]
    deployer.apply()
    for rpm in (20, 30):
        commits.append(deployer.commit({"base/limits.yaml": f"rpm: {rpm}\n"}))
        deployer.apply()
    return deployer, commits


def rpm(deployer):
    return int(deployer.delivered()["_shared/api/config/limits.json"][7:9])


def test_rollback_deploys_the_state_before_again(ran):
    deployer, commits = ran
    before = deployer.git("rev-parse", "deployed/prod")
    applied = deployer.rollback()

    assert rpm(deployer) == 20
    assert deployer.git("rev-parse", "deployed/prod~1") == before
    assert applied.commit == deployer.git("rev-parse", "deployed/prod")
    assert deployer.git("diff", "--name-only", "deployed/prod", "deployed/prod~2") == "head.json"
    assert (deployer.deployed().source, deployer.deployed().rolled_back_from) == (commits[1], commits[2])
    assert deployer.delivered() == deployer.ref_files()


def test_a_revision_that_was_rolled_back_is_refused(ran):
    deployer, commits = ran
    deployer.rollback()

    assert deployer.plan().quarantined
    with pytest.raises(ConflictError, match="it was rolled back") as caught:
        deployer.apply()
    assert caught.value.exit_code == 6
    assert deployer.deployed().quarantined == {commits[2]}
    assert (deployer.status().state, deployer.status().trouble) == ("blocked", "main is quarantined")


def test_a_newer_revision_goes_through_and_keeps_the_quarantine(ran):
    deployer, commits = ran
    deployer.rollback()
    deployer.commit({"base/limits.yaml": "rpm: 40\n"})
    deployer.apply()

    assert rpm(deployer) == 40
    assert deployer.deployed().quarantined == {commits[2]}
    with pytest.raises(ConflictError):
        deployer.apply(at=commits[2])


def test_a_newer_revision_with_the_same_bundles_is_what_was_rolled_back(ran):
    deployer, _ = ran
    later = deployer.commit({"README.md": "nothing for prod\n"})
    assert deployer.apply().is_nothing
    deployer.rollback()

    with pytest.raises(ConflictError, match="the same as those that were rolled back"):
        deployer.apply()
    assert deployer.apply(at=later, lift=True).commit
    assert deployer.deployed().quarantined_roots == frozenset()


def test_lifting_the_quarantine_deploys_the_revision_again(ran):
    deployer, _ = ran
    deployer.rollback()
    deployer.apply(lift=True)

    assert rpm(deployer) == 30
    assert deployer.deployed().quarantined == frozenset()
    assert deployer.status().state == "current"


def test_two_rollbacks_go_two_states_back_and_no_further(ran):
    deployer, commits = ran
    deployer.rollback()
    deployer.rollback()

    assert rpm(deployer) == 10
    assert deployer.deployed().quarantined == {commits[1], commits[2]}
    with pytest.raises(NotFoundError, match="no earlier state"):
        deployer.rollback()


def test_rollback_before_anything_ran(deployer):
    with pytest.raises(NotFoundError, match="nothing was ever deployed"):
        deployer.rollback()
    deployer.apply()
    with pytest.raises(NotFoundError, match="no earlier state"):
        deployer.rollback()


def test_planning_a_rollback_changes_nothing(ran):
    deployer, _ = ran
    refs = deployer.git("for-each-ref")
    first, second = deployer.plan_rollback(), deployer.plan_rollback()

    assert (first.target, first.files) == (second.target, second.files)
    assert [delivery.state for delivery in first.deliveries] == ["differs"]
    assert deployer.git("for-each-ref") == refs
    assert rpm(deployer) == 30


@pytest.mark.parametrize("how", ["tag", "branch", "commit", "short commit", "deployed commit", "deployed branch"])
def test_rollback_to_what_is_named(ran, how):
    deployer, commits = ran
    deployer.git("tag", "-a", "-m", "release", "v1.0.0", commits[0])
    deployer.git("branch", "stable", commits[0])
    name = {
        "tag": "v1.0.0",
        "branch": "stable",
        "commit": commits[0],
        "short commit": commits[0][:9],
        "deployed commit": deployer.git("rev-parse", "deployed/prod~2"),
        "deployed branch": "deployed/prod~2",
    }[how]
    deployer.rollback(name)

    assert rpm(deployer) == 10
    assert deployer.deployed().quarantined == {commits[2]}


def test_rollback_to_what_never_ran_says_so(ran):
    deployer, commits = ran
    never = deployer.commit({"base/limits.yaml": "rpm: 99\n"})
    with pytest.raises(NotFoundError, match="never ran"):
        deployer.rollback(never)
    with pytest.raises(UnknownRevisionError):
        deployer.rollback("v9.9.9")
    assert deployer.rollback(commits[2]).is_nothing


def test_a_revision_that_was_quarantined_may_be_gone_back_to_by_name(ran):
    deployer, commits = ran
    deployer.rollback(commits[0])
    deployer.rollback(commits[2])

    assert rpm(deployer) == 30
    assert deployer.deployed().quarantined == {commits[0]}


@pytest.mark.fault("R20")
def test_rollback_brings_back_tenants_and_sinks_as_they_were(deployer):
    deployer.apply()
    own = 'sinks: [{directory: {path: "out/{environment}"}}]\n'
    deployer.commit(
        {"llmcfg.yaml": MANIFEST + "tenants: {acme: {}}\n", "consumers/api.yaml": CONSUMER + 'tenants: "*"\n' + own}
    )
    deployer.apply()
    assert list(deployer.delivered()) == ["head.json"]
    deployer.rollback()

    assert deployer.delivered() == deployer.ref_files()
    assert "beta/api/manifest.json" in deployer.delivered()
    assert deployer.status().deliveries[0].state == "current"
    left = deployer.written.path / "out/prod/current"
    assert (left / "acme/api/config/limits.json").read_bytes() == deployer.ref_files()["acme/api/config/limits.json"]
    assert not (left / "beta").exists()


@pytest.mark.fault("R20")
def test_a_state_that_was_tampered_with_is_not_gone_back_to(deployer):
    deployer.apply()
    repository = deployer.workspace.repository
    files = deployer.ref_files() | {"_shared/api/config/limits.json": b'{"rpm":1}\n'}
    message = deployer.git("log", "-1", "--format=%B", "deployed/prod")
    tampered = repository.commit_files(
        "refs/heads/deployed/prod", files, expected=deployer.deployed().commit, message=message
    )
    deployer.commit({"base/limits.yaml": "rpm: 20\n"})
    deployer.apply()

    with pytest.raises(IntegrityError):
        deployer.rollback(tampered)


def test_going_back_works_from_a_state_that_is_damaged(ran):
    deployer, commits = ran
    repository = deployer.workspace.repository
    message = deployer.git("log", "-1", "--format=%B", "deployed/prod")
    repository.commit_files(
        "refs/heads/deployed/prod", {"head.json": b"{}"}, expected=deployer.deployed().commit, message=message
    )
    deployer.rollback(commits[0])

    assert rpm(deployer) == 10
    assert deployer.deployed().quarantined == {commits[2]}
    assert deployer.delivered() == deployer.ref_files()


def test_the_plan_of_a_rollback_says_what_it_changes(ran):
    deployer, _ = ran
    plan = deployer.plan_rollback()

    (change,) = plan.difference.values
    assert (change.change.before, change.change.after) == (30, 20)
    assert len(plan.difference.affected) == 3
    assert not plan.protected


# what ran when


@pytest.fixture
def dated(ran):
    """The same with an hour between the deployed commits: 12:00, 13:00 and 14:00 on 2024-05-01."""
    deployer, commits = ran
    times = iter(range(1714564800, 1714564800 + 3 * 3600, 3600))
    parent = ""
    for commit in deployer.git("rev-list", "--reverse", "deployed/prod").splitlines():
        date = f"{next(times)} +0000"
        parent = deployer.git(
            "commit-tree",
            f"{commit}^{{tree}}",
            *(["-p", parent] if parent else []),
            "-m",
            deployer.git("log", "-1", "--format=%B", commit),
            GIT_AUTHOR_DATE=date,
            GIT_COMMITTER_DATE=date,
        )
    deployer.git("update-ref", "refs/heads/deployed/prod", parent)
    return deployer, commits


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ("2024-05-01T12:00:00Z", 0),
        ("2024-05-01T12:59:59Z", 0),
        ("2024-05-01 13:30", 1),
        ("2024-05-01T15:30+02:00", 1),
        ("2024-05-01T14:00", 2),
        ("2024-05-01", 2),
        ("2030-01-01", 2),
    ],
)
def test_a_time_names_what_ran_then(dated, time, expected):
    deployer, commits = dated
    assert find_deployed(deployer.workspace.repository, "prod", time).source == commits[expected]


def test_before_the_first_deployment_nothing_ran(dated):
    deployer, _ = dated
    with pytest.raises(NotFoundError, match="ran nothing yet"):
        find_deployed(deployer.workspace.repository, "prod", "2024-05-01T11:59:59Z")


def test_a_tag_that_looks_like_a_day_is_a_tag(dated):
    deployer, commits = dated
    deployer.git("tag", "2024-05-01", commits[0])
    assert find_deployed(deployer.workspace.repository, "prod", "2024-05-01").source == commits[0]


def test_rollback_to_a_time(dated):
    deployer, commits = dated
    deployer.rollback("2024-05-01T13:10Z")
    assert deployer.deployed().source == commits[1]


def test_history_is_newest_first_and_never_loses_a_state(ran):
    deployer, commits = ran
    deployer.rollback(commits[0])
    states = list(deployed_history(deployer.workspace.repository, "prod"))

    assert [state.source for state in states] == [commits[0], commits[2], commits[1], commits[0]]
    assert states[0].root == states[3].root
    assert all(newer.when >= older.when for newer, older in pairwise(states))

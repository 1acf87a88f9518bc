"""What of a remote is followed: forwards only, tags as they were, nothing that nobody tracks; everything else is held and told."""

from __future__ import annotations

import pytest

from llmcfg.model.failure import FailureKind, Step
from support.remotes import TRACKING, Origin, of
from support.written import CONSUMER


def codes(found):
    return {held.ref: held.code for held in found.held}


def test_a_first_pass_deploys_what_is_tracked_and_pushes_it(origin, machine):
    found = machine.look()

    assert found.failure is None
    assert of(found, "dev").moved
    assert machine.delivered() == {"limits": b'{"rpm":10}\n'}
    assert origin.at("deployed/dev") == of(found, "dev").deployed.commit == machine.at("refs/heads/deployed/dev")
    assert of(found, "prod").failure.code == "revision-missing"
    assert of(found, "prod").failure.kind is FailureKind.WAITING


def test_steps_are_taken_in_their_order_and_environments_one_after_the_other(machine):
    machine.sync()
    assert machine.steps[0] == ("fetch", "")
    assert [step for step, name in machine.steps if name == "dev"] == ["build", "observe", "plan", "act"]
    assert [step for step, name in machine.steps if name == "prod"] == ["build"]
    assert machine.steps[-1] == ("record", "")


def test_a_push_is_deployed_by_the_next_pass_and_nothing_by_the_one_after(origin, machine):
    machine.look()
    commit = origin.push({"base/limits.yaml": "rpm: 11\n"})

    found = machine.look()
    assert [accepted.new for accepted in found.accepted] == [commit]
    assert machine.delivered() == {"limits": b'{"rpm":11}\n'}
    again = machine.look()
    assert not again.accepted
    assert not of(again, "dev").moved


def test_the_newest_version_of_a_tag_pattern_is_deployed(origin, machine):
    for number in (1, 10, 9):
        origin.push({"base/limits.yaml": f"rpm: {number}\n"})
        origin.release(f"v1.{number}.0")
    origin.release("w2.0.0")
    found = machine.look()

    assert of(found, "prod").wanted.name == "v1.10.0"
    assert machine.delivered("prod") == {"limits": b'{"rpm":10}\n'}
    assert machine.at("refs/tags/w2.0.0") is None


def test_a_branch_that_the_manifest_starts_to_track_is_fetched_in_the_same_pass(origin, machine):
    machine.look()
    origin.git("branch", "release")
    origin.push({"llmcfg.yaml": TRACKING.replace("branch: main", "branch: release")}, "main", "release")
    found = machine.look()

    assert of(found, "dev").wanted.name == "release"
    assert machine.at("refs/heads/release")


@pytest.mark.fault("R06")
def test_only_refs_that_are_tracked_come_here(origin, machine):
    origin.git("branch", "other", "main")
    origin.push({"base/limits.yaml": "rpm: 12\n"}, "main", "other")
    machine.look()

    assert machine.at("refs/heads/other") is None


# R01, R02: rewritten history


@pytest.mark.fault("R01", "R02")
@pytest.mark.parametrize("how", ["older", "sibling", "unrelated"])
def test_rewritten_history_is_held_and_the_old_state_stays(origin, machine, how):
    good = origin.push({"base/limits.yaml": "rpm: 11\n"})
    machine.look()
    if how == "unrelated":
        origin.git("checkout", "-q", "--orphan", "new")
        origin.git("commit", "-q", "-m", "anew")
        origin.git("branch", "-M", "main")
    else:
        origin.git("reset", "-q", "--hard", "HEAD~1")
    origin.push({"base/limits.yaml": "rpm: 66\n"} if how != "older" else None, force=True)
    found = machine.look()

    assert codes(found) == {"refs/heads/main": "history-rewritten"}
    assert (of(found, "dev").failure.step, of(found, "dev").failure.kind) == (Step.VERIFY, FailureKind.STALLED)
    assert machine.at("refs/heads/main") == good
    assert machine.delivered() == {"limits": b'{"rpm":11}\n'}
    assert not any(one.moved for one in found.environments)


def test_a_held_branch_is_followed_again_when_it_goes_on_from_where_it_was(origin, machine):
    good = origin.push({"base/limits.yaml": "rpm: 11\n"})
    machine.look()
    origin.git("reset", "-q", "--hard", "HEAD~1")
    origin.push({"base/limits.yaml": "rpm: 66\n"}, force=True)
    assert machine.look().held
    origin.git("reset", "-q", "--hard", good)
    origin.push({"base/limits.yaml": "rpm: 12\n"}, force=True)
    found = machine.look()

    assert not found.held
    assert machine.delivered() == {"limits": b'{"rpm":12}\n'}


def test_a_held_branch_is_followed_when_a_person_accepts_exactly_what_is_there(origin, machine):
    origin.push({"base/limits.yaml": "rpm: 11\n"})
    machine.look()
    origin.git("reset", "-q", "--hard", "HEAD~1")
    bad = origin.push({"base/limits.yaml": "rpm: 66\n"}, force=True)

    assert machine.look(allowed={"refs/heads/main": "0" * 40}).held
    found = machine.look(allowed={"refs/heads/main": bad})
    assert not found.held
    assert machine.delivered() == {"limits": b'{"rpm":66}\n'}


@pytest.mark.fault("R01")
def test_a_rewritten_deployed_branch_is_held(origin, machine):
    machine.look()
    first = origin.at("deployed/dev")
    origin.push({"base/limits.yaml": "rpm: 11\n"})
    machine.look()
    origin.run("update-ref", "refs/heads/deployed/dev", first)
    found = machine.look()

    assert codes(found) == {"refs/heads/deployed/dev": "history-rewritten"}
    assert machine.delivered() == {"limits": b'{"rpm":11}\n'}


# R03: gone


@pytest.mark.fault("R03")
def test_a_branch_that_is_gone_is_held_and_everything_stays(origin, machine):
    good = machine.look() and machine.at("refs/heads/main")
    origin.run("symbolic-ref", "HEAD", "refs/heads/none")
    origin.run("update-ref", "-d", "refs/heads/main")
    found = machine.look()

    assert codes(found) == {"refs/heads/main": "ref-gone"}
    assert machine.at("refs/heads/main") == good
    assert machine.delivered() == {"limits": b'{"rpm":10}\n'}


@pytest.mark.fault("R03")
def test_a_remote_that_was_emptied_takes_nothing_away(origin, machine):
    machine.look()
    for ref in origin.run("for-each-ref", "--format=%(refname)").splitlines():
        origin.run("update-ref", "-d", ref)
    found = machine.look()

    assert set(codes(found).values()) == {"ref-gone"}
    assert machine.delivered() == {"limits": b'{"rpm":10}\n'}


# R04, R05, R06: tags and names


@pytest.mark.fault("R04")
def test_a_tag_that_moved_is_held_and_the_release_stays(origin, machine):
    origin.release("v1.0.0")
    machine.look()
    origin.push({"base/limits.yaml": "rpm: 66\n"})
    origin.release("v1.0.0", force=True)
    found = machine.look()

    assert codes(found) == {"refs/tags/v1.0.0": "tag-moved"}
    assert of(found, "prod").failure.code == "tag-moved"
    assert of(found, "dev").failure is None
    assert machine.delivered("prod") == {"limits": b'{"rpm":10}\n'}


@pytest.mark.fault("R04")
def test_a_tag_that_is_gone_stays_what_it_was(origin, machine):
    origin.release("v1.0.0")
    machine.look()
    origin.run("update-ref", "-d", "refs/tags/v1.0.0")
    found = machine.look()

    assert of(found, "prod").wanted.name == "v1.0.0"
    assert of(found, "prod").failure is None


def renamed(origin: Origin) -> None:
    origin.run("update-ref", "refs/tags/v2.0.0", origin.at("v1.0.0"))


def of_a_file(origin: Origin) -> None:
    origin.run("update-ref", "refs/tags/v2.0.0", origin.at("main:llmcfg.yaml"))


@pytest.mark.fault("R04")
@pytest.mark.parametrize("damage", [renamed, of_a_file])
def test_a_tag_that_is_none_is_held_and_the_next_lower_one_counts(origin, machine, damage):
    origin.release("v1.0.0")
    damage(origin)
    found = machine.look()

    assert codes(found) == {"refs/tags/v2.0.0": "malformed"}
    assert of(found, "prod").wanted.name == "v1.0.0"
    assert machine.delivered("prod") == {"limits": b'{"rpm":10}\n'}


@pytest.mark.fault("R05")
@pytest.mark.parametrize("name", ["a" * 40, "HEAD", "main"])
def test_names_that_mislead_stand_for_nothing_else(origin, machine, name):
    """A branch or tag that looks like an id, like HEAD, or like another one."""
    origin.push({"base/limits.yaml": "rpm: 66\n"}, f"HEAD:refs/tags/{name}")
    machine.look()
    assert machine.delivered() == {"limits": b'{"rpm":10}\n'}


@pytest.mark.fault("R06")
def test_a_remote_with_too_many_refs_is_refused(origin, machine, monkeypatch):
    machine.look()
    monkeypatch.setattr("llmcfg.git.transport.REMOTE_REFS", 3)
    for number in range(5):
        origin.run("update-ref", f"refs/heads/many/{number}", origin.at("main"))
    found = machine.look()

    assert found.failure.code == "remote-too-many-refs"
    assert machine.delivered() == {"limits": b'{"rpm":10}\n'}


def test_of_many_tags_the_newest_are_taken_over(origin, machine, monkeypatch):
    monkeypatch.setattr("llmcfg.sync.verify.REMOTE_TAGS", 3)
    for number in range(8):
        origin.run("update-ref", f"refs/tags/v1.{number}.0", origin.at("main"))
    machine.look()

    assert [machine.at(f"refs/tags/v1.{number}.0") is not None for number in range(8)] == [False] * 5 + [True] * 3


# R09, R15, R16


@pytest.mark.fault("R09")
def test_a_mirror_that_lags_every_second_time_makes_nothing_flap(origin, machine):
    old = origin.at("main")
    new = origin.push({"base/limits.yaml": "rpm: 11\n"})
    machine.look()
    count = origin.run("rev-list", "--count", "deployed/dev")
    for target in (old, new, old, new):
        origin.run("update-ref", "refs/heads/main", target)
        machine.look()
        assert machine.delivered() == {"limits": b'{"rpm":11}\n'}
    assert origin.run("rev-list", "--count", "deployed/dev") == count


@pytest.mark.fault("R15")
def test_dates_of_commits_mean_nothing(origin, machine):
    for year in (2036, 1990):
        origin.written._clock = int((year - 1970) * 31_556_952)
        origin.push({"base/limits.yaml": f"rpm: {year}\n"})
        machine.look()
        assert machine.delivered() == {"limits": b'{"rpm":%d}\n' % year}


@pytest.mark.fault("R16")
def test_many_commits_at_once_are_one_deployment_and_each_is_looked_at(origin, machine):
    machine.look()
    tip = origin.at("main")
    lines = []
    for number in range(2000):
        parent = "refs/heads/main" if number == 0 else f":{number}"
        text = f"rpm: {number}\n"
        lines.append(
            f"commit refs/heads/main\nmark :{number + 1}\ncommitter A <a@b> {1_700_100_000 + number} +0000\n"
            f"data 1\nc\nfrom {tip if number == 0 else parent}\nM 100644 inline base/limits.yaml\ndata {len(text)}\n{text}\n"
        )
    origin.git("fast-import", "--quiet", "--force", stdin="".join(lines))
    origin.push(None)
    found = machine.look()

    assert [accepted.commits for accepted in found.accepted] == [2000]
    assert origin.run("rev-list", "--count", "deployed/dev") == "2"
    assert machine.delivered() == {"limits": b'{"rpm":1999}\n'}


@pytest.mark.fault("G33")
def test_a_commit_that_git_readers_differ_on_is_held_wherever_it_is(origin, machine):
    machine.look()
    good = origin.at("main")
    raw = origin.run("cat-file", "commit", "main").replace(
        "\nauthor", f"\nparent {good}\nauthor A <a@b> 1700000000 +0000\nauthor", 1
    )
    bad = origin.git("hash-object", "-t", "commit", "-w", "--literally", "--stdin", stdin=raw + "\n")
    tree = origin.at("main^{tree}")
    tip = origin.git(
        "commit-tree",
        tree,
        "-p",
        bad,
        "-m",
        "on top",
        GIT_COMMITTER_DATE="1700000000 +0000",
        GIT_AUTHOR_DATE="1700000000 +0000",
    )
    origin.git("update-ref", "refs/heads/main", tip)
    origin.git("-c", "transfer.fsckObjects=false", "push", "-q", "origin", "main", check=False)
    assert origin.at("main") == tip
    found = machine.look()

    assert found.failure.code == "remote-damaged"
    assert machine.at("refs/heads/main") == good
    assert machine.delivered() == {"limits": b'{"rpm":10}\n'}


# which branch, which environments, where the state is


def test_the_main_branch_of_the_remote_is_chosen_once(origin, machine):
    machine.look()
    origin.run("branch", "other", "main")
    origin.run("symbolic-ref", "HEAD", "refs/heads/other")
    origin.push({"base/limits.yaml": "rpm: 11\n"})

    assert of(machine.look(), "dev").wanted.commit == origin.at("main")


def test_another_branch_may_be_named(origin, make_machine):
    origin.git("checkout", "-q", "-b", "next")
    origin.push({"llmcfg.yaml": TRACKING.replace("main", "next"), "base/limits.yaml": "rpm: 20\n"}, "next")
    machine = make_machine("other", branch="next")
    machine.look()

    assert machine.delivered() == {"limits": b'{"rpm":20}\n'}
    assert machine.at("refs/heads/main") is None


def test_only_named_environments_are_kept(origin, make_machine):
    origin.release("v1.0.0")
    found = make_machine("other", environments=("prod",)).look()

    assert [one.environment for one in found.environments] == ["prod"]
    assert origin.at("deployed/dev") == ""


def test_an_environment_that_the_manifest_does_not_name_fails_alone(make_machine):
    found = make_machine("other", environments=("nope", "dev")).look()

    assert of(found, "nope").failure.code == "not-found"
    assert of(found, "dev").failure is None


def test_state_may_stay_here(origin, make_machine):
    machine = make_machine("other", deployed="local")
    machine.look()

    assert machine.delivered() == {"limits": b'{"rpm":10}\n'}
    assert machine.at("refs/heads/deployed/dev")
    assert origin.at("deployed/dev") == ""


def test_a_configuration_in_a_folder_of_the_repository_is_followed(tmp_path, make_machine):
    from dataclasses import replace

    from support.remotes import FILES
    from support.written import WrittenRepository

    written = WrittenRepository(tmp_path / "mono")
    written.commit({f"platform/config/{path}": text for path, text in FILES.items()})
    machine = make_machine("other", remote=written.path)
    machine.settings = replace(
        machine.settings, remote=replace(machine.settings.remote, folder="platform/config", deployed="local")
    )
    machine.look()

    assert machine.delivered() == {"limits": b'{"rpm":10}\n'}


def test_errors_in_the_followed_manifest_are_told_and_nothing_changes(origin, machine):
    machine.look()
    origin.push({"llmcfg.yaml": "kind: Nothing\n"})
    found = machine.look()

    assert found.failure.code == "findings"
    assert machine.delivered() == {"limits": b'{"rpm":10}\n'}
    origin.push({"llmcfg.yaml": TRACKING, "base/limits.yaml": "rpm: 12\n"})
    machine.look()
    assert machine.delivered() == {"limits": b'{"rpm":12}\n'}


def test_what_a_commit_adds_to_the_sinks_is_delivered(origin, machine):
    machine.look()
    origin.push({"consumers/bot.yaml": CONSUMER + 'sinks: [{directory: {path: "bots/{environment}"}}]\n'})
    machine.look()

    assert (machine.folder / "bots/dev/current/_shared/bot/config/limits.json").is_file()

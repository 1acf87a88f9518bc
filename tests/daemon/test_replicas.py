"""Several machines and one remote: no leader, nothing deployed twice, nothing lost; and what a remote does to a push."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from llmcfg.errors import ConflictError, NotAuthorisedError, RemoteError
from llmcfg.model.failure import FailureKind
from llmcfg.sync.act import apply, plan_rollback, rollback
from llmcfg.sync.plan import make_plan
from support.remotes import KEYLESS, SURROUNDINGS, of
from support.written import WrittenRepository


@pytest.fixture
def machines(make_machine):
    return make_machine("one"), make_machine("two")


def test_what_one_machine_deployed_the_other_only_delivers(origin, machines):
    one, two = machines
    assert of(one.look(), "dev").moved
    found = of(two.look(), "dev")

    assert not found.moved
    assert found.failure is None
    assert one.delivered() == two.delivered()
    assert origin.run("rev-list", "--count", "deployed/dev") == "1"


def plan_for(machine):
    session = machine.session()
    session.upstream.follow({}, lambda *_: None)
    workspace = session.workspace
    return make_plan(workspace.wanted("dev", None), workspace.repository, "dev", workspace.sink), workspace


def test_the_loser_of_a_race_to_the_same_result_has_nothing_left_to_do(origin, machines):
    one, two = machines
    plan, workspace = plan_for(two)
    one.look()
    applied = apply(plan, workspace.repository, KEYLESS, actor="Bob")

    assert applied.commit is None
    assert workspace.repository.target("refs/heads/deployed/dev") == origin.at("deployed/dev")
    assert two.delivered() == one.delivered()


@pytest.mark.fault("R18")
def test_the_loser_of_a_race_to_another_result_conflicts_and_finds_it_at_the_next_pass(origin, machines):
    one, two = machines
    plan, workspace = plan_for(two)
    origin.push({"base/limits.yaml": "rpm: 11\n"})
    one.look()
    with pytest.raises(ConflictError):
        apply(plan, workspace.repository, KEYLESS, actor="Bob")
    found = of(two.look(), "dev")

    assert (found.failure, found.moved) == (None, False)
    assert two.delivered() == one.delivered() == {"limits": b'{"rpm":11}\n'}


@pytest.mark.fault("R18")
def test_machines_that_work_at_once_deploy_every_push_once(origin, make_machine):
    machines = [make_machine(name) for name in ("one", "two", "three")]
    machines[0].look()
    done = threading.Event()
    records = []

    def work(machine):
        while not done.is_set():
            records.append(machine.look())

    threads = [threading.Thread(target=work, args=(machine,)) for machine in machines]
    for thread in threads:
        thread.start()
    for number in range(6):
        commit = origin.push({"base/limits.yaml": f"rpm: {100 + number}\n"})
        while f"Source-Commit: {commit}" not in origin.run("log", "-1", "--format=%B", "deployed/dev", "--"):
            assert all(thread.is_alive() for thread in threads)
    done.set()
    for thread in threads:
        thread.join()

    sources = [
        line
        for line in origin.run("log", "--format=%B", "deployed/dev").splitlines()
        if line.startswith("Source-Commit")
    ]
    assert len(sources) == len(set(sources))
    kinds = {of(record, "dev").failure.kind for record in records if of(record, "dev").failure}
    assert kinds <= {FailureKind.RETRY}
    for machine in machines:
        machine.look()
        assert machine.delivered() == {"limits": b'{"rpm":105}\n'}


def test_a_rollback_made_elsewhere_reaches_every_machine_and_is_not_undone(origin, machines, tmp_path):
    one, two = machines
    one.look()
    origin.push({"base/limits.yaml": "rpm: 66\n"})
    one.look()
    two.look()
    origin.git("fetch", "-q", "origin", "deployed/dev:deployed/dev")
    workspace = WrittenRepository.workspace(origin.written)
    plan = plan_rollback(workspace.repository, workspace.configuration_at, "dev", None, workspace.sink)
    rollback(plan, workspace.repository, actor="Ada")
    origin.push(None, "deployed/dev")

    for machine in machines:
        found = of(machine.look(), "dev")
        assert (found.failure.code, found.failure.kind) == ("quarantined", FailureKind.STALLED)
        assert machine.delivered() == {"limits": b'{"rpm":10}\n'}
    origin.push({"base/limits.yaml": "rpm: 12\n"})
    assert of(two.look(), "dev").moved
    assert two.delivered() == {"limits": b'{"rpm":12}\n'}


@pytest.mark.fault("R18")
def test_an_apply_by_hand_and_a_pass_that_meet_lose_nothing(origin, machine):
    """CI pushes what somebody applied, while the daemon deploys the same."""
    machine.look()
    for number in range(3):
        origin.push({"base/limits.yaml": f"rpm: {20 + number}\n"})
        origin.git("fetch", "-q", "origin", "deployed/dev:deployed/dev")
        workspace = origin.written.workspace()
        by_hand = make_plan(workspace.wanted("dev", None), workspace.repository, "dev", workspace.sink)
        apply(by_hand, workspace.repository, KEYLESS, actor="Ada")
        machine.look()
        origin.git("push", "-q", "origin", "deployed/dev", check=False)
        assert of(machine.look(), "dev").failure is None
        origin.git("update-ref", "-d", "refs/heads/deployed/dev")
    assert origin.run("rev-list", "--count", "deployed/dev") == "4"


# what a push meets


def hook(origin, name, text):
    path = origin.bare / "hooks" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_a_remote_that_forbids_the_push_stalls_and_says_the_way_out(origin, machine):
    hook(origin, "pre-receive", "echo no pushing here; exit 1")
    found = of(machine.look(), "dev").failure

    assert (found.code, found.kind, found.exit_code) == (
        "push-refused",
        FailureKind.STALLED,
        NotAuthorisedError.exit_code,
    )
    assert "no pushing here" in found.message
    assert "remote.deployed: local" in found.hint
    assert machine.at("refs/heads/deployed/dev") is None
    assert machine.delivered() == {}


@pytest.mark.fault("C02")
def test_a_push_whose_answer_was_lost_is_found_out(origin, machine):
    """The remote takes it and breaks off before it says so."""
    hook(origin, "post-receive", "kill -9 $PPID")
    found = of(machine.look(), "dev")

    assert (found.failure, found.moved) == (None, True)
    assert origin.at("deployed/dev") == machine.at("refs/heads/deployed/dev")


def test_a_push_that_broke_off_before_it_was_taken_is_made_again(origin, machine):
    hook(origin, "pre-receive", "kill -9 $PPID")
    failure = of(machine.look(), "dev").failure
    assert (failure.kind, failure.exit_code) == (FailureKind.RETRY, RemoteError.exit_code)
    assert origin.at("deployed/dev") == ""
    (origin.bare / "hooks/pre-receive").unlink()

    assert of(machine.look(), "dev").moved


def test_hooks_and_configuration_of_the_private_repository_are_not_run(origin, machine, tmp_path):
    machine.look()
    private = machine.state.root / "repository.git"
    (private / "hooks").mkdir(exist_ok=True)
    for name in ("pre-push", "reference-transaction", "post-checkout", "post-merge"):
        (private / "hooks" / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/ran-{name}\nexit 1\n")
        (private / "hooks" / name).chmod(0o755)
    origin.push({"base/limits.yaml": "rpm: 11\n"})
    machine.look()

    assert machine.delivered() == {"limits": b'{"rpm":11}\n'}
    assert list(tmp_path.glob("ran-*")) == []


@pytest.mark.fault("A26")
def test_variables_of_the_environment_do_not_reach_git(origin, make_machine, monkeypatch, tmp_path):
    trap = tmp_path / "gitconfig"
    trap.write_text(
        f'[core]\n\tsshCommand = touch {tmp_path}/ran\n[url "{tmp_path}/nowhere"]\n\tinsteadOf = {origin.bare}\n'
    )
    for name, value in {
        "GIT_CONFIG_GLOBAL": str(trap),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{tmp_path}/nowhere.insteadOf",
        "GIT_CONFIG_VALUE_0": str(origin.bare),
        "GIT_DIR": str(tmp_path / "nowhere"),
        "GIT_SSH_COMMAND": f"touch {tmp_path}/ran",
        "HOME": str(tmp_path),
    }.items():
        monkeypatch.setenv(name, value)
    machine = make_machine("other")
    machine.look()

    assert machine.delivered() == {"limits": b'{"rpm":10}\n'}
    assert not (tmp_path / "ran").exists()


def test_the_state_folder_is_for_its_owner_only(machine):
    machine.sync()
    assert Path(machine.state.root / "status.json").stat().st_mode & 0o777 == 0o600
    assert SURROUNDINGS.search_path == os.environ["PATH"]

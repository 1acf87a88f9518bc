"""What a daemon does by itself is on record before it is done, and where it cannot be nothing is done."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from llmcfg import failpoints
from llmcfg.audit.entry import Entry
from llmcfg.audit.settings import FOLDER, REF, AuditSettings, read_audit_settings
from llmcfg.audit.trail import open_log
from llmcfg.audit.verify import check_logs
from llmcfg.git.repository import GitRepository
from llmcfg.model.settings import Recording
from support.remotes import TRACKING, Machine, Origin, of

NEW: dict[str, str | None] = {"base/limits.yaml": "rpm: 11\n"}


class Recorded:
    """A machine whose settings say that it records."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    @property
    def repository(self) -> GitRepository:
        return self.machine.session().workspace.repository

    @property
    def root(self) -> Path:
        return self.repository.state_folder / FOLDER

    def entries(self) -> list[Entry]:
        return [entry for entry in open_log(self.root).entries() if not entry.act.startswith("audit.")]

    def said(self) -> list[tuple[str, str, str]]:
        """Act, what it was done to, and outcome or code."""
        here = f"directory {self.machine.folder}/"
        return [
            (one.act, one.subject.removeprefix(here) or one.environment, one.code or one.outcome)
            for one in self.entries()
        ]

    def problems(self) -> list[str]:
        return [problem.message for log in check_logs(self.root, self.repository) for problem in log.problems]


@pytest.fixture
def recorded(make_machine: Callable[..., Machine]) -> Recorded:
    return Recorded(make_machine("recorded", audit=Recording(), environments=("dev",)))


@pytest.fixture
def disk() -> Iterator[Callable[[str], None]]:
    """Arms the failpoint before entries."""
    yield lambda how: failpoints.arm(f"audit.before_entries={how}")
    failpoints.ARMED.clear()


def test_a_pass_that_deploys_is_on_record_step_by_step(recorded: Recorded) -> None:
    status = recorded.machine.sync()
    assert recorded.said() == [
        ("sync.follow", "refs/heads/main", "begun"),
        ("sync.follow", "refs/heads/main", "done"),
        ("sync.deploy", "dev", "begun"),
        ("sync.deploy", "dev", "done"),
        ("sync.deliver", "delivered/dev", "begun"),
        ("sync.deliver", "delivered/dev", "done"),
    ]
    follow, deploy, deliver = recorded.entries()[1::2]
    deployed = of(status, "dev").deployed
    assert deployed is not None
    assert (follow.facts["new"], follow.facts["signatures"]) == (deployed.source, "not checked")
    assert (deploy.facts["commit"], deploy.facts["source"]) == (deployed.commit, deployed.source)
    assert deliver.facts["root"] == of(status, "dev").sinks[0].root
    assert recorded.problems() == []


def test_a_pass_that_finds_everything_as_it_was_records_nothing(recorded: Recorded) -> None:
    recorded.machine.sync()
    before = recorded.said()
    recorded.machine.sync()
    assert recorded.said() == before


def test_nothing_is_recorded_where_nobody_asked_for_it(machine: Machine) -> None:
    machine.sync()
    assert not (machine.session().workspace.repository.state_folder / FOLDER).exists()
    assert machine.at(REF) is None


def test_what_somebody_else_deployed_is_followed_on_record(
    recorded: Recorded, make_machine: Callable[..., Machine], origin: Origin
) -> None:
    recorded.machine.sync()
    origin.push(NEW)
    make_machine("other").look()
    recorded.machine.sync()
    assert recorded.said()[6:] == [
        ("sync.follow", "refs/heads/deployed/dev", "begun"),
        ("sync.follow", "refs/heads/deployed/dev", "done"),
        ("sync.follow", "refs/heads/main", "begun"),
        ("sync.follow", "refs/heads/main", "done"),
        ("sync.deliver", "delivered/dev", "begun"),
        ("sync.deliver", "delivered/dev", "done"),
    ]


def test_a_refusal_that_lasts_is_on_record_once_and_again_when_it_comes_back(
    recorded: Recorded, origin: Origin
) -> None:
    session = recorded.machine.session()
    recorded.machine.session = lambda: session  # as the daemon has it, which goes on
    recorded.machine.sync()
    sound = origin.at("main")
    for _ in range(2):
        origin.git("reset", "-q", "--hard", "HEAD~0")
        origin.git("commit", "-q", "--amend", "-m", "rewritten")
        origin.push(None, force=True)
        recorded.machine.sync()
        recorded.machine.sync()
        origin.git("reset", "-q", "--hard", sound)
        origin.push(None, force=True)
        recorded.machine.sync()
    refused = [one for one in recorded.entries() if one.outcome == "refused"]
    assert [(one.act, one.subject, one.code) for one in refused] == [
        ("sync.follow", "refs/heads/main", "history-rewritten"),
        ("sync.deploy", "", "history-rewritten"),
    ] * 2
    assert all(one.facts["why"] for one in refused)


def test_a_configuration_that_cannot_be_built_is_refused_on_record(recorded: Recorded, origin: Origin) -> None:
    recorded.machine.sync()
    origin.push({"base/limits.yaml": "rpm: {{config:nothing}}\n"})
    recorded.machine.sync()
    assert recorded.said()[-1] == ("sync.deploy", "dev", "findings")


@pytest.mark.parametrize("how", ["raise:ENOSPC", "raise:EROFS", "raise:EIO"])
def test_nothing_is_followed_or_deployed_while_the_disk_takes_no_entry(
    recorded: Recorded, origin: Origin, disk: Callable[[str], None], how: str
) -> None:
    recorded.machine.sync()
    before = recorded.machine.at("refs/heads/main")
    origin.push(NEW)
    disk(how)
    failure = recorded.machine.sync().failure
    assert failure is not None
    assert (failure.code, failure.kind) == ("audit-unavailable", "retry")
    assert recorded.machine.at("refs/heads/main") == before
    assert recorded.machine.delivered() == {"limits": b'{"rpm":10}\n'}
    failpoints.ARMED.clear()
    assert recorded.machine.sync().failure is None
    assert recorded.machine.delivered() == {"limits": b'{"rpm":11}\n'}
    assert recorded.problems() == []


def test_what_runs_is_not_mended_either_while_the_disk_takes_no_entry(
    recorded: Recorded, disk: Callable[[str], None]
) -> None:
    recorded.machine.sync()
    (file,) = (recorded.machine.folder / "delivered/dev").rglob("config/limits.json")
    file.chmod(0o600)
    file.write_text("changed")
    disk("raise:ENOSPC")
    (sink,) = of(recorded.machine.sync(), "dev").sinks
    assert sink.failure is not None
    assert sink.failure.code == "audit-unavailable"
    failpoints.ARMED.clear()
    recorded.machine.sync()
    assert recorded.machine.delivered() == {"limits": b'{"rpm":10}\n'}


def test_a_machine_that_cannot_begin_its_record_does_nothing(recorded: Recorded, disk: Callable[[str], None]) -> None:
    disk("raise:ENOSPC")
    failure = recorded.machine.sync().failure
    assert failure is not None
    assert (failure.code, failure.step) == ("audit-unavailable", "record")
    assert recorded.machine.at("refs/heads/main") is None


def test_a_record_that_is_gone_stops_the_machine(recorded: Recorded, origin: Origin) -> None:
    recorded.machine.sync()
    shutil.rmtree(recorded.root)
    origin.push(NEW)
    failure = recorded.machine.sync().failure
    assert failure is not None
    assert "checkpoints of an audit log that is not here" in failure.message
    assert recorded.machine.delivered() == {"limits": b'{"rpm":10}\n'}


def test_other_settings_are_taken_over_on_record(make_machine: Callable[..., Machine]) -> None:
    Recorded(make_machine("recorded", audit=Recording())).machine.sync()
    recorded = Recorded(make_machine("recorded", audit=Recording(keep_days=30, checkpoint_entries=2)))
    recorded.machine.sync()
    assert read_audit_settings(recorded.root) == AuditSettings(keep_days=30, checkpoint_entries=2)
    acts = [entry.act for entry in open_log(recorded.root).entries()]
    assert acts.count("audit.init") == 4  # each begun and done


def test_a_checkpoint_is_due_although_nothing_happens(make_machine: Callable[..., Machine]) -> None:
    recorded = Recorded(make_machine("recorded", audit=Recording(checkpoint_seconds=1)))
    recorded.machine.sync()
    before, deadline = recorded.machine.at(REF), time.monotonic() + 60
    while recorded.machine.at(REF) == before and time.monotonic() < deadline:
        time.sleep(0.1)
        recorded.machine.sync()
    assert recorded.machine.at(REF) != before
    (log,) = check_logs(recorded.root, recorded.repository)
    assert log.covered == log.size


def test_tenants_of_the_manifest_do_not_matter_to_what_is_done_for_all(
    make_machine: Callable[..., Machine], origin: Origin
) -> None:
    origin.push({"llmcfg.yaml": f"{TRACKING}tenants:\n  acme: {{}}\n"})
    recorded = Recorded(make_machine("recorded", audit=Recording()))
    recorded.machine.sync()
    assert not (recorded.root / "tenants").exists()

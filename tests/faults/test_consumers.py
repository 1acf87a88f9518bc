"""Consumers in trouble: slow, away for long, lying; a disk that may not be written; clocks that step."""

from __future__ import annotations

import errno
import os
from datetime import timedelta

import msgspec
import pytest

import llmcfg.client
from llmcfg.errors import StorageError
from llmcfg.sinks.acknowledgements import FOLDER, read_acknowledgements
from llmcfg.sinks.directory import DirectorySink
from support.remotes import Machine, Origin, of

from .hosts import end, wait_until
from .writers import FIRST, SECOND, contents, deliver


@pytest.mark.sweep
@pytest.mark.fault("N05")
def test_nobody_waits_for_an_endpoint_that_is_slow_and_it_gets_the_newest(host):
    host.consumer.delay = 4.0
    daemon = host.start()
    try:
        host.push(2)
        wait_until(lambda: host.consumer.count > 0 and host.delivered() == 2, "the endpoint is at it")
        for number in (3, 4):
            host.push(number)
            wait_until(lambda number=number: host.delivered() == number, f"the directory has {number}")
        host.consumer.delay = 0.0
        wait_until(lambda: host.posted() == 4, "the endpoint has the newest")
    finally:
        host.consumer.delay = 0.0
        assert end(daemon) == 0


@pytest.mark.sweep
@pytest.mark.fault("N10", "N01")
def test_an_endpoint_that_was_away_for_many_states_gets_the_newest_alone(host):
    host.consumer.status = lambda count: 503
    try:
        for number in (2, 3, 4):
            host.push(number)
            assert host.sync() != 0
            assert (host.delivered(), host.branched(), host.deployed()) == (number, number, number)
    finally:
        host.consumer.status = lambda count: 200
    assert host.sync() == 0, host.said
    assert (len(host.consumer.taken), host.posted()) == (1, 4)


LIES = {
    "never-given.json": {
        "instance": "a",
        "accepted": True,
        "root": "f" * 64,
        "digest": "f" * 64,
        "at": "2099-01-01T00:00:00Z",
    },
    "no-object.json": [1, 2],
    "wrong-types.json": {"instance": 1, "accepted": "yes", "root": [], "digest": {}, "at": 5},
    "empty.json": {},
}


@pytest.mark.fault("N08")
def test_who_acknowledges_what_it_was_never_given_is_behind_and_junk_is_passed_over(tmp_path):
    sink = DirectorySink(tmp_path / "delivered")
    deliver(sink, FIRST)
    folder = tmp_path / "delivered" / FOLDER / "_shared/api"
    folder.mkdir(parents=True)
    for name, said in LIES.items():
        (folder / name).write_bytes(msgspec.json.encode(said))
    (folder / "cut.json").write_bytes(b'{"instance": "b", "acc')
    (folder / "large.json").write_bytes(b"[" * (1 << 20))
    (folder / "link.json").symlink_to("/etc/passwd")
    os.mkfifo(folder / "pipe.json")
    heard = read_acknowledgements(tmp_path / "delivered")
    assert {one.verdict for one in heard} <= {"behind"}
    assert len(heard) <= 1
    deliver(sink, SECOND)
    assert sink.observe() == contents(SECOND)


@pytest.mark.fault("C09")
@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.EDQUOT], ids=errno.errorcode.get)
def test_a_disk_that_may_not_be_written_is_told_and_what_is_there_is_read(tmp_path, monkeypatch, number):
    sink = DirectorySink(tmp_path / "delivered")
    deliver(sink, FIRST)
    with monkeypatch.context() as patch:
        for name in ("mkdir", "rename", "symlink", "link", "write"):
            patch.setattr(os, name, refusing(number))
        with pytest.raises(StorageError) as caught:
            deliver(sink, SECOND)
        assert os.strerror(number) in caught.value.message
        assert sink.observe() == contents(FIRST)
    deliver(sink, SECOND)
    assert sink.observe() == contents(SECOND)


def refusing(number):
    def refuse(*arguments, **options):
        raise OSError(number, os.strerror(number))

    return refuse


@pytest.mark.fault("O13", "C13")
@pytest.mark.parametrize("days", [-365, 365])
def test_a_clock_that_steps_changes_what_is_shown_and_nothing_that_is_done(tmp_path, days):
    origin = Origin(tmp_path)
    machine = Machine(tmp_path / "machine", origin.bare)
    machine.sync()
    origin.push({"base/limits.yaml": "rpm: 11\n"})
    machine.clock += timedelta(days=days)
    assert of(machine.sync(), "dev").failure is None
    assert machine.delivered() == {"limits": b'{"rpm":11}\n'}
    origin.push({"base/limits.yaml": "rpm: 12\n"})
    machine.clock -= timedelta(days=days)
    assert of(machine.sync(), "dev").state == "current"
    assert machine.delivered() == {"limits": b'{"rpm":12}\n'}
    assert origin.run("rev-list", "--count", "deployed/dev") == "3"


@pytest.mark.fault("N18")
@pytest.mark.parametrize("days", [-3650, 3650])
def test_a_host_that_is_offline_with_a_wrong_clock_runs_on_and_catches_up(tmp_path, days):
    origin = Origin(tmp_path)
    machine = Machine(tmp_path / "machine", origin.bare)
    fetched = machine.sync().fetched
    away = origin.bare.rename(tmp_path / "away.git")
    with llmcfg.client.open(f"dir:{tmp_path}/machine/delivered/dev", consumer="api", follow=False) as cfg:
        machine.clock += timedelta(days=days)
        for _ in range(2):
            status = machine.sync()
            assert (status.failure.code, status.failure.kind, status.fetched) == ("remote-missing", "retry", fetched)
            assert of(status, "dev").state == "current"
            cfg.refresh()
            assert (cfg["limits.rpm"], cfg.trouble) == (10, "")
        away.rename(origin.bare)
        origin.push({"base/limits.yaml": "rpm: 11\n"})
        assert machine.sync().failure is None
        machine.clock -= timedelta(days=days)
        origin.push({"base/limits.yaml": "rpm: 12\n"})
        machine.sync()
        cfg.refresh()
        assert cfg["limits.rpm"] == 12


STATE = ["status.json", "lock", "requests/x.json", "suspended/prod.json", "dead-letters/0.json"]
CONTENTS = {"empty": b"", "cut": b'{"apiVersion": "llm', "junk": bytes(range(256)), "other": b"[1, 2]", "folder": None}


@pytest.mark.fault("C13")
@pytest.mark.parametrize("content", CONTENTS)
def test_files_of_our_own_that_somebody_broke_are_never_believed(tmp_path, content):
    origin = Origin(tmp_path)
    machine = Machine(tmp_path / "machine", origin.bare)
    machine.sync()
    for name in STATE:
        path = machine.state.root / name
        path.parent.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)
        if CONTENTS[content] is None and name != "lock":
            path.mkdir()
        else:
            path.write_bytes(CONTENTS[content] or b"")
    origin.push({"base/limits.yaml": "rpm: 11\n"})
    machine.look()
    assert machine.delivered() == {"limits": b'{"rpm":11}\n'}
    if CONTENTS[content] is not None:
        machine.sync()
        assert machine.state.requests() == {}
        assert set(machine.state.suspended()) == {"prod"}, "somebody wanted that"

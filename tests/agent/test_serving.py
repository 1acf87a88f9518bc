"""An agent serves the programs of a host: whole configuration first, then what changes, each program what it asked for and nothing else."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

import llmcfg.client
from llmcfg.client import MissingKeyError, NotAuthorisedError, NotFoundError, RefusedError
from llmcfg.errors import PendingError
from llmcfg.model.target import Target
from llmcfg.secrets.age import generate_identity
from llmcfg.sinks.acknowledgements import read_acknowledgements
from support.children import run_in_child, start_child, wait_for
from support.delivered import Delivered

from .conftest import DOCUMENTS, eventually, limits

READER = generate_identity()
SECRETIVE = {"openai": {"key": {"$secret": "openai"}, "rpm": 1}, "signing": {"key": {"$secret": "p12"}}}
VALUES = {"openai": "canary-openai", "p12": b"canary\x00\xff", "port": 8443, "on": True}


@pytest.fixture
def key_file(tmp_path):
    path = tmp_path / "key.txt"
    path.write_text(READER.reveal())
    path.chmod(0o600)
    return path


def heard_by(delivered):
    return [(heard.instance, heard.verdict, heard.reason) for heard in read_acknowledgements(delivered.root)]


def test_programs_read_what_is_delivered_and_follow_it(start, open_config, delivered):
    running = start()
    programs = [open_config(instance=f"p{number}") for number in range(5)]
    assert [cfg["limits.rpm"] for cfg in programs] == [10] * 5
    heard = []
    programs[0].on_change("limits", lambda update: heard.append(update.items))
    programs[1].on_change("routes", lambda update: heard.append("never"))

    for rpm in (20, 30, 20):
        delivered.put(limits(rpm))
        eventually(lambda rpm=rpm: [cfg["limits.rpm"] for cfg in programs] == [rpm] * 5)

    eventually(lambda: len(heard) == 3)
    assert heard == [(("limits.rpm", 10, 20),), (("limits.rpm", 20, 30),), (("limits.rpm", 30, 20),)]
    assert {cfg.trouble for cfg in programs} == {""}
    assert running.end() == 0


def test_who_reads_at_once_gets_what_is_there_at_once_however_long_ago_it_looked(start, open_config, delivered):
    start()
    cfg = open_config(follow=False)
    delivered.put(limits(20))
    delivered.put(limits(30))
    cfg._follower._source._looked -= 100  # as if it had slept
    cfg.refresh()

    assert cfg["limits.rpm"] == 30


def test_what_programs_say_shows_as_if_they_read_the_folder_and_goes_with_them(start, open_config, delivered):
    start()
    kept = open_config(instance="kept")
    picky = open_config(instance="picky", accept=lambda snapshot: snapshot["limits.rpm"] < 20 or "too much for me")
    eventually(lambda: heard_by(delivered) == [("kept", "accepted", ""), ("picky", "accepted", "")])

    delivered.put(limits(20))

    eventually(lambda: heard_by(delivered) == [("kept", "accepted", ""), ("picky", "refused", "too much for me")])
    assert (kept["limits.rpm"], picky["limits.rpm"]) == (20, 10)
    assert "too much for me" in picky.trouble
    picky.close()
    eventually(lambda: heard_by(delivered) == [("kept", "accepted", "")])


def test_a_program_that_refuses_and_cannot_start_is_heard_all_the_same(start, open_config, delivered):
    start()
    with pytest.raises(RefusedError):
        open_config(instance="picky", accept=lambda _: "not this")

    eventually(lambda: heard_by(delivered) == [("picky", "refused", "not this")])


@pytest.mark.fault("N09")
def test_a_program_that_dies_takes_its_acknowledgement_with_it_and_holds_nobody_up(start, open_config, delivered):
    running = start()
    assert run_in_child(lambda: (open_config(instance="dies"), running.wait_for("connected"), os._exit(0))) == 0
    running.wait_for("left")

    assert heard_by(delivered) == []
    assert open_config()["limits.rpm"] == 10


@pytest.mark.fault("N01")
def test_an_agent_that_is_killed_and_started_again_is_not_noticed(start, open_config, delivered):
    running = start()
    cfg = open_config(instance="one")
    heard = []
    cfg.on_change(".", heard.append)
    running.end(signal.SIGKILL)
    assert (cfg["limits.rpm"], cfg.trouble) == (10, "")
    start()
    delivered.put(limits(20))

    eventually(lambda: cfg["limits.rpm"] == 20)
    assert cfg.trouble == ""
    eventually(lambda: len(heard) == 1)
    eventually(lambda: heard_by(delivered) == [("one", "accepted", "")])


def test_an_agent_that_stays_away_is_complained_of_and_what_was_read_stays(start, open_config, monkeypatch):
    monkeypatch.setattr("llmcfg.client.agentsource._RESTART_SECONDS", 0.1)
    running = start()
    cfg = open_config()
    running.end()

    eventually(lambda: "cannot be reached" in cfg.trouble)
    assert cfg["limits.rpm"] == 10
    start()
    eventually(lambda: cfg.trouble == "")


def test_a_program_starts_from_what_it_kept_where_there_is_no_agent(start, open_config, delivered, tmp_path):
    with pytest.raises(PendingError, match="cannot be reached"):
        open_config(state=tmp_path / "state")
    running = start()
    open_config(state=tmp_path / "state").close()
    running.end()

    cfg = open_config(state=tmp_path / "state")

    assert cfg["limits.rpm"] == 10
    assert "cannot be reached" in cfg.trouble
    delivered.put(limits(20))
    start()
    eventually(lambda: cfg["limits.rpm"] == 20)


def test_what_is_not_delivered_yet_comes_when_it_is(start, path, tmp_path):
    running = start()

    def opened(consumer):
        return llmcfg.client.open(f"unix:{path}", tenant="acme", consumer=consumer, follow=False)

    with pytest.raises(NotFoundError, match="nothing was delivered"):
        opened("api")
    Delivered(tmp_path / "sink").put(DOCUMENTS)

    with opened("api") as cfg:
        assert cfg["limits.rpm"] == 10
    with pytest.raises(NotFoundError):
        opened("other")
    assert [event["code"] for event in running.events("failed")] == ["not-found", "not-found"]


def test_a_delivery_that_is_damaged_is_complained_of_and_the_one_before_is_served_on(start, open_config, delivered):
    start()
    cfg = open_config()
    delivered.put(limits(20))
    eventually(lambda: cfg["limits.rpm"] == 20)
    broken = delivered.root / "broken" / delivered.target.folder
    broken.mkdir(parents=True)
    (broken / "bundle.llmcfg").write_bytes(delivered.file.read_bytes()[:-40])
    link = delivered.root / "current"
    before = link.readlink()
    (delivered.root / "aside").symlink_to("broken")
    (delivered.root / "aside").rename(link)

    eventually(lambda: cfg.trouble)
    assert (cfg["limits.rpm"], open_config(instance="two")["limits.rpm"]) == (20, 20)
    (delivered.root / "aside").symlink_to(before)
    (delivered.root / "aside").rename(link)
    eventually(lambda: cfg.trouble == "")


def test_a_program_that_is_forked_goes_on_with_a_connection_of_its_own(start, open_config, delivered, tmp_path):
    start()
    cfg = open_config()
    go = tmp_path / "go"

    def follow():
        go.touch()
        eventually(lambda: cfg["limits.rpm"] == 20)

    def deliver():
        eventually(go.exists)
        delivered.put(limits(20))

    child = start_child(follow)
    deliver()
    assert wait_for(child) == 0
    eventually(lambda: cfg["limits.rpm"] == 20)


# secrets


def test_secrets_are_opened_with_the_key_of_the_agent_and_programs_need_none(start, open_config, delivered, key_file):
    delivered.put_sealed(SECRETIVE, VALUES, reader=READER, outputs={"app.env": (b"K={{x}}\n", "K=canary-openai\n")})
    running = start("-i", str(key_file))
    cfg = open_config()

    assert cfg.secret("openai").reveal() == "canary-openai"
    assert cfg.secret("p12").reveal() == b"canary\x00\xff"
    assert (cfg.secret("port").reveal(), cfg.secret("on").reveal()) == (8443, True)
    assert cfg["openai.key"] == "canary-openai"
    assert cfg.file("app.env") == b"K=canary-openai\n"
    heard = []
    cfg.on_secret("openai", heard.append)
    delivered.put_sealed(SECRETIVE, {**VALUES, "openai": "canary-renewed"}, reader=READER)
    eventually(lambda: cfg["openai.key"] == "canary-renewed")
    eventually(lambda: len(heard) == 1)
    assert "canary" not in running.said()


def test_opened_secrets_are_nowhere_but_in_memory(start, open_config, delivered, key_file, tmp_path):
    delivered.put_sealed(SECRETIVE, VALUES, reader=READER)
    running = start("-i", str(key_file))
    open_config(state=tmp_path / "state")
    eventually(lambda: heard_by(delivered))

    for found in tmp_path.rglob("*"):
        assert not found.is_file() or b"canary" not in found.read_bytes(), found
    about = Path(f"/proc/{running.process.pid}")
    assert b"canary" not in (about / "cmdline").read_bytes()
    if os.geteuid():
        with pytest.raises(PermissionError):
            (about / "environ").read_bytes()


def test_an_agent_without_the_key_serves_what_is_sealed_to_who_has_one(start, open_config, delivered, key_file):
    delivered.put_sealed(SECRETIVE, VALUES, reader=READER)
    start()

    assert open_config(identity=key_file).secret("openai").reveal() == "canary-openai"
    with pytest.raises(NotAuthorisedError):
        open_config(instance="two").secret("openai")


def test_a_key_that_comes_later_is_used_after_sighup(start, open_config, delivered, key_file, tmp_path):
    delivered.put_sealed(SECRETIVE, VALUES, reader=READER)
    (tmp_path / "late.txt").write_text(generate_identity().reveal())
    running = start("-i", str(tmp_path / "late.txt"))
    cfg = open_config()
    heard = []
    cfg.on_secret("openai", heard.append)
    with pytest.raises(NotAuthorisedError):
        cfg.secret("openai")
    (tmp_path / "late.txt").write_text(READER.reveal())
    running.process.send_signal(signal.SIGHUP)

    eventually(lambda: heard)
    assert cfg.secret("openai").reveal() == "canary-openai"


def test_a_key_that_is_lost_takes_no_secret_away(start, open_config, delivered, key_file):
    delivered.put_sealed(SECRETIVE, VALUES, reader=READER)
    running = start("-i", str(key_file))
    cfg = open_config()
    key_file.write_text(generate_identity().reveal())
    delivered.put_sealed(SECRETIVE, {**VALUES, "openai": "canary-renewed"}, reader=READER)

    eventually(lambda: cfg.trouble)
    assert cfg.secret("openai").reveal() == "canary-openai"
    running.end(signal.SIGKILL)
    start("-i", str(key_file))
    eventually(lambda: "not opened any more" in cfg.trouble)
    assert cfg.secret("openai").reveal() == "canary-openai"
    key_file.write_text(READER.reveal())
    delivered.put_sealed(SECRETIVE, {**VALUES, "openai": "canary-third"}, reader=READER)
    eventually(lambda: cfg["openai.key"] == "canary-third")


def test_a_bundle_without_secrets_says_so_where_the_agent_has_a_key(start, open_config, key_file):
    start("-i", str(key_file))
    with pytest.raises(MissingKeyError):
        open_config().secret("openai")


# tenants


def test_a_program_gets_the_bundle_that_it_asks_for(start, open_config, delivered):
    delivered.put(DOCUMENTS, others=[Target("prod", None, "bot"), Target("prod", "beta", "api")])
    start()

    assert open_config(tenant=None, consumer="bot").target == Target("prod", None, "bot")
    assert open_config(tenant="_shared", consumer="bot").target == Target("prod", None, "bot")
    assert open_config(tenant="beta").target == Target("prod", "beta", "api")
    assert open_config().target == Target("prod", "acme", "api")


def test_events_are_lines_of_json_with_what_happened_to_whom(start, open_config):
    running = start()
    open_config(instance="one").close()
    running.wait_for("left")
    running.end()

    events = running.events()
    assert [event["event"] for event in events] == ["listening", "connected", "served", "left"]
    assert events[1] == {
        "at": events[1]["at"],
        "event": "connected",
        "user": os.geteuid(),
        "process": os.getpid(),
        "bundle": "acme/api",
        "instance": "one",
    }
    assert json.dumps(events)

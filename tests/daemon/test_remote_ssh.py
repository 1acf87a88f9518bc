"""A remote by SSH, with a real server: keys that it knows, host keys that are known, unknown or others."""

from __future__ import annotations

import os
import subprocess

import pytest

from llmcfg.model.failure import FailureKind
from llmcfg.opensinks import Surroundings
from support.servers import silent_port
from support.sshd import SSHD, Sshd, make_key

from .following import assert_it_goes_on, assert_only_fetching_failed, point_at, with_budget

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(SSHD is None, reason="no sshd here; on Debian and Ubuntu: apt-get install openssh-server"),
]


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    return make_key(tmp_path_factory.mktemp("keys") / "key")


@pytest.fixture(scope="module")
def server(tmp_path_factory, key):
    made = Sshd(tmp_path_factory.mktemp("sshd") / "server", key)
    with made.running():
        yield made


@pytest.fixture
def known(tmp_path, server):
    """A file with the host keys that are trusted: that of the server."""
    file = tmp_path / "known_hosts"
    file.write_text(server.known_as(server.host_key))
    return file


def test_a_server_is_fetched_from_and_pushed_to(origin, machine, server, key, known):
    point_at(machine, server.address(origin.bare), ssh_key=key, known_hosts=known)
    assert machine.look().failure is None
    origin.push({"base/limits.yaml": "rpm: 11\n"})
    assert machine.look().failure is None

    assert machine.delivered() == {"limits": b'{"rpm":11}\n'}
    assert origin.run("rev-list", "--count", "deployed/dev") == "2"


@pytest.mark.fault("R12")
@pytest.mark.parametrize("trusted", ["nothing", "no file", "another key"])
def test_a_host_key_that_is_unknown_or_changed_is_refused_and_none_is_learnt(
    tmp_path, origin, deployed, server, key, known, trusted
):
    before = {"nothing": "", "no file": None, "another key": server.known_as(make_key(tmp_path / "other"))}[trusted]
    known.unlink()
    if before is not None:
        known.write_text(before)
    point_at(deployed, server.address(origin.bare), ssh_key=key, known_hosts=known)
    found = deployed.look()

    assert_only_fetching_failed(deployed, found, "remote-host-key", FailureKind.STALLED)
    said = "has changed" if trusted == "another key" else "host key is known"
    assert said in found.failure.message
    assert "ssh-keygen" not in found.failure.message, "what ssh proposes would trust anybody"
    assert "ssh.known_hosts" in found.failure.hint
    assert (known.read_text() if known.exists() else None) == before
    assert_it_goes_on(deployed, origin)


@pytest.mark.fault("R12")
@pytest.mark.parametrize("passphrase", ["", "locked"])
def test_a_key_that_the_server_does_not_know_or_that_is_locked_is_refused_without_a_question(
    tmp_path, origin, deployed, server, known, passphrase
):
    point_at(deployed, server.address(origin.bare), ssh_key=make_key(tmp_path / "other", passphrase), known_hosts=known)
    found = deployed.look()

    assert_only_fetching_failed(deployed, found, "remote-refused", FailureKind.STALLED)
    assert "credentials or ssh" in found.failure.hint
    assert_it_goes_on(deployed, origin)


def test_an_agent_holds_the_key_where_the_settings_name_none(
    tmp_path, origin, machine, server, key, known, monkeypatch
):
    agent = tmp_path / "agent"
    with subprocess.Popen(["ssh-agent", "-D", "-a", str(agent)], stdout=subprocess.DEVNULL) as running:
        try:
            while not agent.exists():
                assert running.poll() is None
            environment = {"PATH": os.environ["PATH"], "SSH_AUTH_SOCK": str(agent)}
            subprocess.run(["ssh-add", "-q", str(key)], check=True, env=environment)
            monkeypatch.setattr("support.remotes.SURROUNDINGS", Surroundings(os.environ["PATH"], str(agent)))
            point_at(machine, server.address(origin.bare), known_hosts=known)
            assert machine.look().failure is None
        finally:
            running.terminate()
    assert machine.delivered() == {"limits": b'{"rpm":10}\n'}


def test_a_repository_that_is_not_there_is_named(tmp_path, origin, deployed, server, key, known):
    point_at(deployed, server.address(tmp_path / "nothing.git"), ssh_key=key, known_hosts=known)
    found = deployed.look()

    assert_only_fetching_failed(deployed, found, "remote-missing")
    assert "nothing.git" in found.failure.message
    assert_it_goes_on(deployed, origin)


@pytest.mark.fault("R07")
def test_a_server_that_never_greets_is_cut_off(origin, deployed, key, known):
    with silent_port() as port:
        point_at(deployed, f"ssh://git@127.0.0.1:{port}/config.git", ssh_key=key, known_hosts=known)
        with_budget(deployed, seconds=1)
        assert_only_fetching_failed(deployed, deployed.look(), "remote-timeout")
    assert_it_goes_on(deployed, origin)

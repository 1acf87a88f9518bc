"""Where an agent listens: its rights, what a killed one left, a socket of the supervisor, and how it is ended."""

from __future__ import annotations

import os
import signal
import socket
import stat
import sys
from pathlib import Path

import pytest

from llmcfg.agent.access import Grant, parse_grant
from llmcfg.errors import UsageError
from llmcfg.limits import AGENT_CONNECTIONS

from .conftest import Running, eventually


@pytest.mark.parametrize(("options", "mode"), [((), 0o600), (("--mode", "660"), 0o660), (("--mode", "666"), 0o666)])
def test_the_socket_is_for_whom_it_says(start, path, options, mode):
    start(*options, "--group", str(os.getegid()))

    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert path.stat().st_gid == os.getegid()


def test_a_socket_that_a_killed_agent_left_is_taken_over_and_an_ended_one_leaves_none(start, path, open_config):
    start().end(signal.SIGKILL)
    assert path.is_socket()
    running = start()

    assert open_config()["limits.rpm"] == 10
    running.end()
    assert not path.exists()


def test_a_second_agent_at_the_same_socket_is_refused_and_the_first_goes_on(start, open_config):
    start()
    second = start(listens=False)

    assert second.process.wait(timeout=60) == 8
    assert "another agent serves at" in second.said()
    assert open_config()["limits.rpm"] == 10


def test_a_file_that_is_no_socket_stays_as_it_is(start, path):
    path.write_text("precious")
    running = start(listens=False)

    assert running.process.wait(timeout=60) == 2
    assert path.read_text() == "precious"


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--socket", "/nowhere/at/all/s"), 1, "mkdir -p"),
        (("--socket", "x" * 101), 2, "too long for a socket"),
        (("--socket", "s", "--allow", "no-such-user-here"), 2, "has no user"),
        (("--socket", "s", "--group", "no-such-group-here"), 2, "has no group"),
        ((), 2, "--socket PATH"),
    ],
)
def test_what_it_cannot_listen_at_is_said_with_a_way_out(start, tmp_path, options, code, said):
    running = start(*options, at=None, listens=False, cwd=tmp_path)

    assert running.process.wait(timeout=60) == code
    assert said in running.said()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_it_ends_as_supervisors_and_people_expect(start, open_config, number, code):
    running = start()
    cfg = open_config()

    assert running.end(number) == code
    assert cfg["limits.rpm"] == 10
    assert "Traceback" not in running.said()


ACTIVATED = """
import os, socket, sys
listener = socket.socket(socket.AF_UNIX, getattr(socket, sys.argv[2]))
listener.bind(sys.argv[1])
if sys.argv[2] == "SOCK_STREAM":
    listener.listen()
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=sys.argv[3])
os.execv(sys.executable, [sys.executable, "-m", "llmcfg_cli", "agent", "--dir", sys.argv[4]])
"""


@pytest.fixture
def activate(tmp_path, path):
    """Starts an agent as systemd does, with a socket that is open already."""
    started = []

    def starter(kind="SOCK_STREAM", count="1"):
        command = [sys.executable, "-c", ACTIVATED, str(path), kind, count, str(tmp_path / "sink")]
        started.append(Running(command, tmp_path / "activated.log", close_fds=False))
        return started[-1]

    yield starter
    for running in started:
        if running.process.poll() is None:
            running.process.kill()
            running.process.wait()


def test_a_socket_of_the_supervisor_is_served_and_left_there(activate, path, open_config):
    running = activate()
    running.wait_for("listening")

    assert open_config()["limits.rpm"] == 10
    assert running.end() == 0
    assert path.is_socket()


@pytest.mark.parametrize(("kind", "count"), [("SOCK_DGRAM", "1"), ("SOCK_STREAM", "2")])
def test_another_kind_of_socket_is_refused(activate, kind, count):
    running = activate(kind, count)

    assert running.process.wait(timeout=60) == 2
    assert "the supervisor opened" in running.said()


def test_the_supervisor_hears_when_it_serves_that_it_lives_and_when_it_ends(start, tmp_path, open_config):
    heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    heard.settimeout(60)
    heard.bind(str(tmp_path / "notify"))
    environment = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000"}
    running = start(env=environment)
    said = [heard.recv(1000).decode()]
    open_config()
    while said.count("WATCHDOG=1") < 3 or "STATUS=1 programs connected" not in said:
        said.append(heard.recv(1000).decode())
    running.process.send_signal(signal.SIGHUP)
    while not said[-1].startswith("RELOADING=1"):
        said.append(heard.recv(1000).decode())
    running.end()
    while said[-1] != "STOPPING=1":
        said.append(heard.recv(1000).decode())
    heard.close()

    assert said[0] == "READY=1\nSTATUS=serving"


def test_it_may_have_as_many_files_open_as_programs_may_connect(start):
    running = start(preexec_fn=_few_files)

    def soft_limit():
        lines = Path(f"/proc/{running.process.pid}/limits").read_text().splitlines()
        return next(line.split()[3] for line in lines if line.startswith("Max open files"))

    eventually(lambda: int(soft_limit()) > AGENT_CONNECTIONS)


def _few_files():
    import resource

    resource.setrlimit(resource.RLIMIT_NOFILE, (256, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))


# grants


@pytest.mark.parametrize(
    ("text", "grant"),
    [
        ("root", Grant(0, "")),
        ("1000", Grant(1000, "")),
        ("root=acme/api", Grant(0, "acme/api")),
        ("1000=_shared/api", Grant(1000, "_shared/api")),
    ],
)
def test_grants_name_a_user_and_one_bundle_or_all(text, grant):
    assert parse_grant(text) == grant


@pytest.mark.parametrize(
    "text", ["", "=", "root=", "root=api", "root=a/b/c", "root=../x", "root=/x", "65534", "nobody"]
)
def test_what_grants_nothing_or_to_anybody_is_refused(text):
    with pytest.raises(UsageError):
        parse_grant(text)

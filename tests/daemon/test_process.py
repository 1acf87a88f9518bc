"""The daemon as a process: what it tells supervisors and logs, how signals end it or have it read its settings, what people ask of it."""

from __future__ import annotations

import hashlib
import hmac
import os
import signal
import socket
import time

import pytest

from llmcfg.notify import notifier_of
from support.daemons import SECRET, Daemon
from support.servers import free_port
from support.terminal import Terminal

SIGNED = hmac.new(SECRET.encode(), b"{}", hashlib.sha256).hexdigest()
FORGES = {
    "GitHub": {"X-Hub-Signature-256": f"sha256={SIGNED}", "X-GitHub-Event": "push"},
    "Gitea": {"X-Gitea-Signature": SIGNED, "X-Gitea-Event": "push"},
    "GitLab": {"X-Gitlab-Token": SECRET, "X-Gitlab-Event": "Push Hook"},
}


@pytest.fixture
def daemon(tmp_path, origin):
    made = Daemon(tmp_path, origin.bare)
    yield made
    made.close()


def delivered(daemon):
    """What a program would read."""
    path = daemon.state / "delivered/dev/current/_shared/api/config/limits.json"
    return path.read_text().strip() if path.is_file() else None


def limits(number):
    return {"base/limits.yaml": f"rpm: {number}\n"}


@pytest.mark.fault("C16")
def test_a_supervisor_hears_how_it_goes_and_the_log_is_lines_of_json(daemon, origin):
    daemon.start(WATCHDOG_USEC="400000")
    daemon.wait_for("delivered")
    daemon.wait_until(lambda: daemon.supervisor.heard("STATUS=dev current"))
    daemon.wait_until(lambda: len(daemon.supervisor.heard("WATCHDOG=1")) > 2)
    assert daemon.supervisor.said[0] == "READY=1\nSTATUS=started"

    started, *others = daemon.events()
    assert (started["event"], started["pid"], started["remote"]) == ("started", daemon.process.pid, str(origin.bare))
    assert [one["event"] for one in others][:3] == ["accepted", "deployed", "delivered"]
    assert all("at" in one for one in others)

    assert daemon.end() == 0
    daemon.supervisor.close()
    assert [said for said in daemon.supervisor.said if said != "WATCHDOG=1"][-1] == "STOPPING=1"
    assert {**daemon.events()[-1], "at": ""} == {"at": "", "event": "stopped", "signal": "SIGTERM"}
    assert daemon.ask("now") == 7, "nobody is there to be asked"


def test_people_suspend_resume_and_ask_for_a_pass(daemon, origin):
    daemon.start()
    daemon.wait_for("delivered")
    origin.push(limits(11))
    daemon.wait_until(lambda: delivered(daemon) == '{"rpm":11}')

    assert daemon.ask("suspend", "dev", "-m", "audit") == 0
    assert daemon.wait_for("suspended")["why"] == "audit"
    origin.push(limits(12))
    daemon.wait_for("accepted", 3)
    assert daemon.ask("now") == 0
    assert delivered(daemon) == '{"rpm":11}'

    assert daemon.ask("resume", "dev") == 0
    daemon.wait_for("resumed")
    daemon.wait_until(lambda: delivered(daemon) == '{"rpm":12}')
    assert daemon.ask("resume", "dev") == 7, "it is not suspended any more"
    assert daemon.end(signal.SIGINT) == 130


def test_new_settings_are_read_and_those_that_cannot_be_used_change_nothing(daemon, origin):
    daemon.start()
    daemon.wait_for("delivered")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for count, (more, where) in enumerate([("poll: [", 0), ("", port)], 1):
            daemon.write(origin.bare, more, where)
            daemon.send(signal.SIGHUP)
            failed = daemon.wait_for("failed", count, step="reload")
            daemon.wait_until(
                lambda count=count: len(daemon.supervisor.heard("READY=1\nSTATUS=settings refused")) == count
            )
            assert daemon.call(FORGES["GitHub"]) == 202, "the old settings hold"
    assert str(port) in failed["message"]
    origin.push(limits(11))
    daemon.wait_until(lambda: delivered(daemon) == '{"rpm":11}')

    daemon.port = free_port()
    daemon.write(origin.bare, "environments: [prod]\n")
    daemon.send(signal.SIGHUP)
    daemon.wait_for("reloaded")
    daemon.wait_until(lambda: daemon.supervisor.heard("READY=1\nSTATUS=reloaded"))
    assert len(daemon.supervisor.heard("RELOADING=1\nMONOTONIC_USEC=")) == 3
    assert daemon.call(FORGES["GitHub"]) == 202
    origin.push(limits(12))
    assert daemon.ask("now") == 0
    assert delivered(daemon) == '{"rpm":11}', "dev is none of its environments any more"
    assert daemon.end() == 0


@pytest.mark.fault("R14")
def test_forges_are_heard_others_are_not_and_a_storm_is_few_passes(daemon, origin):
    daemon.start()
    daemon.wait_for("delivered")
    for forge, headers in FORGES.items():
        before = daemon.status().fetched
        wrong = {
            name: value[:-1] + "x" if SECRET in value or SIGNED in value else value for name, value in headers.items()
        }
        assert (daemon.call(wrong), daemon.call({}), daemon.call(headers)) == (401, 401, 202), forge
        daemon.wait_until(lambda before=before: daemon.status().fetched != before)
    began, passes = time.monotonic(), set()
    while time.monotonic() < began + 2:
        assert daemon.call(FORGES["GitHub"]) == 202
        passes.add(daemon.status().fetched)
    assert len(passes) <= 3 + (time.monotonic() - began), "at most one a second"
    assert daemon.end() == 0


@pytest.mark.fault("C16")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_second_signal_does_not_wait_for_the_pass(daemon, number, code):
    daemon.start("fetch.before=sleep:600000")
    daemon.wait_until(lambda: (daemon.state / "repository.git").is_dir())
    daemon.send(number)
    daemon.wait_until(lambda: daemon.supervisor.heard("STATUS=ending after this pass"))
    began = time.monotonic()
    assert daemon.end(number) == code
    assert time.monotonic() - began < 8, "it did not wait for what would not come"
    assert daemon.events()[-1]["event"] == "stopped"


@pytest.mark.fault("C17")
def test_a_builder_that_hangs_is_replaced(daemon, origin):
    daemon.write(origin.bare, "limits: {seconds: 10}\n")
    daemon.start("fetch.before@2=sleep:600000")
    daemon.wait_for("delivered")
    origin.push(limits(11))
    failed = daemon.wait_for("failed", code="pass-timeout")
    assert failed["kind"] == "retry"
    assert "took longer than 10 s, at fetch" in failed["message"]
    daemon.wait_until(lambda: delivered(daemon) == '{"rpm":11}')
    daemon.wait_for("recovered", code="pass-timeout")


@pytest.mark.fault("C17")
def test_a_builder_that_is_killed_while_it_has_nothing_to_do_is_replaced(daemon, origin):
    daemon.start()
    daemon.wait_for("delivered")
    assert daemon.ask("now") == 0
    (builder,) = daemon.children()
    os.kill(builder, signal.SIGKILL)
    origin.push(limits(11))
    daemon.wait_until(lambda: delivered(daemon) == '{"rpm":11}')
    assert "builder-died" in {one["code"] for one in daemon.events("failed")}
    assert daemon.end() == 0


def test_a_supervisor_that_does_not_read_holds_nobody_up(daemon, origin, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf:
        deaf.bind(str(tmp_path / "deaf"))
        daemon.start(NOTIFY_SOCKET=str(tmp_path / "deaf"), WATCHDOG_USEC="20000")
        daemon.wait_for("delivered")
        origin.push(limits(11))
        daemon.wait_until(lambda: delivered(daemon) == '{"rpm":11}')
        assert daemon.end() == 0
        assert deaf.recv(4096).startswith(b"READY=1")


@pytest.mark.parametrize(
    ("variables", "interval"),
    [({}, 0), ({"WATCHDOG_USEC": "30000000"}, 15), ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"}, 15),
     ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"}, 0), ({"WATCHDOG_USEC": "soon"}, 0)],
)  # fmt: skip
def test_signs_of_life_are_given_where_they_are_wanted_of_this_process(variables, interval):
    assert notifier_of(variables, 7).interval == interval


def test_on_a_terminal_events_are_words(tmp_path, origin):
    arguments = ["sync", "--remote", str(origin.bare), "--state", str(tmp_path / "state")]
    terminal = Terminal(arguments, tmp_path, {"HOME": str(tmp_path)})
    terminal.wait_for("delivered")
    terminal.interrupt()
    ended = terminal.end()
    assert ended.exit_code == 130
    assert '{"at"' not in ended.shown
    assert "dev" in ended.shown


def test_one_pass_on_a_terminal_shows_how_far_it_is(tmp_path, origin):
    arguments = ["sync", "--once", "--remote", str(origin.bare), "--state", str(tmp_path / "state"), "-e", "dev"]
    terminal = Terminal(
        arguments,
        tmp_path,
        {"HOME": str(tmp_path), "LLMCFG_FAILPOINTS": "fetch.before=sleep:1500;build.before=sleep:1500"},
    )
    terminal.wait_for(" fetch")
    terminal.wait_for(" dev build")
    assert terminal.end().exit_code == 0

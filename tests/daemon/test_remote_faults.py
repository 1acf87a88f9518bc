"""A remote that is away, slow, broken, hostile or elsewhere: what runs stays, the failure is typed, the next good answer is followed."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from llmcfg.daemon.upstream import PRIVATE
from llmcfg.git.complaints import error_of
from llmcfg.model.failure import FailureKind
from llmcfg.model.remoteurl import parse_remote_url
from llmcfg.model.settings import Budget
from llmcfg.running import Ran, run
from support.remotes import of
from support.servers import free_port, git_over_http, relay, serving, silent_port

from .following import (
    SECRET,
    assert_it_goes_on,
    assert_only_fetching_failed,
    leftovers,
    noise,
    point_at,
    with_budget,
)


@pytest.fixture
def address(tmp_path):
    """Git over HTTP for what lies in the test's folder."""
    with git_over_http(tmp_path) as (address, _):
        yield address


# over HTTP, with and without credentials


def test_a_remote_by_http_is_fetched_from_and_pushed_to(origin, machine, address):
    point_at(machine, f"{address}/remote.git")
    machine.look()
    origin.push({"base/limits.yaml": "rpm: 11\n"})
    machine.look()

    assert machine.delivered() == {"limits": b'{"rpm":11}\n'}
    assert origin.run("rev-list", "--count", "deployed/dev") == "2"


@pytest.mark.fault("A22")
@pytest.mark.parametrize("form", ["token", "pair", "command"])
def test_credentials_reach_the_remote_and_nothing_else(tmp_path, origin, machine, form):
    file = tmp_path / "credentials"
    user = "x-access-token" if form == "token" else "ada"
    file.write_text(f"{SECRET}\n" if form == "token" else f"username=ada\npassword={SECRET}\n")
    given = {"credentials_command": ("/bin/cat", str(file))} if form == "command" else {"credentials_file": file}
    watcher = Watcher()
    with git_over_http(tmp_path, f"{user}:{SECRET}") as (address, seen), watcher:
        point_at(machine, f"{address}/remote.git", **given)
        found = machine.look()

    assert found.failure is None
    assert machine.delivered() == {"limits": b'{"rpm":10}\n'}
    assert any(seen)
    assert watcher.seen > 3
    assert not [where for where in watcher.found if SECRET in where]
    for path in machine.state.root.rglob("*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes()


class Watcher:
    """Reads arguments and variables of every process below this one, all the time."""

    def __init__(self):
        self.found, self.seen, self._done = [], 0, threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self):
        self._thread.start()

    def __exit__(self, *_):
        self._done.set()
        self._thread.join()

    def _look(self):
        while not self._done.is_set():
            for process in Path("/proc").glob("[0-9]*"):
                try:
                    if int(process.name) == os.getpid():
                        continue
                    said = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
                except (OSError, ValueError):
                    continue
                if b"ls-remote" in said or b"git-remote-http" in said or b"no-write-fetch-head" in said:
                    self.seen += 1
                    self.found.append(said.decode("utf-8", "replace"))
            time.sleep(0.001)


@pytest.mark.parametrize("content", ["", "\n\n", "username=ada\n", "two\nlines\n"])
def test_credentials_that_are_none_are_told_without_their_content(tmp_path, deployed, address, content):
    (tmp_path / "credentials").write_text(content)
    point_at(deployed, f"{address}/remote.git", credentials_file=tmp_path / "credentials")
    found = deployed.look()

    assert_only_fetching_failed(deployed, found, "not-authorised", FailureKind.STALLED)
    assert "two" not in found.failure.message


@pytest.mark.fault("R11")
@pytest.mark.parametrize("given", ["none", "wrong"])
def test_a_remote_that_asks_for_a_password_is_not_answered_by_a_prompt(tmp_path, origin, deployed, given):
    (tmp_path / "wrong").write_text("wrong\n")
    with git_over_http(tmp_path, "ada:right") as (address, _):
        point_at(deployed, f"{address}/remote.git", credentials_file=tmp_path / "wrong" if given == "wrong" else None)
        found = deployed.look()

    assert_only_fetching_failed(deployed, found, "remote-refused", FailureKind.STALLED)
    assert "wrong" not in found.failure.message
    assert_it_goes_on(deployed, origin)


@pytest.mark.parametrize("program", ["/bin/false", "/nonexistent/program"])
def test_a_program_for_credentials_that_fails_is_named(deployed, address, program):
    point_at(deployed, f"{address}/remote.git", credentials_command=(program,))
    found = deployed.look()

    assert_only_fetching_failed(deployed, found, "not-authorised", FailureKind.STALLED)
    assert program in found.failure.message


# R07: away, refusing, hanging


@pytest.mark.fault("R07")
def test_a_remote_that_is_away_is_tried_again(origin, deployed):
    point_at(deployed, f"http://127.0.0.1:{free_port()}/remote.git")
    assert_only_fetching_failed(deployed, deployed.look(), "remote-unreachable")
    assert_it_goes_on(deployed, origin)


def test_a_folder_that_is_no_repository_is_tried_again(tmp_path, origin, deployed):
    point_at(deployed, str(tmp_path / "nothing"))
    assert_only_fetching_failed(deployed, deployed.look(), "remote-missing")
    assert_it_goes_on(deployed, origin)


@pytest.mark.fault("R07")
def test_a_remote_that_hangs_is_cut_off_at_the_deadline(origin, deployed):
    with silent_port() as port:
        point_at(deployed, f"http://127.0.0.1:{port}/remote.git")
        with_budget(deployed, seconds=1)
        assert_only_fetching_failed(deployed, deployed.look(), "remote-timeout")
    assert_it_goes_on(deployed, origin)


def through_relay(deployed, address, change, most=1 << 16):
    host, port = address.removeprefix("http://").split(":")
    return relay((host, int(port)), change, most)


@pytest.mark.fault("R07")
def test_a_remote_that_hangs_in_the_middle_of_a_pack_is_cut_off(origin, deployed, address):
    noise(origin, 4)
    stop = threading.Event()

    def hang(chunk, before):
        if before > 20_000:
            stop.wait(10)
        return chunk

    with through_relay(deployed, address, hang) as port:
        point_at(deployed, f"http://127.0.0.1:{port}/remote.git")
        with_budget(deployed, seconds=2)
        assert_only_fetching_failed(deployed, deployed.look(), "remote-timeout")
        stop.set()
    assert_it_goes_on(deployed, origin)


@pytest.mark.fault("N02", "N03")
@pytest.mark.parametrize("bytes_a_second", [200_000, 2_000_000], ids=["slow", "with losses"])
def test_a_link_that_is_slow_or_loses_packets_brings_everything_all_the_same(origin, deployed, address, bytes_a_second):
    """Over TCP a lost packet is a stream that stalls and goes on in other pieces."""
    noise(origin, 1)
    stalls = iter([0.3, 0.0, 0.6] if bytes_a_second > 1_000_000 else [])

    def trickle(chunk, before):
        time.sleep(next(stalls, len(chunk) / bytes_a_second))
        return chunk

    with through_relay(deployed, address, trickle, most=1_460 * 7) as port:
        point_at(deployed, f"http://127.0.0.1:{port}/remote.git")
        found = deployed.look()
    assert found.failure is None
    assert deployed.delivered() == {"limits": b'{"rpm":11}\n'}


# R08: cut, flipped, endless


@pytest.mark.fault("R08")
@pytest.mark.parametrize("after", [100, 3_000, 200_000])
def test_a_pack_that_breaks_off_changes_nothing(origin, deployed, address, after):
    noise(origin, 1)
    with through_relay(deployed, address, lambda chunk, before: None if before > after else chunk) as port:
        point_at(deployed, f"http://127.0.0.1:{port}/remote.git")
        found = deployed.look()
    assert found.failure.kind is FailureKind.RETRY
    assert deployed.delivered() == {"limits": b'{"rpm":10}\n'}
    assert leftovers(deployed) == []
    assert_it_goes_on(deployed, origin)


@pytest.mark.fault("R08")
def test_a_pack_that_was_changed_on_the_way_changes_nothing(origin, deployed, address):
    noise(origin, 1)

    def flip(chunk, before):
        return chunk[:-1] + bytes([chunk[-1] ^ 1]) if 100_000 < before < 400_000 else chunk

    with through_relay(deployed, address, flip) as port:
        point_at(deployed, f"http://127.0.0.1:{port}/remote.git")
        found = deployed.look()
    assert found.failure.code in ("remote-cut", "remote-lies", "remote-unreachable")
    assert_only_fetching_failed(deployed, found, found.failure.code)
    assert_it_goes_on(deployed, origin)


@pytest.mark.fault("R08")
def test_a_pack_that_is_too_large_is_stopped_while_it_comes(origin, deployed):
    noise(origin, 12)
    with_budget(deployed, bytes=1 << 20)
    found = deployed.look()

    assert_only_fetching_failed(deployed, found, "remote-too-large")
    packs = sum(path.stat().st_size for path in (deployed.state.root / PRIVATE / "objects/pack").iterdir())
    assert packs < 8 << 20
    assert_it_goes_on(deployed, origin)


@pytest.mark.fault("R08")
def test_a_remote_that_talks_without_end_is_cut_off(origin, deployed):
    class Endless(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "application/x-git-upload-pack-advertisement")
            self.end_headers()
            self.wfile.write(b"001e# service=git-upload-pack\n0000")
            while True:
                self.wfile.write(b"003d" + b"a" * 40 + b" refs/heads/x0000001\n" * 1000)

        def log_message(self, *_):
            pass

    with serving(Endless) as address:
        point_at(deployed, f"{address}/remote.git")
        with_budget(deployed, seconds=3)
        found = deployed.look()
    assert found.failure.kind is FailureKind.RETRY
    assert deployed.delivered() == {"limits": b'{"rpm":10}\n'}
    assert_it_goes_on(deployed, origin)


# R09: lies


@pytest.mark.fault("R09")
def test_a_remote_that_announces_what_it_does_not_have_is_asked_again(origin, deployed):
    tip = origin.at("main")
    (origin.bare / "objects" / tip[:2] / tip[2:]).unlink()
    shutil.copytree(origin.written.path / ".git/objects", origin.bare / "spare", dirs_exist_ok=True)
    found = deployed.look()

    assert found.failure.kind is FailureKind.RETRY
    assert deployed.delivered() == {"limits": b'{"rpm":10}\n'}
    shutil.copytree(origin.bare / "spare", origin.bare / "objects", dirs_exist_ok=True)
    assert_it_goes_on(deployed, origin)


def test_objects_that_git_would_not_write_are_refused(origin, deployed):
    blob = origin.at("main:base/limits.yaml")
    entries = f"100644 blob {blob}\t..\n040000 tree {origin.at('main:base')}\tbase\n"
    tree = origin.git("mktree", stdin=entries)
    commit = origin.git("commit-tree", tree, "-p", "main", "-m", "hostile")
    origin.git("-c", "transfer.fsckObjects=false", "push", "-q", "origin", f"{commit}:refs/heads/main")
    found = deployed.look()

    assert_only_fetching_failed(deployed, found, "remote-damaged", FailureKind.STALLED)
    origin.run("update-ref", "refs/heads/main", f"{commit}^")
    assert_it_goes_on(deployed, origin)


# R11, R13: elsewhere


@pytest.mark.fault("R11")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("to", ["other host", "file:///etc", "same host"])
def test_redirects_are_not_followed_and_credentials_stay(tmp_path, origin, deployed, status, to):
    (tmp_path / "token").write_text(f"{SECRET}\n")
    elsewhere: list[str] = []

    class Elsewhere(BaseHTTPRequestHandler):
        def do_GET(self):
            elsewhere.append(self.headers.get("Authorization", ""))
            self.send_response(404)
            self.end_headers()

        def log_message(self, *_):
            pass

    with serving(Elsewhere) as other:
        target = {"other host": f"{other}/remote.git", "same host": "/elsewhere.git"}.get(to, to)

        class Redirect(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(status)
                self.send_header("Location", target)
                self.end_headers()

            def log_message(self, *_):
                pass

        with serving(Redirect) as address:
            point_at(deployed, f"{address}/remote.git", credentials_file=tmp_path / "token")
            found = deployed.look()
    assert_only_fetching_failed(deployed, found, "remote-redirect", FailureKind.STALLED)
    assert elsewhere == []
    assert_it_goes_on(deployed, origin)


@pytest.mark.fault("R11")
def test_proxies_of_the_environment_are_not_asked(origin, machine, address, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    point_at(machine, f"{address}/remote.git")
    machine.look()
    assert machine.delivered() == {"limits": b'{"rpm":10}\n'}


# R12: SSH is given what makes it strict; the server's side is a program that says how it was called


@pytest.mark.fault("R12")
def test_ssh_is_strict_and_asks_nobody(tmp_path, origin, make_machine, monkeypatch):
    said = tmp_path / "said"
    ssh = tmp_path / "bin/ssh"
    ssh.parent.mkdir()
    ssh.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$@" >> {said}\nenv >> {said}\n'
        "while [ $# -gt 1 ]; do shift; done\n"  # the last argument is the command for the other side
        f'exec sh -c "$(echo "$1" | sed "s#/config.git#{origin.bare}#")"\n'
    )
    ssh.chmod(0o755)
    (tmp_path / "known_hosts").write_text("")
    machine = make_machine("other", remote="ssh://git@git.example.com:2222/config.git")
    point_at(
        machine,
        "ssh://git@git.example.com:2222/config.git",
        ssh_key=tmp_path / "my key",
        known_hosts=tmp_path / "known_hosts",
    )
    monkeypatch.setattr("support.remotes.SURROUNDINGS", machine_surroundings(f"{ssh.parent}:{os.environ['PATH']}"))
    found = machine.look()

    assert found.failure is None, found.failure
    assert machine.delivered() == {"limits": b'{"rpm":10}\n'}
    lines = said.read_text().splitlines()
    for wanted in ("BatchMode=yes", "StrictHostKeyChecking=yes", f"UserKnownHostsFile={tmp_path}/known_hosts",
                   "GlobalKnownHostsFile=/dev/null", "IdentitiesOnly=yes", f"{tmp_path}/my key", "/dev/null"):  # fmt: skip
        assert wanted in lines
    assert not [line for line in lines if line.startswith(("SSH_AUTH_SOCK=", "HOME=/root", "GIT_CONFIG_COUNT"))]


def machine_surroundings(path):
    from llmcfg.wiring import Surroundings

    return Surroundings(path)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("Host key verification failed.\nfatal: Could not read from remote repository.", "remote-host-key"),
        ("@@@ REMOTE HOST IDENTIFICATION HAS CHANGED!\nHost key for h has changed", "remote-host-key"),
        ("git@h: Permission denied (publickey).", "remote-refused"),
        ("fatal: unable to access 'https://h/': Could not resolve host: h", "remote-unreachable"),
        ("ssh: connect to host h port 22: Connection refused", "remote-unreachable"),
        ("fatal: detected dubious ownership in repository at '/srv/x'", "remote-refused"),
        (
            "error: 5 bytes of body are still expected\nfetch-pack: unexpected disconnect while reading sideband packet",
            "remote-cut",
        ),
        *(
            (f"error: {number} bytes of body are still expected\nfatal: early EOF", "remote-cut")
            for number in (302, 3044, 4031, 404)
        ),
        ("fatal: unable to access 'https://h/': The requested URL returned error: 302", "remote-redirect"),
        ("error: RPC failed; HTTP 403 curl 22 The requested URL returned error: 403", "remote-refused"),
        ("fatal: unable to access 'https://h/': The requested URL returned error: 404", "remote-missing"),
        ("fatal: write error: No space left on device", "storage"),
        ("", "remote-unreachable"),
    ],
)
def test_what_git_and_ssh_say_is_understood(said, code):
    error = error_of(Ran(128, b"", said.encode()), parse_remote_url("git@h:x"), Budget())
    assert error.code == code


def test_what_a_remote_says_is_shown_as_text():
    error = error_of(
        Ran(128, b"", b"remote: \x1b[31mred\x1b[0m\x07\nfatal: no \xff\xfe"), parse_remote_url("git@h:x"), Budget()
    )
    assert error.message.isprintable()


# what starts programs


def test_a_program_is_killed_with_everything_that_it_started(tmp_path):
    script = f"sleep 60 & echo $! > {tmp_path}/pid; sleep 60"
    ran = run(["/bin/sh", "-c", script], environment={}, seconds=0.5)
    assert ran.stopped == "time"
    pid = int((tmp_path / "pid").read_text())
    for _ in range(200):
        if not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().split()[2]:
            break
        time.sleep(0.01)
    else:
        pytest.fail("it lives on")


def test_a_program_that_says_too_much_is_stopped():
    ran = run(["/usr/bin/yes"], environment={}, seconds=30, most_output=100_000)
    assert ran.stopped == "output"


def test_a_program_that_closes_its_output_and_goes_on_is_stopped():
    ran = run(["/bin/sh", "-c", "exec >&- 2>&-; sleep 60"], environment={}, seconds=0.5)
    assert ran.stopped == "time"


def test_a_program_gets_the_variables_that_it_is_given_and_no_others(monkeypatch):
    monkeypatch.setenv("LEAK", "x")
    ran = run(["/usr/bin/env"], environment={"A": "1"}, seconds=30)
    assert (ran.code, ran.out) == (0, b"A=1\n")


def test_git_that_is_not_there_is_named(deployed, monkeypatch, tmp_path):
    monkeypatch.setattr("support.remotes.SURROUNDINGS", machine_surroundings(str(tmp_path)))
    found = deployed.look()
    assert "no git program" in found.failure.message
    assert of(found, "dev").failure is None
    assert subprocess.run(["git", "--version"], capture_output=True, check=False).returncode == 0

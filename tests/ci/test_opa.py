"""A rule of a remote OPA is asked about a change: a stub of its data API, and the server itself where it is on the PATH."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from llmcfg.ci.opa import Opa
from llmcfg.errors import RemoteError, UsageError
from support.written import MANIFEST, WrittenRepository

from .test_command import llmcfg

TOKEN = "tok-canary"
POLICY = """\
package llmcfg

deny contains result if {
  input.environment.name == "prod"
  some key in input.change.keys
  key.after > 15
  result := {"message": sprintf("%s is %v", [key.key, key.after]), "key": key.path, "hint": "ask the platform team"}
}
"""
OPA = shutil.which("opa") or ""


@contextmanager
def server(status=200, said=b'{"result": []}', headers=()):
    """A stub that answers everything alike, and keeps what it was asked."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            asked.append((self.path, self.headers.get("Authorization"), json.loads(body)["input"]))
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format, *args):
            pass

    serving = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=serving.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{serving.server_address[1]}/v1/data/llmcfg/deny", asked
    finally:
        serving.shutdown()
        serving.server_close()


@pytest.fixture
def repository(tmp_path):
    made = WrittenRepository(tmp_path / "made", {"llmcfg.yaml": MANIFEST, "base/limits.yaml": "rpm: 10\n"})
    made.git("checkout", "-q", "-b", "topic")
    made.commit({"base/limits.yaml": "rpm: 20\n"})
    return made


def findings(done):
    return [(one["rule"], one["message"]) for one in json.loads(done.stdout)["findings"]["new"]]


def test_each_scope_of_the_change_is_asked_about_with_the_change_and_the_token(repository, tmp_path) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    with server() as (address, asked):
        done = llmcfg(
            repository.path, "ci", "--opa", address, "--opa-token-file", tmp_path / "token", "--author", "ada"
        )
    assert done.returncode == 0, done.stdout
    assert TOKEN not in done.stdout + done.stderr
    assert [input_["environment"]["name"] for _, _, input_ in asked] == ["dev", "prod"]
    path, token, input_ = asked[0]
    assert (path, token) == ("/v1/data/llmcfg/deny", f"Bearer {TOKEN}")
    assert input_["config"]["limits"] == {"rpm": 20}
    assert input_["change"]["author"] == "ada"
    assert [(key["key"], key["before"], key["after"]) for key in input_["change"]["keys"]] == [("limits.rpm", 10, 20)]


def test_what_it_refuses_is_a_finding_at_the_key(repository) -> None:
    said = json.dumps({"result": [{"message": "too much", "key": ["limits", "rpm"]}, "no key"]}).encode()
    with server(said=said) as (address, _):
        done = llmcfg(repository.path, "ci", "-o", "json", "--opa", address)
    assert done.returncode == 4
    assert findings(done) == [("policy/opa", "too much"), ("policy/opa", "no key")]
    new = json.loads(done.stdout)["findings"]["new"]
    assert new[0]["file"] == "base/limits.yaml"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"said": b"{}"}, "is undefined"),
        ({"said": b"[1"}, "no JSON"),
        ({"said": b'{"result": []}', "status": 500}, "answers with 500"),
        ({"said": b"", "status": 302, "headers": [("Location", "http://127.0.0.1:1/")]}, "answers with 302"),
        ({"said": b" " * (1 << 20) + b'{"result": []}'}, "more than 1 MiB"),
    ],
)
def test_what_is_no_answer_holds_the_change_up_and_nobody_is_asked_again(repository, answer, why) -> None:
    with server(**answer) as (address, asked):
        done = llmcfg(repository.path, "ci", "-o", "json", "--opa", address)
    assert done.returncode == 4
    [(rule, message)] = findings(done)
    assert rule == "policy-failed"
    assert why in message
    assert len(asked) == 1


def test_a_rule_that_gives_no_set_holds_the_change_up(repository) -> None:
    with server(said=b'{"result": true}') as (address, _):
        done = llmcfg(repository.path, "ci", "-o", "json", "--opa", address)
    assert findings(done) == [("policy/opa", "it gives true and not a set")]


def test_a_server_that_is_not_there_holds_the_change_up(repository) -> None:
    done = llmcfg(repository.path, "ci", "-o", "json", "--opa", "http://127.0.0.1:9/v1/data/llmcfg/deny")
    assert done.returncode == 4
    assert "does not answer" in findings(done)[0][1]


def test_a_change_without_effect_asks_nobody(repository) -> None:
    repository.git("checkout", "-q", "-B", "words", "main")
    repository.commit({"README.md": "words\n"})
    with server() as (address, asked):
        assert llmcfg(repository.path, "ci", "--opa", address).returncode == 0
    assert asked == []


@pytest.mark.parametrize(
    "address",
    [
        "http://opa.example.com/v1/data/llmcfg/deny",
        "https://user:word@opa.example.com/v1/data/llmcfg/deny",
        "https://opa.example.com/",
        "https://opa.example.com/v1/data/x?explain=full",
        "file:///v1/data/x",
        "https://opa.example.com:many/v1/data/x",
        "https://[/v1/data/x",
    ],
)
def test_an_address_that_a_token_must_not_go_to_is_refused(address) -> None:
    with pytest.raises(UsageError, match=r"no address|no rule"):
        Opa(address, TOKEN)


def test_a_token_without_a_server_is_a_slip(repository, tmp_path) -> None:
    assert llmcfg(repository.path, "ci", "--opa-token-file", tmp_path / "token").returncode == 2
    done = llmcfg(repository.path, "ci", "--opa", "https://x/v1/data/y", "--opa-token-file", tmp_path / "none")
    assert done.returncode == 2


def test_a_program_gives_the_token_and_gets_no_shell(repository, tmp_path) -> None:
    program = tmp_path / "give token"
    program.write_text(f'#!/bin/sh\n[ "$1" = "a;b" ] && echo {TOKEN}\n')
    program.chmod(0o700)
    with server() as (address, asked):
        done = llmcfg(repository.path, "ci", "--opa", address, "--opa-token-command", f"'{program}' 'a;b'")
    assert done.returncode == 0, done.stderr
    assert {token for _, token, _ in asked} == {f"Bearer {TOKEN}"}
    assert TOKEN not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("command", "code", "says"),
    [
        ("sh -c 'echo tok-canary; exit 3'", 5, "ended with 3"),
        ("printf 'tok-\ncanary'", 5, "prints no token on a line of its own"),
        ("true", 5, "prints no token"),
        ("no-such-program", 5, "cannot be started"),
        ("'unclosed", 2, "cannot be read"),
        (" ", 2, "is empty"),
    ],
)
def test_a_program_that_gives_no_token_is_refused_without_its_words(repository, command, code, says) -> None:
    done = llmcfg(repository.path, "ci", "--opa", "http://127.0.0.1:9/v1/data/x/deny", "--opa-token-command", command)
    assert (done.returncode, says in done.stderr) == (code, True)
    assert TOKEN not in done.stderr


def test_no_program_is_asked_for_a_token_that_must_not_be_sent(repository, tmp_path) -> None:
    touch = f"touch {tmp_path / 'asked'}"
    done = llmcfg(repository.path, "ci", "--opa", "http://opa.example.com/v1/data/x", "--opa-token-command", touch)
    assert done.returncode == 2
    assert llmcfg(repository.path, "ci", "--opa-token-command", touch).returncode == 2
    assert not (tmp_path / "asked").exists()


def test_the_token_is_in_no_message(tmp_path) -> None:
    with pytest.raises(RemoteError) as raised:
        Opa("http://127.0.0.1:9/v1/data/x/deny", TOKEN).ask("{}")
    assert TOKEN not in str(raised.value) + repr(Opa("https://x/v1/data/y", TOKEN))


@pytest.mark.peer
@pytest.mark.skipif(not OPA, reason="opa is not on the PATH")
def test_the_server_itself_answers(repository, tmp_path) -> None:
    (tmp_path / "policy.rego").write_text(POLICY)
    port = free_port()
    command = [OPA, "run", "--server", "--disable-telemetry", "--addr", f"127.0.0.1:{port}"]
    with subprocess.Popen(
        [*command, str(tmp_path / "policy.rego")], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    ) as process:
        try:
            wait_for(port, process)
            address = f"http://127.0.0.1:{port}"
            done = llmcfg(repository.path, "ci", "-o", "json", "--opa", f"{address}/v1/data/llmcfg/deny")
            missing = llmcfg(repository.path, "ci", "-o", "json", "--opa", f"{address}/v1/data/llmcfg/denny")
        finally:
            process.kill()
    assert findings(done) == [("policy/opa", "limits.rpm is 20")]
    assert "is undefined" in findings(missing)[0][1]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, process):
    for _ in range(600):
        assert process.poll() is None
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("opa does not listen")

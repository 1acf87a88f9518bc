"""`llmcfg run`: a child that gets what its bundle says, hears of changes, and is supervised as supervisors expect."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from llmcfg.secrets.age import generate_identity
from support.delivered import Delivered

LOOP = "trap 'echo bye; exit 3' TERM; echo start $N; while :; do sleep 0.05; done"
DEAF = "trap '' TERM; echo start $N; while :; do sleep 0.05; done"
HUP = "trap 'echo told; cat files/f' HUP; trap 'exit 4' TERM; echo start $N; while :; do sleep 0.05; done"


def documents(number):
    return {"app": {"n": number}, "other": {"x": 1}}


@pytest.fixture
def delivered(tmp_path):
    made = Delivered(tmp_path / "sink")
    made.put(documents(1), files={"f": b"one\n"})
    return made


@pytest.fixture
def start(delivered, tmp_path):
    """Starts `llmcfg run`; what still runs at the end is ended by its own id."""
    started = []

    def starter(*options, script=LOOP):
        command = [sys.executable, "-m", "llmcfg_cli", "run", "--dir", str(delivered.root), "-t", "acme", "-c", "api"]
        ran = subprocess.Popen(
            [*command, "--var", "N=app.n", *options, "--", "sh", "-c", script],
            cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        started.append(ran)
        return ran

    yield starter
    for ran in started:
        if ran.poll() is None:
            ran.terminate()
        try:
            ran.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            ran.kill()
            ran.communicate()


def ends(ran, timeout=60):
    out, error = ran.communicate(timeout=timeout)
    return ran.returncode, out, error


def test_the_exit_code_and_output_are_those_of_the_program(start):
    assert ends(start(script="echo $N; exit 7"))[:2] == (7, "1\n")


def test_secrets_that_are_named_are_given_and_follow_their_values(start, delivered, tmp_path, monkeypatch):
    reader = generate_identity()
    (tmp_path / "key.txt").write_text(reader.reveal())
    monkeypatch.setenv("LLMCFG_AGE_KEY", reader.reveal())
    delivered.put_sealed(documents(1), {"k": "canary-one", "p": b"\x00"}, reader=reader)
    script = 'echo "$KEY $LLMCFG_AGE_KEY."; ls -l files/p | cut -c1-10; case $KEY in *two) exit 5;; esac; while :; do sleep 0.05; done'
    ran = start(
        "-i", "key.txt", "--secret", "KEY=k", "--secret-file", "p=p", "--files", "files", "--stop-timeout", "0.1",
        script=script,
    )  # fmt: skip
    assert [ran.stdout.readline(), ran.stdout.readline()] == ["canary-one .\n", "-rw-------\n"]

    delivered.put_sealed(documents(1), {"k": "canary-two", "p": b"\x00"}, reader=reader)

    code, out, error = ends(ran)
    assert (code, out.splitlines()[0]) == (5, "canary-two .")
    assert "canary" not in error


def test_a_secret_that_is_named_needs_a_key(start, delivered):
    delivered.put_sealed(documents(1), {"k": "canary"}, reader=generate_identity())

    code, _, error = ends(start("--secret", "KEY=k"))

    assert code == 5
    assert "cannot be opened without a private key" in error


def test_a_secret_for_a_file_needs_a_folder(start):
    code, _, error = ends(start("--secret-file", "p=k"))

    assert code == 2
    assert "--files DIR" in error


def test_a_program_that_a_signal_ended_ends_with_128_and_its_number(start):
    assert ends(start(script="kill -9 $$"))[0] == 128 + signal.SIGKILL


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 3), (signal.SIGINT, 130)])
def test_a_signal_is_passed_on_and_the_program_decides(start, number, code):
    ran = start(script=LOOP.replace("trap", "trap 'exit 130' INT; trap", 1))
    assert ran.stdout.readline() == "start 1\n"
    ran.send_signal(number)

    assert ends(ran)[0] == code


def test_a_signal_that_comes_while_the_program_is_being_started_is_passed_on_as_it_is(start):
    eager = "trap 'exit 130' INT; trap 'exit 3' TERM; kill -INT $PPID; while :; do sleep 0.05; done"
    assert [ends(start(script=eager))[0] for _ in range(5)] == [130] * 5


def test_a_changed_value_starts_the_program_anew(start, delivered):
    ran = start()
    assert ran.stdout.readline() == "start 1\n"
    delivered.put(documents(2), files={"f": b"one\n"})
    assert [ran.stdout.readline() for _ in range(2)] == ["bye\n", "start 2\n"]
    ran.terminate()

    code, _, error = ends(ran)
    assert code == 3
    assert "starting the program anew" in error


def test_what_the_program_was_not_given_does_not_disturb_it(start, delivered):
    ran = start()
    assert ran.stdout.readline() == "start 1\n"
    delivered.put({**documents(1), "other": {"x": 2}}, files={"f": b"two\n"})
    instance = f"{os.uname().nodename}-{ran.pid}"
    deadline = time.monotonic() + 60
    while delivered.acks().get(instance, b"").find(head_root(delivered)) < 0:
        assert time.monotonic() < deadline, "it was never used"
        time.sleep(0.02)
    ran.terminate()

    assert ends(ran)[:2] == (3, "bye\n")


def head_root(delivered):
    return (delivered.root / "current/head.json").read_bytes().partition(b'"root":"')[2].partition(b'"')[0]


def test_a_signal_tells_the_program_once_its_files_are_written(start, delivered, tmp_path):
    ran = start("--files", "files", "--on-change", "HUP", script=HUP)
    assert ran.stdout.readline() == "start 1\n"
    assert (tmp_path / "files" / "f").read_bytes() == b"one\n"
    assert (tmp_path / "files" / "f").stat().st_mode & 0o777 == 0o600
    delivered.put(documents(1), files={"f": b"two\n"})
    assert [ran.stdout.readline() for _ in range(2)] == ["told\n", "two\n"]
    ran.terminate()

    assert ends(ran)[0] == 4


def test_a_file_that_is_gone_from_the_bundle_is_removed(start, delivered, tmp_path):
    ran = start("--files", "files", "--on-change", "HUP", script=HUP.replace("; cat files/f", ""))
    assert ran.stdout.readline() == "start 1\n"
    delivered.put(documents(1), files={"g": b"new\n"})
    assert ran.stdout.readline() == "told\n"

    assert sorted(path.name for path in (tmp_path / "files").iterdir()) == ["g"]


def test_a_program_that_does_not_end_is_killed_and_replaced(start, delivered):
    ran = start("--stop-timeout", "0.1", script=DEAF)
    assert ran.stdout.readline() == "start 1\n"
    delivered.put(documents(2))
    assert ran.stdout.readline() == "start 2\n"
    ran.terminate()

    code, _, error = ends(ran)
    assert code == 128 + signal.SIGKILL
    assert "did not end within 0.1 s" in error


def test_a_change_that_cannot_be_given_leaves_the_program_as_it_is(start, delivered):
    ran = start()
    assert ran.stdout.readline() == "start 1\n"
    delivered.put({"other": {"x": 1}})
    assert "keeps what it has" in ran.stderr.readline()
    ran.terminate()

    assert ends(ran)[:2] == (3, "bye\n")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--var", "A=app.none", "--", "true"], 7, "has no key app.none"),
        (["--var", "bad", "--", "true"], 2, "gives no variable"),
        (["--", "no-such-program-anywhere"], 7, "there is no program"),
        (["--", "/"], 2, "cannot be run"),
        (["--dir", "missing", "--", "true"], 7, "nothing was delivered"),
    ],
)
def test_what_cannot_be_run_says_why(delivered, tmp_path, arguments, code, said):
    command = [sys.executable, "-m", "llmcfg_cli", "run", "-t", "acme", "-c", "api", "--dir", str(delivered.root)]
    ran = subprocess.run([*command, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    assert (ran.returncode, said in ran.stderr) == (code, True), ran.stderr

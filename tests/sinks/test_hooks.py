"""Hooks: programs by their arguments alone, signals to what runs, probes until it is well; and nothing of it for who did not change."""

from __future__ import annotations

import subprocess
import sys

import pytest

from llmcfg.errors import RefusedError
from llmcfg.model.settings import HookSpec, ProbeSpec, SignalSpec
from llmcfg.model.target import Target
from llmcfg.pipeline.bundle import make_bundle, make_part
from llmcfg.sinks.directory import DirectorySink
from llmcfg.sinks.hooks import ConsumerHooks
from support.servers import Consumer, free_port

API, BOT = "_shared/api", "_shared/bot"


def files(number, bot=0):
    head = {"head.json": b'{"revision": null, "number": %d}' % number}
    return {**head, **bundle("api", {"files/config.yaml": f"n: {number}\n"}), **bundle("bot", {"files/x": f"{bot}"})}


def bundle(consumer, parts):
    made = make_bundle(
        Target("prod", None, consumer), {path: make_part(text.encode()) for path, text in parts.items()}, {}, ()
    )
    return {f"_shared/{consumer}/{path}": content for path, content in made.files().items()}


@pytest.fixture
def deliver(tmp_path):
    def deliver(number, bot=0, **hook):
        hooks = {API: HookSpec("api", **hook), BOT: HookSpec("bot", **hook)}
        sink = DirectorySink(tmp_path / "delivered", 3, ConsumerHooks(hooks, {"PATH": "/usr/bin:/bin"}))
        sink.deliver(f"root{number}-{bot}", files(number, bot))

    return deliver


def current(tmp_path):
    return (tmp_path / "delivered/current" / API / "files/config.yaml").read_text()


def test_a_program_is_given_the_staged_bundle_before_it_is_current(deliver, tmp_path):
    script = f'ls "$1/files" >> {tmp_path}/seen; readlink {tmp_path}/delivered/current >> {tmp_path}/seen; exit 0'
    deliver(1, validate=("/bin/sh", "-c", script, "x", "{bundle}"))
    assert (tmp_path / "seen").read_text() == "config.yaml\nx\n"


def test_only_consumers_whose_bundle_changed_are_asked(deliver, tmp_path):
    hook = {"validate": ("/bin/sh", "-c", f'echo "$1" >> {tmp_path}/seen', "x", "{bundle}")}
    deliver(1, **hook)
    (tmp_path / "seen").unlink()
    deliver(2, **hook)
    assert [line.rsplit("/", 1)[1] for line in (tmp_path / "seen").read_text().splitlines()] == ["api"]


def test_arguments_are_not_read_by_a_shell(deliver, tmp_path):
    deliver(1, validate=("/bin/echo", f"$(touch {tmp_path}/ran); `touch {tmp_path}/ran` {{bundle}}"))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("program", [("/bin/false",), ("/nonexistent/program",), ("/bin/sleep", "60")])
def test_a_program_that_fails_cannot_be_started_or_hangs_refuses(deliver, tmp_path, program):
    deliver(1)
    with pytest.raises(RefusedError) as caught:
        deliver(2, validate=program, validate_seconds=0.3)
    assert caught.value.code == "hook-validate"
    assert current(tmp_path) == "n: 1\n"


@pytest.mark.parametrize("show", [False, True])
def test_what_a_program_prints_is_shown_only_where_that_is_allowed(deliver, show):
    with pytest.raises(RefusedError) as caught:
        deliver(1, validate=("/bin/sh", "-c", "echo canary; exit 1"), show_output=show)
    assert ("canary" in caught.value.message) is show


_PROGRAM = """
import pathlib, signal, sys, time
note = pathlib.Path(sys.argv[1])
signal.signal(signal.SIGHUP, lambda *_: note.open("a").write("hup\\n"))
print("ready", flush=True)
while True:
    time.sleep(0.02)
"""


@pytest.fixture
def program(tmp_path):
    """A program that notes the signals it gets; its number is in `pid`."""
    running = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, str(tmp_path / "signals")], stdout=subprocess.PIPE, text=True
    )
    running.stdout.readline()
    (tmp_path / "pid").write_text(f"{running.pid}\n")
    yield running
    running.kill()
    running.wait()
    running.stdout.close()


def test_a_running_program_is_signalled(deliver, tmp_path, program):
    seen = ("/bin/sh", "-c", f"test -s {tmp_path}/signals")
    deliver(1, signal=SignalSpec(tmp_path / "pid"), probe=ProbeSpec(command=seen, seconds=20))
    assert (tmp_path / "signals").read_text().startswith("hup\n")
    assert program.poll() is None


def test_a_program_that_does_not_run_is_no_failure(deliver, tmp_path, program):
    program.kill()
    program.wait()
    never = ProbeSpec(command=("/bin/false",), seconds=0.2)
    deliver(1, signal=SignalSpec(tmp_path / "pid"), probe=never)
    deliver(2, signal=SignalSpec(tmp_path / "missing"), probe=never)
    assert current(tmp_path) == "n: 2\n"


@pytest.mark.parametrize("text", ["", "x", "0", "1", "-1", "1 2", "9" * 30])
def test_a_file_that_names_no_process_takes_the_delivery_back(deliver, tmp_path, text):
    deliver(1)
    (tmp_path / "pid").write_text(text)
    with pytest.raises(RefusedError) as caught:
        deliver(2, signal=SignalSpec(tmp_path / "pid"))
    assert caught.value.code == "hook-signal"
    assert current(tmp_path) == "n: 1\n"


def test_a_program_that_is_not_well_gets_its_old_files_and_is_told_again(deliver, tmp_path):
    tell = SignalSpec(command=("/bin/sh", "-c", f'cat "$1"/files/* >> {tmp_path}/told', "x", "{bundle}"))
    deliver(1, signal=tell)
    (tmp_path / "told").unlink()
    with pytest.raises(RefusedError) as caught:
        deliver(2, signal=tell, probe=ProbeSpec(command=("/bin/false",), seconds=0.3))
    assert caught.value.code == "hook-probe"
    assert current(tmp_path) == "n: 1\n"
    assert (tmp_path / "told").read_text() == "n: 2\nn: 1\n"


def test_a_probe_is_asked_until_it_is_content(deliver, tmp_path):
    script = f"echo x >> {tmp_path}/asked; test $(wc -l < {tmp_path}/asked) -ge 3"
    deliver(1, probe=ProbeSpec(command=("/bin/sh", "-c", script), seconds=30))
    assert len((tmp_path / "asked").read_text().splitlines()) >= 3


def test_a_probe_may_be_an_address(deliver, tmp_path):
    consumer = Consumer()
    consumer.root = "well"
    with consumer.serving() as address:
        deliver(1, probe=ProbeSpec(url=f"{address}/health", seconds=10))
        consumer.root = ""
        with pytest.raises(RefusedError, match="404"):
            deliver(2, probe=ProbeSpec(url=f"{address}/health", seconds=0.5))
    with pytest.raises(RefusedError):
        deliver(3, probe=ProbeSpec(url=f"http://127.0.0.1:{free_port()}", seconds=0.5))
    assert current(tmp_path) == "n: 1\n"

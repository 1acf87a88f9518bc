"""A server under gunicorn takes its files from a directory, as the LiteLLM proxy does: read when a worker starts, told by SIGHUP."""

from __future__ import annotations

import http.client
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress

import pytest

from llmcfg.errors import RefusedError
from llmcfg.model.settings import HookSpec, ProbeSpec, SignalSpec
from llmcfg.model.target import Target
from llmcfg.pipeline.bundle import make_bundle, make_part
from llmcfg.sinks.directory import DirectorySink
from llmcfg.sinks.hooks import ConsumerHooks
from support.servers import free_port

GATEWAY = "_shared/gateway"
APPLICATION = """
import re, pathlib
text = pathlib.Path("delivered/current/_shared/gateway/files/config.yaml").read_text()
number = re.fullmatch("model: (\\\\d+)\\\\n", text)[1].encode()

def application(environ, start_response):
    start_response("200 OK", [("Content-Length", str(len(number)))])
    return [number]
"""
CHECK = ("/bin/sh", "-c", 'grep -qx "model: [0-9]*" "$1/files/config.yaml"', "check", "{bundle}")
LONG = 60.0


class Gateway:
    """The server, and the directory that it reads."""

    def __init__(self, folder):
        self.folder = folder
        self.port = free_port()
        self.pid_file = folder / "gunicorn.pid"
        (folder / "gateway.py").write_text(APPLICATION)

    def deliver(self, model, **hook):
        told = SignalSpec(self.pid_file)
        well = ProbeSpec(url=f"http://127.0.0.1:{self.port}/health", seconds=hook.pop("seconds", LONG))
        hooks = {GATEWAY: HookSpec("gateway", **{"validate": CHECK, "signal": told, "probe": well, **hook})}
        sink = DirectorySink(self.folder / "delivered", 3, ConsumerHooks(hooks, {"PATH": "/usr/bin:/bin"}))
        sink.deliver(f"root{model}", files(model))

    def start(self):
        options = ["--workers", "2", "--bind", f"127.0.0.1:{self.port}", "--pid", str(self.pid_file)]
        with (self.folder / "log").open("wb") as log:
            self.master = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", *options, "gateway:application"],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_until(self.pid_file.exists)
        self.wait_for(b"1")

    def stop(self):
        self.master.send_signal(signal.SIGTERM)
        try:
            self.master.wait(LONG)
        finally:
            self.master.kill()

    def ask(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LONG)
        try:
            connection.request("GET", "/")
            return connection.getresponse().read()
        finally:
            connection.close()

    def wait_for(self, model):
        def says():
            try:
                return all(self.ask() == model for _ in range(5))
            except OSError:
                return False

        wait_until(says)


def files(model):
    part = make_part(f"model: {model}\n".encode())
    made = make_bundle(Target("prod", None, "gateway"), {"files/config.yaml": part}, {}, ())
    inside = {f"{GATEWAY}/{path}": content for path, content in made.files().items()}
    return {"head.json": b'{"revision": null}', **inside}


def wait_until(holds):
    deadline = time.monotonic() + LONG
    while not holds():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


class Load:
    """Asks all the time."""

    def __init__(self, gateway):
        self.answers, self.failures = [], []
        self._gateway, self._done = gateway, threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(2)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        for thread in self._threads:
            thread.join()

    def _ask(self):
        while not self._done.is_set():
            try:
                self.answers.append(self._gateway.ask())
            except Exception as error:
                self.failures.append(repr(error))


@pytest.fixture
def gateway(tmp_path):
    made = Gateway(tmp_path)
    made.deliver(1)
    made.start()
    yield made
    made.stop()


def test_new_files_are_served_and_no_request_fails(gateway):
    with Load(gateway) as load:
        for model in (2, 3):
            gateway.deliver(model)
            gateway.wait_for(b"%d" % model)
        with pytest.raises(RefusedError) as caught:
            gateway.deliver("broken")
        gateway.wait_for(b"3")
    assert caught.value.code == "hook-validate"
    assert load.failures == []
    assert set(load.answers) == {b"1", b"2", b"3"}
    assert gateway.master.poll() is None
    assert "Worker failed to boot" not in (gateway.folder / "log").read_text()


def test_a_delivery_that_waits_for_new_workers_is_done_when_only_they_answer(gateway):
    told = SignalSpec(gateway.pid_file, workers_replaced_within=LONG)
    with Load(gateway) as load:
        for model in (2, 3, 4):
            gateway.deliver(model, signal=told)
            assert {gateway.ask() for _ in range(20)} == {b"%d" % model}
    assert load.failures == []


def test_workers_that_do_not_go_take_the_delivery_back(gateway):
    stubborn = SignalSpec(
        gateway.pid_file, signal="WINCH", workers_replaced_within=0.3
    )  # not a daemon: gunicorn ignores it
    with pytest.raises(
        RefusedError, match=r"waited 0.3 s, and [12] of the workers that ran before still run"
    ) as caught:
        gateway.deliver(2, signal=stubborn)
    assert caught.value.code == "hook-signal"
    assert (gateway.folder / "delivered/current" / GATEWAY / "files/config.yaml").read_text() == "model: 1\n"


def test_without_a_check_a_broken_file_ends_the_server(gateway):
    """What the check is for. A probe comes too late: workers with the old file may still answer it."""
    with suppress(RefusedError):
        gateway.deliver("broken", validate=(), seconds=1)
    assert gateway.master.wait(LONG) != 0

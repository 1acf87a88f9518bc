from __future__ import annotations

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from contextlib import suppress

import msgspec
import pytest

import llmcfg.client
from llmcfg.agent.access import Access
from llmcfg.agent.server import Server
from llmcfg.agent.shelf import Shelf
from llmcfg.client import agentwire
from support.delivered import Delivered

DOCUMENTS = {"limits": {"rpm": 10, "tpm": 4000}, "routes": {"chat": {"model": "small"}}}


def limits(rpm):
    return {**DOCUMENTS, "limits": {"rpm": rpm, "tpm": 4000}}


def eventually(condition, seconds=60):
    """Waits for what another thread or process does; fails when it does not come."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.005)


class Running:
    """`llmcfg agent` as a process of its own, and what it logs."""

    def __init__(self, command, log, **how):
        self._log = log
        with log.open("ab") as file:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, **how)

    def events(self, kind=None):
        found = []
        for line in self._log.read_text().splitlines(keepends=True):
            if line.startswith("{") and line.endswith("\n"):
                found.append(json.loads(line))
        return [event for event in found if kind in (None, event["event"])]

    def said(self):
        return self._log.read_text()

    def wait_for(self, kind, count=1):
        eventually(lambda: len(self.events(kind)) >= count or self.process.poll() is not None)
        assert len(self.events(kind)) >= count, self.said()

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(timeout=60)


class Speaker:
    """A program at the socket that says whatever a test wants."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(60)
        self.socket.connect(os.fspath(path))
        self._came = b""
        self.descriptors = []

    def say(self, *requests):
        with suppress(ConnectionError):  # who was hung up on hears why
            self.socket.sendall(b"".join(map(agentwire.frame, requests)))

    def hear(self):
        """The next answer; None where the agent has hung up."""
        while len(self._came) < 4 or len(self._came) < 4 + struct.unpack_from("<I", self._came)[0]:
            try:
                content, descriptors, _, _ = socket.recv_fds(self.socket, 1 << 17, 8)
            except ConnectionError:
                return None
            self.descriptors += descriptors
            if not content:
                return None
            self._came += content
        (length,) = struct.unpack_from("<I", self._came)
        content, self._came = self._came[4 : 4 + length], self._came[4 + length :]
        return agentwire.decode_answer(content)

    def is_silent(self, seconds=0.3):
        self.socket.settimeout(seconds)
        try:
            return self._came == b"" and self.socket.recv(1, socket.MSG_PEEK) is None
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(60)

    def close(self):
        self.socket.close()
        while self.descriptors:
            os.close(self.descriptors.pop())


def hello(tenant="acme", consumer="api", instance="one", root=b"", version=agentwire.VERSION):
    return agentwire.Hello(version, tenant, consumer, instance, root)


def framed(value):
    content = msgspec.msgpack.encode(value)
    return struct.pack("<I", len(content)) + content


@pytest.fixture
def delivered(tmp_path):
    made = Delivered(tmp_path / "sink")
    made.put(DOCUMENTS)
    return made


@pytest.fixture
def path(tmp_path):
    return tmp_path / "agent.sock"


@pytest.fixture
def start(tmp_path, path):
    """Starts `llmcfg agent` and waits until it listens; what still runs at the end is ended."""
    started = []

    def starter(*options, at=path, listens=True, **how):
        command = [sys.executable, "-m", "llmcfg_cli", "agent", "--dir", str(tmp_path / "sink")]
        command += ["--socket", str(at)] if at else []
        running = Running([*command, *options], tmp_path / f"agent{len(started)}.log", **how)
        started.append(running)
        if listens:
            running.wait_for("listening")
        return running

    yield starter
    for running in started:
        if running.process.poll() is None:
            running.process.kill()
            running.process.wait()


@pytest.fixture
def open_config(path, delivered):
    """`llmcfg.client.open` of what was delivered, by way of the agent; closed at the end."""
    opened = []

    def opener(**options):
        config = llmcfg.client.open(
            f"unix:{path}", **{"tenant": "acme", "consumer": "api", "interval": 0.01, **options}
        )
        opened.append(config)
        return config

    yield opener
    for config in opened:
        config.close()


@pytest.fixture
def serve(tmp_path, path):
    """A server in a thread of this process, for what needs no process of its own; gives the events that it logs."""
    ending = []

    def server(access=None, open_sealed=None, **rules):
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(os.fspath(path))
        listener.listen(100)
        listener.setblocking(False)
        events: list[dict[str, object]] = []
        served = Server(
            listener, Shelf(tmp_path / "sink", open_sealed, **rules), access or Access(os.geteuid()), events.append
        )
        stop = threading.Event()
        failed = []

        def run():
            try:
                while not stop.is_set():
                    served.turn()
            except BaseException as error:
                failed.append(error)
            finally:
                served.close()
                listener.close()

        thread = threading.Thread(target=run)
        thread.start()
        ending.append((stop, thread, failed))
        return events

    yield server
    for stop, thread, failed in ending:
        stop.set()
        thread.join(60)
        assert not failed


@pytest.fixture
def connect(path):
    speakers = []

    def connector():
        speakers.append(Speaker(path))
        return speakers[-1]

    yield connector
    for speaker in speakers:
        speaker.close()

"""What a program does with an agent that is broken, hostile or slow."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import threading
from pathlib import Path

import pytest

import llmcfg.client
from llmcfg.bundlefile.delta import make_delta
from llmcfg.bundlefile.reader import open_bundle
from llmcfg.client import IntegrityError
from llmcfg.client.agentwire import Again, Hello, Secrets, Taken, Update, Verdict, decode_request, frame
from llmcfg.client.sealedmemory import make_sealed
from llmcfg.errors import PendingError

from .conftest import eventually, limits


@pytest.fixture
def pretend(path):
    """An agent that answers with what a test says, one answer a request that wants one; gives what it was asked."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(os.fspath(path))
    listener.listen()
    threads = []

    def serve(*answers):
        asked = []

        def run():
            left = list(answers)
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection, contextlib.suppress(OSError):
                    while True:
                        came = connection.recv(4, socket.MSG_WAITALL)
                        if len(came) < 4:
                            break
                        asked.append(decode_request(connection.recv(struct.unpack("<I", came)[0], socket.MSG_WAITALL)))
                        if left and isinstance(asked[-1], Hello | Again):
                            content, descriptors = left.pop(0)
                            socket.send_fds(connection, [content], descriptors)

        threads.append(threading.Thread(target=run, daemon=True))
        threads[-1].start()
        return asked

    yield serve
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    for thread in threads:
        thread.join(60)


@pytest.fixture
def memory():
    made = []

    def make(content):
        made.append(make_sealed(content))
        return made[-1]

    yield make
    for descriptor in made:
        os.close(descriptor)


@pytest.fixture
def opened(path):
    def opener(**options):
        return llmcfg.client.open(f"unix:{path}", **{"tenant": "acme", "consumer": "api", "follow": False, **options})

    return opener


WHOLE = frame(Update(b"", Secrets.CLOSED))


def test_memory_that_could_still_change_is_refused(pretend, opened, delivered, tmp_path):
    with delivered.file.open("rb") as file:
        pretend((WHOLE, [file.fileno()]))
        with pytest.raises(IntegrityError, match="no sealed memory"):
            opened()


def test_the_bundle_of_another_consumer_is_refused(pretend, opened, delivered, memory):
    pretend((WHOLE, [memory(delivered.file.read_bytes())]))
    with pytest.raises(IntegrityError, match="sent the bundle of prod/acme/api"):
        opened(consumer="other")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\n\r\n",
        struct.pack("<I", 1 << 30),
        struct.pack("<I", 3) + b"\xff\xff\xff",
        WHOLE,
        frame(Update(b"nonsense", Secrets.CLOSED)),
    ],
)
def test_what_is_no_answer_is_refused(pretend, opened, answer):
    pretend((answer, []))
    with pytest.raises((IntegrityError, PendingError)):
        opened()


def test_damaged_memory_is_refused(pretend, opened, delivered, memory):
    content = bytearray(delivered.file.read_bytes())
    content[100] ^= 1
    pretend((WHOLE, [memory(bytes(content))]))
    with pytest.raises(IntegrityError):
        opened()


def test_secrets_that_cannot_be_read_are_refused_without_a_word_of_them(pretend, opened, delivered, memory):
    said = frame(Update(b"", Secrets.COMING))
    pretend((said, [memory(delivered.file.read_bytes()), memory(b"canary")]))
    with pytest.raises(IntegrityError, match="cannot be read") as raised:
        opened()
    assert "canary" not in str(raised.value)


def test_more_descriptors_than_a_message_names_are_let_go_of(pretend, opened, delivered, memory):
    descriptors = Path("/proc/self/fd")
    before = len([*descriptors.iterdir()])
    pretend((WHOLE, [memory(delivered.file.read_bytes())] * 8))
    with contextlib.suppress(IntegrityError, PendingError):
        opened().close()

    eventually(lambda: len([*descriptors.iterdir()]) <= before + 3)


def test_an_agent_that_says_nothing_is_waited_for_and_then_complained_of(pretend, opened, monkeypatch):
    monkeypatch.setattr("llmcfg.client.agentsource._ANSWER_SECONDS", 0.2)
    pretend()
    with pytest.raises(PendingError, match="does not answer"):
        opened()


def test_a_delta_that_does_not_lead_to_its_root_is_repaired_by_all_of_the_bundle(pretend, opened, delivered, memory):
    first = open_bundle(delivered.file)
    whole = delivered.file.read_bytes()
    delivered.put(limits(20))
    second = open_bundle(delivered.file)
    wrong = bytearray(make_delta(first, second))
    wrong[-3] ^= 1
    asked = pretend(
        (WHOLE + frame(Update(bytes(wrong), Secrets.CLOSED)), [memory(whole)]),
        (WHOLE, [memory(delivered.file.read_bytes())]),
    )
    cfg = opened()
    eventually(lambda: cfg.refresh() or cfg["limits.rpm"] == 20)

    assert [type(request) for request in asked if not isinstance(request, Taken | Verdict)] == [Hello, Again]
    cfg.close()


def test_after_many_deltas_all_of_the_bundle_is_asked_for(serve, path, delivered, monkeypatch):
    monkeypatch.setattr("llmcfg.client.agentsource.AGENT_DELTAS", 3)
    serve()
    with llmcfg.client.open(f"unix:{path}", tenant="acme", consumer="api", interval=0.01) as cfg:
        rpm = 20

        def is_mapped():
            """After one more delta, unless that was the one too many."""
            nonlocal rpm
            rpm += 1
            delivered.put(limits(rpm))
            eventually(lambda: cfg["limits.rpm"] == rpm)
            return cfg.snapshot().bundle.packed is not None

        assert cfg.snapshot().bundle.packed is not None
        assert not is_mapped()
        eventually(is_mapped)
        assert cfg.trouble == ""

"""What an agent says at its socket, and what it does with programs that are slow, broken or hostile (docs/spec/agent.md)."""

from __future__ import annotations

import json
import os
import socket
import struct
import time
from contextlib import suppress
from pathlib import Path

import pytest

from llmcfg.agent.access import Access, Grant
from llmcfg.bundlefile.reader import open_bundle
from llmcfg.client.agentwire import VERSION, Again, Ask, Bye, Current, Secrets, Taken, Trouble, Update, Verdict, frame
from llmcfg.limits import AGENT_REQUEST_BYTES
from llmcfg.model.target import Target
from support.children import run_in_child, start_child, wait_for

from .conftest import DOCUMENTS, Speaker, eventually, framed, hello, limits

USER = os.geteuid()
NOBODY_HERE = USER + 4711


@pytest.fixture
def greeted(connect):
    """A program that has read its first bundle."""

    def greet(**said):
        speaker = connect()
        speaker.say(hello(**said))
        assert isinstance(speaker.hear(), Update)
        speaker.say(Taken())
        return speaker

    return greet


def open_descriptors():
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


# the conversation


def test_the_first_bundle_comes_as_memory_and_the_next_as_a_delta(serve, connect, delivered):
    serve()
    speaker = connect()
    speaker.say(hello())
    assert speaker.hear() == Update(b"", Secrets.CLOSED)
    (descriptor,) = speaker.descriptors
    assert os.pread(descriptor, 1 << 20, 0) == delivered.file.read_bytes()
    speaker.say(Taken())

    delivered.put(limits(20))

    update = speaker.hear()
    assert update.delta
    assert len(frame(update)) < 300
    assert len(speaker.descriptors) == 1


def test_the_memory_cannot_be_changed_by_who_gets_it(serve, connect, delivered):
    serve()
    speaker = connect()
    speaker.say(hello())
    speaker.hear()
    (descriptor,) = speaker.descriptors

    for change in (lambda: os.pwrite(descriptor, b"x", 0), lambda: os.ftruncate(descriptor, 0)):
        with pytest.raises(PermissionError):
            change()


@pytest.mark.fault("N05")
def test_no_update_comes_before_the_last_one_was_read_and_then_only_the_newest(serve, connect, delivered):
    events = serve()
    speaker = connect()
    speaker.say(hello())
    speaker.hear()
    for rpm in (20, 30, 40):
        delivered.put(limits(rpm))
        eventually(lambda: sum(event["event"] == "served" for event in events) == delivered.count)
    assert speaker.is_silent()

    speaker.say(Taken())

    assert speaker.hear().delta
    speaker.say(Taken(), Ask())
    assert speaker.hear() == Current()


def test_who_knows_the_newest_is_told_so_and_who_knows_an_earlier_one_gets_a_delta(serve, greeted, connect, delivered):
    serve()
    greeted()
    root = open_bundle(delivered.file).head.root
    delivered.put(limits(20))
    speaker = connect()
    speaker.say(hello(instance="two", root=root))

    assert speaker.hear().delta
    assert speaker.descriptors == []


def test_all_of_a_bundle_comes_again_after_a_delta_and_not_after_all_of_it(serve, greeted, delivered):
    serve()
    speaker = greeted()
    delivered.put(limits(20))
    assert speaker.hear().delta
    speaker.say(Again())
    assert speaker.hear() == Update(b"", Secrets.CLOSED)
    speaker.say(Again())

    assert isinstance(speaker.hear(), Trouble)
    assert speaker.hear() is None


def test_a_program_says_one_thing_of_a_bundle_and_nothing_of_another(serve, greeted, delivered):
    serve()
    speaker = greeted(instance="one")
    root = open_bundle(delivered.file).head.root
    speaker.say(Verdict(b"other", False, "x"), Verdict(root, True, ""), Verdict(root, False, "changed its mind"))

    eventually(lambda: delivered.root.joinpath("acks").exists() and delivered.acks())
    speaker.say(Ask())
    assert speaker.hear() == Current()
    assert json.loads(delivered.acks()["one"])["accepted"] is True
    speaker.say(Bye())
    speaker.close()
    eventually(lambda: not delivered.acks())


def test_a_program_that_has_come_back_keeps_its_acknowledgement(serve, greeted, delivered):
    events = serve()
    root = open_bundle(delivered.file).head.root
    first, second = greeted(instance="one"), greeted(instance="one")
    for speaker in (first, second):
        speaker.say(Verdict(root, True, ""))
    eventually(lambda: delivered.root.joinpath("acks").exists() and delivered.acks())
    first.close()
    eventually(lambda: any(event["event"] == "left" for event in events))

    assert [*delivered.acks()] == ["one"]


# who may


@pytest.mark.parametrize(
    ("grants", "answers"),
    [
        ([], {"acme/api": "not-authorised", "beta/api": "not-authorised"}),
        ([("acme/api",)], {"acme/api": None, "beta/api": "not-authorised", "_shared/api": "not-authorised"}),
        ([("",)], {"acme/api": None, "beta/api": None, "_shared/api": None}),
        ([("_shared/api",)], {"acme/api": "not-authorised", "_shared/api": None}),
    ],
)
def test_a_user_gets_what_is_granted_and_nothing_else(serve, connect, delivered, grants, answers):
    delivered.put(DOCUMENTS, others=[Target("prod", "beta", "api"), Target("prod", None, "api")])
    serve(Access(NOBODY_HERE, [Grant(USER, place) for (place,) in grants]))

    for place, code in answers.items():
        tenant, consumer = place.split("/")
        speaker = connect()
        speaker.say(hello(tenant=None if tenant == "_shared" else tenant, consumer=consumer))
        answer = speaker.hear()
        assert (answer.code if isinstance(answer, Trouble) else None) == code
        assert not code or speaker.descriptors == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
def test_the_user_is_the_one_that_the_kernel_knows(serve, path, delivered):
    serve(Access(0, [Grant(12345, "acme/api")]))
    path.parent.chmod(0o711)
    path.chmod(0o666)

    def as_user(user, is_served):
        def speak():
            os.chdir(path.parent)
            os.setresuid(user, user, user)
            speaker = Speaker(path.name)
            speaker.say(hello())
            assert isinstance(speaker.hear(), Update) is is_served

        return speak

    assert run_in_child(as_user(12345, True)) == 0
    assert run_in_child(as_user(12346, False)) == 0


@pytest.mark.parametrize(
    "said",
    [
        {"tenant": ".."},
        {"tenant": "../sink"},
        {"consumer": "../../etc"},
        {"consumer": "api/.."},
        {"consumer": ""},
        {"tenant": "", "consumer": "/"},
        {"consumer": "a\x00b"},
        {"consumer": "a" * 1000},
        {"instance": "../one"},
        {"instance": ""},
        {"version": VERSION + 1},
    ],
)
def test_names_that_are_none_are_refused(serve, connect, delivered, said):
    serve()
    speaker = connect()
    speaker.say(hello(**said))

    assert speaker.hear().code == "usage"
    assert speaker.hear() is None
    assert sorted(path.name for path in delivered.root.parent.iterdir()) == ["agent.sock", "sink"]


# who does not behave


@pytest.mark.parametrize(
    "content",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        struct.pack("<I", AGENT_REQUEST_BYTES + 1),
        struct.pack("<I", 0),
        struct.pack("<I", 4) + b"\xff\xff\xff\xff",
        framed([99, 1]),
        framed([0, "1", None, "api", "one", b""]),
        framed({"a": 1}),
        framed([0, 1, None, b"\xff", "one", b""]),
        struct.pack("<I", 8) + b"\xdd\xff\xff\xff\xff\x00\x00\x00",
        frame(hello()) + frame(hello()),
    ],
)
def test_what_is_no_message_ends_the_connection_with_a_reason_and_no_other(serve, connect, greeted, delivered, content):
    serve()
    good = greeted()
    bad = connect()
    bad.socket.sendall(content)

    answers = [bad.hear()]
    while answers[-1] is not None:
        answers.append(bad.hear())
    assert isinstance(answers[-2], Trouble)
    delivered.put(limits(20))
    assert good.hear().delta


def test_a_refusal_is_logged_once_and_not_for_every_try(serve, connect, delivered):
    events = serve()
    for _ in range(5):
        speaker = connect()
        speaker.socket.sendall(b"\xff" * 8)
        while speaker.hear():
            pass

    assert [event["code"] for event in events if event["event"] == "refused"] == ["damaged"]


def test_who_says_nothing_or_says_it_too_slowly_is_given_up(serve, connect, greeted, delivered, monkeypatch):
    monkeypatch.setattr("llmcfg.agent.connection._HELLO_SECONDS", 0.3)
    serve()
    silent, slow = connect(), connect()
    good = greeted()
    for byte in frame(hello()):
        try:
            slow.socket.send(bytes([byte]))
        except ConnectionError:
            break
        time.sleep(0.1)

    assert (silent.hear(), slow.hear()) == (None, None)
    delivered.put(limits(20))
    assert good.hear().delta


@pytest.mark.fault("N05")
def test_who_reads_nothing_costs_one_message_and_is_given_up_without_holding_others_up(
    serve, connect, greeted, delivered, monkeypatch
):
    monkeypatch.setattr("llmcfg.agent.connection._STALLED_SECONDS", 0.5)
    events = serve()
    deaf, good = greeted(instance="deaf"), greeted(instance="good")
    for rpm in range(20, 25):
        delivered.put(limits(rpm))
        assert good.hear().delta
        good.say(Taken())

    def is_given_up():
        with suppress(OSError):  # one more answer that nobody reads
            deaf.say(Ask())
        return any(event["event"] == "left" and event["instance"] == "deaf" for event in events)

    eventually(is_given_up)
    delivered.put(limits(30))
    assert good.hear().delta


def test_who_sends_without_end_holds_nobody_up(serve, connect, greeted, delivered):
    serve()
    good = greeted(instance="good")

    def flood():
        loud = connect()
        loud.say(hello(instance="loud"))
        while True:
            try:
                loud.socket.sendall(frame(Taken()) * 1000)
            except ConnectionError:
                return

    child = start_child(flood)
    try:
        for rpm in (20, 30, 40):
            delivered.put(limits(rpm))
            assert good.hear().delta
            good.say(Taken())
    finally:
        os.kill(child, 9)
        wait_for(child)


def test_descriptors_that_programs_send_are_not_kept(serve, greeted, delivered):
    serve()
    greeted(instance="good")
    before = open_descriptors()
    speaker = greeted(instance="bad")
    for _ in range(50):
        socket.send_fds(speaker.socket, [frame(Taken())], [0, 1, 2] * 10)
    speaker.say(Ask())
    assert speaker.hear() == Current()

    assert open_descriptors() <= before + 3  # both ends of the connection, and what came over it


def test_connections_that_end_leave_nothing_behind(serve, greeted, delivered):
    events = serve()
    greeted(instance="good")
    before = open_descriptors()
    for number in range(20):
        greeted(instance=f"p{number}").close()
    eventually(lambda: sum(event["event"] == "left" for event in events) == 20)

    eventually(lambda: open_descriptors() <= before)


@pytest.mark.parametrize("limit", ["AGENT_CONNECTIONS", "AGENT_CONNECTIONS_OF_USER"])
def test_more_programs_than_the_limit_are_turned_away_until_there_is_room(
    serve, greeted, connect, delivered, monkeypatch, limit
):
    monkeypatch.setattr(f"llmcfg.agent.server.{limit}", 3)
    events = serve()
    kept = [greeted(instance=f"p{number}") for number in range(3)]
    extra = connect()
    assert extra.hear().code == "pending"
    assert extra.hear() is None
    kept[0].close()
    eventually(lambda: any(event["event"] == "left" for event in events))

    greeted(instance="again")


def test_acknowledgements_that_cannot_be_written_are_logged_and_hold_nobody_up(serve, greeted, delivered):
    (delivered.root / "acks").write_text("in the way")
    events = serve()
    speaker = greeted()
    speaker.say(Verdict(open_bundle(delivered.file).head.root, True, ""))
    eventually(lambda: any(event["event"] == "unacknowledged" for event in events))

    delivered.put(limits(20))
    assert speaker.hear().delta

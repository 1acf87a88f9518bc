"""An agent with a root of trust serves what was signed for each place, and goes on with it when something else lies there.

A program behind an agent that has a root of its own is in no worse place than one that reads the folder.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

import llmcfg.client
from llmcfg.agent.shelf import Shelf
from llmcfg.client import StaleError
from llmcfg.client.trust import Trust
from llmcfg.clock import now
from llmcfg.errors import StorageError
from llmcfg.signing.verdict import Wanted
from llmcfg.sync.signed import Publisher
from support.bundles import bundle, document
from support.signed import SignedSink, root_for, signed, signing_key
from trust.roots import signed as root_file

from .conftest import eventually

KEY, OTHER = 3, 4
LONG = {"expires": 1 << 33}
ROOT = root_for(KEY, **LONG)
NEXT = root_for(OTHER, version=2, epoch=2, revoked={signing_key(KEY).public.fingerprint: 2}, **LONG)


@pytest.fixture
def sink(tmp_path):
    return SignedSink(tmp_path / "sink")


@pytest.fixture
def root(tmp_path):
    file = tmp_path / "root.json"
    file.write_bytes(root_file(ROOT))
    return file


@pytest.fixture
def shelf(tmp_path, root):
    """Makes a shelf as an agent that was started anew has it."""

    def trust(folder):
        return Trust(root, Wanted(folder=folder), state=tmp_path / "state" / folder, on_stale="keep", now=now)

    places = []

    def make():
        made = Shelf(tmp_path / "sink", None, trust, tmp_path / "state")
        places.append(made.place("acme", "api"))
        return made

    yield make
    for place in places:
        place.close()


@pytest.fixture
def place(shelf):
    return shelf().place("acme", "api")


@pytest.fixture
def open_trusting(path, root):
    """A program with a root of its own, behind the agent."""
    opened = []

    def opener(**options):
        given = {"tenant": "acme", "consumer": "api", "environment": "prod", "root": root, "interval": 0.01, **options}
        opened.append(llmcfg.client.open(f"unix:{path}", **given))
        return opened[-1]

    yield opener
    for config in opened:
        config.close()


def served(place):
    place.refresh()
    return place.served and place.served.loaded.bundle.read("files/a")


def content(text):
    return bundle({"files/a": text})


def limits(rpm):
    return bundle({"config/limits.json": document({"rpm": rpm})})


def beat(tmp_path, sequence, at=now):
    publisher = Publisher((signing_key(KEY),), ROOT, at)
    (tmp_path / "sink/heartbeat.json").write_bytes(publisher.heartbeat("prod", sequence, "ab" * 32))


def an_hour_ago():
    return now() - timedelta(hours=1)


def test_what_was_signed_is_served_and_what_was_not_is_not(sink, place):
    sink.put(content(b"forged"))
    assert served(place) is None
    assert "not signed" in place.trouble.message

    sink.put(signed(content(b"first"), ROOT, KEY))
    assert (served(place), place.trouble) == (b"first", None)
    sink.put(signed(content(b"another first"), ROOT, KEY))
    assert (served(place), place.trouble.code) == (b"first", "bundle-twice")


def test_a_new_root_comes_with_a_delivery(sink, place):
    sink.put(signed(content(b"first"), ROOT, KEY))
    served(place)
    sink.put(signed(content(b"second"), NEXT, OTHER), {2: root_file(NEXT)})
    assert served(place) == b"second"

    sink.put(signed(content(b"forged"), ROOT, KEY, sequence=9))
    assert (served(place), place.trouble.code) == (b"second", "sig-revoked")


@pytest.mark.fault("S14")
def test_what_was_taken_is_known_after_a_restart_and_so_is_the_root(sink, shelf):
    sink.put(signed(content(b"first"), NEXT, OTHER, sequence=7), {2: root_file(NEXT)})
    assert served(shelf().place("acme", "api")) == b"first"

    sink.put(signed(content(b"older"), NEXT, OTHER, sequence=6))
    again = shelf().place("acme", "api")
    assert (served(again), again.trouble.code) == (None, "bundle-older")
    sink.put(signed(content(b"by the key that leaked"), ROOT, KEY, sequence=9))
    assert (served(again), again.trouble.code) == (None, "sig-revoked")
    sink.put(signed(content(b"second"), NEXT, OTHER, sequence=8))
    assert (served(again), again.trouble) == (b"second", None)


@pytest.mark.fault("S14")
def test_what_was_taken_is_known_when_nobody_asked_for_a_while(sink, shelf):
    made = shelf()
    sink.put(signed(content(b"first"), ROOT, KEY, sequence=7))
    place = made.place("acme", "api")
    assert served(place) == b"first"
    made.forget(place)
    assert made.refresh() == []

    sink.put(signed(content(b"older"), ROOT, KEY, sequence=6))
    again = made.place("acme", "api")
    assert (served(again), again.trouble.code) == (None, "bundle-older")


def test_what_cannot_be_kept_is_not_served(sink, place, tmp_path):
    sink.put(signed(content(b"first"), ROOT, KEY))
    (tmp_path / "state").write_text("no folder")
    assert served(place) is None
    assert isinstance(place.trouble, StorageError)


def test_a_heartbeat_that_expired_is_told_and_what_is_served_stays(sink, place, tmp_path):
    sink.put(signed(content(b"first"), ROOT, KEY))
    beat(tmp_path, 1)
    assert (served(place), place.trouble) == (b"first", None)
    beat(tmp_path, 1, an_hour_ago)
    assert (served(place), place.trouble.code) == (b"first", "stale")
    beat(tmp_path, 1)
    assert (served(place), place.trouble) == (b"first", None)


@pytest.mark.fault("S12")
def test_a_program_with_a_root_takes_what_was_signed_from_an_agent_without_one(sink, serve, open_trusting):
    sink.put(signed(limits(10), ROOT, KEY))
    serve()
    cfg = open_trusting()
    assert (cfg["limits.rpm"], cfg.trouble) == (10, "")
    sink.put(limits(66))
    eventually(lambda: "not signed" in cfg.trouble)
    assert cfg["limits.rpm"] == 10
    sink.put(signed(limits(20), ROOT, KEY, sequence=2))
    eventually(lambda: cfg["limits.rpm"] == 20)
    sink.put(signed(limits(10), ROOT, KEY))
    eventually(lambda: "older" in cfg.trouble)
    assert cfg["limits.rpm"] == 20


@pytest.mark.fault("S13", "S16")
def test_roots_that_follow_come_before_the_bundle_that_they_came_with(sink, serve, open_trusting, tmp_path):
    third = root_for(OTHER, version=3, epoch=2, revoked=NEXT.revoked, **LONG)
    sink.put(signed(limits(10), ROOT, KEY))
    serve()
    cfg = open_trusting(state=tmp_path / "program")
    sink.put(signed(limits(20), third, OTHER), {2: root_file(NEXT), 3: root_file(third)})
    eventually(lambda: cfg["limits.rpm"] == 20)
    cfg.close()

    sink.put(signed(limits(66), ROOT, KEY, sequence=9))
    again = open_trusting(state=tmp_path / "other")  # it was never told of the newer root, and takes what it should not
    assert again["limits.rpm"] == 66
    kept = open_trusting(state=tmp_path / "program")
    assert (kept["limits.rpm"], "was revoked by version 2" in kept.trouble) == (20, True)


def test_a_root_that_does_not_follow_is_not_taken_over(sink, serve, open_trusting):
    forged = root_for(OTHER, version=3, **LONG)
    sink.put(signed(limits(10), ROOT, KEY), {2: root_file(forged)})
    serve()
    cfg = open_trusting()
    sink.put(signed(limits(66), forged, OTHER, sequence=2), {2: root_file(forged)})
    eventually(lambda: "may not sign" in cfg.trouble)
    assert cfg["limits.rpm"] == 10


def test_a_program_that_wants_to_stop_stops_behind_an_agent_too(sink, serve, open_trusting, tmp_path):
    sink.put(signed(limits(10), ROOT, KEY))
    serve()
    with pytest.raises(StaleError, match="no heartbeat"):
        open_trusting(on_stale="stop")
    beat(tmp_path, 1)
    cfg = open_trusting(on_stale="stop")
    assert cfg["limits.rpm"] == 10

    def stops():
        try:
            return cfg["limits.rpm"] == 0
        except StaleError:
            return True

    beat(tmp_path, 2)
    eventually(stops)
    beat(tmp_path, 1)
    eventually(lambda: not stops())
    assert cfg["limits.rpm"] == 10


def test_a_heartbeat_is_no_news_of_the_bundle(sink, serve, open_trusting, tmp_path):
    sink.put(signed(limits(10), ROOT, KEY))
    events = serve()
    cfg = open_trusting()
    for sequence in (2, 1):
        beat(tmp_path, sequence)
        eventually(lambda expected=sequence == 2: ("number 2 is deployed" in cfg.trouble) == expected)
    assert [event["event"] for event in events].count("served") == 1

"""An agent with a root of trust serves what was signed for each place, and goes on with it when something else lies there."""

from __future__ import annotations

import pytest

from llmcfg.agent.shelf import Shelf
from llmcfg.client.trust import Trust
from llmcfg.signing.verdict import Wanted
from support.bundles import bundle
from support.signed import SignedSink, root_for, signed, signing_key
from trust.roots import signed as root_file
from trust.signing import NOW

KEY, OTHER = 3, 4
ROOT = root_for(KEY)
NEXT = root_for(OTHER, version=2, epoch=2, revoked={signing_key(KEY).public.fingerprint: 2})


@pytest.fixture
def sink(tmp_path):
    return SignedSink(tmp_path / "sink")


@pytest.fixture
def place(tmp_path):
    file = tmp_path / "root.json"
    file.write_bytes(root_file(ROOT))

    def trust(folder):
        return Trust(file, Wanted(folder=folder), state=None, on_stale="keep", now=lambda: NOW)

    made = Shelf(tmp_path / "sink", None, trust).place("acme", "api")
    yield made
    made.close()


def served(place):
    place.refresh()
    return place.served and place.served.loaded.bundle.read("files/a")


def content(text):
    return bundle({"files/a": text})


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

"""A reader comes to the wanted root from anywhere, and asks only for what differs."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmcfg.bundlefile.bundle import Bundle
from llmcfg.bundlefile.frames import pack_frame
from llmcfg.bundlefile.head import Head
from llmcfg.bundlefile.reader import read_bundle
from llmcfg.bundlefile.tree import build_tree
from llmcfg.bundlefile.walk import BundlePeer, walk_to
from llmcfg.bundlefile.writer import pack_bundle
from llmcfg.errors import IntegrityError, NotFoundError
from support.bundles import bundle, numbered

NOTHING = Bundle(Head(bytes(32), bytes(32)), build_tree({}))


class Counted:
    """A peer that counts what it is asked for, and may be made to lie."""

    def __init__(self, peer, *, lie=lambda answer: answer):
        self.peer = peer
        self.lie = lie
        self.rounds, self.nodes_sent, self.parts_sent = 0, 0, 0

    def nodes(self, root, places):
        self.rounds += 1
        self.nodes_sent += len(places)
        return self.lie(self.peer.nodes(root, places))

    def parts(self, root, names):
        self.parts_sent += len(names)
        return self.lie(self.peer.parts(root, names))


def contents(made):
    return {name: made.read(name) for name, _ in made.tree.below()}


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 120), st.integers(0, 120), st.sets(st.integers(0, 119), max_size=5))
def test_any_bundle_becomes_the_wanted_one(here, there, changed):
    before = read_bundle(pack_bundle(bundle(numbered(here))))
    wanted = bundle(numbered(there, changed=changed))

    reached = walk_to(before, wanted.head, BundlePeer(wanted))

    assert contents(reached) == contents(wanted)
    reached.verify()


def test_a_reader_that_has_nothing_gets_everything():
    wanted = bundle(numbered(300))

    assert contents(walk_to(NOTHING, wanted.head, BundlePeer(wanted))) == contents(wanted)


def test_only_what_differs_is_asked_for():
    wanted = bundle(numbered(3_000, changed={1234}))
    peer = Counted(BundlePeer(wanted))

    walk_to(bundle(numbered(3_000)), wanted.head, peer)

    assert peer.parts_sent == 1
    assert peer.rounds <= 6
    assert peer.nodes_sent <= 6


def test_a_reader_that_has_it_asks_for_nothing():
    wanted = bundle(numbered(300))
    peer = Counted(BundlePeer(wanted))

    walk_to(bundle(numbered(300)), wanted.head, peer)

    assert (peer.rounds, peer.parts_sent) == (0, 0)


def test_a_bucket_of_the_reader_that_is_split_in_the_wanted_tree_is_used():
    few = {f"config/{name}.json": b"{}\n" for name in "abcdefghij"}
    more = {**few, **{f"files/{name}": b"" for name in "abcdefghij"}}
    wanted = bundle(more)
    peer = Counted(BundlePeer(wanted))

    walk_to(bundle(few), wanted.head, peer)

    assert peer.parts_sent == 10


@pytest.mark.parametrize(
    "lie",
    [
        lambda answer: [],
        lambda answer: [*answer, b""],
        lambda answer: [b"junk" for _ in answer],
        lambda answer: [pack_frame(b"other", b"") for _ in answer],
        lambda answer: [piece[:-1] for piece in answer],
        lambda answer: [piece + b"\0" for piece in answer],
        lambda answer: [*reversed(answer)] if len(answer) > 1 else [b""],
    ],
)
def test_a_peer_that_lies_is_found_out(lie):
    wanted = bundle(numbered(100, changed={3}))

    with pytest.raises(IntegrityError):
        walk_to(bundle(numbered(90)), wanted.head, Counted(BundlePeer(wanted), lie=lie))


def test_a_head_for_another_tree_is_found_out():
    wanted = bundle(numbered(100))

    with pytest.raises(NotFoundError):
        walk_to(NOTHING, wanted.head._replace(root=b"r" * 32), BundlePeer(wanted))


def test_a_peer_says_what_it_does_not_have():
    peer = BundlePeer(bundle(numbered(3)))
    root = bundle(numbered(3)).head.root

    with pytest.raises(NotFoundError, match="node"):
        peer.nodes(root, [b"zzz"])
    with pytest.raises(NotFoundError, match="part"):
        peer.parts(root, ["zzz"])

"""Whatever is done to a bundle file, reading it gives the right values or an IntegrityError, and nothing else."""

from __future__ import annotations

import hashlib
import random
import struct
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcfg import limits
from llmcfg.bundlefile.bundle import Bundle, make_leaf
from llmcfg.bundlefile.head import Head, encode_head, parse_head
from llmcfg.bundlefile.layout import MAGIC, Footer, encode_end, encode_places
from llmcfg.bundlefile.nodes import parse_node
from llmcfg.bundlefile.reader import read_bundle
from llmcfg.bundlefile.tree import build_tree
from llmcfg.bundlefile.writer import pack_bundle
from llmcfg.errors import IntegrityError, UsageError
from support.bundles import bundle, document, numbered

WHOLE = bundle({**numbered(70), "files/app.env": b"RPM=10\n", "config/deep.json": document({"a": [1, {"b": None}]})})
PACKED = pack_bundle(WHOLE)
CONTENTS = {name: WHOLE.read(name) for name, _ in WHOLE.tree.below()}


def outcome(content):
    """What a reader sees: refused, or all the right values."""
    try:
        read = read_bundle(content)
        seen = {name: read.read(name) for name in CONTENTS}
        listed = [name for name, _ in read.tree.below()]
        read.verify()
    except IntegrityError:
        return "refused"
    assert seen == CONTENTS
    assert listed == [*CONTENTS]
    assert read.head == WHOLE.head
    return "right"


def test_the_file_as_it_was_written_is_right():
    assert outcome(PACKED) == "right"


@pytest.mark.fault("N15")
def test_every_byte_flipped_is_refused_or_harmless():
    damaged = bytearray(PACKED)
    for at in range(len(PACKED)):
        damaged[at] ^= 1 << at % 8
        try:
            outcome(damaged)
        finally:
            damaged[at] = PACKED[at]


def test_a_flip_is_refused_wherever_it_is_not_padding():
    chosen = random.Random(1).sample(range(len(PACKED)), 300)

    refused = [at for at in chosen if outcome(PACKED[:at] + bytes([PACKED[at] ^ 0xFF]) + PACKED[at + 1 :]) == "refused"]

    assert len(refused) == len(chosen)


def test_a_file_cut_off_at_any_byte_is_refused():
    assert {outcome(PACKED[:length]) for length in range(len(PACKED))} == {"refused"}


def test_a_file_that_goes_on_is_refused():
    assert outcome(PACKED + b"\0") == "refused"
    assert outcome(PACKED + PACKED) in ("refused", "right")


@given(st.binary(max_size=400) | st.binary(max_size=200).map(lambda junk: MAGIC + junk + PACKED[-92:]))
def test_junk_is_refused(junk):
    assert outcome(junk) == "refused"


@given(st.data())
def test_pieces_of_the_file_put_together_are_refused_or_right(data):
    cut, paste = (data.draw(st.integers(0, len(PACKED))) for _ in range(2))
    length = data.draw(st.integers(0, 200))

    outcome(PACKED[:cut] + PACKED[paste : paste + length] + PACKED[cut + length :])


@pytest.mark.fault("C22")
def test_a_file_of_another_version_is_refused():
    with pytest.raises(IntegrityError, match="version that this llmcfg reads"):
        read_bundle(b"llmcfg\x00\x02" + PACKED[8:])


# files that somebody made on purpose, with checksums and digests that fit


def written(node, *, places=(), body=b"", dictionary=b"", head=None):
    """A file with one node as its root, whose digest the head names."""
    said = head or Head(hashlib.sha256(node).digest(), b"d" * 32)
    encoded = encode_head(said)
    start = MAGIC + body + node + encode_places(places)
    footer = Footer(len(MAGIC + body), len(node), len(dictionary), len(encoded), hashlib.sha256(start).digest())
    return start + encode_end(footer, dictionary, encoded)


def bucket(*rows):
    parts = [b"L", struct.pack("<H", len(rows))]
    for name, size, sha256 in rows:
        parts += [struct.pack("<H", len(name)), name, struct.pack("<I32s", size, sha256)]
    return b"".join(parts)


def branch(prefix, *children):
    parts = [b"N", struct.pack("<H", len(prefix)), prefix, struct.pack("<H", len(children))]
    return b"".join([*parts, *(struct.pack("<BI32s", *child) for child in children)])


ZERO = bytes(32)


@pytest.mark.parametrize(
    "node",
    [
        b"",
        b"X",
        b"L",
        b"L\x01\x00",
        bucket((b"b", 1, ZERO), (b"a", 1, ZERO)),
        bucket((b"a", 1, ZERO), (b"a", 1, ZERO)),
        bucket((b"a\0b", 1, ZERO)),
        bucket((b"\xff", 1, ZERO)),
        bucket((b"a", limits.BUNDLE_PART_BYTES + 1, ZERO)),
        bucket((b"n" * limits.BUNDLE_NAME_BYTES, 1, ZERO)),
        bucket(*((b"%02d" % number, 1, ZERO) for number in range(17))),
        bucket((b"a", 1, ZERO)) + b"more",
        branch(b"", (1, 20, ZERO)),
        branch(b"", (2, 20, ZERO), (1, 20, ZERO)),
        branch(b"", (1, 2, ZERO), (2, 2, ZERO)),
        branch(b"\0", (1, 20, ZERO), (2, 20, ZERO)),
        branch(b"", (1, limits.BUNDLE_PARTS, ZERO), (2, 1, ZERO)),
        branch(b"", (1, 20, ZERO), (2, 20, ZERO)) + b"\0",
    ],
)
def test_a_node_that_no_tree_has_is_refused(node):
    with pytest.raises(IntegrityError):
        read_bundle(written(node, places=[(8, 0)] * 40)).verify()


def test_a_place_outside_of_the_file_is_refused():
    node = bucket((b"a", 1, hashlib.sha256(b"x").digest()))
    for place in [(1 << 60, 1), (8, 1 << 31), (0, 4), ((1 << 64) - 1, 2)]:
        read = read_bundle(written(node, places=[place]))
        with pytest.raises(IntegrityError):
            read.read("a")


def test_a_branch_that_is_its_own_child_is_refused():
    inner = branch(b"", (1, 20, ZERO), (2, 20, ZERO))
    read = read_bundle(written(inner, places=[(8, len(inner)), (8, len(inner))]))

    with pytest.raises(IntegrityError):
        list(read.tree.below())


def test_a_frame_that_unpacks_to_more_than_it_says_is_not_unpacked():
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = packer.compress(bytes(50 << 20)) + packer.flush()
    node = bucket((b"a", 10, hashlib.sha256(bytes(10)).digest()))
    read = read_bundle(written(node, places=[(8, len(bomb))], body=bomb))

    with pytest.raises(IntegrityError, match="another size"):
        read.read("a")


@given(st.binary(max_size=120))
def test_a_head_is_read_or_refused(content):
    try:
        head = parse_head(content)
    except IntegrityError:
        return
    assert len(head.root) == 32


@given(
    st.binary(max_size=120)
    | st.binary(max_size=80).map(lambda junk: b"L" + junk)
    | st.binary(max_size=80).map(lambda junk: b"N" + junk)
)
def test_a_node_is_read_or_refused(content):
    with suppress(IntegrityError):
        parse_node(content, b"")


def test_a_tree_deeper_than_the_limit_is_neither_written_nor_read(monkeypatch):
    deep = build_tree({"a" * length: make_leaf(b"") for length in range(1, 80)})
    packed = pack_bundle(Bundle(Head(deep.digest, ZERO), deep))
    monkeypatch.setattr(limits, "BUNDLE_DEPTH", 50)

    with pytest.raises(UsageError, match="more than 50 times"):
        pack_bundle(Bundle(Head(deep.digest, ZERO), deep))
    with pytest.raises(IntegrityError, match="deeper than 50"):
        list(read_bundle(packed).tree.below())

"""Deltas: applied to what they start from they give what they lead to, and anything else is refused."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmcfg import limits
from llmcfg.bundlefile.bundle import Bundle
from llmcfg.bundlefile.delta import WrongBaseError, apply_delta, make_delta
from llmcfg.bundlefile.head import Claims, Signature
from llmcfg.bundlefile.reader import read_bundle
from llmcfg.bundlefile.writer import pack_bundle
from llmcfg.errors import IntegrityError
from support.bundles import bundle, document, numbered

KEYS = st.sampled_from(["a", "b", "c.d", "", "é"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-2, 2) | st.sampled_from(["", "text", "x" * 300]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=10,
)
DOCUMENTS = st.dictionaries(st.sampled_from([f"config/{letter}.json" for letter in "abcdefgh"]), VALUES.map(document))
FILES = st.dictionaries(st.sampled_from(["files/a", "files/b.json"]), st.binary(max_size=20))
PARTS = st.builds(lambda documents, files: documents | files, DOCUMENTS, FILES)


def after(before, made, **head):
    """The bundle as the next one after another."""
    said = {"sequence": before.head.sequence + 1, "previous": before.head.root, **head}
    return Bundle(made.head._replace(**said), made.tree)


def contents(made):
    return {name: made.read(name) for name, _ in made.tree.below()}


@settings(max_examples=150)
@given(PARTS, PARTS)
def test_a_delta_leads_from_the_one_to_the_other(one, other):
    before = read_bundle(pack_bundle(bundle(one)))
    wanted = after(before, bundle(other))

    reached = apply_delta(before, make_delta(before, wanted))

    assert reached.head == wanted.head
    assert contents(reached) == contents(wanted)
    reached.verify()
    assert pack_bundle(reached) == pack_bundle(wanted)


def test_there_and_back_and_there_again():
    a, b = bundle(numbered(50)), bundle(numbered(50, changed={3}))
    first = after(a, a)
    second = after(first, b)
    third = after(second, a)

    reached = apply_delta(apply_delta(first, make_delta(first, second)), make_delta(second, third))

    assert reached.head == third.head
    assert contents(reached) == contents(first)


def claims(before: Bundle, sequence: int) -> Claims:
    signatures = [Signature(b"k" * 32, bytes([sequence]) * 64)]
    return Claims(
        "0123456789abcdef" * 2, 1, sequence, before.head.root, 1_760_000_000, 0, b"s" * 32, b"m" * 32, signatures
    )


def test_one_key_of_many_documents_takes_less_than_400_bytes_with_its_signature():
    before = bundle(numbered(2_000))
    before = Bundle(before.head._replace(claims=claims(before, 1)), before.tree)
    wanted = after(
        before,
        bundle(numbered(2_000, changed={777})),
        commit="ab" * 20,
        issued=1_760_000_000,
        claims=claims(before, 2),
    )

    delta = make_delta(before, wanted)

    assert len(delta) <= 400
    assert apply_delta(before, delta).head == wanted.head


def test_a_document_that_changed_all_over_comes_whole():
    words = [f"word-{number * 7919 % 10007}" for number in range(600)]
    one = {"config/a.json": document({word: index for index, word in enumerate(words)})}
    other = {"config/a.json": document({word: index + 1 for index, word in enumerate(words)})}
    before = bundle(one)

    delta = make_delta(before, after(before, bundle(other)))

    assert len(delta) < len(one["config/a.json"]) / 2
    assert contents(apply_delta(before, delta))["config/a.json"] == other["config/a.json"]


def test_a_delta_is_refused_by_another_bundle_than_it_starts_from():
    one, other = bundle(numbered(20)), bundle(numbered(20, changed={1}))
    delta = make_delta(one, after(one, other))

    with pytest.raises(WrongBaseError):
        apply_delta(other, delta)


def test_what_deltas_made_is_no_longer_tied_to_the_file_once_it_is_packed():
    made = read_bundle(pack_bundle(bundle(numbered(100))))
    for number in range(30):
        made = apply_delta(made, make_delta(made, after(made, bundle(numbered(100, changed={number})))))

    assert contents(read_bundle(pack_bundle(made))) == contents(bundle(numbered(100, changed={29})))


BEFORE = bundle({**numbered(30), "config/list.json": document({"items": [1, 2], "map": {"a": 1}})})
WANTED = after(
    BEFORE,
    bundle({**numbered(29, changed={5}), "config/list.json": document({"items": [1, 3]}), "files/new": b"new"}),
)
DELTA = make_delta(BEFORE, WANTED)


def outcome(delta):
    try:
        reached = apply_delta(BEFORE, delta)
    except (IntegrityError, WrongBaseError):
        return "refused"
    assert contents(reached) == contents(WANTED)
    return "right"


@pytest.mark.fault("N15")
def test_every_bit_flipped_is_refused_or_changes_the_head_alone():
    assert outcome(DELTA) == "right"
    for at in range(len(DELTA)):
        for bit in range(8):
            outcome(DELTA[:at] + bytes([DELTA[at] ^ 1 << bit]) + DELTA[at + 1 :])


def test_a_delta_cut_off_at_any_byte_is_refused():
    assert {outcome(DELTA[:length]) for length in range(len(DELTA))} == {"refused"}


@given(st.binary(max_size=300))
def test_junk_is_refused(junk):
    assert outcome(junk) == "refused"


def forged(*steps):
    fields = msgspec.msgpack.decode(DELTA)
    return msgspec.msgpack.encode([*fields[:3], [*steps]])


@pytest.mark.parametrize(
    "step",
    [
        [2, "config/none.json", [[["a"], 1]], []],
        [2, "config/list.json", [[["items", 9], 1]], []],
        [2, "config/list.json", [[["items", "a"], 1]], []],
        [2, "config/list.json", [[["items", -1], 1]], []],
        [2, "config/list.json", [[["map", 0], 1]], []],
        [2, "config/list.json", [[["map", "a", "b"], 1]], []],
        [2, "config/list.json", [[[], 1]], []],
        [2, "config/list.json", [], [[]]],
        [2, "config/list.json", [], [["items", 0]]],
        [2, "config/list.json", [[["map"], 2**63]], []],
        [2, "config/list.json", [[["map"], float("nan")]], []],
        [2, "config/list.json", [[["map"], b"bytes"]], []],
        [2, "lock.json", [[["target", "tenant"], "other"]], []],
        [0, "files/bomb", limits.BUNDLE_PART_BYTES + 1, b""],
        [0, "files/bomb", 10, b"\x00"],
        [0, "files/a\0b", 0, b"\x03\x00"],
        [0, "n" * 5000, 0, b"\x03\x00"],
        [1, "config/none.json"],
        [3, "what"],
        [2, "config/list.json", [[["map"], msgspec.Raw(b"\x91" * 5000 + b"\x90")]], []],
    ],
)
def test_a_step_that_leads_elsewhere_is_refused(step):
    assert outcome(forged(step)) == "refused"


def test_too_much_is_not_even_parsed(monkeypatch):
    monkeypatch.setattr(limits, "DELTA_BYTES", len(DELTA) - 1)

    with pytest.raises(IntegrityError, match="too large"):
        apply_delta(BEFORE, DELTA)

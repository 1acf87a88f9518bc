"""What is signed has one form: in a plain folder and in a bundle file, and nobody can write it in another."""

from __future__ import annotations

import base64
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcfg.bundlefile.bundle import Bundle
from llmcfg.bundlefile.delta import WrongBaseError, apply_delta, make_delta
from llmcfg.bundlefile.head import encode_head, parse_head
from llmcfg.bundlefile.reader import read_bundle
from llmcfg.bundlefile.writer import pack_bundle
from llmcfg.canonical import canonical_json
from llmcfg.errors import IntegrityError
from llmcfg.model.target import Target
from llmcfg.signing.statement import (
    KIND,
    Statement,
    encode_statement,
    encoded_envelope_of,
    parse_signed,
    parse_statement,
    statement_of,
    with_claims,
)
from llmcfg.signing.verdict import UntrustedError, Wanted, check_bundle
from llmcfg.trust.failure import SignatureError
from support.bundles import bundle, document, numbered
from support.signed import root_for, signed, statement_about
from trust.signing import NOW

KEY = 3
ROOT = root_for(KEY)
PLAIN = bundle({"config/limits.json": document({"rpm": 10}), "files/app.env": b"RPM=10\n"})
SIGNED = signed(PLAIN, ROOT, KEY)
WRITTEN = encoded_envelope_of(SIGNED)
PAYLOAD = base64.b64decode(json.loads(WRITTEN)["payload"])
SAID = json.loads(PAYLOAD)

NAMES = st.text("abcé-", min_size=1, max_size=9)
DIGESTS = st.binary(min_size=32, max_size=32)
NUMBERS = st.integers(1, 1 << 52)
TIMES = st.integers(1, 253_402_300_799)
STATEMENTS = st.builds(
    Statement,
    repository=NAMES,
    target=st.builds(Target, NAMES, st.none() | NAMES, NAMES),
    epoch=NUMBERS,
    sequence=NUMBERS,
    previous=st.just(b"") | DIGESTS,
    issued=TIMES,
    expires=st.just(0) | TIMES,
    commit=st.sampled_from(["ab" * 20, "0f" * 32]),
    sources=DIGESTS,
    digest=DIGESTS,
    root=DIGESTS,
    subjects=st.dictionaries(NAMES, DIGESTS, max_size=3),
)


@given(STATEMENTS)
def test_what_is_written_is_read_back(statement):
    assert parse_statement(encode_statement(statement)) == statement


def test_a_folder_and_a_file_say_the_same():
    assert with_claims(PLAIN, WRITTEN).head == SIGNED.head
    assert encoded_envelope_of(read_bundle(pack_bundle(SIGNED))) == WRITTEN


def test_a_delta_brings_what_was_signed_along():
    before = signed(bundle(numbered(100)), ROOT, KEY)
    after = signed(bundle(numbered(100, changed={7})), ROOT, KEY, sequence=2, previous=before.head.root)
    unsigned = bundle(numbered(100))

    for base in (before, unsigned):
        assert apply_delta(base, make_delta(base, after)).head.claims == after.head.claims
    assert apply_delta(after, make_delta(after, unsigned)).head.claims is None


def test_a_delta_does_not_fit_the_same_content_that_others_signed():
    parts = numbered(100)
    before, same = (signed(bundle(parts), root_for(seed), seed) for seed in (KEY, 4))
    after = signed(bundle(numbered(100, changed={7})), ROOT, KEY, sequence=2)

    with pytest.raises(WrongBaseError):
        apply_delta(same, make_delta(before, after))


def test_an_envelope_of_another_bundle_is_refused():
    with pytest.raises(IntegrityError, match="not about the bundle beside it") as caught:
        with_claims(bundle({"files/other": b""}), WRITTEN)
    assert caught.value.code == "bundle-mixed"


def test_a_file_that_was_sealed_differently_is_refused():
    said = statement_about(PLAIN, ROOT)
    other = Statement(*said)._replace(subjects={**said.subjects, "secrets.age": b"x" * 32})
    with pytest.raises(IntegrityError, match="not about the bundle beside it"):
        with_claims(PLAIN, envelope(json.loads(encode_statement(other))))


def envelope(payload: object, **said: object) -> bytes:
    signatures = json.loads(WRITTEN)["signatures"]
    content = payload if isinstance(payload, bytes) else canonical_json(payload)
    text = base64.b64encode(content).decode()
    return canonical_json({"payload": text, "payloadType": KIND, "signatures": signatures, **said})


def changed(**said: object) -> dict[str, object]:
    return {**SAID, "predicate": {**SAID["predicate"], **said}}


MALFORMED = {
    "nothing": b"",
    "no JSON": b"\x00",
    "no end": WRITTEN * 1000,
    "two documents": WRITTEN + WRITTEN,
    "a line break behind it": WRITTEN + b"\n",
    "a space": WRITTEN.replace(b":", b": ", 1),
    "a field that is there twice": WRITTEN.replace(b"{", b'{"payload":"",', 1),
    "a field more": envelope(SAID, more=1),
    "another type of payload": envelope(SAID, payloadType="application/json"),
    "base64 with bits left over": WRITTEN.replace(b'=="', b'="'),
    "a payload that is no JSON": envelope(b"\xff"),
    "a payload with a field that is there twice": envelope(PAYLOAD.replace(b"{", b'{"_type":"",', 1)),
    "a payload with spaces": envelope(json.dumps(SAID).encode()),
    "NaN": envelope(PAYLOAD.replace(b'"epoch":1', b'"epoch":NaN')),
    "another statement": envelope({**SAID, "_type": "https://in-toto.io/Statement/v0.1"}),
    "another predicate": envelope({**SAID, "predicateType": "https://slsa.dev/provenance/v1"}),
    "a predicate with more": envelope(changed(more=1)),
    "true for 1": envelope(changed(epoch=True)),
    "1.0 for 1": envelope(PAYLOAD.replace(b'"epoch":1', b'"epoch":1.0')),
    "a text for a number": envelope(changed(sequence="1")),
    "number 0": envelope(changed(sequence=0)),
    "a number below 0": envelope(changed(sequence=-1)),
    "a number beyond all that are counted": envelope(changed(sequence=(1 << 52) + 1)),
    "a time that is none": envelope(changed(issued="2026-02-30T00:00:00Z")),
    "a time of another zone": envelope(changed(issued="2026-02-03T00:00:00+01:00")),
    "a digest in capitals": envelope(changed(root=str(SAID["predicate"]["root"]).upper())),
    "a digest that is cut off": envelope(changed(root="ab")),
    "a subject twice": envelope({**SAID, "subject": [*SAID["subject"], *SAID["subject"]]}),
    "no subject": canonical_json({"payload": ""}),
}  # fmt: skip


@pytest.mark.fault("S12")
@pytest.mark.parametrize("content", [pytest.param(value, id=name) for name, value in MALFORMED.items()])
def test_what_has_not_the_one_form_is_no_envelope(content):
    with pytest.raises(SignatureError):
        parse_signed(content)


def taken(read: Bundle) -> bool:
    """Whether a consumer takes it. What it takes has to be what was signed."""
    try:
        statement = check_bundle(read, ROOT, Wanted("prod", "acme/api"), None, NOW)
    except UntrustedError:
        return False
    assert statement == statement_of(SIGNED)
    return True


def flips(content: bytes, every: int):
    damaged = bytearray(content)
    for bit in range(0, len(content) * 8, every):
        damaged[bit // 8] ^= 1 << bit % 8
        yield bytes(damaged)
        damaged[bit // 8] ^= 1 << bit % 8


def check_envelope_flips(every: int) -> None:
    for damaged in flips(WRITTEN, every):
        try:
            read = with_claims(PLAIN, damaged)
        except IntegrityError:
            continue
        assert not taken(read)


def check_head_flips(every: int) -> None:
    """What the delivery says is not signed: it may change, and nothing that a consumer with a root uses does with it."""
    for damaged in flips(encode_head(SIGNED.head), every):
        try:
            head = parse_head(damaged)
        except IntegrityError:
            continue
        if taken(Bundle(head, SIGNED.tree)):
            assert (head.root, head.digest, head.commit) == (SIGNED.head.root, SIGNED.head.digest, SIGNED.head.commit)
            assert head.claims == SIGNED.head.claims


@pytest.mark.fault("S12")
def test_a_bit_that_flips_is_noticed():
    check_envelope_flips(every=37)
    check_head_flips(every=17)


@pytest.mark.fault("S12")
@pytest.mark.sweep
def test_any_bit_that_flips_is_noticed():
    check_envelope_flips(every=1)
    check_head_flips(every=1)


def test_claims_that_no_head_can_hold_come_in_no_delta():
    before = bundle(numbered(20))
    delta = msgspec.msgpack.decode(make_delta(before, signed(before, ROOT, KEY)))
    delta[2][7] = b"short"

    with pytest.raises(IntegrityError, match="no head can"):
        apply_delta(before, msgspec.msgpack.encode(delta))

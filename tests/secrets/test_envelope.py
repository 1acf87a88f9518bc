"""Sealed files: opened by the right reader, for the right purpose, and by nobody else."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmcfg.errors import IntegrityError, LlmcfgError, NotAuthorisedError
from llmcfg.model.target import Target
from llmcfg.secrets.age import decrypt, encrypt_to, generate_identity
from llmcfg.secrets.envelope import BLOCK, Content, Context, open_sealed, seal, sealed_value
from llmcfg.secrets.sops.model import Leaf

ADA, EVE, QUANTUM = generate_identity(), generate_identity(), generate_identity(post_quantum=True)
HERE = Context(Target("prod", "acme", "api"), "secrets.age", 7, "sha256:00")
CONTENT = Content({"openai": "sk-canary-1", "key@previous": "sk-canary-2"})

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=400)
values = texts | st.integers(-(2**53), 2**53) | st.booleans() | st.binary(max_size=40) | st.floats(-1e9, 1e9)
contents = st.builds(Content, st.dictionaries(texts, values, max_size=6)) | st.builds(lambda text: Content(text=text), texts)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(contents, st.sampled_from([ADA, QUANTUM]))
def test_what_is_sealed_is_what_is_opened(content, reader):
    opened = open_sealed(seal(HERE, content, [reader.recipient]), HERE, [reader])
    assert opened == content
    for use, value in content.values.items():
        assert isinstance(value, float) or type(opened.values[use]) is type(value)


@settings(max_examples=150, deadline=None)
@given(contents, st.text("abc", min_size=1, max_size=300))
def test_its_plaintext_is_a_multiple_of_a_block(content, path):
    context = HERE._replace(path=path)
    plain = decrypt(seal(context, content, [ADA.recipient]), [ADA])
    assert len(plain) % BLOCK == 0
    assert set(json.loads(plain)["pad"]) <= {"0"}


def test_values_of_like_length_have_one_size():
    sizes = {
        len(decrypt(seal(HERE, Content({"pin": "1" * length}), [ADA.recipient]), [ADA])) for length in range(4, 41, 4)
    }
    assert len(sizes) == 1


def test_it_is_binary_and_different_every_time():
    one, two = (seal(HERE, CONTENT, [ADA.recipient]) for _ in range(2))
    assert one.startswith(b"age-encryption.org/v1\n")
    assert one != two
    assert b"canary" not in one


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (HERE._replace(path="sealed/a.env.age"), "is sealed/a.env.age"),
        (HERE._replace(target=Target("dev", "acme", "api")), "is for dev/acme/api"),
        (HERE._replace(target=Target("prod", "beta", "api")), "is for prod/beta/api"),
        (HERE._replace(target=Target("prod", None, "api")), "is for prod/_shared/api"),
        (HERE._replace(target=Target("prod", "acme", "bot")), "is for prod/acme/bot"),
        (HERE._replace(sequence=6), "has the sequence 6, and the head says 7"),
        (HERE._replace(sequence=8), "has the sequence 8, and the head says 7"),
        (HERE._replace(source="sha256:01"), "was made from other values"),
    ],
    ids=["path", "environment", "tenant", "no tenant", "consumer", "older", "newer", "source"],
)
def test_a_file_for_something_else_is_refused(found, says):
    with pytest.raises(IntegrityError) as raised:
        open_sealed(seal(found, CONTENT, [ADA.recipient]), HERE, [ADA])
    assert raised.value.code == "secret-context"
    assert says in raised.value.message
    assert "canary" not in str(raised.value)


def test_a_stranger_opens_nothing():
    with pytest.raises(NotAuthorisedError):
        open_sealed(seal(HERE, CONTENT, [ADA.recipient]), HERE, [EVE])


def test_every_flipped_byte_and_every_cut_is_refused():
    sealed = seal(HERE, CONTENT, [ADA.recipient])
    for at in range(len(sealed)):
        with pytest.raises(LlmcfgError):
            open_sealed(sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :], HERE, [ADA])
        with pytest.raises(LlmcfgError):
            open_sealed(sealed[:at], HERE, [ADA])
    with pytest.raises(LlmcfgError):
        open_sealed(sealed + b"\0", HERE, [ADA])


def plain(**fields):
    about = {**HERE.target._asdict(), "path": HERE.path, "sequence": 7, "source": HERE.source}
    return {"apiVersion": "llmcfg.dev/v1", "kind": "Sealed", "context": about, "pad": "", "values": {}, **fields}


@pytest.mark.parametrize(
    "written",
    [
        b"",
        b"{}",
        b"sk-canary",
        b"\xff",
        b"[" * 100_000,
        json.dumps(plain(values={"a": None})).encode(),
        json.dumps(plain(values={"a": {"base64": "!"}})).encode(),
        json.dumps(plain(values={"a": {"other": "AA=="}})).encode(),
        json.dumps(plain(extra=1)).encode(),
        json.dumps(plain(kind="Bundle")).encode(),
        json.dumps(plain(apiVersion="llmcfg.dev/v2")).encode(),
        json.dumps(plain(context={"path": "secrets.age"})).encode(),
    ],
    ids=range(12),
)
def test_what_somebody_else_encrypted_to_the_reader_is_refused_without_being_shown(written):
    with pytest.raises(IntegrityError) as raised:
        open_sealed(encrypt_to([ADA.recipient], written, armor=False), HERE, [ADA])
    assert "canary" not in str(raised.value)


def test_nothing_that_was_opened_is_in_a_repr():
    assert "canary" not in repr(open_sealed(seal(HERE, CONTENT, [ADA.recipient]), HERE, [ADA]))
    assert "canary" not in repr(Content(text="sk-canary"))


@pytest.mark.parametrize(
    ("leaf", "value"),
    [
        (Leaf("str", b"5432"), "5432"),
        (Leaf("int", b"5432"), 5432),
        (Leaf("int", b"9007199254740993"), "9007199254740993"),
        (Leaf("float", b"1.5"), 1.5),
        (Leaf("float", b"+Inf"), "+Inf"),
        (Leaf("bool", b"True"), True),
        (Leaf("time", b"2026-01-05T09:00:00Z"), "2026-01-05T09:00:00Z"),
        (Leaf("bytes", "é".encode()), "é"),
        (Leaf("bytes", b"-----BEGIN X-----\r\n\tx\n"), "-----BEGIN X-----\r\n\tx\n"),
        (Leaf("bytes", b"\x00\xff"), b"\x00\xff"),
        (Leaf("bytes", b"by chance\x01"), b"by chance\x01"),
        (Leaf("str", b"a\x01"), "a\x01"),
        (Leaf("str", b"\xff"), b"\xff"),
    ],
)
def test_a_value_keeps_its_type_where_json_has_it(leaf, value):
    assert sealed_value(leaf) == value
    assert type(sealed_value(leaf)) is type(value)

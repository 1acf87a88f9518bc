"""Generated values are what they say, as long as they say, and never the same twice."""

from __future__ import annotations

import base64
import uuid

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from llmcfg.errors import UsageError
from llmcfg.secrets.age import decrypt, encrypt_to, parse_identity, parse_recipient
from llmcfg.secrets.generate import KINDS, LENGTHS, generate


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "rsa"])
def test_no_value_comes_twice(kind) -> None:
    assert len({generate(kind).value for _ in range(20)}) == 20


@pytest.mark.parametrize(("kind", "length"), [("password", None), ("password", 12), ("password", 1024), ("hex", 33)])
def test_characters_are_as_many_as_asked_for_and_need_no_quotes(kind, length) -> None:
    value = generate(kind, length).value
    assert len(value) == (length or LENGTHS[kind].default)
    assert value.isascii() and value.isalnum()


def test_every_letter_and_digit_comes_up_in_passwords() -> None:
    assert len(set("".join(generate("password", 1024).value for _ in range(10)))) == 62


@pytest.mark.parametrize("bits", [None, 384, 512])
def test_a_jwt_key_has_the_bits_of_its_hash(bits) -> None:
    value = generate("jwt-key", bits).value
    assert len(base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))) * 8 == (bits or 256)


def test_a_uuid_is_random() -> None:
    assert uuid.UUID(generate("uuid").value).version == 4


@pytest.mark.parametrize(
    ("kind", "length", "type_"), [("ed25519", None, Ed25519PrivateKey), ("rsa", 2048, RSAPrivateKey)]
)
def test_a_private_key_belongs_to_the_public_half_that_is_told(kind, length, type_) -> None:
    made = generate(kind, length)
    private = load_pem_private_key(made.value.encode(), None)
    assert isinstance(private, type_)
    assert private.public_key() == load_pem_public_key(made.public.encode())
    assert "PRIVATE" not in made.public


def test_an_rsa_key_has_the_bits_that_were_asked_for() -> None:
    private = load_pem_private_key(generate("rsa", 4096).value.encode(), None)
    assert isinstance(private, RSAPrivateKey)
    assert private.key_size == 4096


def test_an_age_identity_opens_what_is_encrypted_to_its_recipient() -> None:
    made = generate("age")
    sealed = encrypt_to([parse_recipient(made.public)], b"hello")
    assert decrypt(sealed, [parse_identity(made.value)]) == b"hello"


@pytest.mark.parametrize(
    ("kind", "length"),
    [
        ("password", 11),
        ("password", 1025),
        ("hex", 31),
        ("rsa", 1024),
        ("rsa", 3000),
        ("jwt-key", 128),
        ("uuid", 36),
        ("age", 1),
    ],
)
def test_lengths_that_are_weak_or_not_there_are_refused_with_those_that_are(kind, length) -> None:
    with pytest.raises(UsageError) as refused:
        generate(kind, length)
    assert kind in refused.value.hint or "--length" in refused.value.hint


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "rsa"])
def test_a_repr_shows_no_value(kind) -> None:
    made = generate(kind)
    assert made.value not in repr(made)

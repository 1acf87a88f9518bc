"""Whole age files: what is encrypted opens again, for whom it was meant, and in no damaged form."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmcfg.errors import IntegrityError, NotAuthorisedError, UsageError
from llmcfg.secrets.age import decrypt, encrypt_to, generate_identity, parse_identity, parse_recipient, read_header
from llmcfg.secrets.age.payload import CHUNK

KINDS = ("x25519", "pq", "ssh-ed25519", "ssh-rsa")
CLASSIC, SAFE = generate_identity(), generate_identity(post_quantum=True)
REFUSALS = (IntegrityError, NotAuthorisedError)

sizes = st.integers(0, 3).flatmap(lambda chunks: st.integers(-20, 20).map(lambda off: max(0, chunks * CHUNK + off)))


def content_of(size: int) -> bytes:
    return random.Random(size).randbytes(size)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_age_made_opens(kind: str, vectors, identities) -> None:
    content = (vectors / f"{kind}.age").read_bytes()
    assert decrypt(content, [identities[kind]]) == (vectors / "plaintext").read_bytes()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("armor", [True, False])
def test_what_is_encrypted_opens_again(kind: str, armor: bool, identities) -> None:
    content = encrypt_to([identities[kind].recipient], b"value", armor=armor)
    assert content.startswith(b"-----BEGIN" if armor else b"age-encryption.org/v1\n")
    assert decrypt(content, [identities[kind]]) == b"value"


@pytest.mark.parametrize("identity", [CLASSIC, SAFE], ids=["x25519", "post-quantum"])
@settings(max_examples=40, deadline=None)
@given(size=sizes, armor=st.booleans())
def test_encrypting_and_opening_is_the_identity_at_every_chunk_boundary(identity, size: int, armor: bool) -> None:
    plaintext = content_of(size)
    assert decrypt(encrypt_to([identity.recipient], plaintext, armor=armor), [identity]) == plaintext


@pytest.mark.parametrize("kind", KINDS)
def test_every_recipient_of_a_file_opens_it_and_nobody_else(kind: str, identities) -> None:
    is_safe = kind == "pq"
    other, stranger = generate_identity(post_quantum=is_safe), generate_identity(post_quantum=is_safe)
    content = encrypt_to([identities[kind].recipient, other.recipient], b"value")
    assert decrypt(content, [other]) == decrypt(content, [stranger, identities[kind]]) == b"value"
    with pytest.raises(NotAuthorisedError, match="does not fit"):
        decrypt(content, [stranger])
    with pytest.raises(NotAuthorisedError, match="no identity was given"):
        decrypt(content, [])


def test_an_identity_of_another_kind_does_not_fit(identities) -> None:
    for kind in KINDS:
        content = encrypt_to([identities[kind].recipient], b"value")
        with pytest.raises(NotAuthorisedError, match="none of 3"):
            decrypt(content, [identity for name, identity in identities.items() if name != kind])


@pytest.mark.fault("X02")
@pytest.mark.parametrize("identity", [CLASSIC, SAFE], ids=["x25519", "post-quantum"])
def test_thirty_two_recipients_share_a_file_and_no_more(identity) -> None:
    makes_safe = identity.recipient.is_post_quantum
    others = [generate_identity(post_quantum=makes_safe).recipient for _ in range(32)]
    content = encrypt_to([*others[1:], identity.recipient], b"value")
    assert decrypt(content, [identity]) == b"value"
    with pytest.raises(UsageError, match="33 recipients"):
        encrypt_to([*others, identity.recipient], b"value")


def test_the_same_recipient_twice_is_one_stanza() -> None:
    content = encrypt_to([CLASSIC.recipient, parse_recipient(CLASSIC.recipient.text)], b"", armor=False)
    assert [stanza.type for stanza in read_header(content).stanzas if not stanza.is_grease] == ["X25519"]


def test_nothing_is_encrypted_to_nobody() -> None:
    with pytest.raises(UsageError, match="nobody"):
        encrypt_to([], b"value")


def test_post_quantum_recipients_share_a_file_only_with_their_kind(identities) -> None:
    for kind in ("x25519", "ssh-ed25519", "ssh-rsa"):
        with pytest.raises(UsageError, match="cannot share"):
            encrypt_to([SAFE.recipient, identities[kind].recipient], b"value")


@pytest.mark.fault("X04")
@pytest.mark.parametrize("identity", [CLASSIC, SAFE], ids=["x25519", "post-quantum"])
def test_every_truncation_is_refused(identity) -> None:
    content = encrypt_to([identity.recipient], b"value", armor=False)
    for length in range(len(content)):
        with pytest.raises(REFUSALS):
            decrypt(content[:length], [identity])


@pytest.mark.fault("X04", "X15")
def test_every_single_bit_flip_is_refused() -> None:
    content = encrypt_to([CLASSIC.recipient], b"value", armor=False)
    for at in range(len(content) * 8):
        with pytest.raises(REFUSALS):
            decrypt(flipped(content, at), [CLASSIC])


def test_a_flipped_bit_in_every_byte_of_a_post_quantum_file_is_refused() -> None:
    content = encrypt_to([SAFE.recipient], b"value", armor=False)
    end_of_header = read_header(content).length
    header = [at * 8 + at % 8 for at in range(end_of_header)]
    for at in [*header, *range(end_of_header * 8, len(content) * 8)]:
        with pytest.raises(REFUSALS):
            decrypt(flipped(content, at), [SAFE])


def test_every_flipped_bit_and_cut_of_the_armor_is_refused() -> None:
    content = encrypt_to([CLASSIC.recipient], b"value")
    for at in range(len(content) * 8):
        with pytest.raises(REFUSALS):
            decrypt(flipped(content, at), [CLASSIC])
    for length in range(len(content) - 1):
        with pytest.raises(REFUSALS):
            decrypt(content[:length], [CLASSIC])


@pytest.mark.fault("X04")
@pytest.mark.parametrize("identity", [CLASSIC, SAFE], ids=["x25519", "post-quantum"])
def test_chunks_cannot_be_cut_off_joined_or_exchanged(identity) -> None:
    content = encrypt_to([identity.recipient], content_of(3 * CHUNK), armor=False)
    start = read_header(content).length + 16
    sealed = CHUNK + 16
    first, second, third = (content[start + at * sealed : start + (at + 1) * sealed] for at in range(3))
    for payload in (first + second, second + first + third, first + third, first + second + third + third, b""):
        with pytest.raises(IntegrityError):
            decrypt(content[:start] + payload, [identity])


@pytest.mark.fault("X04")
@pytest.mark.parametrize("identity", [CLASSIC, SAFE], ids=["x25519", "post-quantum"])
@pytest.mark.parametrize("armor", [True, False])
def test_what_follows_a_file_is_refused(identity, armor: bool) -> None:
    content = encrypt_to([identity.recipient], b"value", armor=armor)
    for more in (b"x", content):
        with pytest.raises(IntegrityError):
            decrypt(content + more, [identity])


@pytest.mark.parametrize("identity", [CLASSIC, SAFE], ids=["x25519", "post-quantum"])
def test_a_stanza_cannot_be_taken_out_or_put_in(identity) -> None:
    """The MAC covers the header, so nobody can strike a reader out or add one without being one."""
    other = generate_identity(post_quantum=identity.recipient.is_post_quantum)
    content = encrypt_to([identity.recipient, other.recipient], b"value", armor=False)
    starts = [at for at in range(len(content)) if content.startswith(b"\n-> ", at)]
    without_second = content[: starts[1]] + content[content.index(b"\n--- ") :]
    twice = content[: starts[1]] + content[starts[0] :]
    for changed in (without_second, twice):
        with pytest.raises(IntegrityError):
            decrypt(changed, [identity])


def test_the_last_chunk_is_not_empty_unless_it_is_the_only_one() -> None:
    """An empty last chunk would let one plaintext be written in two ways."""
    from llmcfg.secrets.age import payload

    key = bytes(16)
    sealed = payload.seal_payload(key, content_of(CHUNK))
    cipher, nonce = payload._cipher(key, sealed[:16]), sealed[:16]
    first = cipher.encrypt(payload._nonce(0, False), content_of(CHUNK), None)
    last = cipher.encrypt(payload._nonce(1, True), b"", None)
    assert payload.open_payload(key, sealed) == content_of(CHUNK)
    with pytest.raises(IntegrityError):
        payload.open_payload(key, nonce + first + last)


def test_a_passphrase_is_asked_for_only_when_nothing_else_opens_the_file(vectors, identities) -> None:
    def ask(question: str) -> str:
        raise AssertionError("nobody is to be asked")

    locked = parse_identity((vectors / "ssh-locked.key").read_text(), ask=ask)
    content = encrypt_to([locked.recipient, identities["x25519"].recipient], b"value")
    assert decrypt(content, [locked, identities["x25519"]]) == b"value"
    with pytest.raises(NotAuthorisedError):
        decrypt(encrypt_to([identities["ssh-ed25519"].recipient], b"value"), [locked])


@settings(max_examples=150, deadline=None)
@given(junk=st.binary(max_size=200), keep=st.integers(0, 400))
def test_junk_is_refused_and_never_a_crash(junk: bytes, keep: int) -> None:
    content = encrypt_to([CLASSIC.recipient], b"value", armor=False)
    for broken in (junk, content[:keep] + junk, b"-----BEGIN AGE ENCRYPTED FILE-----\n" + junk):
        if broken != content:
            with pytest.raises(REFUSALS):
                decrypt(broken, [CLASSIC, SAFE])


def flipped(content: bytes, bit: int) -> bytes:
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)

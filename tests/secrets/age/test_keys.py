"""Recipients and identities: what is taken, what is refused, and that no private key shows."""

from __future__ import annotations

import copy
import pickle
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcfg.errors import LlmcfgError, NotAuthorisedError, UsageError
from llmcfg.secrets.age import (
    decrypt,
    encrypt_to,
    generate_identity,
    parse_identities,
    parse_identity,
    parse_recipient,
)
from llmcfg.secrets.age.bech32 import decode_bech32, encode_bech32

CLASSIC, SAFE = generate_identity(), generate_identity(post_quantum=True)


@given(st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=20), st.binary(max_size=80))
def test_bech32_is_read_as_it_was_written_in_both_cases(prefix: str, content: bytes) -> None:
    text = encode_bech32(prefix, content)
    assert decode_bech32(text) == (prefix, content)
    assert decode_bech32(text.upper()) == (prefix.upper(), content)


@given(st.binary(min_size=32, max_size=32), st.integers(0, 61), st.sampled_from("qpzry9x8gf2tvdw0s3jn54khce6mua7l"))
def test_bech32_sees_a_changed_character(content: bytes, at: int, other: str) -> None:
    text = encode_bech32("age", content)
    changed = text[:at] + other + text[at + 1 :]
    if changed != text:
        with pytest.raises(ValueError):
            decode_bech32(changed)


@pytest.mark.parametrize("identity", [CLASSIC, SAFE], ids=["x25519", "post-quantum"])
def test_generated_keys_are_parsed_again(identity) -> None:
    again = parse_identity(identity.reveal())
    assert again.recipient == identity.recipient == parse_recipient(identity.recipient.text)
    assert decrypt(encrypt_to([identity.recipient], b"value"), [again]) == b"value"


def test_kinds_are_told_apart(identities) -> None:
    assert {name: identity.kind for name, identity in identities.items()} == {
        "x25519": "x25519",
        "pq": "post-quantum",
        "ssh-ed25519": "ssh-ed25519",
        "ssh-rsa": "ssh-rsa",
    }
    assert [name for name, identity in identities.items() if identity.recipient.is_post_quantum] == ["pq"]


def test_the_public_key_of_a_key_file_is_the_one_in_its_comment(vectors) -> None:
    for name in ("x25519", "pq"):
        text = (vectors / f"{name}.key").read_text()
        assert f"# public key: {parse_identities(text)[0].recipient}\n" in text


def test_an_ssh_recipient_is_the_same_with_and_without_its_comment(identities) -> None:
    text = identities["ssh-ed25519"].recipient.text
    assert parse_recipient(f"  {text} ada@laptop with words \n") == identities["ssh-ed25519"].recipient


SSH_ECDSA = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBKzYbfZMoc1Ov1fl5LYJyb1cOGHpQ3XFqkRTzW8lS7GQ"


NO_RECIPIENTS = [
    ("", "no known kind"),
    ("ada@example.com", "no known kind"),
    (SSH_ECDSA, "no known kind"),
    ("age1", "cut short"),
    ("age1qqqq", "cut short"),
    (CLASSIC.recipient.text[:-1], "checksum"),
    (CLASSIC.recipient.text[:20] + CLASSIC.recipient.text[21:], "checksum"),
    (CLASSIC.recipient.text[:-1] + "b", "no such key has"),
    (CLASSIC.recipient.text[:-1] + "Q", "mixes upper and lower"),
    (SAFE.recipient.text[:-1], "checksum"),
    (encode_bech32("age", bytes(31)), "no known kind"),
    (encode_bech32("age1pq", bytes(1215)), "no post-quantum public key"),
    (encode_bech32("age1yubikey", bytes(33)), "plugin age-plugin-yubikey"),
    ("ssh-ed25519", "cut short"),
    ("ssh-ed25519 AAAA*", "base64 is damaged"),
    ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5", "cut short"),
    ("ssh-dss AAAAB3NzaC1kc3M=", "type ssh-dss"),
    ("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC7", "cut short"),
]


@pytest.mark.fault("X07")
@pytest.mark.parametrize(("text", "says"), NO_RECIPIENTS, ids=[says for _, says in NO_RECIPIENTS])
def test_what_is_no_recipient_is_refused_with_a_reason(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        parse_recipient(text)
    assert caught.value.hint


def test_an_rsa_key_of_1024_bits_is_refused() -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = rsa.generate_private_key(65537, 1024).public_key()
    with pytest.raises(UsageError, match="2048 bits"):
        parse_recipient(key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode())


@pytest.mark.parametrize("identity", [CLASSIC, SAFE], ids=["x25519", "post-quantum"])
def test_a_private_key_in_the_place_of_a_recipient_is_not_repeated(identity) -> None:
    for text in (identity.reveal(), identity.reveal().lower(), f"{identity.reveal()[:40]}"):
        with pytest.raises(UsageError, match="private key stands") as caught:
            parse_recipient(text)
        assert text not in caught.value.message + caught.value.hint


NO_IDENTITIES = [
    ("", "not an identity"),
    ("tr0ub4dor", "not an identity"),
    (CLASSIC.recipient.text, "public key stands"),
    ("AGE-PLUGIN-YUBIKEY-1QQQQ", "plugins"),
    (CLASSIC.reveal()[:-1], "checksum"),
    (CLASSIC.reveal()[:-1] + "B", "no such key has"),
    (SAFE.reveal()[:-1], "checksum"),
    (CLASSIC.reveal().lower(), "not an identity"),
    (encode_bech32("age-secret-key-", bytes(31)).upper(), "wrong length"),
    (encode_bech32("age-secret-key-pq-", bytes(64)).upper(), "wrong length"),
    (encode_bech32("age-secret-key-x-", bytes(32)).upper(), "unknown kind"),
    ("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n", "damaged"),
    ("-----BEGIN OPENSSH PRIVATE KEY-----\n", "damaged"),
    ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "damaged"),
]


@pytest.mark.parametrize(("text", "says"), NO_IDENTITIES, ids=[says for _, says in NO_IDENTITIES])
def test_what_is_no_identity_is_refused_without_repeating_it(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        parse_identity(text, origin="keys.txt:7")
    assert caught.value.message.startswith("keys.txt:7: ")
    shown = "".join(traceback.format_exception(caught.value))
    assert not text or text not in shown


def test_no_identity_shows_in_a_repr_a_copy_or_a_pickle(identities) -> None:
    for identity in identities.values():
        secret = identity.reveal()
        assert identity.recipient.short in repr(identity)
        assert secret not in repr(identity) + str(identity) + repr([identity]) + f"{identity}"
        for leak in (pickle.dumps, copy.deepcopy):
            with pytest.raises(TypeError):
                leak(identity)


def test_a_key_file_holds_several_keys_with_comments_and_any_line_ends() -> None:
    text = f"\ufeff# team\r\n\r\n  {CLASSIC.reveal()}  \r\n\t# safe\r\n{SAFE.reveal()}"
    found = parse_identities(text, origin="keys.txt")
    assert [identity.recipient for identity in found] == [CLASSIC.recipient, SAFE.recipient]


def test_keys_in_a_variable_may_stand_on_one_line() -> None:
    assert len(parse_identities(f"{CLASSIC.reveal()} {SAFE.reveal()}")) == 2


def test_a_mistake_in_a_key_file_is_named_by_its_line() -> None:
    with pytest.raises(UsageError, match=r"^keys\.txt:3: ") as caught:
        parse_identities(f"# one\n{CLASSIC.reveal()}\n{SAFE.reveal()[:-1]}\n", origin="keys.txt")
    assert SAFE.reveal()[:-1] not in caught.value.message


def test_ssh_keys_of_older_formats_are_read(identities) -> None:
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        load_ssh_private_key,
    )

    for name, format_ in [
        ("ssh-rsa", PrivateFormat.TraditionalOpenSSL),
        ("ssh-rsa", PrivateFormat.PKCS8),
        ("ssh-ed25519", PrivateFormat.PKCS8),
    ]:
        key = load_ssh_private_key(identities[name].reveal().encode(), None)
        again = parse_identity(key.private_bytes(Encoding.PEM, format_, NoEncryption()).decode())
        assert again.recipient == identities[name].recipient
        assert decrypt(encrypt_to([identities[name].recipient], b"value"), [again]) == b"value"


def test_an_ssh_key_with_a_passphrase_says_so_and_shows_its_recipient(vectors) -> None:
    locked = parse_identity((vectors / "ssh-locked.key").read_text(), origin="id_ed25519")
    assert locked.is_locked
    content = (vectors / "ssh-locked.age").read_bytes()
    with pytest.raises(NotAuthorisedError, match="id_ed25519 has a passphrase"):
        decrypt(content, [locked])


def test_an_ssh_key_with_a_passphrase_opens_when_it_is_answered(vectors) -> None:
    pytest.importorskip("bcrypt", reason="reading SSH keys with a passphrase needs bcrypt")
    answers, questions = ["wrong", "correct horse"], list[str]()

    def ask(question: str) -> str:
        questions.append(question)
        return answers.pop(0)

    locked = parse_identity((vectors / "ssh-locked.key").read_text(), origin="id_ed25519", ask=ask)
    content = (vectors / "ssh-locked.age").read_bytes()
    with pytest.raises(NotAuthorisedError, match="not the passphrase"):
        decrypt(content, [locked])
    for _ in range(2):
        assert decrypt(content, [locked]) == (vectors / "plaintext").read_bytes()
    assert questions == ["passphrase of id_ed25519: "] * 2
    assert not locked.is_locked


def test_without_bcrypt_the_message_says_what_to_install(vectors, monkeypatch) -> None:
    from cryptography.hazmat.primitives.serialization import ssh

    monkeypatch.setattr(ssh, "_bcrypt_supported", False)
    locked = parse_identity((vectors / "ssh-locked.key").read_text(), ask=lambda question: "correct horse")
    with pytest.raises(LlmcfgError) as caught:
        decrypt((vectors / "ssh-locked.age").read_bytes(), [locked])
    assert "bcrypt" in caught.value.hint

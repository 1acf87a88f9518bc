"""The forms of a header that are refused before anything is decrypted: our own vectors, in the manner of the age test kit."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcfg.errors import IntegrityError
from llmcfg.secrets.age.base64text import encode_raw
from llmcfg.secrets.age.header import Stanza, read_header, write_stanza

FILE_KEY = encode_raw(bytes(32)).decode()
SHARE = encode_raw(bytes(range(32))).decode()
MAC = f"--- {SHARE}\n"
X25519 = f"-> X25519 {SHARE}\n{FILE_KEY}\n"
HEAD = "age-encryption.org/v1\n"
PAYLOAD = b"\x00" * 32


def file_of(header: str) -> bytes:
    return header.encode("latin-1") + PAYLOAD


def test_a_sound_header_is_read_with_its_parts() -> None:
    content = file_of(HEAD + X25519 + f"-> odd-grease ~!  \n{FILE_KEY}\n".replace("  ", "") + MAC)
    header = read_header(content)
    assert [stanza.type for stanza in header.stanzas] == ["X25519", "odd-grease"]
    assert header.types == {"X25519"}
    assert header.stanzas[0].argument(0) == bytes(range(32))
    assert header.mac == bytes(range(32))
    assert content[header.length :] == PAYLOAD
    assert header.authenticated + f" {SHARE}\n".encode() + PAYLOAD == content


REFUSED = {
    "empty": "",
    "version_unsupported": HEAD.replace("v1", "v2") + X25519 + MAC,
    "version_crlf": HEAD.replace("\n", "\r\n") + X25519 + MAC,
    "header_crlf": (HEAD + X25519 + MAC).replace("\n", "\r\n"),
    "no_version": X25519 + MAC,
    "no_recipients": HEAD + MAC,
    "only_grease": HEAD + f"-> x-grease\n{FILE_KEY}\n" + MAC,
    "no_mac": HEAD + X25519,
    "mac_empty": HEAD + X25519 + "---\n",
    "mac_short": HEAD + X25519 + MAC[:-5] + "\n",
    "mac_long": HEAD + X25519 + MAC[:-1] + "AAAA\n",
    "mac_extra_space": HEAD + X25519 + MAC.replace("--- ", "---  "),
    "mac_trailing_space": HEAD + X25519 + MAC[:-1] + " \n",
    "mac_padded": HEAD + X25519 + MAC[:-1] + "=\n",
    "mac_not_canonical": HEAD + X25519 + MAC[:-2] + chr(ord(MAC[-2]) + 1) + "\n",
    "mac_no_line_end": (HEAD + X25519 + MAC).removesuffix("\n"),
    "stanza_missing_body": HEAD + f"-> X25519 {SHARE}\n" + MAC,
    "stanza_missing_final_line": HEAD + X25519 + f"-> a-grease\n{'A' * 64}\n" + MAC,
    "stanza_missing_body_between": HEAD + f"-> X25519 {SHARE}\n" + X25519 + MAC,
    "stanza_empty_body": HEAD + f"-> X25519 {SHARE}\n\n" + MAC,
    "stanza_empty_line_too_many": HEAD + X25519 + "\n" + MAC,
    "stanza_long_line": HEAD + X25519 + f"-> a-grease\n{'A' * 65}\n\n" + MAC,
    "stanza_short_line_within": HEAD + X25519 + f"-> a-grease\n{'A' * 60}\n{'A' * 8}\n" + MAC,
    "stanza_no_arguments": HEAD + "->\n\n" + MAC,
    "stanza_empty_argument": HEAD + f"-> X25519  {SHARE}\n{FILE_KEY}\n" + MAC,
    "stanza_trailing_space": HEAD + f"-> X25519 {SHARE} \n{FILE_KEY}\n" + MAC,
    "stanza_tab": HEAD + f"-> X25519\t{SHARE}\n{FILE_KEY}\n" + MAC,
    "stanza_no_space": HEAD + f"->X25519 {SHARE}\n{FILE_KEY}\n" + MAC,
    "stanza_bad_start": HEAD + f"=> X25519 {SHARE}\n{FILE_KEY}\n" + MAC,
    "stanza_control_character": HEAD + f"-> X25519 {SHARE}\x7f\n{FILE_KEY}\n" + MAC,
    "stanza_not_ascii": HEAD + f"-> X25519 {SHARE}\xe9\n{FILE_KEY}\n" + MAC,
    "body_padded": HEAD + f"-> X25519 {SHARE}\n{FILE_KEY}=\n" + MAC,
    "body_not_canonical": HEAD + f"-> X25519 {SHARE}\n{FILE_KEY[:-1]}B\n" + MAC,
    "body_not_base64": HEAD + f"-> X25519 {SHARE}\n{FILE_KEY[:-1]}*\n" + MAC,
    "body_url_alphabet": HEAD + f"-> X25519 {SHARE}\n{FILE_KEY[:-2]}-A\n" + MAC,
    "x25519_lowercase": HEAD + X25519.replace("X25519", "x25519") + MAC,
    "x25519_extra_argument": HEAD + f"-> X25519 {SHARE} 1234\n{FILE_KEY}\n" + MAC,
    "x25519_short_share": HEAD + f"-> X25519 {SHARE[:-4]}\n{FILE_KEY}\n" + MAC,
    "x25519_long_share": HEAD + f"-> X25519 {encode_raw(bytes(33)).decode()}\n{FILE_KEY}\n" + MAC,
    "x25519_share_not_canonical": HEAD + f"-> X25519 {SHARE[:-1]}9\n{FILE_KEY}\n" + MAC,
    "x25519_short_file_key": HEAD + f"-> X25519 {SHARE}\n{encode_raw(bytes(31)).decode()}\n" + MAC,
    "x25519_long_file_key": HEAD + f"-> X25519 {SHARE}\n{encode_raw(bytes(48)).decode()}\n\n" + MAC,
    "pq_short_share": HEAD + f"-> mlkem768x25519 {SHARE}\n{FILE_KEY}\n" + MAC,
    "ssh_ed25519_one_argument": HEAD + f"-> ssh-ed25519 {SHARE}\n{FILE_KEY}\n" + MAC,
    "ssh_rsa_short_body": HEAD + f"-> ssh-rsa AAAAAA\n{FILE_KEY}\n" + MAC,
    "unknown_type": HEAD + X25519 + f"-> mystery\n{FILE_KEY}\n" + MAC,
    "scrypt": HEAD + f"-> scrypt {encode_raw(bytes(16)).decode()} 10\n{FILE_KEY}\n" + MAC,
    "scrypt_work_factor_23": HEAD + f"-> scrypt {encode_raw(bytes(16)).decode()} 23\n{FILE_KEY}\n" + MAC,
    "scrypt_and_x25519": HEAD + X25519 + f"-> scrypt {encode_raw(bytes(16)).decode()} 60\n{FILE_KEY}\n" + MAC,
    "stanzas_33": HEAD + X25519 * 33 + MAC,
    "stanzas_1000": HEAD + X25519 * 1_000 + MAC,
    "stanzas_100000": HEAD + X25519 * 100_000 + MAC,
    "grease_5": HEAD + X25519 + f"-> x-grease\n{FILE_KEY}\n" * 5 + MAC,
    "grease_16_kib": HEAD + X25519 + f"-> x-grease\n{(('A' * 64) + chr(10)) * 256}\n" + MAC,
    "body_1_mb": HEAD + X25519 + f"-> x-grease\n{(('A' * 64) + chr(10)) * 16_000}\n" + MAC,
    "argument_1_mb": HEAD + f"-> X25519 {'A' * 1_000_000}\n{FILE_KEY}\n" + MAC,
}


@pytest.mark.fault("X02")
@pytest.mark.parametrize("name", REFUSED)
def test_the_form_is_refused(name: str) -> None:
    with pytest.raises(IntegrityError, match="not an age file that can be opened"):
        read_header(file_of(REFUSED[name]) if name != "mac_no_line_end" else REFUSED[name].encode())


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("scrypt_work_factor_23", "passphrase"),
        ("unknown_type", "'mystery'"),
        ("stanzas_33", "more than 32 recipients"),
        ("body_1_mb", "over 65536 bytes"),
        ("grease_16_kib", "over 16384 bytes"),
        ("empty", "does not start as one"),
    ],
)
def test_the_message_says_why(name: str, says: str) -> None:
    with pytest.raises(IntegrityError, match=says):
        read_header(file_of(REFUSED[name]))


@pytest.mark.fault("X03")
def test_scrypt_is_read_where_a_passphrase_is_expected_and_stands_alone() -> None:
    assert read_header(file_of(REFUSED["scrypt"]), passphrase=True).types == {"scrypt"}
    with pytest.raises(IntegrityError):
        read_header(file_of(REFUSED["scrypt_and_x25519"]), passphrase=True)


@pytest.mark.parametrize("kind", ["piv-p256", "p256tag", "mlkem768p256tag"])
def test_stanzas_of_hardware_keys_may_stand_beside_ours(kind: str) -> None:
    assert read_header(file_of(HEAD + X25519 + f"-> {kind} AAAA\n{FILE_KEY}\n" + MAC)).types == {"X25519", kind}


words = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)


@given(st.lists(words, max_size=3), st.binary(max_size=200))
def test_a_written_stanza_is_read_as_it_was(arguments: list[str], body: bytes) -> None:
    stanza = Stanza("some-grease", tuple(arguments), body)
    header = read_header(file_of(HEAD + X25519 + write_stanza(stanza).decode() + MAC))
    assert header.stanzas[1] == stanza


@given(st.binary(max_size=64))
def test_base64_is_read_in_its_one_form_only(content: bytes) -> None:
    from llmcfg.secrets.age.base64text import decode_padded, decode_raw

    padded = base64.b64encode(content)
    assert decode_padded(padded) == decode_raw(encode_raw(content)) == content
    for other in (padded + b"=", padded + b"\n", b" " + padded, padded[:-1] if content else b"="):
        with pytest.raises(ValueError):
            decode_padded(other)

"""Every file that sops made reads as sops reads it, and what sops refuses is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from llmcfg.errors import IntegrityError, UsageError
from llmcfg.secrets.sops.edit import edit_values, replace_content
from llmcfg.secrets.sops.files import decrypt_file, encrypt_file
from llmcfg.secrets.sops.model import FileType, file_type_of
from llmcfg.secrets.sops.rotate import rotate_data_key

VECTORS = Path(__file__).parent.parent / "vectors" / "sops"
ENCRYPTED = sorted((*VECTORS.glob("cases/*.enc.*"), *VECTORS.glob("fuzz/*.enc.*")))
EXPECTED = json.loads((VECTORS / "tamper" / "expected.json").read_text())
REFUSED = [case for case in json.loads((VECTORS / "cases" / "manifest.json").read_text()) if "encrypt_error" in case]


def sibling(path: Path, kind: str) -> Path:
    return path.with_name(path.name.replace(".enc.", f".{kind}."))


def test_the_vectors_are_there() -> None:
    assert len(ENCRYPTED) == 75
    assert len(EXPECTED) == 16
    assert len(REFUSED) == 9


@pytest.mark.parametrize("path", ENCRYPTED, ids=lambda path: path.name)
def test_decrypts_to_the_bytes_that_sops_prints(path: Path, keyring) -> None:
    found = decrypt_file(path.read_bytes(), file_type_of(path.name), keyring)
    decrypted = sibling(path, "dec")
    if decrypted.exists():  # sops could not use the RSA key
        assert found.plain == decrypted.read_bytes()
    else:
        assert found.plain == sibling(path, "plain").read_bytes()


@pytest.mark.parametrize("path", [path for path in ENCRYPTED if path.suffix != ".ini"], ids=lambda path: path.name)
def test_encrypting_its_plaintext_gives_a_file_of_the_same_shape_and_content(
    path: Path, keyring, alice, moment
) -> None:
    file_type = file_type_of(path.name)
    theirs = decrypt_file(path.read_bytes(), file_type, keyring)
    ours = encrypt_file(
        sibling(path, "plain").read_bytes(),
        file_type,
        [alice.recipient.text],
        moment,
        rule=theirs.metadata.rule,
        mac_only_encrypted=theirs.metadata.mac_only_encrypted,
    )
    again = decrypt_file(ours, file_type, [alice])
    assert again.plain == theirs.plain
    assert [without_tokens(line) for line in body(ours)] == [without_tokens(line) for line in body(path.read_bytes())]


def body(content: bytes) -> list[bytes]:
    """The lines before the metadata."""
    return content.partition(b"sops")[0].splitlines()


def without_tokens(line: bytes) -> bytes:
    return b"".join(part.partition(b"data:")[0] + part.rpartition(b"type:")[2] for part in line.split(b"ENC["))


@pytest.mark.parametrize("path", [path for path in ENCRYPTED if path.suffix != ".ini"], ids=lambda path: path.name)
def test_editing_nothing_changes_no_byte(path: Path, keyring, moment) -> None:
    content, file_type = path.read_bytes(), file_type_of(path.name)
    found = decrypt_file(content, file_type, keyring)
    assert edit_values(content, file_type, keyring, {}, moment) == content
    assert replace_content(content, file_type, keyring, found.plain, moment) == content


@pytest.mark.parametrize("path", [path for path in ENCRYPTED if path.suffix != ".ini"], ids=lambda path: path.name)
def test_a_new_data_key_changes_every_token_and_no_value(path: Path, keyring, moment) -> None:
    content, file_type = path.read_bytes(), file_type_of(path.name)
    rotated = rotate_data_key(content, file_type, keyring, moment)
    before, after = (decrypt_file(one, file_type, keyring) for one in (content, rotated))
    assert after.plain == before.plain
    assert after.data_key != before.data_key
    assert tokens(content).isdisjoint(tokens(rotated))


def tokens(content: bytes) -> set[bytes]:
    return {part.partition(b"]")[0] for part in content.split(b"ENC[AES256_GCM,")[1:]}


@pytest.mark.parametrize("name", EXPECTED)
def test_takes_and_refuses_edits_as_sops_does(name: str, keyring) -> None:
    content = (VECTORS / "tamper" / f"{name}.enc.yaml").read_bytes()
    if EXPECTED[name].startswith("accepted"):
        assert decrypt_file(content, FileType.YAML, keyring).plain
    else:
        with pytest.raises(IntegrityError) as refused:
            decrypt_file(content, FileType.YAML, keyring)
        assert refused.value.exit_code == 10


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case["name"])
def test_refuses_to_encrypt_what_sops_refuses(case: dict[str, str], alice, moment) -> None:
    content = (VECTORS / "cases" / f"{case['name']}.plain.{case['ext']}").read_bytes()
    with pytest.raises(UsageError):
        encrypt_file(content, file_type_of(f"x.{case['ext']}"), [alice.recipient.text], moment)

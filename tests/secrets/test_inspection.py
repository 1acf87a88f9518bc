"""What a secret file says to who has no key, and everything that is wrong with one is seen at its place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcfg.secrets.age import generate_identity
from llmcfg.secrets.inspection import Inspected, inspect_file, looks_sealed
from llmcfg.secrets.sops.files import encrypt_file
from llmcfg.secrets.sops.model import FileType
from llmcfg.secrets.sops.rules import Rule
from support.sealed import MOMENT, NAMES, RECIPIENTS, sealed, sealed_whole

SAFE = generate_identity(post_quantum=True).recipient
VECTORS = Path(__file__).parent / "vectors" / "sops"
FILE = sealed("# who\na: one\nb:\n    c: two\n    d: [x, y]\n")


def said(content: str | bytes, file: str = "a.yaml") -> list[str]:
    """Each problem as `rule line:column`."""
    found = inspect_file(file, content.encode() if isinstance(content, str) else content)
    return [f"{problem.rule} {problem.line}:{problem.column}" for problem in found.problems]


def changed(pattern: str, to: str, content: str = FILE) -> str:
    text, count = re.subn(pattern, to, content, count=1, flags=re.MULTILINE | re.DOTALL)
    assert count
    return text


def test_a_sound_file_names_who_can_open_it_and_where_it_says_so():
    found = inspect_file("a.yaml", FILE.encode())
    assert found.problems == ()
    assert found.metadata is not None
    assert found.metadata.recipients == NAMES
    assert FILE.splitlines()[found.line - 1] == "    age:"
    assert found.column == 5
    assert len(found.nonces) == 5


@pytest.mark.parametrize("file", sorted((VECTORS / "cases").rglob("*.enc.*")), ids=lambda file: file.name)
def test_files_that_sops_made_have_no_error(file: Path):
    found = inspect_file(file.name, file.read_bytes())
    rules = {problem.rule for problem in found.problems} - {"secret-single", "secret-repeated", "secret-colon"}
    assert rules <= {"secret-comment-rule"} if "comment" in file.name else not rules


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (changed(r"^a: ENC[^\n]*", "a: plain"), ["secret-clear 2:4"]),
        (changed(r"^a: ENC[^\n]*", "a: 12"), ["secret-clear 2:4"]),
        (changed(r"^a: ENC[^\n]*", "a: ''"), []),
        (changed(r"^a: ENC[^\n]*", "a: null"), []),
        (changed(r"^(a: .*?)data:", r"\1dota:"), ["secret-token 2:4"]),
        (changed(r"^(a: .*?,iv:)..", r"\1!!"), ["secret-token 2:4"]),
        (changed(r"^(a: .*?,tag:)[^,]*", r"\1YWJj"), ["secret-token 2:4"]),
        (changed(r"^(a: .*?,type:)str", r"\1text"), ["secret-token 2:4"]),
        (changed(r"^(a: .*?,iv:)[^,]*", r"\1MTIzNDU2Nzg5MDEy"), ["secret-nonce 2:4"]),
        (changed(r"^a: (ENC[^\n]*)(.*?)c: ENC[^\n]*", r"a: \1\2c: \1"), ["secret-repeated 4:8"]),
        (changed(r"^(a: .*?)(,iv:[^,]*)(.*?c: [^,]*,[^,]*),iv:[^,]*", r"\1\2\3\2"), ["secret-nonce-reuse 4:8"]),
        (changed(r"^a: ", "a_unencrypted: "), ["secret-token 2:16"]),
        (changed(r"^a: ", "'a:b': "), ["secret-colon 2:1"]),
        (changed(r"^    mac: [^\n]*\n", ""), ["secret-metadata"]),
        (changed(r"^    mac: [^\n]*", "    mac: ''"), ["secret-metadata"]),
        (changed(r"^    mac: ENC", "    mac: EMC"), ["secret-token"]),
        (changed(r"^    version: [^\n]*", "    version: three"), ["secret-metadata"]),
        (changed(r"^    version: [^\n]*\n", ""), ["secret-metadata"]),
        (changed(r"^    lastmodified: [^\n]*", "    lastmodified: yesterday"), ["secret-metadata"]),
        (changed(r"^    lastmodified: \"([^\"]*)\"", r"    lastmodified: \1"), ["secret-timestamp"]),
        (changed(r"YWdlLWVu", "YWdlLWVm"), ["secret-metadata"]),
        (changed(r"^    age:", "    age: ["), ["secret-unreadable"]),
        (FILE + FILE.replace("a: ", "a: ").partition("\n")[2], ["secret-unreadable"]),
    ],
    ids=range(23),
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_place(content: str, expected: list[str]):
    found = said(content)
    assert [text.split()[0] for text in found] == [text.split()[0] for text in expected]
    assert [text for text, wanted in zip(found, expected, strict=True) if " " in wanted and text != wanted] == []


@pytest.mark.parametrize(("key", "column"), [("version", 5), ("mac", 5)])
def test_damage_of_the_metadata_is_shown_at_the_key(key: str, column: int):
    content = changed(rf"^    {key}: [^\n]*", f"    {key}: ''")
    line = next(number for number, text in enumerate(content.splitlines(), 1) if text.startswith(f"    {key}:"))
    assert said(content) == [f"secret-metadata {line}:{column}"]


def test_no_message_repeats_a_value():
    secret = "hunter2-correct-horse"
    content = changed(r"^a: ENC[^\n]*", f"a: {secret}")
    for problem in inspect_file("a.yaml", content.encode()).problems:
        assert secret not in problem.message + problem.hint


def test_a_rule_on_comments_and_a_comment_in_a_list_do_not_go_together():
    on_comments = Rule("unencrypted_comment_regex", "clear")
    listed = sealed("a:\n    - x\n", rule=on_comments).replace("a:\n", "a:\n    # note\n")
    assert said(listed) == ["secret-comment-rule 2:6"]
    assert said(sealed("# clear\na: x\nb: y\n", rule=on_comments)) == []


def test_one_key_and_mixed_kinds_of_keys_are_remarked():
    assert [text.split()[0] for text in said(sealed("a: x\n", NAMES[:1]))] == ["secret-single"]
    assert [text.split()[0] for text in said(sealed("a: x\n", (*NAMES, SAFE.text)))] == ["secret-mixed"]
    assert said(sealed("a: x\n", (SAFE.text, generate_identity(post_quantum=True).recipient.text))) == []


def test_an_age_file_is_judged_by_its_header():
    assert said(sealed_whole(b"x"), "a.age") == []
    assert said(sealed_whole(b"x", RECIPIENTS[:1]), "a.age") == ["secret-single 0:0"]
    assert said(sealed_whole(b"x").replace(b"\n", b"\n\n", 1), "a.age") == ["secret-unreadable 0:0"]
    assert inspect_file("a.age", b"plain") == Inspected(())


def test_a_file_of_another_kind_says_nothing():
    assert inspect_file("a.yaml", b"a: 1\n") == Inspected(())
    assert not looks_sealed(b"a: 1\n")
    assert looks_sealed(FILE.encode())


@pytest.mark.parametrize(
    ("name", "file_type", "text", "place"),
    [
        ("a.json", FileType.JSON, '{"a": "x", "b": "y"}', "2:7"),
        ("a.env", FileType.DOTENV, "a=x\nb=y\n", "1:3"),
    ],
)
def test_json_and_dotenv_files_are_looked_through_too(name: str, file_type: FileType, text: str, place: str):
    content = encrypt_file(text.encode(), file_type, list(NAMES), MOMENT).decode()
    assert said(content, name) == []
    assert said(re.sub(r"ENC\[[^]]*\]", "plain", content, count=1), name) == [f"secret-clear {place}"]


@given(st.binary(max_size=400) | st.text(max_size=400).map(lambda text: FILE.replace("one", text)[:900].encode()))
def test_anything_can_be_looked_at(content: bytes):
    for name in ("a.yaml", "a.json", "a.env", "a.age"):
        inspect_file(name, content)

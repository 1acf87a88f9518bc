"""The lines that stand for a secret file: without its secrets, the same as long as it is the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmcfg.secrets.age import encrypt_to, generate_identity
from llmcfg.secrets.difference import Changed, differences, plain_values
from llmcfg.secrets.outline import outline
from llmcfg.secrets.sops.edit import edit_values
from llmcfg.secrets.sops.files import encrypt_file
from llmcfg.secrets.sops.model import FileType, file_type_of
from llmcfg.secrets.sops.rotate import set_recipients
from llmcfg.secrets.sops.rules import Rule

ALICE, BOB = generate_identity(), generate_identity()
MOMENT = datetime(2026, 1, 31, 12, tzinfo=UTC)
TEXT = "# of ours\nopenai:\n    key: first\n    models: [1, 2]\nempty: ''\nnone:\n"


def sealed(text, name="x.yaml", recipients=(ALICE,), **options):
    content = text.encode() if isinstance(text, str) else text
    return encrypt_file(content, file_type_of(name), [one.recipient.text for one in recipients], MOMENT, **options)


def lines(content, name="x.yaml"):
    return [str(line) for line in outline(content, name)]


def without_fingerprints(content, name="x.yaml"):
    return [line.rpartition(" ")[0] if "encrypted " in line else line for line in lines(content, name)]


def test_names_and_types_are_shown_and_who_can_open_it():
    assert without_fingerprints(sealed(TEXT)) == [
        "# encrypted comment",
        "openai.key: encrypted str",
        "openai.models[0]: encrypted int",
        "openai.models[1]: encrypted int",
        "empty: empty",
        "none: null",
        f"recipient age {ALICE.recipient}",
        "rule: unencrypted_suffix _unencrypted",
    ]


def test_what_the_rule_leaves_in_the_clear_is_shown_and_what_it_does_not_is_not():
    content = sealed("host: db\npassword: p\n", rule=Rule("encrypted_regex", "^password$"))
    by_hand = content.replace(content[content.index(b"password: ") : content.index(b"\nsops")], b"password: by-hand")
    assert lines(by_hand)[:2] == ['host: "db"', "password: NOT ENCRYPTED"]


@pytest.mark.parametrize(
    ("name", "text"),
    [("x.yaml", "a: canary\n"), ("x.json", '{"a": "canary"}'), ("x.env", "a=canary\n"), ("x.key", "canary")],
)
def test_a_file_that_is_not_encrypted_shows_its_names_alone(name, text):
    assert lines(text.encode(), name) == ["content: NOT ENCRYPTED" if name == "x.key" else "a: NOT ENCRYPTED"]


@pytest.mark.parametrize("content", [b"a: [canary", b"canary\n", b"<<<<<<< canary\n", b"\xff\xfe canary"])
def test_what_cannot_be_read_shows_nothing(content):
    assert lines(content) == [f"this is not a sound SOPS file: {len(content)} bytes"]


def test_key_groups_are_shown():
    content = encrypt_file(
        b"a: 1\n", FileType.YAML, [[ALICE.recipient.text], [BOB.recipient.text]], MOMENT, threshold=2
    )
    assert f"recipient of group 2 age {BOB.recipient}" in lines(content)
    assert "groups needed: 2 of 2" in lines(content)


def test_an_age_file_is_one_line():
    one, other = (encrypt_to([ALICE.recipient], b"x", armor=False) for _ in range(2))
    assert lines(one, "x.age") == lines(one, "x.age") != lines(other, "x.age")


def test_only_the_line_of_a_value_that_was_written_anew_differs():
    before = sealed(TEXT)
    after = edit_values(before, FileType.YAML, [ALICE], {("openai", "key"): "second"}, MOMENT + timedelta(days=1))
    pairs = list(zip(lines(before), lines(after), strict=True))
    assert [one.partition(":")[0] for one, other in pairs if one != other] == ["openai.key"]


@given(
    st.dictionaries(st.from_regex(r"\A[a-z]{1,8}\Z"), st.text(min_size=1).map(lambda text: f"canary{text}"), min_size=1)
)
@settings(max_examples=40, deadline=None)
def test_no_plaintext_is_ever_shown(values):
    content = sealed("a: 1\n")
    content = edit_values(content, FileType.YAML, [ALICE], {(key,): value for key, value in values.items()}, MOMENT)
    assert "canary" not in "\n".join(lines(content))


# differences


def test_differences_are_told_by_name():
    before = sealed("a: 1\nb: 2\nc: 3\n")
    after = edit_values(before, FileType.YAML, [ALICE], {("b",): 5, ("d",): 4}, MOMENT, removals=[("c",)])
    after = set_recipients(after, FileType.YAML, [ALICE], [ALICE.recipient.text, BOB.recipient.text], MOMENT)
    assert differences(before, after, "x.yaml") == (
        Changed(1, "b", "changed"),
        Changed(1, "d", "added"),
        Changed(1, f"recipient age {BOB.recipient}", "added"),
        Changed(1, "c", "removed"),
    )


def test_a_new_file_has_nothing_but_additions_and_the_same_file_none():
    content = sealed("a: 1\n")
    assert {change.what for change in differences(b"", content, "x.yaml")} == {"added"}
    assert differences(content, content, "x.yaml") == ()


def test_documents_are_told_apart():
    before = sealed("a: 1\n---\na: 1\n")
    after = sealed("a: 1\n")
    assert Changed(2, "a", "removed") in differences(before, after, "x.yaml")
    assert plain_values(before, "x.yaml", [ALICE]) == {(0, "a"): "1", (1, "a"): "1"}


def test_values_are_had_by_the_names_of_the_outline():
    content = sealed(TEXT)
    names = {line.name for line in outline(content, "x.yaml") if line.text.startswith("encrypted")}
    assert names <= {name for _, name in plain_values(content, "x.yaml", [ALICE])}
    assert plain_values(sealed("raw", "x.key"), "x.key", [ALICE]) == {(0, "content"): "raw"}

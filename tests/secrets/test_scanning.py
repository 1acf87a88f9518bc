"""Files are looked through for secrets in plain text and for secret files that are not encrypted."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from llmcfg.limits import SCAN_BYTES, SCAN_NAMED_BYTES
from llmcfg.secrets.age import encrypt_to, generate_identity
from llmcfg.secrets.scanning import Content, scan_all
from llmcfg.secrets.sops.files import encrypt_file
from llmcfg.secrets.sops.model import file_type_of
from llmcfg.secrets.sops.rules import Rule
from support.fake_secrets import made

ALICE = generate_identity()
MOMENT = datetime(2026, 1, 31, 12, tzinfo=UTC)
KEY = f"ghp_{made(36)}"
RULES = f"""\
creation_rules:
  - path_regex: \\.enc\\.yaml$
    encrypted_regex: ^(password|token)$
    age: {ALICE.recipient}
  - age: {ALICE.recipient}
""".encode()


def said(path, content, *, rules=None, size=None, was_encrypted=False):
    content = content.encode() if isinstance(content, str) else content
    files = rules if isinstance(rules, dict) else {".sops.yaml": rules}
    scanned = scan_all([Content(path, content, size or len(content), was_encrypted)], files.get)
    return [f"{finding.rule_id} {finding.origin}" for finding in scanned.findings]


def sealed(text, name="x.yaml", **options):
    kind = file_type_of(name)
    return encrypt_file(text.encode(), kind, [ALICE.recipient.text], MOMENT, **options)


# any file


def test_a_secret_is_found_in_any_text_and_not_in_binary_files():
    assert said("notes.txt", f"see {KEY}\n") == ["secret-plaintext notes.txt:1:5"]
    assert said("image.png", b"\0PNG " + KEY.encode()) == []


def test_text_in_utf_16_is_read():
    assert said("made-by-windows.env", f"A=1\r\nKEY={KEY}\r\n".encode("utf-16")) == [
        "secret-plaintext made-by-windows.env:2:5"
    ]


def test_bytes_that_are_no_utf_8_hide_nothing():
    assert said("latin1.txt", b"caf\xe9 " + KEY.encode()) == ["secret-plaintext latin1.txt:1:6"]


def test_a_large_file_is_looked_through_for_shapes_alone():
    text = f"api_key: {made(24)}\n# {KEY}\n"
    assert said("a.yaml", text) == ["secret-plaintext a.yaml:1:10", "secret-plaintext a.yaml:2:3"]
    assert said("a.yaml", text + "#" * SCAN_NAMED_BYTES) == ["secret-plaintext a.yaml:2:3"]


def test_what_was_not_looked_at_is_said():
    scanned = scan_all([Content("huge.txt", b"a", SCAN_BYTES + 1)], {}.get)
    assert scanned.remarks == ("huge.txt is larger than 32 MiB, and only its beginning was looked at",)


# secret files


@pytest.mark.parametrize("name", ["x.yaml", "x.json", "x.env", "tls.key"])
def test_an_encrypted_file_is_no_finding(name):
    text = {"x.yaml": "a: 1\n", "x.json": '{"a": "1"}', "x.env": "A=1\n", "tls.key": "raw"}[name]
    assert said(f"base/secrets/{name}", sealed(text, name)) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.yaml", "a: first\n"),
        ("x.json", '{"a": "first"}'),
        ("x.env", "A=first\n"),
        ("tls.key", "raw"),
        ("x.age", "raw"),
    ],
)
def test_a_file_below_secrets_that_is_not_encrypted_is_one(name, text):
    (finding,) = scan_all([Content(f"tenants/acme/secrets/{name}", text.encode(), len(text))], {}.get).findings
    assert finding.rule_id == "secret-file"
    assert "first" not in finding.message + finding.hint


def test_names_without_values_are_no_finding():
    assert said("base/secrets/x.yaml", "openai: ''\nmistral:\n# none yet\n") == []


def test_an_age_file_is_no_finding():
    assert said("certs/tls.age", encrypt_to([ALICE.recipient], b"raw", armor=False)) == []
    assert said("certs/tls.age", "not that") == ["secret-file certs/tls.age"]


def test_a_value_that_was_written_into_an_encrypted_file_is_found_at_its_place():
    text = sealed("a: first\nb: second\n").decode()
    line = next(line for line in text.splitlines() if line.startswith("b: "))
    found = said("base/secrets/x.yaml", text.replace(line, "b: by-hand"))
    assert [one.partition(" ")[2] for one in found] == ["base/secrets/x.yaml:2:4"]


def test_what_the_rule_of_a_file_leaves_in_the_clear_is_no_finding():
    assert (
        said("base/secrets/x.yaml", sealed("host: db\npassword: p\n", rule=Rule("encrypted_regex", "^password$"))) == []
    )


def test_a_file_that_was_encrypted_and_is_not_any_more_is_found_anywhere():
    assert said("deploy/values.yaml", "a: first\n", was_encrypted=True) == ["secret-file deploy/values.yaml"]
    assert said("deploy/values.yaml", "a: first\n") == []


def test_a_file_in_conflict_is_not_committed():
    ours, theirs = sealed("a: 1\n").decode(), sealed("a: 2\n").decode()
    text = f"<<<<<<< ours\n{ours}=======\n{theirs}>>>>>>> theirs\n"
    (finding,) = scan_all([Content("base/secrets/x.yaml", text.encode(), len(text))], {}.get).findings
    assert finding.message == "this secret file is in conflict"


# rules of .sops.yaml


def test_a_rule_tells_which_files_and_which_values_are_secret():
    text = "host: db\npassword: first\n"
    assert said("deploy/a.enc.yaml", text, rules=RULES) == ["secret-file deploy/a.enc.yaml:2:11"]
    assert said("deploy/a.enc.yaml", "host: db\n", rules=RULES) == []


def test_a_rule_for_every_file_makes_no_file_a_secret_one():
    assert said("base/routing.yaml", "a: first\n", rules=RULES) == []


def test_the_nearest_file_of_rules_counts():
    inner = f"creation_rules:\n  - path_regex: ^x\\.yaml$\n    age: {ALICE.recipient}\n".encode()
    rules = {".sops.yaml": RULES, "apps/.sops.yaml": inner}
    assert said("apps/x.yaml", "a: first\n", rules=rules) == ["secret-file apps/x.yaml:1:4"]
    assert said("apps/a.enc.yaml", "password: first\n", rules=rules) == []
    assert said("x.yaml", "a: first\n", rules=rules) == []


def test_rules_that_are_broken_are_said_and_hide_nothing_else():
    scanned = scan_all([Content("a.txt", KEY.encode(), 40)], {".sops.yaml": b"creation_rules: [1]\n"}.get)
    assert len(scanned.findings) == 1
    assert scanned.remarks[0].startswith(".sops.yaml was not used, because ")


def test_no_finding_holds_what_was_found():
    files = [Content("a.txt", f"x: {KEY}".encode(), 50), Content("secrets/b.yaml", b"a: canary\n", 10)]
    for finding in scan_all(files, {}.get).findings:
        assert KEY not in finding.message + finding.hint
        assert "canary" not in finding.message + finding.hint

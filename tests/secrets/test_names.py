"""What a file under `secrets/` names, and what is said about it, without a key and without its values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcfg.secrets.names import is_rotated, read_secret_file
from support.sealed import sealed, written

PLAIN = (
    st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=6, max_size=20)
    .filter(lambda text: "\n" not in text)
    .map(lambda text: f"canary-{text}")  # no word of ours
)


@pytest.mark.parametrize(
    "value", ["608484872374740225", "0o777123456", "1_000_777_1", "'no", "[a, {hunter2", "hunter2: x: y", "!x hunter2"]
)
def test_no_finding_about_how_a_file_is_written_shows_a_value(value: str) -> None:
    problems = read_secret_file("a.yaml", f"pin: {value}\n".encode()).problems
    assert problems
    said = " ".join(problem.message + problem.hint + problem.written for problem in problems)
    assert not any(part in said for part in (value, "hunter2", "60848", "777"))


@given(PLAIN)
def test_no_finding_shows_a_value_that_was_not_encrypted(value: str) -> None:
    for content in (f"pin: {value}\n", f"pin: '{value}\n", f'other: x\npin: "{value}"\n', f"pin: [{value}\n"):
        for problem in read_secret_file("a.yaml", content.encode()).problems:
            assert value not in problem.message + problem.hint


def test_names_are_key_paths_and_need_no_key() -> None:
    content = sealed("openai: a\nteam:\n  key: b\nlist: [c, '']\nnothing:\n")
    held = read_secret_file("a.yaml", content.encode()).secrets
    assert {name: secret.is_set for name, secret in held.items()} == {
        "openai": True, "team.key": True, "list[0]": True, "list[1]": False, "nothing": False,
    }  # fmt: skip


def test_a_fingerprint_is_that_of_the_ciphertext() -> None:
    content = sealed("one: same\ntwo: same\n").encode()
    held = read_secret_file("a.yaml", content).secrets
    assert held["one"].fingerprint != held["two"].fingerprint
    assert held == read_secret_file("b.yaml", content).secrets


def test_a_rotated_secret_is_one_name() -> None:
    held = read_secret_file("a.yaml", sealed("key: {value: a, previous: b}\n").encode()).secrets
    assert [*held] == ["key"] and held["key"].previous is not None and held["key"].pending is None
    assert not is_rotated({"value": {"more": 1}}) and not is_rotated({"value": 1, "other": 2})


def test_at_the_top_of_a_file_value_is_a_name() -> None:
    assert [*read_secret_file("a.yaml", sealed("value: a\nprevious: b\n").encode()).secrets] == ["value", "previous"]


def test_what_is_not_encrypted_is_said_by_name() -> None:
    problems = read_secret_file("a.yaml", b"openai: hunter2\nunset: ''\n").problems
    assert [(problem.rule, problem.path) for problem in problems] == [
        ("secret-file", None), ("secret-file", ("openai",)), ("secret-unset", ("unset",)),
    ]  # fmt: skip
    assert read_secret_file("a.yaml", written("openai: ''").encode()).problems[0].rule == "secret-unset"


def test_a_binary_file_is_one_secret_named_after_it() -> None:
    read = read_secret_file("base/secrets/tls.key.age", b"age-encryption.org/v1\n...")
    assert ([*read.secrets], read.problems) == (["tls.key"], ())
    assert read_secret_file("base/secrets/tls.age", b"hunter2").problems[0].rule == "secret-file"

"""`rotations.yaml` in validation: every secret that is due is a warning at its line, and an entry that means nothing is an error."""

from __future__ import annotations

import pytest

from llmcfg.secrets.rotations import Due, with_marked
from support.looked_at import findings, said
from support.sealed import sealed

FILE = "base/secrets/a.yaml"
MARKED = with_marked(None, [Due("one", FILE, "2026-01-31", "age1abc"), Due("two", FILE, "2026-01-31", reason="left")])


def with_rotations(text: str | bytes) -> dict[str, str | bytes]:
    return {FILE: sealed("one: x\ntwo: x\n"), "rotations.yaml": text}


def test_each_secret_that_is_due_is_a_warning_at_its_entry():
    found = findings(with_rotations(MARKED))
    assert [(finding.rule_id, str(finding.origin)) for finding in found] == [
        ("secret-rotation-due", "rotations.yaml:5:5"),
        ("secret-rotation-due", "rotations.yaml:9:5"),
    ]
    assert [finding.message for finding in found] == [
        "one has to get a new value since 2026-01-31: age1abc could read it",
        "two has to get a new value since 2026-01-31: left",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (MARKED.replace(b"secret: one", b"secret: three"), "secret-rotations rotations.yaml:5:5"),
        (MARKED.replace(b"2026-01-31", b"soon", 1), "secret-rotations rotations.yaml:7:5"),
        ("apiVersion: llmcfg.dev/v1\nkind: Rotations\n", "schema-required rotations.yaml:1:1"),
        ("- a\n", "yaml-root rotations.yaml:1:1"),
    ],
    ids=["unknown secret", "no day", "no list", "no mapping"],
)
def test_what_means_nothing_is_an_error_at_its_place(text, expected):
    assert expected in said(with_rotations(text))


def test_an_empty_list_says_nothing():
    assert said(with_rotations("apiVersion: llmcfg.dev/v1\nkind: Rotations\ndue: []\n")) == []

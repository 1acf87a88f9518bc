"""`parse_signers`: lists that OpenSSH reads too, and every line that cannot be used, with its reason."""

from __future__ import annotations

import pytest

from llmcfg.trust.signers import parse_signers

from .signing import ecdsa, ed25519, rsa_key

KEY = ed25519().public.text


def test_a_list_names_signers_by_their_keys() -> None:
    text = (
        "# people\n\n"
        f'ada@example.com,ops namespaces="git,file" {KEY} laptop of ada\r\n'
        f'"ben@example.com" valid-after="20260101Z",valid-before="202701021530" {ecdsa().public.text}\n'
        f"  cy@example.com {rsa_key().public.text}"
    )
    found = parse_signers(text.encode())
    assert not found.problems
    ada, ben, cy = found.by_key.values()
    assert (ada.principals, ada.namespaces, ada.line) == (("ada@example.com", "ops"), ("git", "file"), 3)
    assert (f"{ben.valid_after:%F %T}", f"{ben.valid_before:%F %T}") == ("2026-01-01 00:00:00", "2027-01-02 15:30:00")
    assert (cy.name, cy.key.kind) == ("cy@example.com", "ssh-rsa")


@pytest.mark.fault("S07")
@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("ada", "not principals, options and a key"),
        (f"* {KEY}", "patterns are not read"),
        (f"*@example.com {KEY}", "patterns are not read"),
        (f"ada,!ben {KEY}", "patterns are not read"),
        (f"ada,,ben {KEY}", "is no name"),
        (f'"ada {KEY}', "not principals"),
        (f"ada cert-authority {KEY}", "certificate authorities"),
        (f'ada cert-authority,namespaces="git" {KEY}', "certificate authorities"),
        (f"ada no-touch-required {KEY}", "no-touch-required is not read"),
        (f'ada namespaces="" {KEY}', "namespaces is not read"),
        (f'ada namespaces="git",namespaces="file" {KEY}', "stands here twice"),
        (f'ada valid-before="yesterday" {KEY}', "is no time"),
        (f'ada valid-before="20261301" {KEY}', "is no time"),
        ("ada ssh-ed25519", "type and base64"),
        ("ada ssh-ed25519 AAAA====", "type and base64"),
        ("ada ssh-ed25519 " + KEY.split()[1][:-4], "ends too early"),
        ("ada ssh-rsa " + KEY.split()[1], "the text before it ssh-rsa"),
        (f"ada {rsa_key(1024).public.text}", "2048 to 16384 bits"),
        ("ada ssh-dss AAAAB3NzaC1kc3MAAAAA", "keys of type ssh-dss are not read"),
    ],
)
def test_a_line_that_cannot_be_used_is_named_with_its_reason(line: str, said: str) -> None:
    found = parse_signers(f"# list\n{line}\n".encode())
    (problem,) = found.problems
    assert (problem.rule, problem.line) == ("trust-form", 2)
    assert said in problem.message


@pytest.mark.fault("S07")
def test_a_key_stands_once_and_all_problems_are_told() -> None:
    found = parse_signers(f"ada {KEY}\nben {KEY}\n*\n".encode())
    assert [(problem.line, problem.message) for problem in found.problems] == [
        (2, "the key of ada in line 1 stands here again"),
        (3, "the line is not principals, options and a key"),
    ]


@pytest.mark.fault("S07")
@pytest.mark.parametrize("content", [b"ada \xff\n", b"#" * (1 << 20) + b"\n"], ids=["not UTF-8", "a megabyte"])
def test_what_is_no_list_is_one_problem(content: bytes) -> None:
    found = parse_signers(content)
    assert [problem.rule for problem in found.problems] == ["trust-form"]
    assert not found.by_key

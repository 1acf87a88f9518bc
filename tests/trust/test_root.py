"""The root of trust: one form, enough signatures, one version after the other."""

from __future__ import annotations

import json
import subprocess
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from llmcfg.trust import dsse
from llmcfg.trust import root as roots
from llmcfg.trust.failure import SignatureError
from llmcfg.trust.root import DeployRule, PathRule, Root
from trust.roots import YEAR, make_root, signature, signed
from trust.signing import ALL_KINDS, NOW, ed25519

ADA, BOB, EVE = ed25519(11), ed25519(12), ed25519(66)


def replaced(root: Root, **said: object) -> Root:
    return msgspec.structs.replace(root, **said)


def refusal(read: object, *arguments: object) -> str:
    with pytest.raises(SignatureError) as refused:
        read(*arguments)  # type: ignore[operator]
    return refused.value.code


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_keys_of_every_kind_sign_a_root(kind: str) -> None:
    key = ALL_KINDS[kind]()
    root = make_root(key)
    assert roots.first_root(signed(root, key)) == root


def test_a_root_reads_as_it_was_written() -> None:
    root = make_root(
        rules=(PathRule(("environments/prod/**",), ("ada@example.com",)),),
        environments={"prod": DeployRule(("ada@example.com",))},
        floors={"prod": 7},
    )
    read, envelope = roots.parse_root(signed(root))
    assert read == root
    assert read.digest == root.digest
    assert [made.key for made in envelope.signatures] == [ed25519(1).public.fingerprint]


def test_a_root_counts_when_enough_of_its_keys_signed() -> None:
    root = make_root(ADA, BOB, threshold=2)
    assert roots.first_root(signed(root, ADA, BOB)) == root
    assert refusal(roots.first_root, signed(root, ADA)) == "sig-few"


def test_one_key_does_not_count_twice() -> None:
    root = make_root(ADA, BOB, threshold=2)
    envelope = dsse.Envelope(roots.KIND, root.payload, (signature(root, ADA),) * 2)
    assert refusal(roots.first_root, dsse.encode_envelope(envelope)) == "sig-form"


def test_a_signature_of_a_stranger_is_refused_even_beside_enough_others() -> None:
    root = make_root(ADA)
    assert refusal(roots.first_root, signed(root, ADA, EVE)) == "sig-unknown"


def test_a_signature_under_anothers_name_is_refused() -> None:
    root = make_root(ADA)
    lent = signature(root, EVE)._replace(key=ADA.public.fingerprint)
    envelope = dsse.Envelope(roots.KIND, root.payload, (lent,))
    assert refusal(roots.first_root, dsse.encode_envelope(envelope)) == "sig-form"


def test_a_signature_for_git_is_none_of_a_root() -> None:
    root = make_root(ADA)
    armour = ADA.armour(roots.signing_input(root), "git")
    assert refusal(roots.signature_of, root, armour) == "sig-form"


def test_the_next_version_takes_enough_keys_of_the_old_and_of_the_new_one() -> None:
    old = make_root(ADA)
    new = replaced(old, version=2, keys=(BOB.public.text,))
    assert roots.next_root(old, signed(new, ADA, BOB)) == new
    assert refusal(roots.next_root, old, signed(new, BOB)) == "sig-few"
    assert refusal(roots.next_root, old, signed(new, ADA)) == "sig-few"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"version": 3}, "sig-form"),
        ({"version": 1}, "sig-rollback"),
        ({"version": 2, "repository": "f" * 32}, "sig-scope"),
        ({"version": 2, "issued": int(NOW.timestamp()) - 5}, "sig-rollback"),
    ],
    ids=["skipped", "again", "another repository", "issued earlier"],
)
def test_a_version_that_does_not_follow_is_refused(said: dict[str, object], code: str) -> None:
    old = make_root(ADA)
    assert refusal(roots.next_root, old, signed(replaced(old, **said), ADA)) == code


def test_an_epoch_never_goes_back() -> None:
    old = make_root(ADA, epoch=3)
    assert refusal(roots.next_root, old, signed(replaced(old, version=2, epoch=2), ADA)) == "sig-rollback"


def test_all_versions_on_the_way_are_followed() -> None:
    first = make_root(ADA)
    second = replaced(first, version=2, keys=(BOB.public.text,))
    third = replaced(second, version=3, epoch=2)
    chain = {2: signed(second, ADA, BOB), 3: signed(third, BOB)}
    assert roots.newest_root(first, chain.get) == third
    chain[2] = signed(replaced(second, keys=(EVE.public.text,)), EVE)
    assert refusal(roots.newest_root, first, chain.get) == "sig-few"


def test_a_root_expires() -> None:
    root = make_root()
    roots.require_fresh(root, NOW)
    with pytest.raises(SignatureError, match="has expired"):
        roots.require_fresh(root, NOW + timedelta(seconds=YEAR))


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"threshold": 2}, "2 of keys have to sign, and there are 1"),
        ({"keys": ("ssh-ed25519 AAAA",)}, "keys, number 1"),
        ({"keys": (f"{ADA.public.text} laptop",)}, "as type and base64 alone"),
        ({"bundles": (ADA.public.text, ADA.public.text)}, "stands there twice"),
        ({"bundles": (ALL_KINDS["nistp256"]().public.text,)}, "bundles are signed with ssh-ed25519"),
        ({"signers": ("ada@example.com nonsense",)}, "signers, line 1"),
        ({"expires": 5}, "it expires before it is issued"),
    ],
)
def test_a_root_that_contradicts_itself_is_neither_written_nor_read(said: dict[str, object], problem: str) -> None:
    root = make_root(**said)
    assert any(problem in text for text in roots.problems(root)), roots.problems(root)
    with pytest.raises(SignatureError):
        roots.encode_root(root)
    with pytest.raises(SignatureError):
        roots.parse_payload(root.payload)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        (
            {"rules": (PathRule(("x",), ("eve@example.com",)),)},
            "the rule for x names eve@example.com, who is no signer",
        ),
        ({"rules": (PathRule(("x",), threshold=2),)}, "the rule for x takes 2 signers, and there are 1"),
        ({"environments": {"prod": DeployRule(("eve",))}}, "the environment prod names eve"),
    ],
)
def test_a_root_whose_rules_nobody_can_meet_is_read_but_not_written_by_hand(
    said: dict[str, object], problem: str
) -> None:
    root = make_root(**said)
    assert roots.first_root(signed(root)) == root
    assert any(problem in text for text in roots.unmet_demands(root))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text + b"\n",
        lambda text: text.replace(b'"payload":', b'"payload" :'),
        lambda text: text.replace(b'{"payload"', b'{"payload":"e30=","payload"'),
        lambda text: text.replace(b'"signatures":[', b'"signatures":[{"keyid":"x","sig":"AA"},'),
        lambda text: b'{"more":1,' + text[1:],
        lambda text: b"[" * 100_000,
        lambda text: b'{"payload":NaN}',
        lambda text: b"\xff",
        lambda text: text.replace(b"root+json", b"bundle+json"),
        lambda text: text * 1000,
    ],
    ids=["newline", "space", "twice", "odd base64", "field", "deep", "NaN", "bytes", "kind", "long"],
)  # fmt: skip
def test_an_envelope_in_another_form_is_refused(spoil: object) -> None:
    content = signed(make_root(rules=(PathRule(("x" * 200,) * 50),)))
    assert refusal(roots.first_root, spoil(content)) == "sig-form"  # type: ignore[operator]


def test_a_version_is_a_number_and_not_true() -> None:
    payload = make_root().payload.replace(b'"version":1', b'"version":true')
    assert refusal(roots.parse_payload, payload) == "sig-form"


@pytest.mark.parametrize(
    ("pattern", "path", "is_covered"),
    [
        ("environments/prod/**", "environments/prod/llm/a.yaml", True),
        ("environments/prod/", "environments/prod/a.yaml", True),
        ("environments/prod/**", "environments/production/a.yaml", False),
        ("tenants/*/secrets/**", "tenants/acme/secrets/a.yaml", True),
        ("tenants/*/secrets/**", "tenants/acme/more/secrets/a.yaml", False),
        ("**/secrets/*.yaml", "base/secrets/a.yaml", True),
        ("**/secrets/*.yaml", "secrets/a.yaml", True),
        (".sops.yaml", ".sops.yaml", True),
        (".sops.yaml", "xsops.yaml", False),
        ("base/?.yaml", "base/a.yaml", True),
        ("base/?.yaml", "base//.yaml", False),
    ],
)
def test_rules_cover_paths_as_globs(pattern: str, path: str, is_covered: bool) -> None:
    assert PathRule((pattern,)).covers(path) is is_covered


def test_ssh_keygen_signs_a_root_and_agrees_on_ours(tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    theirs = (tmp_path / "key.pub").read_text().rsplit(" ", 1)[0]
    root = make_root(ADA, keys=(theirs, ADA.public.text), threshold=2)
    (tmp_path / "root").write_bytes(roots.signing_input(root))
    sign = ["ssh-keygen", "-q", "-Y", "sign", "-n", roots.NAMESPACE, "-f", tmp_path / "key", tmp_path / "root"]
    subprocess.run(sign, check=True, capture_output=True)
    by_them = roots.signature_of(root, (tmp_path / "root.sig").read_bytes())
    assert roots.first_root(roots.encode_root(root, [by_them, signature(root, ADA)])) == root
    (tmp_path / "allowed").write_text(ADA.line("ada"))
    (tmp_path / "ours").write_bytes(ADA.armour(roots.signing_input(root), roots.NAMESPACE))
    subprocess.run(
        ["ssh-keygen", "-Y", "verify", "-f", tmp_path / "allowed", "-I", "ada", "-n", roots.NAMESPACE, "-s", tmp_path / "ours"],
        input=roots.signing_input(root), check=True, capture_output=True,
    )  # fmt: skip


def test_the_envelope_is_that_of_the_protocol() -> None:
    """The example of github.com/secure-systems-lab/dsse, protocol.md."""
    assert dsse.signing_input("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )
    written = json.loads(signed(make_root()))
    assert list(written) == ["payload", "payloadType", "signatures"]

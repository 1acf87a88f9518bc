"""Commits and tags that real keys of OpenPGP signed count where the list has the key, and nothing that gpg would let pass otherwise."""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from llmcfg.git.gpg import Gpg
from llmcfg.trust import openpgp
from llmcfg.trust.commits import SignedBy, who_committed, who_tagged
from llmcfg.trust.failure import SignatureError
from llmcfg.trust.openpgp import Certificate, parse_certificate, parse_certificate_text
from llmcfg.trust.signers import Signers, parse_signers
from llmcfg.wiring import Workspace
from support.openpgp import CHECK, HAS_GPG, WITHOUT_GPG, KeyRing, key_ring, trusting_repository

from .signing import NOW, commit_content, ed25519, tag_content, with_signature

pytestmark = pytest.mark.skipif(not HAS_GPG, reason=WITHOUT_GPG)
ADA, BEN, OLD, RSA = "ada@example.com", "ben@example.com", "old@example.com", "rsa@example.com"
IN_2020 = "--faked-system-time=20200101T000000"


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyRing]:
    """With the keys of Ada and Ben, one of RSA, and one that has expired. In a short path, since gpg has sockets there."""
    yield from key_ring(tmp_path_factory.mktemp("g") / "h")


@pytest.fixture(scope="module")
def keys(ring: KeyRing) -> dict[str, Certificate]:
    made = {name: ring.make(name) for name in (ADA, BEN)} | {RSA: ring.make(RSA, "rsa2048")}
    ring(IN_2020, "--quick-generate-key", OLD, "ed25519", "sign", "1y")
    return made | {OLD: ring.certificate(OLD)}


def listed(*certificates: Certificate) -> Signers:
    lines = "".join(f'signer{at}@example.com namespaces="git" {one.text}\n' for at, one in enumerate(certificates))
    found = parse_signers(lines.encode())
    assert not found.problems, found.problems
    return found._replace(openpgp=CHECK)


def commit(ring: KeyRing, name: str, *options: str) -> bytes:
    return with_signature(commit_content(), ring.sign(name, commit_content(), *options))


def judged(raw: bytes, signers: Signers) -> SignedBy:
    return who_committed(raw, signers, seen=NOW)


def refusal(raw: bytes, signers: Signers) -> str:
    with pytest.raises(SignatureError) as refused:
        judged(raw, signers)
    return refused.value.code


@pytest.mark.parametrize("name", [ADA, RSA])
def test_what_a_key_of_the_list_signed_counts(ring: KeyRing, keys: dict[str, Certificate], name: str) -> None:
    signers = listed(keys[BEN], keys[name])
    found = judged(commit(ring, name), signers)
    assert (found.signer.name, found.signer.key) == ("signer1@example.com", keys[name])
    tag = tag_content()
    assert who_tagged(tag + ring.sign(name, tag), "v1", signers, seen=NOW).signer.name == "signer1@example.com"


def test_the_fingerprint_is_the_one_that_gpg_shows(ring: KeyRing, keys: dict[str, Certificate]) -> None:
    assert keys[ADA].fingerprint in ring("--with-colons", "--list-keys", ADA).decode()
    assert (
        parse_certificate_text(ring("--armor", "--export-options", "export-minimal", "--export", ADA).decode())
        == keys[ADA]
    )


@pytest.mark.fault("S01")
def test_a_key_that_is_not_in_the_list_is_nobodys(ring: KeyRing, keys: dict[str, Certificate]) -> None:
    assert refusal(commit(ring, BEN), listed(keys[ADA])) == "sig-unknown"
    assert refusal(commit(ring, BEN), ed25519().signers()) == "sig-kind"


@pytest.mark.fault("S06")
def test_a_key_that_expired_or_was_revoked_does_not_count(
    ring: KeyRing, keys: dict[str, Certificate], tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert refusal(commit(ring, OLD, IN_2020), listed(keys[OLD])) == "sig-expired"
    raw = commit(ring, BEN)
    revocation = (ring.home / f"openpgp-revocs.d/{keys[BEN].fingerprint}.rev").read_text().replace(":-----", "-----")
    for other in key_ring(tmp_path_factory.mktemp("g") / "h"):
        other("--import", content=keys[BEN].blob)
        other("--import", content=revocation.encode())
        assert refusal(raw, listed(other.certificate(BEN))) == "sig-revoked"
    listed_as_revoked = listed(keys[BEN])._replace(revoked={keys[BEN].fingerprint: 3})
    assert refusal(raw, listed_as_revoked) == "sig-revoked"


@pytest.mark.fault("S04")
@pytest.mark.parametrize(
    "options",
    [("--digest-algo", "SHA1"), ("--textmode",), ("--comment", "hello"), ("--sig-notation", "!a@example.com=b")],
    ids=["a weak hash", "text", "a header in the armour", "a notation that gpg does not know"],
)
def test_a_signature_of_another_form_does_not_count(
    ring: KeyRing, keys: dict[str, Certificate], options: tuple[str, ...]
) -> None:
    assert refusal(commit(ring, ADA, *options), listed(keys[ADA])) in ("sig-form", "sig-wrong")


def test_numbers_with_all_bits_of_their_bytes_count_as_the_forges_write_them(
    ring: KeyRing, keys: dict[str, Certificate]
) -> None:
    contents = (commit_content(message=b"%d\n" % turn) for turn in range(100))
    made = ((content, ring("--local-user", RSA, "--detach-sign", content=content)) for content in contents)
    content, blob = next(one for one in made if b"\x07\xf9" < one[1][-258:-256] < b"\x08\x00")
    at = len(blob) - 258  # the count of bits of the one number
    padded = blob[:at] + b"\x08\x00" + blob[at + 2 :]
    encoded = base64.b64encode(padded)
    lines = [encoded[start : start + 64] for start in range(0, len(encoded), 64)]
    armour = b"\n".join((openpgp.BEGIN, b"", *lines, b"-----END PGP SIGNATURE-----"))
    assert judged(with_signature(content, armour), listed(keys[RSA])).signer.name == "signer0@example.com"
    damaged = blob[:at] + b"\x07\xf9" + blob[at + 2 :]
    armour = armour.replace(b"\n".join(lines), base64.b64encode(damaged))
    assert refusal(with_signature(content, armour), listed(keys[RSA])) == "sig-form"


@pytest.mark.fault("S03")
def test_two_signatures_do_not_count(ring: KeyRing, keys: dict[str, Certificate]) -> None:
    both = ring.sign(ADA, commit_content(), "--local-user", BEN)
    assert refusal(with_signature(commit_content(), both), listed(keys[ADA], keys[BEN])) == "sig-form"


def test_a_signature_of_another_commit_does_not_count(ring: KeyRing, keys: dict[str, Certificate]) -> None:
    armour = ring.sign(ADA, commit_content(message=b"another\n"))
    assert refusal(with_signature(commit_content(), armour), listed(keys[ADA])) == "sig-wrong"


def flips(raw: bytes, signers: Signers, bits: range | list[int]) -> list[int]:
    found: list[int] = []
    for bit in bits:
        spoilt = bytearray(raw)
        spoilt[bit >> 3] ^= 1 << (bit & 7)
        try:
            judged(bytes(spoilt), signers)
        except SignatureError:
            continue
        found.append(bit)
    return found


@pytest.mark.fault("S02")
def test_a_bit_that_flips_is_noticed(ring: KeyRing, keys: dict[str, Certificate]) -> None:
    raw = commit(ring, ADA)
    assert flips(raw, listed(keys[ADA]), random.Random(1).sample(range(len(raw) * 8), 150)) == []


@pytest.mark.sweep
@pytest.mark.parametrize("part", range(8))
def test_every_bit_that_flips_is_noticed(ring: KeyRing, keys: dict[str, Certificate], part: int) -> None:
    raw = commit(ring, ADA)
    assert flips(raw, listed(keys[ADA]), range(part, len(raw) * 8, 8)) == []


def test_without_gpg_nothing_of_openpgp_counts_and_the_reason_is_told(
    ring: KeyRing, keys: dict[str, Certificate], tmp_path: Path
) -> None:
    signers = listed(keys[ADA])._replace(openpgp=Gpg(str(tmp_path)).check)
    assert refusal(commit(ring, ADA), signers) == "sig-unchecked"


@pytest.mark.parametrize("spoil", ["two keys", "a private key", "cut", "nothing", "text"])
def test_what_is_not_one_public_key_is_refused(ring: KeyRing, keys: dict[str, Certificate], spoil: str) -> None:
    blob = {
        "two keys": keys[ADA].blob + keys[BEN].blob,
        "a private key": ring("--export-secret-keys", ADA),
        "cut": keys[ADA].blob[:-1],
        "nothing": b"",
        "text": b"hello",
    }[spoil]
    with pytest.raises(SignatureError):
        parse_certificate(blob)


@pytest.mark.usefixtures("keys")
def test_a_root_lists_a_key_of_openpgp_and_git_signs_with_it(ring: KeyRing, tmp_path: Path) -> None:
    written, root = trusting_repository(tmp_path / "r", ring, ADA)
    assert root.ssh_signers_text == ""
    gate = Workspace(written.path).gate()
    assert gate is not None
    verdict = gate.judge(written.git("rev-parse", "HEAD"))
    assert (verdict.signers, verdict.refused) == ((ADA,), ())

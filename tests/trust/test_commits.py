"""`who_committed` and `who_tagged`: signatures of every kind of key count, and nothing that differs from them by a bit."""

from __future__ import annotations

import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from llmcfg.trust import sshsig, wire
from llmcfg.trust.commits import who_committed, who_tagged
from llmcfg.trust.failure import SignatureError

from .signing import (
    ALL_KINDS,
    NOW,
    PERSON,
    TREE,
    Key,
    commit_content,
    ecdsa,
    ed25519,
    rsa_key,
    security_key,
    signed_commit,
    signed_tag,
    tag_content,
    with_signature,
)

KINDS = pytest.mark.parametrize("key", [make() for make in ALL_KINDS.values()], ids=ALL_KINDS)


def refusal(raw: bytes, key: Key, options: str = "") -> str:
    with pytest.raises(SignatureError) as caught:
        who_committed(raw, key.signers(options=options), seen=NOW)
    return caught.value.code


@KINDS
def test_a_commit_and_a_tag_of_every_kind_of_key_count(key: Key) -> None:
    found = who_committed(signed_commit(key), key.signers(), seen=NOW)
    assert (found.signer.name, found.signer.key) == ("ada@example.com", key.public)
    assert found.counter == (7 if key.public.kind.startswith("sk-") else 0)
    assert who_tagged(signed_tag(key), "v1", key.signers(), seen=NOW).signer.name == "ada@example.com"


@pytest.mark.fault("S01")
def test_unsigned_and_unknown_are_told_apart() -> None:
    assert refusal(commit_content(), ed25519()) == "sig-missing"
    assert refusal(signed_commit(ed25519(2)), ed25519()) == "sig-unknown"
    assert refusal(signed_commit(ed25519()), ed25519(), 'namespaces="file"') == "sig-scope"


@pytest.mark.fault("S06")
@pytest.mark.parametrize(
    ("options", "counts"),
    [
        ('valid-before="20261125"', False), ('valid-before="202611251200Z"', False), ('valid-before="20261125120001"', True),
        ('valid-after="20261126Z"', False), ('valid-after="202611251200"', True), ('valid-after="20260101",valid-before="20270101"', True),
    ],
)  # fmt: skip
def test_a_key_counts_by_when_the_commit_was_first_seen_whatever_its_own_date_says(options: str, counts: bool) -> None:
    raw = signed_commit(ed25519())
    if counts:
        assert who_committed(raw, ed25519().signers(options=options), seen=NOW)
    else:
        assert refusal(raw, ed25519(), options) == "sig-expired"
    before = ed25519().signers(options='valid-before="20261125"')
    assert who_committed(raw, before, seen=NOW - timedelta(days=1))


def crafted(**changes: object) -> bytes:
    """An SSHSIG of a commit with other fields than it should have."""
    content, key = commit_content(), ed25519()
    fields = {
        "magic": b"SSHSIG",
        "version": 1,
        "namespace": b"git",
        "reserved": b"",
        "hash": b"sha512",
        "tail": b"",
    } | changes
    message = sshsig.signing_input(content, namespace="git")
    parts = (key.public.blob, fields["namespace"], fields["reserved"], fields["hash"], key.sign(message))
    blob = fields["magic"] + fields["version"].to_bytes(4) + b"".join(map(wire.string, parts)) + fields["tail"]
    encoded = sshsig.base64.b64encode(blob)
    lines = [encoded[at : at + 70] for at in range(0, len(encoded), 70)]
    return with_signature(content, b"\n".join((sshsig.BEGIN, *lines, sshsig.END)))


def test_a_crafted_signature_with_the_right_fields_counts() -> None:
    assert who_committed(crafted(), ed25519().signers(), seen=NOW)


@pytest.mark.fault("S04")
@pytest.mark.parametrize(
    "changes",
    [
        {"magic": b"SSHSIF"}, {"version": 2}, {"version": 0}, {"namespace": b"file"}, {"namespace": b"gi\xc3\xa9"}, {"reserved": b"x"},
        {"hash": b"sha1"}, {"hash": b"md5"}, {"tail": b"\0"},
    ],
    ids=str,
)  # fmt: skip
def test_a_signature_of_another_form_does_not_count(changes: dict[str, object]) -> None:
    assert refusal(crafted(**changes), ed25519()) == "sig-form"


@pytest.mark.fault("S04")
@pytest.mark.parametrize(
    "key", [rsa_key(1024), rsa_key(2048, "ssh-rsa")], ids=["a short RSA key", "SHA-1"]
)  # fmt: skip
def test_weak_keys_and_algorithms_do_not_count(key: Key) -> None:
    with pytest.raises(SignatureError) as caught:
        who_committed(signed_commit(key), ed25519().signers(), seen=NOW)
    assert caught.value.code == "sig-form"


@pytest.mark.fault("S04")
def test_the_type_of_the_key_the_algorithm_and_the_curve_have_to_agree() -> None:
    content = commit_content()
    message = sshsig.signing_input(content, namespace="git")
    for key, old, new in (
        (ed25519(), b"ssh-ed25519", b"ssh-ed25518"),
        (ecdsa(), b"ecdsa-sha2-nistp256", b"ecdsa-sha2-nistp384"),
        (security_key(), b"sk-ssh-ed25519@openssh.com", b"sk-ssh-ed25519@openssh.con"),
    ):
        armour = sshsig.armoured(key.public, key.sign(message).replace(old, new, 1), namespace="git")
        assert refusal(with_signature(content, armour), key) == "sig-form"
    other = ecdsa().public._replace(blob=ecdsa().public.blob.replace(b"\x08nistp256", b"\x08nistp384"))
    armour = sshsig.armoured(other, ecdsa().sign(message), namespace="git")
    assert refusal(with_signature(content, armour), ecdsa()) == "sig-form"


@pytest.mark.fault("S05")
@pytest.mark.parametrize("kind", ["sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"])
def test_a_security_key_that_nobody_touched_does_not_count(kind: str) -> None:
    key = security_key(kind, flags=0)
    assert refusal(signed_commit(key), key) == "sig-presence"
    verified_only = security_key(kind, flags=4)
    assert refusal(signed_commit(verified_only), verified_only) == "sig-presence"


def odd_commits() -> dict[str, bytes]:
    key = ed25519()
    content, signed = commit_content(), signed_commit(key)
    armour = key.armour(content)
    lines = armour.split(b"\n")
    return {
        "two signatures": with_signature(signed, armour),
        "a signature for SHA-256": with_signature(signed, armour, b"gpgsig-sha256"),
        "a NUL in the message": signed_commit(key, message=b"a\0b\n"),
        "CR in the armour": with_signature(content, armour.replace(b"\n", b"\r\n")),
        "a blank line in the armour": with_signature(content, armour.replace(b"\n", b"\n\n", 1)),
        "junk after the armour": with_signature(content, armour + b"junk\n"),
        "junk before the armour": with_signature(content, b"junk\n" + armour),
        "lines of other lengths": with_signature(content, b"\n".join([lines[0], lines[1][:-1], lines[1][-1:] + lines[2], *lines[3:]])),
        "no signature between the lines": with_signature(content, sshsig.BEGIN + b"\n" + sshsig.END),
        "not base64": with_signature(content, armour.replace(lines[1], b"*" + lines[1][1:])),
        "an endless signature": with_signature(content, armour.replace(lines[1], b"\n".join([lines[1]] * 400))),
        "two trees": signed_commit(key, more=b"tree " + TREE + b"\n"),
        "two authors": signed_commit(key, more=b"author " + PERSON + b"\n"),
        "a parent behind the committer": signed_commit(key, more=b"encoding UTF-8\nparent " + TREE + b"\nparent x\n").replace(
            b"parent 1f7a7a472abf3dd9643fd615f6da379c4acb3e3a\n", b""
        ),
        "a line that is no header": signed_commit(key, more=b"_odd x\n"),
        "a header without a value": signed_commit(key, more=b"encoding\n"),
        "no empty line": signed.replace(b"\n\n", b"\n", 1),
        "a date that overflows": signed.replace(b"1764072000", b"99999999999999999999"),
        "a date beyond all reason": signed.replace(b"1764072000", b"999999999999"),
        "a time with a leading zero": signed.replace(b"1764072000", b"01764072000"),
        "an address within an address": signed.replace(b"Ada <ada", b"Ada <eve@example.com> <ada"),
        "a tree that is no object": signed.replace(TREE, TREE.upper()),
    }  # fmt: skip


@pytest.mark.fault("S03")
@pytest.mark.parametrize("raw", odd_commits().values(), ids=odd_commits())
def test_what_readers_of_git_objects_take_differently_does_not_count(raw: bytes) -> None:
    assert refusal(raw, ed25519()) == "sig-form"


@pytest.mark.fault("S03")
def test_a_signature_in_the_message_is_none() -> None:
    content = commit_content()
    assert refusal(commit_content(message=b"x\n" + ed25519().armour(content)), ed25519()) == "sig-missing"


def test_headers_that_are_unknown_count_since_they_are_signed_too() -> None:
    raw = signed_commit(ed25519(), more=b"change-id zzkutlxwrmvx\nmergetag object 1\n type commit\n")
    assert who_committed(raw, ed25519().signers(), seen=NOW)
    assert refusal(raw.replace(b"change-id zz", b"change-id zy"), ed25519()) == "sig-wrong"


@pytest.mark.parametrize(
    ("begin", "kind"), [(b"-----BEGIN PGP SIGNATURE-----", "OpenPGP"), (b"-----BEGIN SIGNED MESSAGE-----", "X.509")]
)
def test_other_kinds_of_signatures_are_named(begin: bytes, kind: str) -> None:
    with pytest.raises(SignatureError, match=kind) as caught:
        who_committed(with_signature(commit_content(), begin + b"\nabc\n"), ed25519().signers(), seen=NOW)
    assert caught.value.code == "sig-kind"


def tag_refusal(raw: bytes, name: str = "v1") -> str:
    with pytest.raises(SignatureError) as caught:
        who_tagged(raw, name, ed25519().signers(), seen=NOW)
    return caught.value.code


def test_a_tag_counts_under_its_own_name_only_and_with_nothing_below_its_signature() -> None:
    assert tag_refusal(signed_tag(ed25519()), "v2") == "sig-form"
    assert tag_refusal(signed_tag(ed25519()) + b"v2\n") == "sig-form"
    assert tag_refusal(tag_content()) == "sig-missing"
    assert tag_refusal(tag_content() + b"-----BEGIN PGP SIGNATURE-----\n\nabc\n") == "sig-kind"
    assert tag_refusal(signed_tag(ed25519()).replace(b"type commit\n", b"")) == "sig-form"


@pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="ssh-keygen is not on this machine")
class TestBesideOpenSSH:
    """OpenSSH counts what is signed here, and what it signs counts here."""

    @KINDS
    def test_ssh_keygen_counts_what_is_signed_here(self, key: Key, tmp_path: Path) -> None:
        (tmp_path / "signers").write_text(key.line())
        (tmp_path / "sig").write_bytes(key.armour(b"content"))
        command = ["ssh-keygen", "-Y", "verify", "-f", "signers", "-I", "ada@example.com", "-n", "git", "-s", "sig"]
        done = subprocess.run(command, cwd=tmp_path, input=b"content", capture_output=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert subprocess.run(command, cwd=tmp_path, input=b"contend", capture_output=True, check=False).returncode != 0

    @pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
    def test_what_git_signs_counts_here(self, kind: str, tmp_path: Path) -> None:
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", tmp_path / "key"], check=True)
        settings = [
            *("-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "gpg.format=ssh"),
            *("-c", f"user.signingkey={tmp_path / 'key'}"),
        ]

        def git(*arguments: str) -> bytes:
            return subprocess.run(["git", *settings, *arguments], cwd=tmp_path, check=True, capture_output=True).stdout

        git("init", "-q", "-b", "main")
        git("commit", "-q", "-S", "--allow-empty", "-m", "one")
        git("tag", "-s", "-m", "a release", "v1")
        public = " ".join((tmp_path / "key.pub").read_text().split()[:2])
        from llmcfg.trust.signers import parse_signers

        signers = parse_signers(f"ada {public}\n".encode())
        assert who_committed(git("cat-file", "commit", "HEAD"), signers, seen=NOW).signer.name == "ada"
        assert who_tagged(git("cat-file", "tag", "v1"), "v1", signers, seen=NOW).signer.name == "ada"

"""Whose commits are followed, where the machine has a list of signers."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from llmcfg.errors import UsageError
from llmcfg.sync.settings import parse_settings
from support.remotes import Machine, Origin
from support.signedcommits import sign_head
from trust.signing import Key, commit_content, ecdsa, ed25519

ADA, BEN, EVE = ed25519(1), ecdsa(), ed25519(66)


class Signing:
    """Writes commits to the remote that keys sign, each with a parent and a value of `base/limits.yaml`."""

    def __init__(self, origin: Origin) -> None:
        self.origin = origin

    def commit(self, rpm: int, key: Key | None) -> str:
        """On top of what was committed last, not pushed yet."""
        self.origin.commit({"base/limits.yaml": f"rpm: {rpm}\n"})
        return self.sign(key)

    def sign(self, key: Key | None) -> str:
        """The last commit again, with the key's signature; the branch moves to it."""
        return sign_head(self.origin.git, key) if key is not None else self.origin.git("rev-parse", "HEAD")

    def push(self, *refs: str) -> None:
        self.origin.git("push", "-q", "--force", "origin", *(refs or ("main",)))


@pytest.fixture
def signing(origin: Origin) -> Signing:
    made = Signing(origin)
    made.sign(ADA)
    made.push()
    return made


@pytest.fixture
def guarded(make_machine, tmp_path: Path, signing: Signing) -> Machine:
    """A machine that follows Ada and Ben, and has deployed what Ada signed."""
    (tmp_path / "allowed_signers").write_text(ADA.line() + BEN.line("ben@example.com"))
    machine = make_machine("guarded", signers=tmp_path / "allowed_signers", deployed="local")
    machine.sync()
    assert machine.delivered() == {"limits": b'{"rpm":10}\n'}
    return machine


def held(machine: Machine) -> dict[str, str]:
    return {one.ref.removeprefix("refs/heads/"): one.code for one in machine.sync().held}


def test_what_signers_signed_is_followed_and_the_log_says_who_they_are(signing: Signing, guarded: Machine) -> None:
    for rpm, key in ((11, BEN), (12, ADA), (13, BEN)):
        signing.commit(rpm, key)
    signing.push()
    status, events = guarded.sync_and_tell()
    (accepted,) = [event for event in events if event["event"] == "accepted"]
    assert (accepted["commits"], accepted["signatures"]) == (3, "ben@example.com, ada@example.com")
    assert guarded.delivered() == {"limits": b'{"rpm":13}\n'}
    assert not status.held


@pytest.mark.fault("S11")
@pytest.mark.fault("S01")
@pytest.mark.parametrize(
    ("key", "code", "hint"),
    [(None, "sig-missing", "git rebase --force-rebase --gpg-sign"), (EVE, "sig-unknown", "adds it to allowed_signers")],
    ids=["unsigned", "unknown"],
)  # fmt: skip
def test_one_commit_in_the_middle_holds_all_and_the_last_good_one_stays(
    key: Key | None, code: str, hint: str, signing: Signing, guarded: Machine
) -> None:
    signing.commit(11, ADA)
    wrong = signing.commit(12, key)
    signing.commit(13, ADA)
    signing.push()
    (found,) = guarded.sync().held
    assert (found.ref, found.code) == ("refs/heads/main", code)
    assert wrong[:10] in found.message
    assert "1 of 3 commits" in found.message
    assert hint in found.hint
    assert guarded.delivered() == {"limits": b'{"rpm":10}\n'}


def test_signed_again_it_is_followed(signing: Signing, guarded: Machine) -> None:
    signing.commit(11, None)
    signing.push()
    assert held(guarded) == {"main": "sig-missing"}
    signing.sign(ADA)
    signing.push()
    assert held(guarded) == {}
    assert guarded.delivered() == {"limits": b'{"rpm":11}\n'}


@pytest.mark.fault("S08")
def test_a_commit_that_names_its_own_key_as_a_signers_is_judged_by_the_machines_list(
    signing: Signing, guarded: Machine
) -> None:
    signing.origin.commit({"allowed_signers": EVE.line("eve@example.com"), "base/limits.yaml": "rpm: 99\n"})
    signing.sign(EVE)
    signing.push()
    assert held(guarded) == {"main": "sig-unknown"}
    assert guarded.delivered() == {"limits": b'{"rpm":10}\n'}


@pytest.mark.fault("S06")
def test_a_key_counts_by_when_a_commit_was_first_seen_also_if_it_was_held_then(
    signing: Signing, guarded: Machine, tmp_path: Path
) -> None:
    signing.commit(11, BEN)
    last = signing.commit(12, None)
    signing.push()
    assert held(guarded) == {"main": "sig-missing"}
    guarded.clock = datetime(2026, 3, 1, tzinfo=UTC)
    (tmp_path / "allowed_signers").write_text(ADA.line() + BEN.line("ben@example.com", 'valid-before="20260201"'))
    assert signing.sign(ADA) != last
    signing.push()
    assert held(guarded) == {}
    signing.commit(13, BEN)
    signing.push()
    assert held(guarded) == {"main": "sig-expired"}
    assert guarded.delivered() == {"limits": b'{"rpm":12}\n'}


@pytest.mark.fault("S07")
def test_a_list_that_cannot_be_used_lets_nothing_new_in(signing: Signing, guarded: Machine, tmp_path: Path) -> None:
    signing.commit(11, ADA)
    signing.push()
    (tmp_path / "allowed_signers").write_text(ADA.line() + "*\n")
    found = guarded.sync().failure
    assert (found.code, found.kind, found.step) == ("trust-form", "stalled", "verify")
    assert "line 2" in found.message
    (tmp_path / "allowed_signers").unlink()
    assert guarded.sync().failure.code == "trust-form"
    assert guarded.delivered() == {"limits": b'{"rpm":10}\n'}
    (tmp_path / "allowed_signers").write_text(ADA.line())
    assert guarded.sync().failure is None
    assert guarded.delivered() == {"limits": b'{"rpm":11}\n'}


def test_a_first_look_wants_the_tip_signed(signing: Signing, make_machine, tmp_path: Path) -> None:
    (tmp_path / "allowed_signers").write_text(ADA.line())
    signing.commit(11, None)
    signing.push()
    machine = make_machine("fresh", signers=tmp_path / "allowed_signers", deployed="local")
    status = machine.sync()
    assert [one.code for one in status.held] == ["sig-missing"]
    assert (status.failure.code, status.failure.kind) == ("sig-missing", "stalled")
    assert "git commit --amend --no-edit --gpg-sign" in status.failure.hint
    signing.commit(12, ADA)
    signing.push()
    assert held(machine) == {}
    assert machine.delivered() == {"limits": b'{"rpm":12}\n'}


def test_a_release_is_a_tag_that_a_signer_signed(signing: Signing, guarded: Machine) -> None:
    git = signing.origin.git
    git("tag", "v1.0.0")
    git("tag", "-a", "-m", "a release", "v1.1.0")
    folder = Path(git("rev-parse", "--absolute-git-dir"))
    content = commit_tag(git("rev-parse", "HEAD"), "v0.9.0")
    done = subprocess.run(
        ["git", "hash-object", "-t", "tag", "-w", "--stdin"],
        cwd=folder,
        input=content + ADA.armour(content),
        capture_output=True,
        check=True,
    )
    git("update-ref", "refs/tags/v0.9.0", done.stdout.decode().strip())
    signing.push("--tags")
    assert held(guarded) == {"refs/tags/v1.0.0": "sig-missing", "refs/tags/v1.1.0": "sig-missing"}
    assert guarded.delivered("prod") == {"limits": b'{"rpm":10}\n'}


def commit_tag(commit: str, name: str) -> bytes:
    tagger = commit_content().split(b"author ")[1].split(b"\n")[0]
    return b"object %s\ntype commit\ntag %s\ntagger %s\n\na release\n" % (commit.encode(), name.encode(), tagger)


def test_a_person_on_the_machine_may_accept_what_is_held(signing: Signing, guarded: Machine) -> None:
    commit = signing.commit(11, None)
    signing.push()
    assert held(guarded) == {"main": "sig-missing"}
    found = guarded.look(allowed={"refs/heads/main": commit})
    assert not found.held
    assert guarded.delivered() == {"limits": b'{"rpm":11}\n'}


def test_signers_need_deployed_branches_that_nobody_else_can_push(tmp_path: Path) -> None:
    text = "apiVersion: llmcfg.dev/v1\nkind: Sync\nremote: {url: /srv/config.git, signers: allowed_signers%s}\n"
    with pytest.raises(UsageError, match="deployed branches of a remote are not signed"):
        parse_settings((text % "").encode(), tmp_path / "sync.yaml")
    settings = parse_settings((text % ", deployed: local").encode(), tmp_path / "sync.yaml")
    assert settings.remote is not None
    assert settings.remote.signers == tmp_path / "allowed_signers"

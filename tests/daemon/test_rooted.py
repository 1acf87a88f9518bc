"""What a machine follows and deploys by a root of trust that its settings name."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from llmcfg.git.repository import open_repository
from llmcfg.sync.demand import REF
from llmcfg.sync.promotion import promotion_of
from llmcfg.sync.roots import RootStore
from llmcfg.trust.root import DeployRule, PathRule, Root
from llmcfg.wiring import Workspace
from support.remotes import Machine, Origin, of
from support.signedcommits import sign_head, sign_tag
from trust.roots import make_root, signed
from trust.signing import Key, ecdsa, ed25519

ADA, BEN = ed25519(1), ecdsa()
LATE = 1 << 33


class Rooted:
    """A remote with a root on its ref, and a machine that pinned the first version."""

    def __init__(self, origin: Origin, folder: Path) -> None:
        self.origin = origin
        self.git = origin.git
        self.store = RootStore(open_repository(origin.written.path), folder / "writer")
        start = self.git("rev-parse", "HEAD")
        signers = (ADA.line("ada").strip(), BEN.line("ben").strip())
        self.root = make_root(ADA, signers=signers, vouched=(start,), issued=5, expires=LATE)
        (folder / "root.json").write_bytes(signed(self.root, ADA))
        self.publish(self.root)

    def publish(self, root: Root, *keys: Key) -> None:
        self.store.publish(signed(root, *(keys or (ADA,))))
        self.root = root
        self.git("push", "-q", "--force", "origin", REF)

    def next(self, **said: object) -> None:
        self.publish(msgspec.structs.replace(self.root, version=self.root.version + 1, **said))

    def push(self, rpm: int, key: Key | None) -> str:
        self.origin.commit({"base/limits.yaml": f"rpm: {rpm}\n"})
        commit = sign_head(self.git, key) if key else self.git("rev-parse", "HEAD")
        self.git("push", "-q", "--force", "origin", "main")
        return commit


@pytest.fixture
def rooted(origin: Origin, tmp_path: Path) -> Rooted:
    return Rooted(origin, tmp_path)


@pytest.fixture
def machine(make_machine, tmp_path: Path, rooted: Rooted) -> Machine:
    made = make_machine("rooted", trust=tmp_path / "root.json", deployed="local", environments=("dev",))
    made.sync()
    assert made.delivered() == {"limits": b'{"rpm":10}\n'}
    return made


def test_what_a_signer_of_the_root_signed_is_followed_and_nothing_else(rooted: Rooted, machine: Machine) -> None:
    rooted.push(11, ADA)
    machine.sync()
    assert machine.delivered() == {"limits": b'{"rpm":11}\n'}
    rooted.push(12, None)
    (held,) = machine.sync().held
    assert (held.ref, held.code) == ("refs/heads/main", "sig-missing")
    assert machine.delivered() == {"limits": b'{"rpm":11}\n'}


def test_a_newer_root_is_taken_over_with_the_next_pass(rooted: Rooted, machine: Machine) -> None:
    rooted.next(rules=(PathRule(("base/**",), ("ben",)),))
    rooted.push(11, ADA)
    (held,) = machine.sync().held
    assert held.code == "sig-scope"
    assert machine.at(REF) == rooted.origin.at(REF)
    sign_tag(rooted.git, "approve/one/ben", "looks good\n", BEN)
    rooted.git("push", "-q", "origin", "refs/tags/approve/one/ben")
    assert machine.sync().held == ()
    assert machine.delivered() == {"limits": b'{"rpm":11}\n'}


def test_a_root_on_the_remote_that_does_not_follow_stops_what_is_new_and_nothing_else(
    rooted: Rooted, machine: Machine
) -> None:
    repository = open_repository(rooted.origin.written.path)
    at = repository.target(REF)
    assert at is not None
    forged = msgspec.structs.replace(rooted.root, version=2, keys=(BEN.public.text,))
    files = {**repository.read_tree(at), "2.root.json": signed(forged, BEN)}
    repository.keep_files(REF, files, expected=at, message="forged")
    rooted.git("push", "-q", "--force", "origin", REF)
    rooted.push(11, ADA)
    failure = machine.sync().failure
    assert failure is not None
    assert (failure.code, failure.kind) == ("sig-few", "stalled")
    assert machine.delivered() == {"limits": b'{"rpm":10}\n'}


def test_an_approval_of_nobody_is_no_reason_to_hold_anything(rooted: Rooted, machine: Machine) -> None:
    sign_tag(rooted.git, "approve/one/eve", "me too\n", ed25519(66))
    rooted.git("push", "-q", "origin", "refs/tags/approve/one/eve")
    rooted.push(11, ADA)
    status = machine.sync()
    assert status.held == ()
    assert of(status, "dev").failure is None
    assert machine.delivered() == {"limits": b'{"rpm":11}\n'}


def test_what_was_accepted_is_deployed_though_its_key_ended_since(rooted: Rooted, machine: Machine) -> None:
    rooted.next(environments={"dev": DeployRule(("ben",))})
    rooted.push(11, ADA)
    assert machine.sync().held == ()
    ended = (ADA.line("ada", 'valid-before="20200101"').strip(), BEN.line("ben").strip())
    rooted.next(signers=ended, environments={})
    assert of(machine.sync(), "dev").failure is None
    assert machine.delivered() == {"limits": b'{"rpm":11}\n'}


def test_what_a_person_accepts_is_deployed(rooted: Rooted, machine: Machine) -> None:
    commit = rooted.push(11, None)
    (held,) = machine.sync().held
    assert held.code == "sig-missing"
    assert of(machine.look(allowed={"refs/heads/main": commit}), "dev").failure is None
    assert machine.delivered() == {"limits": b'{"rpm":11}\n'}


def test_a_protected_environment_waits_for_its_promotion(rooted: Rooted, machine: Machine) -> None:
    rooted.next(environments={"dev": DeployRule(("ben",))})
    rooted.push(11, ADA)
    failure = of(machine.sync(), "dev").failure
    assert failure is not None
    assert failure.code == "not-promoted"
    assert machine.delivered() == {"limits": b'{"rpm":10}\n'}
    workspace = Workspace(rooted.origin.written.path)
    wanted = promotion_of(rooted.root, "dev", workspace.resolve(None), workspace.snapshot("HEAD"))
    sign_tag(rooted.git, "promote/dev/one", f"promote\n\n{wanted.text}", BEN)
    rooted.git("push", "-q", "origin", "refs/tags/promote/dev/one")
    machine.sync()
    assert machine.delivered() == {"limits": b'{"rpm":11}\n'}

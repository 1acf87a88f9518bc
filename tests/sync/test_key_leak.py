"""The drill for a signing key that leaks: revoke it, begin an epoch, publish what is deployed again, and see the old refused everywhere."""

from __future__ import annotations

import shutil

import pytest

import llmcfg.client
from llmcfg.bundlefile.bundle import Bundle
from llmcfg.bundlefile.reader import open_bundle
from llmcfg.bundlefile.writer import pack_bundle
from llmcfg.client import IntegrityError
from llmcfg.clock import now
from llmcfg.signing.verdict import UntrustedError, Wanted, check_bundle
from llmcfg.sinks.signed import read_signed
from llmcfg.sync.act import apply
from llmcfg.sync.plan import make_plan
from llmcfg.sync.signed import Publisher
from support.signed import root_for, signed, signing_key
from trust.roots import signed as root_file

LEAKED, FRESH = 3, 4
LONG = {"issued": 1, "expires": 1 << 33}
FIRST = root_for(LEAKED, **LONG)
OVERLAP = root_for(LEAKED, FRESH, version=2, **LONG)
AFTER = root_for(FRESH, version=3, epoch=2, revoked={signing_key(LEAKED).public.fingerprint: 2}, **LONG)


def deploy(deployer, root, *seeds):
    by = Publisher(tuple(map(signing_key, seeds)), root, now, roots={root.version: root_file(root)})
    workspace = deployer.workspace
    plan = make_plan(workspace.wanted("prod", None), workspace.repository, "prod", workspace.sink, publisher=by)
    return apply(plan, workspace.repository, deployer.reader, actor="Ada", publisher=by)


@pytest.fixture
def folder(deployer):
    return deployer.written.path / "delivered/prod/current/acme/api"


@pytest.fixture
def consumer(deployer, tmp_path):
    """A program that was given the first root, long ago, and keeps what it took."""
    (tmp_path / "root.json").write_bytes(root_file(FIRST))
    started = []

    def start(state="state"):
        cfg = llmcfg.client.open(
            deployer.written.path / "delivered/prod", tenant="acme", consumer="api", environment="prod",
            root=tmp_path / "root.json", state=tmp_path / state, follow=False,
        )  # fmt: skip
        started.append(cfg)
        return cfg

    yield start
    for cfg in started:
        cfg.close()


def forged(folder, sequence, root, seed):
    """What somebody with the key puts in a bundle's place, in the folder that programs read."""
    bundle = open_bundle(folder / "bundle.llmcfg")
    made = signed(Bundle(bundle.head, bundle.tree), root, seed, sequence=sequence, commit="ab" * 20)
    content = pack_bundle(Bundle(made.head._replace(sequence=bundle.head.sequence + sequence), made.tree))
    place = folder.resolve()
    delivery = place.parent.parent.with_name(f"forged{sequence}")
    shutil.copytree(place.parent.parent, delivery)
    target = delivery / "acme/api/bundle.llmcfg"
    target.unlink()
    target.write_bytes(content)
    link = folder.parent.parent
    link.unlink()
    link.symlink_to(delivery)
    return target


@pytest.mark.fault("S16")
def test_a_leaked_key_is_revoked_and_what_it_signed_is_refused_everywhere(deployer, folder, consumer):
    deploy(deployer, FIRST, LEAKED)
    cfg = consumer()
    old = (folder / "bundle.llmcfg").read_bytes()
    deploy(deployer, OVERLAP, LEAKED, FRESH)
    cfg.refresh()
    assert cfg.trouble == ""

    stolen = forged(folder, 9_000, OVERLAP, LEAKED)
    cfg.refresh()
    assert cfg.trouble == "", "nobody can tell yet that the key was stolen"

    deployer.commit({"base/limits.yaml": "rpm: 20\n"})
    assert deploy(deployer, AFTER, FRESH).commit
    cfg.refresh()
    assert (cfg["limits.rpm"], cfg.trouble) == (20, "")
    assert check_bundle(read_signed(folder), AFTER, Wanted("prod", "acme/api")).epoch == 2

    for content in (old, stolen.read_bytes()):
        (deployer.written.path / "old.llmcfg").write_bytes(content)
        with pytest.raises(UntrustedError) as caught:
            check_bundle(read_signed(deployer.written.path / "old.llmcfg"), AFTER, Wanted())
        assert caught.value.code == "sig-revoked"
    forged(folder, 9_001, OVERLAP, LEAKED)
    cfg.refresh()
    assert (cfg["limits.rpm"], "was revoked" in cfg.trouble) == (20, True)
    again = consumer()
    assert (again["limits.rpm"], "was revoked" in again.trouble) == (20, True)
    with pytest.raises(IntegrityError, match="was revoked"):
        consumer("a new machine")

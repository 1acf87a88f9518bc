"""A deployment costs what changed: bundles that stay keep their folder in Git, and what was read once is known by its id."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmcfg.canonical import canonical_json
from llmcfg.errors import IntegrityError
from llmcfg.model.files import Files, StoredFolder
from llmcfg.pipeline.build import build
from llmcfg.pipeline.bundle import environment_files
from llmcfg.pipeline.memo import Memo
from llmcfg.pipeline.stored import read_stored
from llmcfg.sync.deployed import read_deployed
from llmcfg.sync.plan import read_state

from .conftest import FILES, Deployer

HEAD = "head.json"
DOCUMENTS = ("base/limits.yaml", "base/deep/models.yaml", "tenants/acme/limits.yaml", "tenants/beta/deep/models.yaml")


def stored(deployer) -> Files:
    return deployer.workspace.repository.read_files(deployer.deployed().commit)


def objects(deployer) -> dict[str, int]:
    """Every object of the repository, with the file that it lies in: one that is written again lies in another."""
    folder = deployer.written.path / ".git/objects"
    return {path.relative_to(folder).as_posix(): path.stat().st_ino for path in folder.rglob("*") if path.is_file()}


def test_a_change_for_one_tenant_writes_the_way_to_it_and_nothing_else(deployer):
    deployer.apply()
    deployer.commit({"tenants/acme/limits.yaml": "rpm: 20\n"})
    before, kept = objects(deployer), stored(deployer).folders["beta/api"]

    deployer.apply()

    after = objects(deployer)
    assert {path: after[path] for path in before} == before
    # limits.json, config, manifest.json, api, acme, head.json, the tree of all, and the commit
    assert len(after.keys() - before.keys()) == 8
    assert stored(deployer).folders["beta/api"].id == kept.id


def test_what_stays_is_not_read_to_plan_a_change(deployer):
    """Its content is gone from the clone here, so that reading it would fail."""
    deployer.apply()
    memo = Memo()
    read_stored(stored(deployer), memo)
    forget(deployer, "beta/api/config/limits.json")

    assert read_stored(stored(deployer), memo).bundles.keys() == {"_shared/api", "acme/api", "beta/api"}
    with pytest.raises(IntegrityError, match="missing"):
        read_stored(stored(deployer), Memo())


def test_what_was_found_to_be_right_says_nothing_of_what_was_put_in_its_place(deployer):
    deployer.apply()
    repository, memo = deployer.workspace.repository, Memo()
    deployed = deployer.deployed()
    assert not read_state(repository, deployed, "prod", memo).damage
    files = deployer.ref_files() | {"beta/api/config/limits.json": b'{"rpm":1}\n'}
    message = deployer.git("log", "-1", "--format=%B", "deployed/prod")
    repository.commit_files("refs/heads/deployed/prod", files, expected=deployed.commit, message=message)

    damage = read_state(repository, read_deployed(repository, "prod"), "prod", memo).damage

    assert damage == "beta/api/config/limits.json is not what its manifest says"


def test_a_head_that_says_otherwise_of_a_folder_that_was_checked_is_found_out(deployer):
    deployer.apply()
    files, memo = stored(deployer), Memo()
    read_stored(files, memo)
    said = dict.fromkeys(files.folders, "sha256:" + "0" * 64)
    root = hashlib.sha256(canonical_json(dict.fromkeys(files.folders, "0" * 64))).hexdigest()
    head = canonical_json({"environment": "prod", "bundles": said, "root": f"sha256:{root}", "sealed": {}})

    with pytest.raises(IntegrityError, match=r"manifest\.json is not what head\.json says"):
        read_stored(Files({HEAD: head}, files.folders), memo)


def test_a_folder_with_something_put_in_it_is_looked_at(deployer):
    deployer.apply()
    files, memo = stored(deployer), Memo()
    read_stored(files, memo)
    folder = files.folders["acme/api"]
    assert isinstance(folder, StoredFolder)
    changed = {**files.folders, "acme/api": folder.put("manifest.json", b"{}")}

    with pytest.raises(IntegrityError, match=r"acme/api/manifest\.json is not what"):
        read_stored(Files(files.top, changed), memo)


@settings(max_examples=4, deadline=None, database=None)
@given(st.lists(st.tuples(st.sampled_from(DOCUMENTS), st.integers(0, 2)), min_size=1, max_size=4))
def test_what_is_deployed_after_any_changes_is_what_is_built_from_nothing(make_own, changes):
    deployer = make_own()
    deployer.apply()
    for number, (path, value) in enumerate(changes):
        deployer.commit({path: f"rpm: {value}\n", "base/count.yaml": f"count: {number // 2}\n"})
        deployer.apply()
        deployed = stored(deployer)
        configuration = deployer.workspace.configuration("HEAD")
        targets = [target for target in configuration.targets if target.environment == "prod"]
        cold = environment_files("prod", build(configuration, targets).bundles, None)
        assert {folder: dict(inner) for folder, inner in deployed.folders.items()} == {
            folder: dict(inner) for folder, inner in cold.folders.items()
        }
        assert deployed.digests() == {
            path: hashlib.sha256(content).hexdigest() for path, content in deployer.ref_files().items()
        }


@pytest.fixture(scope="module")
def make_own(tmp_path_factory):
    files = {**FILES, "base/deep/models.yaml": "rpm: 1\n"}
    return lambda: Deployer(tmp_path_factory.mktemp("own") / "repository", files)


def forget(deployer, path: str) -> None:
    oid = deployer.git("rev-parse", f"deployed/prod:{path}")
    (deployer.written.path / ".git/objects" / oid[:2] / oid[2:]).unlink()


def test_lists_of_many_parts_lie_in_pieces_and_are_delivered_whole(make_deployer):
    many = {f"base/section/d{number:03}.yaml": f"rank: {number}\n" for number in range(400)}
    deployer = make_deployer(many)
    deployer.apply()
    before = deployer.deployed().commit

    deployer.commit({"tenants/acme/section/d007.yaml": "rank: 1000\n"})
    deployer.apply()

    kind = deployer.git("cat-file", "-t", "deployed/prod:acme/api/manifest.json")
    changed = deployer.git("diff-tree", "-r", "--name-only", before, "deployed/prod").split()
    manifest = (deployer.written.path / "delivered/prod/current/acme/api/manifest.json").read_bytes()
    assert kind == "tree"
    assert sum(path.startswith("acme/api/manifest.json/") for path in changed) <= 3
    assert manifest == deployer.workspace.repository.read_files(deployer.deployed().commit)["acme/api/manifest.json"]
    assert deployer.status().state == "current"
    assert deployer.rollback().commit
    assert deployer.status().deployed.rolled_back_from

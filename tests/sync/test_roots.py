"""Versions of the root of trust on their ref, and what a machine takes over of them."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from llmcfg.errors import ConflictError, IntegrityError, UsageError
from llmcfg.git.repository import GitRepository, open_repository
from llmcfg.sync.demand import REF
from llmcfg.sync.roots import RootStore
from llmcfg.trust.root import Root, newest_root
from support.written import MANIFEST, WrittenRepository
from trust.roots import make_root, signed
from trust.signing import Key, ed25519

ADA, BEN, EVE = ed25519(1), ed25519(2), ed25519(66)


def next_version(root: Root, **said: object) -> Root:
    return msgspec.structs.replace(root, version=root.version + 1, **said)


@pytest.fixture
def repository(tmp_path: Path) -> GitRepository:
    return open_repository(WrittenRepository(tmp_path / "repository", {"llmcfg.yaml": MANIFEST}).path)


@pytest.fixture
def store(repository: GitRepository, tmp_path: Path) -> RootStore:
    return RootStore(repository, tmp_path / "machine")


def another(repository: GitRepository, folder: Path, given: Path | None = None) -> RootStore:
    """A machine that sees the same ref."""
    return RootStore(repository, folder, given)


def forge(repository: GitRepository, version: int, content: bytes) -> None:
    """What whoever can push can write."""
    at = repository.target(REF)
    files = dict(repository.read_tree(at)) if at else {}
    repository.keep_files(REF, {**files, f"{version}.root.json": content}, expected=at, message="forged")


def test_nothing_is_trusted_where_nobody_said_so(store: RootStore, repository: GitRepository) -> None:
    assert store.current() is None
    forge(repository, 1, signed(make_root(EVE), EVE))
    assert store.current() is None


def test_a_version_that_is_published_is_trusted_here_and_follows_elsewhere(
    store: RootStore, repository: GitRepository, tmp_path: Path
) -> None:
    first = make_root(ADA)
    assert store.publish(signed(first, ADA)) == first
    other = another(repository, tmp_path / "other")
    other.pin(signed(first, ADA))
    second = next_version(first, keys=(BEN.public.text,))
    assert store.publish(signed(second, ADA, BEN)) == second
    assert other.current() == second
    assert another(repository, tmp_path / "other").pinned() == second


@pytest.mark.fault("S13")
@pytest.mark.parametrize("keys", [(EVE,), (BEN,)], ids=["a stranger", "the new key alone"])
def test_a_version_on_the_ref_that_does_not_follow_is_named_and_the_old_one_stays(
    store: RootStore, repository: GitRepository, keys: tuple[Key, ...]
) -> None:
    first = make_root(ADA)
    store.publish(signed(first, ADA))
    forge(repository, 2, signed(next_version(first, keys=tuple(key.public.text for key in keys)), *keys))
    with pytest.raises(IntegrityError, match="version 2 of the root of trust, on refs/llmcfg/trust, does not count"):
        store.current()
    assert store.pinned() == first


@pytest.mark.fault("S13")
def test_a_ref_that_goes_back_takes_nothing_back(store: RootStore, repository: GitRepository) -> None:
    first = make_root(ADA)
    store.publish(signed(first, ADA))
    second = next_version(first)
    store.publish(signed(second, ADA))
    at = repository.target(REF)
    repository.keep_files(REF, {"1.root.json": signed(first, ADA)}, expected=at, message="gone back")
    assert store.current() == second


def test_a_gap_is_not_jumped_over(store: RootStore, repository: GitRepository) -> None:
    first = make_root(ADA)
    store.publish(signed(first, ADA))
    forge(repository, 3, signed(next_version(next_version(first)), ADA))
    assert store.current() == first


def test_the_file_of_the_machine_pins_and_a_newer_one_that_was_taken_over_stays(
    store: RootStore, repository: GitRepository, tmp_path: Path
) -> None:
    first = make_root(ADA)
    given = tmp_path / "root.json"
    given.write_bytes(signed(first, ADA))
    store.publish(signed(first, ADA))
    second = next_version(first)
    store.publish(signed(second, ADA))
    machine = another(repository, tmp_path / "machine-2", given)
    (tmp_path / "machine-2").mkdir()
    assert machine.current() == second
    assert another(repository, tmp_path / "machine-2", given).pinned() == second
    given.write_bytes(b"{}")
    with pytest.raises(IntegrityError, match="is no root of trust"):
        machine.current()


def test_a_file_with_another_digest_than_was_told_is_not_pinned(store: RootStore) -> None:
    root = make_root(ADA)
    with pytest.raises(UsageError, match=f"has the digest sha256:{root.digest}"):
        store.pin(signed(root, ADA), "0" * 64)
    assert store.pinned() is None
    assert store.pin(signed(root, ADA), root.digest) == root


def test_versions_for_readers_that_pinned_an_earlier_one_have_the_signatures_of_both(store: RootStore) -> None:
    first = make_root(ADA)
    store.publish(signed(first, ADA))
    second = next_version(first, keys=(BEN.public.text,))
    store.publish(signed(second, ADA, BEN))
    assert newest_root(first, store.versions(2).get) == second
    assert set(store.versions(1)) == {1}


def test_the_root_of_another_repository_is_not_pinned_beside_one(store: RootStore) -> None:
    store.pin(signed(make_root(ADA), ADA))
    with pytest.raises(ConflictError, match="trusts the root of the repository"):
        store.pin(signed(make_root(BEN, repository="f" * 32), BEN))


def test_who_does_not_trust_what_is_on_the_ref_publishes_nothing_over_it(
    store: RootStore, repository: GitRepository, tmp_path: Path
) -> None:
    store.publish(signed(make_root(ADA), ADA))
    with pytest.raises(ConflictError, match="does not trust"):
        another(repository, tmp_path / "other").publish(signed(make_root(EVE), EVE))


def test_a_version_without_enough_signatures_is_not_published(store: RootStore) -> None:
    with pytest.raises(IntegrityError, match="1 of 2 keys of the root signed it") as refused:
        store.publish(signed(make_root(ADA, BEN, threshold=2), ADA))
    assert refused.value.code == "sig-few"


@pytest.mark.fault("S13")
def test_a_file_of_the_machine_that_was_changed_is_refused(store: RootStore, tmp_path: Path) -> None:
    store.pin(signed(make_root(ADA), ADA))
    file = tmp_path / "machine" / "root.json"
    file.write_bytes(file.read_bytes().replace(b'"sig":"U1', b'"sig":"U2'))
    with pytest.raises(IntegrityError):
        store.current()

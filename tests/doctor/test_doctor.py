"""What doctor says of installations and clones that a session cannot make."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from importlib import metadata
from typing import TYPE_CHECKING

import pytest

from llmcfg.doctor import installation
from llmcfg.doctor.installation import check_installation
from llmcfg.doctor.repository import check_repository
from llmcfg.git.repository import open_repository
from llmcfg.model.check import Check, Verdict
from llmcfg.starter import starter_files

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The starter repository with two commits."""
    folder = tmp_path / "shop"
    for path, content in starter_files("shop").items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    git(folder, "init", "-q", "-b", "main")
    for message in ("Start", "Again"):
        git(folder, "add", "-A")
        git(folder, "commit", "-q", "--allow-empty", "-m", message)
    return folder


def named(checks: Iterable[Check], name: str) -> list[Check]:
    return [check for check in checks if check.name == name]


def test_a_whole_installation_has_nothing_to_mend() -> None:
    assert [check for check in check_installation() if check.verdict is not Verdict.OK] == []


@pytest.mark.parametrize(
    ("required", "said"),
    [
        ("no-such-package-of-ours>=1", "no-such-package-of-ours is missing"),
        ("msgspec>=999", "needed is >=999"),
        ("msgspec<0.1", "needed is <0.1"),
        ("msgspec!=0.0.1,>=0.1", ""),
        ('uvloop>=1; extra == "server"', ""),
    ],
)
def test_packages_are_held_to_what_is_required(monkeypatch: pytest.MonkeyPatch, required: str, said: str) -> None:
    monkeypatch.setattr(installation.metadata, "requires", lambda _name: [required])
    (check,) = named(check_installation(), "packages")
    assert (check.verdict is Verdict.FAIL, said in check.text) == (bool(said), True)


def test_sources_that_were_never_installed_are_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(name: str) -> list[str]:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(installation.metadata, "requires", unknown)
    (check,) = named(check_installation(), "packages")
    assert check.verdict is Verdict.WARN


def test_no_git_program_is_a_failure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (check,) = named(check_installation(), "git")
    assert (check.verdict, check.hint) == (Verdict.FAIL, "install git")


@pytest.mark.parametrize(
    ("version", "verdict"), [("2.27.1", Verdict.WARN), ("2.28.0", Verdict.OK), ("3.0", Verdict.OK)]
)
def test_an_old_git_program_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: str, verdict: Verdict
) -> None:
    program = tmp_path / "git"
    program.write_text(f"#!/bin/sh\necho git version {version}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    (check,) = named(check_installation(), "git")
    assert check.verdict is verdict


def test_missing_schemas_are_a_failure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(installation, "data_folder", lambda name: tmp_path / name)
    (check,) = named(check_installation(), "files")
    assert check.verdict is Verdict.FAIL


def test_a_shallow_clone_is_a_warning(clone: Path, tmp_path: Path) -> None:
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{clone}", str(shallow))
    (check,) = named(check_repository(shallow), "commits")
    assert (check.verdict, check.hint) == (Verdict.WARN, "git fetch --unshallow")


def test_a_lock_that_a_dead_llmcfg_left_is_told_from_that_of_another_program(clone: Path) -> None:
    repository = open_repository(clone)
    leases = repository.state_folder / "leases"
    branches = clone / ".git" / "refs" / "heads"
    leases.mkdir(parents=True)
    (leases / "ours.new").touch()
    (branches / "ours.lock").hardlink_to(leases / "ours.new")
    (branches / "other.lock").touch()
    found = {lock.path.name: lock.is_ours for lock in repository.locks()}
    assert found == {"ours.lock": True, "other.lock": False}
    hints = {check.hint for check in named(check_repository(clone), "locks")}
    assert hints == {
        "the next llmcfg apply removes it",
        f"if no git command is running: rm {branches / 'other.lock'}",
    }


def test_a_damaged_branch_does_not_hide_the_other_checks(clone: Path) -> None:
    (clone / ".git" / "refs" / "heads" / "deployed").mkdir()
    (clone / ".git" / "refs" / "heads" / "deployed" / "dev").write_text("nonsense\n")
    checks = list(check_repository(clone))
    assert Verdict.FAIL in {check.verdict for check in named(checks, "deployed")}
    assert {"findings", "leftovers"} <= {check.name for check in checks}


def test_a_branch_of_no_environment_is_named(clone: Path) -> None:
    git(clone, "branch", "deployed/elsewhere")
    said = [check.text for check in named(check_repository(clone), "deployed") if check.verdict is Verdict.WARN]
    assert said == ["deployed/elsewhere belongs to no environment of the manifest"]


def test_a_bare_repository_has_no_files_to_look_at(clone: Path, tmp_path: Path) -> None:
    bare = tmp_path / "shop.git"
    shutil.copytree(clone / ".git", bare)
    git(bare, "config", "core.bare", "true")
    checks = list(check_repository(bare))
    assert {check.verdict for check in checks if check.name != "identity"} == {Verdict.OK}
    assert named(checks, "leftovers") == []


def test_doctor_waits_for_nobody(clone: Path) -> None:
    leases = clone / ".git" / "llmcfg" / "leases"
    leases.mkdir(parents=True)
    with (leases / "refs%2Fheads%2Fdeployed%2Fdev.lease").open("w") as lease:
        fcntl.flock(lease, fcntl.LOCK_EX)
        assert {check.verdict for check in named(check_repository(clone), "locks")} == {Verdict.OK}

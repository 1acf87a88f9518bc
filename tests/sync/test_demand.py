"""A clone that lost its root of trust, or never had one, checks and deploys nothing of a repository that asks for one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from llmcfg.errors import IntegrityError
from llmcfg.wiring import Workspace
from support.written import CONSUMER, MANIFEST, WrittenRepository
from trust.roots import make_root, signed

DEMANDING = f"{MANIFEST}trust: required\n"
FILES = {"llmcfg.yaml": MANIFEST, "base/limits.yaml": "rpm: 1\n", "consumers/api.yaml": CONSUMER}


def workspace_of(folder: Path, **files: str) -> Workspace:
    WrittenRepository(folder, FILES | files)
    return Workspace(folder)


def refusal(workspace: Workspace) -> IntegrityError:
    with pytest.raises(IntegrityError, match="this clone trusts no root") as refused:
        workspace.wanted("dev", "HEAD")
    assert (refused.value.code, "llmcfg trust pin" in refused.value.hint) == ("trust-missing", True)
    return refused.value


def trusting(workspace: Workspace) -> None:
    """Has the workspace make a root that vouches for what is there."""
    head = workspace.resolve(None).commit
    workspace.root_store().publish(signed(make_root(vouched=(head,), expires=1 << 33)))


def test_a_repository_that_asks_for_nothing_is_built_without_a_root(tmp_path: Path) -> None:
    assert workspace_of(tmp_path / "r").wanted("dev", "HEAD").manifest.requires_trust is False


def test_the_manifest_asks_and_a_root_answers(tmp_path: Path) -> None:
    workspace = workspace_of(tmp_path / "r", **{"llmcfg.yaml": DEMANDING})
    assert "llmcfg.yaml says that one is required" in refusal(workspace).message
    trusting(workspace)
    assert workspace.wanted("dev", "HEAD").manifest.requires_trust


def test_removing_what_a_clone_trusts_does_not_switch_its_checks_off(tmp_path: Path) -> None:
    workspace = workspace_of(tmp_path / "r")
    trusting(workspace)
    workspace.wanted("dev", "HEAD")
    shutil.rmtree(workspace.trust_folder)
    assert "refs/llmcfg/trust holds one" in refusal(workspace).message


def test_a_folder_without_its_root_is_noticed_also_where_the_ref_is_not(tmp_path: Path) -> None:
    workspace = workspace_of(tmp_path / "r")
    workspace.root_store().pin(signed(make_root(vouched=(workspace.resolve(None).commit,), expires=1 << 33)))
    workspace.wanted("dev", "HEAD")
    (workspace.trust_folder / "root.json").unlink()
    assert "root.json is gone" in refusal(workspace).message

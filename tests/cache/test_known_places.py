"""A repository that is known to open is not opened to look at its work tree, and nothing that would be refused passes by that."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime

import pytest

from llmcfg import wiring
from llmcfg.errors import LlmcfgError
from llmcfg.git import repository as git_repository
from llmcfg.git.place import own_place
from llmcfg.wiring import Workspace
from support.written import WrittenRepository

FILES = {"base/limits.yaml": "rpm: 10\n", "base/models/chat.yaml": "name: a\n"}
LATER = datetime(2200, 1, 1, tzinfo=UTC)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setattr(wiring, "now", lambda: LATER)  # as if everything had been left alone for long
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.fixture
def written(home) -> WrittenRepository:
    written = WrittenRepository(home / "repository", FILES)
    look(written.path, home)
    return written


def look(path, home, *, cached: bool = True):
    """What is seen of a work tree, or what is said in its place; and it is remembered."""
    try:
        workspace = Workspace(path, cache=home / "cache" if cached else None)
        entries = {**workspace.snapshot(None).entries}
    except LlmcfgError as error:
        return type(error), error.message, error.hint
    if workspace.cache is not None:
        workspace.cache.keep()
        workspace.cache.close()
    return entries, workspace.root, workspace.git_folder, workspace.git_dir


def opens(path, home, monkeypatch) -> bool:
    opened = []
    real = git_repository.open_repository
    with monkeypatch.context() as patched:
        patched.setattr(git_repository, "open_repository", lambda *given: opened.append(given) or real(*given))
        look(path, home)
    return bool(opened)


def test_a_changed_file_is_seen_without_opening_a_repository(written, home, monkeypatch):
    (written.path / "base/limits.yaml").write_text("rpm: 999\n")
    assert not opens(written.path, home, monkeypatch)
    assert not opens(written.path / "base", home, monkeypatch)
    assert look(written.path, home) == look(written.path, home, cached=False)
    written.git("commit", "-aqm", "more")
    assert not opens(written.path, home, monkeypatch)
    (written.path / "base/more.yaml").write_text("rpm: 999\n")
    assert opens(written.path, home, monkeypatch)
    assert not opens(written.path, home, monkeypatch)


def test_a_repository_that_is_asked_for_is_opened(written, home):
    workspace = Workspace(written.path, cache=home / "cache")
    assert workspace.resolve("HEAD").commit == written.git("rev-parse", "HEAD")
    assert workspace.git_dir == workspace.repository.git_dir
    assert workspace.root == workspace.repository.root


def test_a_configuration_below_the_top_is_found_as_it_is_when_opened(home, monkeypatch):
    written = WrittenRepository(home / "repository", {"platform/base/limits.yaml": "rpm: 10\n"})
    (written.path / "llmcfg.yaml").rename(written.path / "platform/llmcfg.yaml")
    inner = written.path / "platform"
    assert look(inner, home) == look(inner, home, cached=False)
    assert not opens(inner / "base", home, monkeypatch)
    assert look(inner / "base", home) == look(inner, home, cached=False)


def sha256(git_dir):
    text = (git_dir / "config").read_text()
    (git_dir / "config").write_text(
        text.replace("repositoryformatversion = 0", "repositoryformatversion = 1")
        + "[extensions]\n\tobjectFormat = sha256\n"
    )


def damaged(git_dir):
    (git_dir / "config").write_text("[core\n")


def borrowing(git_dir):
    (git_dir / "objects/info").mkdir(exist_ok=True)
    (git_dir / "objects/info/alternates").write_text("/elsewhere\n")


def without_head(git_dir):
    (git_dir / "HEAD").unlink()


def without_objects(git_dir):
    shutil.rmtree(git_dir / "objects")


def without_refs(git_dir):
    shutil.rmtree(git_dir / "refs")


def common(git_dir):
    (git_dir / "commondir").write_text("../elsewhere\n")


def away(git_dir):
    git_dir.rename(git_dir.with_name("aside"))


def linked(git_dir):
    away(git_dir)
    git_dir.symlink_to("aside")


def pointing(git_dir):
    away(git_dir)
    git_dir.write_text("gitdir: aside\n")


def elsewhere(git_dir):
    with (git_dir / "config").open("a") as file:
        file.write("[core]\n\tworktree = /\n")


def bare(git_dir):
    with (git_dir / "config").open("a") as file:
        file.write("[core]\n\tbare = true\n")


def including(git_dir):
    (git_dir / "more").write_text("[core]\n\texcludesFile = /ignored\n")
    with (git_dir / "config").open("a") as file:
        file.write("[include]\n\tpath = more\n")


def ignoring(git_dir):
    (git_dir / "info").mkdir(exist_ok=True)
    (git_dir / "info/exclude").write_text("models\n")


def no_manifest(git_dir):
    (git_dir.parent / "llmcfg.yaml").unlink()


def nested(git_dir):
    (git_dir.parent / "base/.git").mkdir()


CHANGES = [
    sha256, damaged, borrowing, without_head, without_objects, without_refs, common, away, linked, pointing, elsewhere,
    bare, including, ignoring, no_manifest, nested,
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_said_of_another_repository_is_said_with_a_cache_too(written, home, monkeypatch, change):
    change(written.path / ".git")
    assert opens(written.path, home, monkeypatch)
    for path in (written.path, written.path / "base"):
        assert look(path, home) == look(path, home, cached=False)
        assert look(path, home) == look(path, home, cached=False)


def test_a_repository_of_another_owner_is_opened_each_time(written, monkeypatch):
    assert own_place(written.path) is not None
    monkeypatch.setattr(os, "geteuid", lambda: written.path.stat().st_uid + 1)
    assert own_place(written.path) is None


@pytest.mark.parametrize("whose", ["top", "git"])
def test_both_the_work_tree_and_its_repository_belong_to_who_asks(written, home, monkeypatch, whose):
    if os.geteuid() != 0:
        pytest.skip("only root gives files away")
    os.chown(written.path if whose == "top" else written.path / ".git", 12345, -1)
    assert own_place(written.path) is None
    assert opens(written.path, home, monkeypatch)
    refused = look(written.path, home)
    assert refused == look(written.path, home, cached=False)
    assert "belongs to another user" in refused[1]


def test_settings_of_another_home_are_asked_anew(written, home, monkeypatch):
    monkeypatch.setenv("HOME", str(home))
    assert opens(written.path, home, monkeypatch)


def test_while_settings_changed_lately_a_repository_is_opened(home, monkeypatch):
    monkeypatch.setattr(wiring, "now", lambda: datetime.now(UTC))
    written = WrittenRepository(home / "repository", FILES)
    look(written.path, home)
    assert opens(written.path, home, monkeypatch)

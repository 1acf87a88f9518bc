"""Which repositories are opened, which are refused in one line, and that opening one never runs anything of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from llmcfg.errors import IntegrityError, NotAuthorisedError, NotFoundError, UsageError
from llmcfg.git.repository import open_repository
from llmcfg.model.snapshot import Revision


def assert_one_line_with_hint(caught):
    assert "\n" not in caught.value.message
    assert caught.value.hint


@pytest.mark.fault("G32")
def test_nearest_folder_with_a_manifest_is_the_root(workspace):
    workspace.write("base/deep/er/a.yaml", "")
    assert open_repository(workspace.path / "base/deep/er").root == workspace.path


@pytest.mark.parametrize(
    ("folder", "hint"), [("missing", "-C"), ("plain", "llmcfg init"), ("repository/docs", "llmcfg init")]
)
def test_what_is_no_configuration_repository_is_not_found(make_workspace, tmp_path, folder, hint):
    (tmp_path / "plain").mkdir()
    make_workspace("repository").write("docs/a.md", "")
    with pytest.raises(NotFoundError) as caught:
        open_repository(tmp_path / folder)
    assert_one_line_with_hint(caught)
    assert hint in caught.value.hint


@pytest.mark.fault("G32")
def test_manifest_above_the_git_repository_is_not_its_root(make_workspace, tmp_path):
    (tmp_path / "llmcfg.yaml").write_text("")
    make_workspace("inner")
    with pytest.raises(NotFoundError):
        open_repository(tmp_path / "inner")


@pytest.mark.fault("G32", "A26")
def test_git_variables_are_ignored(workspace, make_workspace, monkeypatch):
    other = make_workspace("other")
    other.commit_files({"llmcfg.yaml": "other"})
    for name in (
        "GIT_DIR",
        "GIT_OBJECT_DIRECTORY",
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_INDEX_FILE",
        "GIT_COMMON_DIR",
    ):
        monkeypatch.setenv(name, str(other.path / ".git"))
    monkeypatch.setenv("GIT_NAMESPACE", "other")
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Mallory")
    repository = workspace.open()
    assert repository.git_dir == workspace.path / ".git"
    commit = repository.commit_files("refs/heads/deployed/prod", {"a": b""}, expected=None, message="m")
    monkeypatch.undo()
    assert repository.facts(commit).author == "Ada Writer"
    assert workspace.git("rev-parse", "deployed/prod") == commit


def test_commits_are_by_llmcfg_when_git_knows_no_user(workspace, tmp_path):
    workspace.git("config", "--unset", "user.name")
    script = (
        "import sys, pathlib; from llmcfg.git.repository import open_repository as o; r = o(pathlib.Path(sys.argv[1]));"
        "c = r.commit_files('refs/heads/deployed/x', {'a': b''}, expected=None, message='m'); print(*r.facts(c)[1:3])"
    )
    environment = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "-c", script, workspace.path], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.strip() == "llmcfg llmcfg@localhost"


def test_linked_work_tree_shares_refs_and_state_with_its_repository(workspace, tmp_path):
    workspace.git("worktree", "add", "-q", str(tmp_path / "linked"), "-b", "topic")
    linked = open_repository(tmp_path / "linked")
    assert linked.head().name == "topic"
    assert linked.git_dir == workspace.open().git_dir
    commit = linked.commit_files("refs/heads/deployed/prod", {"a": b""}, expected=None, message="m")
    assert workspace.open().read_ref("refs/heads/deployed/prod") == commit


@pytest.mark.fault("G27")
@pytest.mark.parametrize(
    ("configuration", "says"),
    [
        ({"extensions.objectformat": "sha256"}, "sha256"),
        ({"extensions.refstorage": "reftable"}, "refstorage"),
        ({"extensions.fromTheFuture": "yes"}, "fromthefuture"),
        ({"core.repositoryformatversion": "9"}, "9"),
    ],
)
def test_unsupported_formats_are_refused_in_one_line(workspace, configuration, says):
    workspace.git("config", "core.repositoryformatversion", "1")
    for key, value in configuration.items():
        subprocess.run(["git", "config", "-f", workspace.path / ".git/config", key, value], check=True)
    with pytest.raises(UsageError) as caught:
        workspace.open()
    assert_one_line_with_hint(caught)
    assert says in caught.value.message.lower()


@pytest.mark.fault("G23")
@pytest.mark.parametrize(("path", "content"), [(".git/config", "[[["), (".git/HEAD", None)])
def test_damaged_repository_is_an_integrity_error(workspace, path, content):
    (workspace.path / path).unlink()
    if content is not None:
        (workspace.path / path).write_text(content)
    with pytest.raises(IntegrityError) as caught:
        workspace.open()
    assert_one_line_with_hint(caught)


@pytest.mark.fault("G23")
def test_damaged_packed_refs_are_an_integrity_error(workspace):
    workspace.git("pack-refs", "--all")
    (workspace.path / ".git/packed-refs").write_text("\0\0 junk")
    with pytest.raises(IntegrityError):
        workspace.open().head()


@pytest.mark.fault("G29")
def test_borrowed_objects_are_refused(workspace, tmp_path):
    workspace.git("clone", "-q", "--shared", str(workspace.path), str(tmp_path / "borrower"))
    with pytest.raises(UsageError) as caught:
        open_repository(tmp_path / "borrower")
    assert_one_line_with_hint(caught)
    assert "borrows objects" in caught.value.message


@pytest.mark.fault("G28")
@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder to another user")
def test_repository_of_another_owner_is_refused_with_the_way_out(workspace):
    os.chown(workspace.path, 12345, -1)
    os.chown(workspace.path / ".git", 12345, -1)
    with pytest.raises(NotAuthorisedError) as caught:
        workspace.open()
    assert_one_line_with_hint(caught)
    assert "safe.directory" in caught.value.hint


@pytest.mark.fault("G25")
def test_shallow_clone_reads_and_says_where_its_history_ends(workspace, tmp_path):
    for number in range(3):
        workspace.commit_files({"base/a.yaml": f"n: {number}\n"})
    workspace.git("clone", "-q", "--depth", "2", f"file://{workspace.path}", str(tmp_path / "shallow"))
    repository = open_repository(tmp_path / "shallow")
    head = repository.head()
    assert "base/a.yaml" in repository.snapshot(head).entries
    assert repository.resolve("HEAD~1").commit == repository.facts(head.commit).parents[0]
    for ask in (lambda: list(repository.history(head.commit)), lambda: repository.resolve("HEAD~2")):
        with pytest.raises(NotFoundError, match="shallow") as caught:
            ask()
        assert "--unshallow" in caught.value.hint
    assert repository.blame(head, "base/routing.yaml", [1])[1].commit == repository.resolve("HEAD~1").commit


@pytest.mark.fault("G26")
def test_partial_clone_names_what_it_lacks(workspace, tmp_path):
    workspace.git("config", "uploadpack.allowFilter", "true")
    url = f"file://{workspace.path}"
    workspace.git("clone", "-q", "--bare", "--filter=blob:none", url, str(tmp_path / "partial.git"))
    repository = open_repository(tmp_path / "partial.git")
    snapshot = repository.snapshot(repository.resolve("main"))
    assert dict(snapshot.entries) == {}
    assert {finding.rule_id for finding in snapshot.findings} == {"object-missing"}
    assert "--filter" in snapshot.findings[0].hint
    assert repository.is_partial
    assert not workspace.open().is_partial


@pytest.mark.fault("G31")
def test_replaced_objects_are_read_as_they_are(workspace):
    honest = workspace.git("rev-parse", "HEAD")
    forged = workspace.commit_of_tree(workspace.tree())
    workspace.git("replace", "-f", honest, forged)
    (workspace.path / ".git/info").mkdir()
    (workspace.path / ".git/info/grafts").write_text(f"{honest} {forged}\n")
    repository = workspace.open()
    assert "base/routing.yaml" in repository.snapshot(Revision(honest, "x")).entries
    assert repository.facts(honest).parents == ()


@pytest.mark.fault("G30")
def test_hostile_local_configuration_runs_nothing(workspace, tmp_path):
    ran = tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {ran}\ncat\n")
    program.chmod(0o755)
    (workspace.path / ".gitattributes").write_text("* filter=evil diff=evil\n")
    settings = [
        "core.fsmonitor",
        "core.sshCommand",
        "core.pager",
        "core.editor",
        "credential.helper",
        "diff.evil.textconv",
    ]
    settings += [
        "filter.evil.smudge",
        "filter.evil.clean",
        "filter.evil.process",
        "gpg.program",
        "core.alternateRefsCommand",
    ]
    for key in settings:
        workspace.git("config", key, str(program))
    workspace.git("config", "core.hooksPath", str(tmp_path / "hooks"))
    workspace.git("config", "commit.gpgSign", "true")
    for hook in ("pre-commit", "reference-transaction", "post-commit", "commit-msg", "post-index-change"):
        (tmp_path / "hooks").mkdir(exist_ok=True)
        shutil.copy(program, tmp_path / "hooks" / hook)
    repository = workspace.open()
    head = repository.head()
    workspace.write("base/routing.yaml", "a: 9\n")
    for snapshot in (repository.work_tree(), repository.snapshot(head)):
        assert [snapshot.read(entry.oid) for entry in snapshot.entries.values()]
    repository.blame(None, "base/routing.yaml", [1])
    commit = repository.commit_files("refs/heads/deployed/prod", {"a": b""}, expected=None, message="m")
    repository.create_tag("v1", commit, "m")
    assert not ran.exists()
    subprocess.run(["git", "status"], cwd=workspace.path, capture_output=True)
    assert ran.exists(), "the trap must be able to spring"

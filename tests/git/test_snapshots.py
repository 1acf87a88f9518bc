"""What commits and the work tree hold, and that both say the same of the same files."""

from __future__ import annotations

import os

import pytest

from llmcfg.errors import ConflictError, IntegrityError, UsageError
from llmcfg.git import contents
from llmcfg.git.repository import open_repository
from llmcfg.model.snapshot import Revision


def test_reads_configuration_folders_and_the_two_files_at_the_top_only(workspace):
    workspace.commit_files({"docs/x.yaml": "", "README.md": "", ".sops.yaml": "", "tenants/acme/a.yaml": "a: 1\n"})
    snapshot = workspace.open().snapshot(workspace.open().resolve("HEAD"))
    assert list(snapshot.entries) == [".sops.yaml", "base/routing.yaml", "llmcfg.yaml", "tenants/acme/a.yaml"]
    entry = snapshot.entries["tenants/acme/a.yaml"]
    assert (snapshot.read(entry.oid), entry.size) == (b"a: 1\n", 5)


def test_folders_of_the_hierarchy_are_read_when_named(workspace):
    workspace.commit_files({"teams/a/x.yaml": "a: 1\n"})
    repository = open_repository(workspace.path, extra_folders=["teams"])
    assert "teams/a/x.yaml" in repository.snapshot(repository.resolve("HEAD")).entries
    assert "teams/a/x.yaml" in repository.work_tree().entries
    assert "teams/a/x.yaml" not in workspace.open().work_tree().entries


def test_configuration_in_a_subfolder_has_paths_from_there(make_workspace):
    workspace = make_workspace("mono")
    workspace.commit_files({"base/other.yaml": "", "ops/llm/llmcfg.yaml": "", "ops/llm/base/a.yaml": "a: 1\n"})
    repository = open_repository(workspace.path / "ops/llm/base")
    assert (repository.prefix, repository.root) == ("ops/llm", workspace.path / "ops/llm")
    for snapshot in (repository.snapshot(repository.resolve("HEAD")), repository.work_tree()):
        assert list(snapshot.entries) == ["base/a.yaml", "llmcfg.yaml"]
    assert repository.blame(None, "base/a.yaml", [1])[1].author == "Ada Writer"


def test_commit_from_before_the_subfolder_is_empty(make_workspace):
    workspace = make_workspace("mono")
    before = workspace.commit_files({"README.md": ""})
    workspace.commit_files({"ops/llmcfg.yaml": ""})
    repository = open_repository(workspace.path / "ops")
    assert dict(repository.snapshot(Revision(before, before)).entries) == {}


def test_work_tree_and_its_commit_are_the_same(workspace):
    workspace.commit_files({"base/a.yaml": "a: é\n", "base/b/c.yaml": "", "prompts/p.yaml": "x: 1\r\n"})
    repository = workspace.open()
    committed, lying = repository.snapshot(repository.resolve("HEAD")), repository.work_tree()
    assert dict(committed.entries) == dict(lying.entries)
    assert list(lying.entries) == sorted(lying.entries)
    assert all(committed.read(entry.oid) == lying.read(entry.oid) for entry in lying.entries.values())


def test_work_tree_holds_uncommitted_and_untracked_files(workspace):
    workspace.write("base/routing.yaml", "a: 2\n")
    workspace.write("base/new.yaml", "b: 1\n")
    snapshot = workspace.open().work_tree()
    assert snapshot.read(snapshot.entries["base/routing.yaml"].oid) == b"a: 2\n"
    assert "base/new.yaml" in snapshot.entries
    assert (snapshot.revision, snapshot.label) == (None, "work tree")


def test_ignored_files_are_left_out_unless_tracked(workspace):
    workspace.commit_files({"base/tracked.local.yaml": "a: 1\n", "base/gen/kept.yaml": "a: 1\n"})
    workspace.write(".gitignore", "*.local.yaml\ngen/\n")
    workspace.write("base/mine.local.yaml", "a: 1\n")
    workspace.write("base/gen/out.yaml", "a: 1\n")
    assert list(workspace.open().work_tree().entries) == [
        "base/gen/kept.yaml",
        "base/routing.yaml",
        "base/tracked.local.yaml",
        "llmcfg.yaml",
    ]


@pytest.mark.fault("G05")
def test_links_pipes_and_bad_names_in_the_work_tree_are_findings(workspace):
    base = workspace.path / "base"
    (base / "link.yaml").symlink_to("/etc/passwd")
    (base / "dir").symlink_to(workspace.path / "base")
    os.mkfifo(base / "pipe.yaml")
    (base / "aux.yaml").write_text("")
    (base / "A.yaml").write_text("")
    (base / "a.yaml").write_text("")
    (base / ".git").mkdir()
    (base / os.fsdecode(b"\xff.yaml")).write_text("")
    snapshot = workspace.open().work_tree()
    assert [(finding.rule_id, finding.origin.file) for finding in snapshot.findings] == [
        ("tree-name", "base/\\xff.yaml"),
        ("tree-collision", "base/a.yaml"),
        ("tree-name", "base/aux.yaml"),
        ("tree-mode", "base/dir"),
        ("tree-mode", "base/link.yaml"),
        ("tree-mode", "base/pipe.yaml"),
    ]
    assert list(snapshot.entries) == ["base/A.yaml", "base/routing.yaml", "llmcfg.yaml"]


@pytest.mark.fault("G05")
def test_configuration_folder_that_is_a_link_is_not_followed(workspace, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "stolen.yaml").write_text("a: 1\n")
    (workspace.path / "tenants").symlink_to(tmp_path / "elsewhere")
    snapshot = workspace.open().work_tree()
    assert [finding.rule_id for finding in snapshot.findings] == ["tree-mode"]
    assert "tenants/stolen.yaml" not in snapshot.entries


def test_large_file_and_deep_folder_in_the_work_tree_are_findings(workspace):
    with (workspace.path / "base/large.yaml").open("wb") as file:
        file.truncate((8 << 20) + 1)
    workspace.write("base" + "/d" * 17 + "/a.yaml", "a: 1\n")
    assert [finding.rule_id for finding in workspace.open().work_tree().findings] == ["tree-depth", "blob-size"]


def test_edits_after_the_work_tree_was_taken_do_not_reach_it(workspace):
    snapshot = workspace.open().work_tree()
    workspace.write("base/routing.yaml", "changed: true\n")
    assert snapshot.read(snapshot.entries["base/routing.yaml"].oid) == b"a: 1\nb: 2\n"


def test_content_that_is_not_kept_is_read_again_and_never_mixed(workspace, monkeypatch):
    monkeypatch.setattr(contents, "_KEPT_BYTES", 0)
    snapshot = workspace.open().work_tree()
    oid = snapshot.entries["base/routing.yaml"].oid
    assert snapshot.read(oid) == b"a: 1\nb: 2\n"
    workspace.write("base/routing.yaml", "changed: true\n")
    with pytest.raises(ConflictError, match=r"base/routing\.yaml changed"):
        snapshot.read(oid)


@pytest.mark.parametrize("kept", [0, 1 << 20])
def test_a_file_of_a_commit_is_read_once_while_there_is_room(workspace, monkeypatch, kept):
    monkeypatch.setattr(contents, "_KEPT_BYTES", kept)
    repository = workspace.open()
    snapshot = repository.snapshot(repository.resolve("HEAD"))
    oid = snapshot.entries["base/routing.yaml"].oid
    first, again = snapshot.read(oid), snapshot.read(oid)
    assert first == again == b"a: 1\nb: 2\n"
    assert (first is again) == bool(kept)


def test_bare_repository_reads_commits_and_has_no_work_tree(workspace, tmp_path):
    workspace.git("clone", "-q", "--bare", str(workspace.path), str(tmp_path / "bare.git"))
    repository = open_repository(tmp_path / "bare.git")
    assert (repository.is_bare, repository.root, repository.prefix) == (True, None, "")
    assert "base/routing.yaml" in repository.snapshot(repository.resolve("main")).entries
    with pytest.raises(UsageError, match="bare"):
        repository.work_tree()


@pytest.mark.parametrize(
    ("written", "label"),
    [
        ("v1", "v1"),
        ("refs/tags/v1", "v1"),
        ("main", "main"),
        ("HEAD", "HEAD"),
        ("2023-12-31", "2023-12-31"),
        ("cafe", "cafe"),
        ("HEAD~0", None),
        ("2030-01-01", None),
    ],
)
def test_label_is_the_name_of_a_ref_or_else_the_short_commit(workspace, written, label):
    for tag in ("v1", "2023-12-31", "cafe"):
        workspace.git("tag", tag)
    repository = workspace.open()
    revision = repository.resolve(written)
    assert repository.snapshot(revision).label == (label or revision.commit[:10])


def test_changed_paths_are_those_that_git_names(workspace):
    files = {f"tenants/t{number}/a.yaml": f"n: {number}\n" for number in range(20)}
    old = workspace.commit_files(files | {"base/x": "file", "base/gone/a.yaml": "", "docs/a": ""})
    (workspace.path / "base/x").unlink()
    (workspace.path / "base/gone/a.yaml").unlink()
    new = workspace.commit_files(
        {"tenants/t7/a.yaml": "n: 8\n", "base/x/y.yaml": "", "docs/a": "changed", "base/n.yaml": ""}
    )
    repository = workspace.open()
    named = workspace.git("diff", "--no-renames", "--name-only", old, new).splitlines()
    assert list(repository.changed_paths(old, new)) == sorted(set(named) - {"docs/a"})
    assert list(repository.changed_paths(new, new)) == []


def test_whole_tree_of_a_deployed_commit_is_read_with_ids(workspace):
    repository = workspace.open()
    files = {"head.json": b"{}", "_shared/api/config/a.json": b"1", "_shared/api.json": b"2"}
    commit = repository.commit_files("refs/heads/deployed/prod", files, expected=None, message="deploy")
    assert dict(repository.read_tree(commit)) == files
    assert {path: workspace.git("rev-parse", f"{commit}:{path}") for path in files} == repository.tree_digests(commit)


def test_strange_tree_on_a_deployed_ref_is_an_integrity_error(workspace):
    commit = workspace.commit_of_tree(workspace.tree((b"120000", b"head.json", workspace.blob(b"/etc/passwd"))))
    with pytest.raises(IntegrityError, match="symbolic link"):
        workspace.open().read_tree(commit)


@pytest.mark.fault("G23")
def test_damaged_index_is_an_integrity_error_and_only_when_it_is_needed(workspace):
    (workspace.path / ".git/index").write_bytes(b"DIRCjunk")
    assert list(workspace.open().work_tree().entries) == ["base/routing.yaml", "llmcfg.yaml"]
    workspace.write(".gitignore", "*.bak\n")
    workspace.write("base/a.bak", "")
    with pytest.raises(IntegrityError, match="index") as caught:
        workspace.open().work_tree()
    assert caught.value.hint


@pytest.mark.fault("G06")
def test_repository_inside_the_work_tree_is_not_followed_fetched_or_not(workspace, make_workspace, tmp_path):
    inner = make_workspace("inner")
    inner.commit_files({"x.yaml": "a: 1\n"})
    workspace.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner.path), "base/sub")
    commit = workspace.commit("with a submodule")
    expected = [("tree-mode", "base/sub", "'sub' is a submodule; it is not followed")]

    def said(snapshot):
        assert "base/sub/x.yaml" not in snapshot.entries
        return [(finding.rule_id, finding.origin.file, finding.message) for finding in snapshot.findings]

    repository = workspace.open()
    assert said(repository.snapshot(repository.resolve(commit))) == expected
    assert said(repository.work_tree()) == expected
    workspace.git("clone", "-q", str(workspace.path), str(tmp_path / "clone"))
    assert said(open_repository(tmp_path / "clone").work_tree()) == expected

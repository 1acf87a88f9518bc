"""A tree that was walked before tells of the next one what a walk does, whatever came, went, or was lost since."""

from __future__ import annotations

import random
import time

import pytest

from llmcfg.git.knowntree import KnownTree
from llmcfg.git.repository import open_repository
from llmcfg.git.seentree import EarlierTree, SeenTree
from llmcfg.git.walk import TreeReader

LATER = 10_000_000_000  # nanoseconds; by then every change is settled
FILES = {f"base/{folder}/{name}.yaml": "a: 1\n" for folder in ("x", "y/z") for name in ("one", "two")}


@pytest.fixture
def walked(monkeypatch):
    """The trees that were walked whole."""
    trees: list[str] = []
    walk = TreeReader.walk

    def noted(reader, tree, *arguments, **options):
        trees.append(tree)
        return walk(reader, tree, *arguments, **options)

    monkeypatch.setattr(TreeReader, "walk", noted)
    return trees


NOTHING = SeenTree()


def look(workspace, seen=NOTHING, *, at="HEAD", wait=LATER):
    """What is seen of a commit by who saw `seen`, and what the next one sees."""
    repository = open_repository(workspace.path)
    known = KnownTree(EarlierTree(seen, repository.git_dir, time.time_ns() + wait))
    snapshot = repository.snapshot(repository.resolve(at), known)
    found = list(snapshot.entries.items()), list(snapshot.findings)
    left = known.seen()
    return found, SeenTree(left.tree or seen.tree, left.objects or seen.objects)


def plain(workspace, at="HEAD"):
    repository = open_repository(workspace.path)
    snapshot = repository.snapshot(repository.resolve(at))
    return list(snapshot.entries.items()), list(snapshot.findings)


def test_only_what_differs_from_the_known_tree_is_read(workspace, walked):
    workspace.commit_files(FILES)
    _, seen = look(workspace)
    workspace.commit_files(
        {"base/x/one.yaml": "a: 2\n", "base/x/three.yaml": "a: 3\n", "tenants/acme/x/one.yaml": "a: 4\n"}
    )
    walked.clear()
    found, _ = look(workspace, seen)
    assert walked == []
    assert found == plain(workspace)


def test_any_history_is_seen_as_a_walk_sees_it(workspace):
    chance, seen = random.Random(7), SeenTree()
    for _ in range(25):
        for _ in range(chance.randint(1, 3)):
            path = chance.choice(
                [*FILES, "base/x", "base/y.yaml", "environments/prod/x/one.yaml", "README.md", "other/file"]
            )
            if (workspace.path / path).exists() and chance.random() < 0.5:
                workspace.git("rm", "-rq", "--ignore-unmatch", path)
            elif not (workspace.path / path).is_dir() and not any(
                (workspace.path / up).is_file() for up in path_above(path)
            ):
                workspace.write(path, f"a: {chance.random()}\n")
        workspace.commit()
        found, seen = look(workspace, chance.choice([seen, seen, SeenTree()]))
        assert found == plain(workspace)
    for at in (f"HEAD~{back}" for back in range(25)):
        assert look(workspace, seen, at=at)[0] == plain(workspace, at)


def path_above(path):
    parts = path.split("/")
    return ["/".join(parts[:length]) for length in range(1, len(parts))]


@pytest.mark.parametrize("lost", ["base/x/one.yaml", "base/y/z/two.yaml", "base/y"])
def test_an_object_that_is_lost_is_missed_though_its_tree_is_known(lost, workspace):
    workspace.commit_files(FILES | {lost: "b: 1\n"} if "." in lost else FILES)
    _, seen = look(workspace)
    workspace.loose_file(workspace.git("rev-parse", f"HEAD:{lost}")).unlink()
    found, _ = look(workspace, seen)
    assert found[1]
    assert found == plain(workspace)


def test_what_was_packed_meanwhile_is_there_still(workspace, walked):
    workspace.commit_files(FILES)
    _, seen = look(workspace)
    workspace.git("gc", "-q")
    walked.clear()
    found, seen = look(workspace, seen)
    assert (found, walked) == (plain(workspace), [workspace.git("rev-parse", "HEAD^{tree}")])


def test_a_folder_of_objects_that_has_just_changed_is_not_trusted(workspace):
    workspace.commit_files(FILES)
    _, seen = look(workspace, wait=0)
    workspace.loose_file(workspace.git("rev-parse", "HEAD:base/x/one.yaml")).unlink()
    assert look(workspace, seen, wait=0)[0] == plain(workspace)


def test_what_came_to_be_strange_is_said(workspace):
    workspace.commit_files(FILES)
    _, seen = look(workspace)
    (workspace.path / "base/x/link.yaml").symlink_to("one.yaml")
    workspace.commit()
    found, _ = look(workspace, seen)
    assert [finding.rule_id for finding in found[1]] == ["tree-mode"]
    assert found == plain(workspace)


@pytest.mark.parametrize("content", [b"", b"\xc1", b"\x94", b"\x93\x90\x90\x80"])
def test_what_was_not_written_so_is_not_used(content, workspace):
    workspace.commit_files(FILES)
    assert look(workspace, SeenTree(content, content))[0] == plain(workspace)


def test_a_tree_that_came_near_the_limit_of_files_is_walked(workspace, monkeypatch, walked):
    workspace.commit_files(FILES)
    _, seen = look(workspace)
    workspace.commit_files({"base/x/three.yaml": "a: 3\n"})
    monkeypatch.setattr("llmcfg.git.knowntree.TREE_ENTRIES", len(FILES))
    walked.clear()
    assert look(workspace, seen)[0] == plain(workspace)
    assert len(walked) == 2

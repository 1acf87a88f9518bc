"""What plain files say of HEAD, and what was seen of its commit, is what libgit2 says; where that is not certain, it is asked."""

from __future__ import annotations

import os
import random
import time

import msgspec
import pytest

from llmcfg.errors import LlmcfgError
from llmcfg.git.knownhead import KnownSnapshot, commit_of_head
from llmcfg.git.knowntree import KnownTree
from llmcfg.git.repository import open_repository
from llmcfg.git.seentree import EarlierTree, SeenTree
from llmcfg.wiring import Workspace
from support.worktrees import LATER_NS, settings_from

MANIFEST = "apiVersion: llmcfg.dev/v1\nkind: Repository\nname: test\nenvironments:\n  dev: {}\n"
FILES = {"llmcfg.yaml": MANIFEST, "base/x/one.yaml": "a: 1\n", "base/two.yaml": "b: {c: 2}\n", "README.md": "other\n"}
NAMES = [
    "refs/heads/main",
    "refs/heads/feature/one",
    "refs/heads/a.lock",
    "refs/heads/..",
    "refs/heads/.hidden",
    "refs/heads/a..b",
]
NAMES += [
    "refs/heads/-x",
    "refs/heads/gone",
    "refs/heads/a b",
    "refs/heads/ü",
    "refs/heads/x@{0}",
    "refs/tags/v1",
    "HEAD",
]
NAMES += ["refs/heads/feature", "refs/heads//main", "refs/heads/main/", "refs/heads/../../HEAD", "refs/heads/main/x"]
TEXTS = [
    "{id}\n",
    "{id}",
    "{id} \n",
    "{id}\n\n",
    "{ID}\n",
    "{id}0\n",
    "{short}\n",
    "\n",
    "",
    "x\n",
    "{id}\nref: refs/heads/main\n",
]
HEADS = [
    "ref: {name}\n",
    "ref: {name}",
    "ref:{name}\n",
    "ref:  {name}\n",
    "ref: {name} \n",
    "ref: {name}\n{id}\n",
    "REF: {name}\n",
]


@pytest.fixture(scope="module", autouse=True)
def no_settings_of_git(tmp_path_factory):
    with settings_from(tmp_path_factory.mktemp("settings")):
        yield


def asked(path):
    """What libgit2 says; None where it refuses to."""
    try:
        head = open_repository(path).head()
    except LlmcfgError:
        return None
    return None if head is None else head.commit


def test_what_plain_files_say_of_head_is_what_libgit2_says(workspace):
    commits = [workspace.commit(**FILES), workspace.commit(**{"base/two.yaml": "b: 3\n"})]
    git_dir, chance = workspace.path / ".git", random.Random(5)
    workspace.git("branch", "feature/one", commits[0])
    workspace.git("tag", "v1", commits[0])

    def text(form):
        commit = chance.choice(commits)
        return form.format(
            id=commit, ID=commit.upper(), short=commit[:39], name=chance.choice(NAMES + NAMES[:2] * 9)
        ).encode()

    certain = 0
    for _ in range(400):
        (git_dir / "HEAD").write_bytes(text(chance.choice([*HEADS, *HEADS[:1] * 9, *TEXTS])))
        (git_dir / "refs/heads/main").write_bytes(text(chance.choice([*TEXTS, *TEXTS[:1] * 9, *HEADS])))
        said = commit_of_head(git_dir)
        assert said in (None, asked(workspace.path)), (git_dir / "HEAD").read_bytes()
        certain += said is not None
    assert certain > 50


def test_what_packed_refs_say_of_head_is_what_libgit2_says(workspace):
    commits = [workspace.commit(**FILES), workspace.commit(**{"base/two.yaml": "b: 3\n"})]
    for name in ("a", "n", "z/z"):
        workspace.git("branch", name, commits[0])
    workspace.git("tag", "-a", "v1", "-m", "first", commits[0])
    workspace.git("pack-refs", "--all")
    packed, chance = workspace.path / ".git/packed-refs", random.Random(9)
    written = packed.read_bytes()
    assert commit_of_head(workspace.path / ".git") == commits[1]
    lines = [*written.splitlines(keepends=True), b"^%s\n" % commits[0].encode(), b"# more\n", b"\n", b"x\n"]
    lines += [b"%s refs/heads/main%s" % (commits[0].encode(), end) for end in (b"\n", b" \n", b"\r\n", b"")]
    certain = 0
    for _ in range(300):
        said = written.splitlines(keepends=True)
        for _ in range(chance.randrange(3)):
            at = chance.randrange(len(said) + 1)
            said[at : at + chance.randrange(2)] = [chance.choice(lines)] if chance.random() < 0.7 else []
        packed.write_bytes(b"".join(said))
        found = commit_of_head(workspace.path / ".git")
        assert found in (None, asked(workspace.path)), said
        certain += found is not None
    assert certain > 50


@pytest.mark.parametrize("lies", ["linked", "pipe", "folder"])
def test_what_lies_elsewhere_is_left_to_libgit2(workspace, lies):
    workspace.commit(**FILES)
    ref = workspace.path / ".git/refs/heads/main"
    ref.rename(ref.with_name("other"))
    made = {"linked": lambda: ref.symlink_to("other"), "pipe": lambda: os.mkfifo(ref), "folder": ref.mkdir}
    made[lies]()
    assert commit_of_head(workspace.path / ".git") is None


def opened(workspace, cache):
    """A process that opens the work tree and HEAD."""
    found = Workspace(workspace.path, cache=cache)
    found.configuration()
    configuration = found.configuration("HEAD")
    found.cache.keep()
    found.cache.close()
    return found, configuration


def seen(configuration):
    snapshot = configuration.snapshot
    contents = [snapshot.read(entry.oid) for entry in snapshot.entries.values()]
    return (
        snapshot.revision,
        snapshot.label,
        dict(snapshot.entries.items()),
        [*snapshot.entries],
        contents,
        [*snapshot.findings],
    )


@pytest.fixture
def clock(monkeypatch):
    """That all was left alone for long, as long as nobody sets it."""
    moments = [LATER_NS]
    monkeypatch.setattr("llmcfg.wiring._now_ns", lambda: moments[-1])
    return moments


def test_head_that_was_seen_is_known_without_a_repository_and_is_what_it_is(workspace, tmp_path, clock):
    cache, chance = tmp_path / "cache", random.Random(3)
    first, known = workspace.commit(**FILES), 0
    for step in range(40):
        path = chance.choice([*FILES, "base/three.yaml", "environments/dev/x/one.yaml", "other/file"])
        match chance.randrange(8):
            case 0:
                workspace.commit(f"step {step}")
            case 1:
                workspace.git("checkout", "-q", "--detach")
            case 2:
                workspace.git("checkout", "-q", "-B", f"b/{step}")
            case 3:
                workspace.git("gc", "-q")
            case 4:
                workspace.git("reset", "-q", "--hard", first)
            case 5 if path != "llmcfg.yaml":
                workspace.write(path, f"a: {step}\n")
        found, configuration = opened(workspace, cache)
        is_known = isinstance(configuration.snapshot, KnownSnapshot)
        assert not is_known or found._repository is None
        assert seen(configuration) == seen(Workspace(workspace.path).configuration("HEAD"))
        known += is_known
    assert known > 5


def test_content_that_is_not_in_the_work_tree_is_read_from_the_repository_and_held_to_its_id(
    workspace, tmp_path, clock
):
    workspace.commit(**FILES)
    for _ in range(3):
        found, configuration = opened(workspace, tmp_path / "cache")
    assert isinstance(configuration.snapshot, KnownSnapshot)
    oid = configuration.snapshot.entries["base/x/one.yaml"].oid
    workspace.write("base/x/one.yaml", "a: 7\n")
    assert configuration.snapshot.read(oid) == b"a: 1\n"
    assert found._repository is not None


@pytest.mark.parametrize("lost", ["HEAD", "HEAD^{tree}", "HEAD:base", "HEAD:base/x/one.yaml"])
def test_a_commit_of_which_something_was_lost_is_not_known(workspace, tmp_path, clock, lost):
    workspace.commit(**FILES)
    for _ in range(3):
        _, configuration = opened(workspace, tmp_path / "cache")
    assert isinstance(configuration.snapshot, KnownSnapshot)
    workspace.loose_file(workspace.git("rev-parse", lost)).unlink()
    try:
        _, configuration = opened(workspace, tmp_path / "cache")
    except LlmcfgError:
        return
    assert not isinstance(configuration.snapshot, KnownSnapshot)


def test_what_changed_just_now_is_not_known(workspace, tmp_path, clock):
    workspace.commit(**FILES)
    clock.append(time.time_ns())
    for _ in range(3):
        _, configuration = opened(workspace, tmp_path / "cache")
        assert not isinstance(configuration.snapshot, KnownSnapshot)


@pytest.mark.parametrize("field", range(7))
def test_columns_that_do_not_go_together_are_not_used(workspace, tmp_path, clock, field):
    workspace.commit(**FILES)
    repository = open_repository(workspace.path)
    known = KnownTree(EarlierTree(SeenTree(), repository.git_dir, LATER_NS))
    assert repository.snapshot(repository.resolve("HEAD"), known).entries
    left = known.seen()
    parts = msgspec.msgpack.decode(left.tree)
    parts[field] = {str: "a\0" + str(parts[field]), bytes: b"a", list: ["a"], dict: 1}[type(parts[field])]
    earlier = EarlierTree(SeenTree(msgspec.msgpack.encode(parts), left.objects), repository.git_dir, LATER_NS)
    found = earlier.find(repository.resolve("HEAD").commit, repository.below)
    assert found is None

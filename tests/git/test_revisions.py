"""What people write for a commit, and what commits say of themselves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmcfg.errors import ConflictError, IntegrityError, LlmcfgError, NotFoundError, UnknownRevisionError, UsageError
from llmcfg.git.commits import parse_commit, parse_trailers


@pytest.fixture
def commits(workspace):
    """Five commits, one a minute from 2023-11-14T22:14:20Z."""
    first = workspace.git("rev-parse", "HEAD")
    return [first, *(workspace.commit_files({"base/n.yaml": f"n: {number}\n"}) for number in range(4))]


def test_names_of_every_kind_lead_to_their_commit(workspace, commits):
    workspace.git("tag", "v1", commits[1])
    workspace.git("tag", "-a", "-m", "release", "v2", commits[2])
    workspace.git("branch", "deployed/prod", commits[3])
    workspace.git("update-ref", "refs/remotes/origin/main", commits[0])
    repository = workspace.open()
    written = {
        "HEAD": 4, "@": 4, "main": 4, "refs/heads/main": 4, "v1": 1, "refs/tags/v2": 2, "v2": 2, "deployed/prod": 3,
        "origin/main": 0, "HEAD~2": 2, "v2^": 1, "main~1^~1": 1, "HEAD^0": 4, "HEAD~": 3, commits[2]: 2,
        commits[2].upper(): 2, commits[1][:10]: 1,
    }  # fmt: skip
    assert {text: commits.index(repository.resolve(text).commit) for text in written} == written
    assert repository.resolve("v1").name == "v1"
    assert repository.head() == (commits[4], "main")


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("2023-11-14T22:14:20Z", 0),
        ("2023-11-14T22:14:20", 0),
        ("2023-11-14 22:15:19Z", 0),
        ("2023-11-14T22:15:20+00:00", 1),
        ("2023-11-15T00:15:20+02:00", 1),
        ("2023-11-14", 4),
        ("2030-01-01", 4),
    ],
)
def test_time_is_the_last_commit_at_or_before_it(workspace, commits, text, index):
    assert workspace.open().resolve(text).commit == commits[index]


def test_time_follows_first_parents_only(workspace, commits):
    workspace.git("checkout", "-q", "-b", "side", commits[0])
    workspace.commit_files({"base/side.yaml": ""})
    workspace.git("checkout", "-q", "main")
    workspace.git(
        "merge", "-q", "--no-ff", "-m", "merge", "side",
        GIT_AUTHOR_DATE="1800000000 +0000", GIT_COMMITTER_DATE="1800000000 +0000",
    )  # fmt: skip
    assert workspace.open().resolve("2024-01-01").commit == commits[4]
    assert workspace.open().resolve("HEAD^2").commit == workspace.git("rev-parse", "side")


@pytest.mark.parametrize(
    "text", ["", "nope", "-x", "v1\n", "a\u202eb", "HEAD~99", "HEAD^2", "@{1}", "f" * 40, "ffffff", "2001-01-01", "~" * 9, "x" * 5000]
)  # fmt: skip
def test_unknown_revision_is_an_error_with_a_next_step(workspace, text):
    with pytest.raises(UnknownRevisionError) as caught:
        workspace.open().resolve(text)
    assert caught.value.hint
    assert "\n" not in caught.value.message.replace("\\n", "")


def test_unknown_revision_suggests_the_closest_name(workspace):
    workspace.git("tag", "release-1.0")
    with pytest.raises(UnknownRevisionError) as caught:
        workspace.open().resolve("relase-1.0")
    assert "release-1.0" in caught.value.hint


def test_time_that_no_calendar_has_is_a_usage_error(workspace):
    with pytest.raises(UsageError, match="is no time"):
        workspace.open().resolve("2024-13-45")


def test_tag_and_branch_of_one_name_must_be_told_apart(workspace, commits):
    workspace.git("tag", "prod", commits[0])
    workspace.git("branch", "prod", commits[1])
    repository = workspace.open()
    with pytest.raises(UsageError) as caught:
        repository.resolve("prod")
    assert "refs/tags/prod" in caught.value.hint
    assert repository.resolve("refs/heads/prod").commit == commits[1]


@pytest.mark.fault("R05")
def test_branches_with_misleading_names_are_never_taken_for_something_else(workspace, commits):
    for name in (commits[0], "e" * 40, "HEAD", "-x"):
        workspace.git("update-ref", f"refs/heads/{name}", commits[2])
    repository = workspace.open()
    assert repository.resolve(commits[0]).commit == commits[0]
    assert repository.resolve("HEAD").commit == commits[4]
    assert repository.resolve("refs/heads/HEAD").commit == commits[2]
    for name in ("e" * 40, "-x"):
        with pytest.raises(UnknownRevisionError):
            repository.resolve(name)


@pytest.mark.fault("R04")
def test_tag_object_under_another_name_is_refused(workspace, commits):
    workspace.git("tag", "-a", "-m", "release", "v1")
    workspace.git("update-ref", "refs/tags/v2", workspace.git("rev-parse", "refs/tags/v1"))
    repository = workspace.open()
    with pytest.raises(IntegrityError, match="'v1'"):
        repository.resolve("v2")
    assert list(repository.tags()) == ["v1"]


@pytest.mark.fault("R04")
def test_tag_of_a_tag_is_peeled_and_tag_of_a_blob_is_refused(workspace, commits):
    workspace.git("tag", "-a", "-m", "one", "v1")
    workspace.git("tag", "-a", "-m", "two", "v2", "v1")
    workspace.git("tag", "file", workspace.blob())
    repository = workspace.open()
    assert repository.resolve("v2").commit == commits[4]
    with pytest.raises(IntegrityError, match="names a blob"):
        repository.resolve("file")
    assert repository.tags() == {"v1": commits[4], "v2": commits[4]}


def test_ids_of_other_objects_are_no_revisions(workspace):
    for text in (workspace.blob(), workspace.git("rev-parse", "HEAD^{tree}")):
        with pytest.raises(UnknownRevisionError):
            workspace.open().resolve(text)


def test_repository_without_commits_has_no_head(make_workspace):
    workspace = make_workspace("empty")
    workspace.write("llmcfg.yaml", "")
    assert workspace.open().head() is None
    with pytest.raises(UnknownRevisionError):
        workspace.open().resolve("HEAD")
    assert list(workspace.open().work_tree().entries) == ["llmcfg.yaml"]
    assert workspace.open().blame(None, "llmcfg.yaml", [1]) == {}


def test_detached_head_is_named_so(workspace):
    commit = workspace.git("rev-parse", "HEAD")
    workspace.git("checkout", "-q", "--detach")
    assert workspace.open().head() == (commit, "HEAD")


@pytest.mark.fault("G24")
def test_damaged_ref_is_told_from_a_missing_one(workspace):
    (workspace.path / ".git/refs/heads/cut").write_text("")
    (workspace.path / ".git/refs/heads/loop").write_text("ref: refs/heads/loop\n")
    repository = workspace.open()
    for name in ("cut", "loop"):
        with pytest.raises(IntegrityError, match=name):
            repository.read_ref(f"refs/heads/{name}")
    assert repository.read_ref("refs/heads/missing") is None
    assert repository.read_ref("no ref at all") is None
    assert list(repository.list_refs("refs/heads/")) == ["refs/heads/main"]


def test_facts_say_what_the_commit_says(workspace):
    commit = workspace.commit("Raise the budget\n\nBecause.\n\nSource-Commit: abc\nApplied-By: ada\n lovelace")
    facts = workspace.open().facts(commit)
    assert facts.subject == "Raise the budget"
    assert (facts.author, facts.email) == ("Ada Writer", "ada@example.org")
    assert facts.when == datetime(2023, 11, 14, 22, 15, 20, tzinfo=UTC)
    assert facts.trailers == (("Source-Commit", "abc"), ("Applied-By", "ada lovelace"))
    with pytest.raises(NotFoundError):
        workspace.open().facts("f" * 40)


@pytest.mark.parametrize("message", ["Key: value", "subject\n\nKey: value\nprose", "subject\nKey: value", ""])
def test_what_is_no_paragraph_of_trailers_gives_none(message):
    assert parse_trailers(message) == ()


@pytest.mark.fault("R15")
def test_history_is_by_ancestry_even_when_dates_lie(workspace, commits):
    for date in ("1000000000 +0000", "1900000000 +0000", "100000000 +0000"):
        workspace.git("commit", "-q", "--allow-empty", "-m", date, GIT_AUTHOR_DATE=date, GIT_COMMITTER_DATE=date)
    repository = workspace.open()
    listed = [facts.commit for facts in repository.history(repository.resolve("HEAD").commit)]
    assert listed == workspace.git("rev-list", "--first-parent", "HEAD").splitlines()


def test_whole_history_lists_every_commit_once_and_no_parent_before_its_children(workspace, commits):
    workspace.git("checkout", "-q", "-b", "side", commits[1])
    workspace.commit("side", **{"base/side.yaml": ""})
    workspace.git("checkout", "-q", "main")
    workspace.git("merge", "-q", "--no-ff", "-m", "merge", "side")
    workspace.commit()
    repository = workspace.open()
    walked = list(repository.history(repository.resolve("HEAD").commit, first_parent=False))
    order = [facts.commit for facts in walked]
    assert sorted(order) == sorted(workspace.git("rev-list", "HEAD").split())
    assert all(order.index(parent) > order.index(facts.commit) for facts in walked for parent in facts.parents)
    assert repository.is_ancestor(commits[0], order[0])
    assert not repository.is_ancestor(order[0], commits[0])


@pytest.mark.fault("G34")
def test_octopus_merge_and_unrelated_root_are_ordinary_history(workspace):
    parents = []
    for number in range(60):
        parents += ["-p", workspace.git("commit-tree", "-m", f"root {number}", "HEAD^{tree}")]
    merge = workspace.git("commit-tree", *parents, "-m", "octopus", "HEAD^{tree}")
    assert len(workspace.open().facts(merge).parents) == 60
    assert len(list(workspace.open().history(merge, first_parent=False))) == 61


WHO = b"A <a@b> 1700000000 +0100"
TREE = b"tree " + b"1" * 40
SOUND = [TREE, b"author " + WHO, b"committer " + WHO, b"", b"subject"]


@pytest.mark.fault("G33")
@pytest.mark.parametrize(
    "lines",
    [
        [TREE, *SOUND],
        [*SOUND[:2], *SOUND[1:]],
        SOUND[1:],
        [b"tree HEAD", *SOUND[1:]],
        [TREE, b"parent main", *SOUND[1:]],
        [TREE, *[b"parent " + b"2" * 40] * 67, *SOUND[1:]],
        [TREE, b"author nobody", *SOUND[2:]],
        [*SOUND[:-1], b"signed\0unsigned"],
        [b""],
    ],
    ids=["two trees", "two authors", "no tree", "tree name", "parent name", "67 parents", "author", "NUL", "empty"],
)
def test_commit_that_readers_could_take_differently_is_refused(lines):
    with pytest.raises(IntegrityError, match="malformed"):
        parse_commit("c" * 40, b"\n".join(lines))


@pytest.mark.fault("G33")
def test_absurd_dates_and_unknown_encodings_are_survived():
    for clock in (b"99999999999999999999 +0000", b"-5 -1200", b"0 -1200", b"1700000000 +9999", b"1700000000 +123456"):
        raw = b"\n".join(
            [TREE, b"author A <a@b> " + clock, b"committer A <a@b> " + clock, b"encoding zip", b"", b"\xff"]
        )
        assert timedelta() <= parse_commit("c" * 40, raw).when - datetime(1970, 1, 1, tzinfo=UTC)
    latin = b"\n".join([*SOUND[:3], b"encoding ISO-8859-1", b"", b"caf\xe9"])
    assert parse_commit("c" * 40, latin).message == "café"


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_a_commit_or_an_integrity_error(raw):
    try:
        parse_commit("c" * 40, raw)
    except LlmcfgError as error:
        assert isinstance(error, IntegrityError)


def test_blame_names_the_commit_of_each_line(workspace):
    first = workspace.git("rev-parse", "HEAD")
    second = workspace.commit_files({"base/routing.yaml": "a: 1\nnew: 1\nb: 2\n"}, "second")
    repository = workspace.open()
    blamed = repository.blame(repository.resolve("HEAD"), "base/routing.yaml", [1, 2, 3, 4, 99])
    assert {line: it.commit for line, it in blamed.items()} == {1: first, 2: second, 3: first}
    assert (blamed[2].author, blamed[2].subject) == ("Ada Writer", "second")
    older = repository.blame(repository.resolve("HEAD~1"), "base/routing.yaml", [2])
    assert older[2].commit == first


def test_blame_of_the_work_tree_tells_uncommitted_lines(workspace):
    first = workspace.git("rev-parse", "HEAD")
    workspace.write("base/routing.yaml", "top: 0\na: 1\nb: 3\n")
    workspace.write("base/new.yaml", "a: 1\n")
    repository = workspace.open()
    blamed = repository.blame(None, "base/routing.yaml", [1, 2, 3])
    assert [blamed[line].commit for line in (1, 2, 3)] == [None, first, None]
    assert repository.blame(None, "base/new.yaml", [1])[1].commit is None
    assert repository.blame(None, "base/missing.yaml", [1]) == {}


def test_created_tag_is_annotated_and_never_moves(workspace, commits):
    repository = workspace.open()
    repository.create_tag("v1.0", commits[1], "the first release")
    repository.create_tag("v1.0", commits[1], "again")
    assert workspace.git("cat-file", "-t", "v1.0") == "tag"
    assert "the first release" in workspace.git("tag", "-n9", "-l", "v1.0")
    assert repository.tags() == {"v1.0": commits[1]}
    with pytest.raises(ConflictError):
        repository.create_tag("v1.0", commits[2], "moved")
    workspace.git("fsck", "--strict")


@pytest.mark.parametrize("name", ["-x", "HEAD", "@", "a b", "a..b", "", "x.lock", "d" * 40, "v\u202e1"])
def test_tag_with_a_misleading_name_is_refused(workspace, name):
    with pytest.raises(UsageError):
        workspace.open().create_tag(name, workspace.git("rev-parse", "HEAD"), "")

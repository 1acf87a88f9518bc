"""What a recipient could ever read, from the history of all branches and tags, and what is marked because of it."""

from __future__ import annotations

import pytest

from llmcfg.custody.revocation import Look, due_now, find_readable, still_open
from llmcfg.secrets.age import encrypt_to, generate_identity
from llmcfg.secrets.rotations import Due, read_due, with_marked, without
from support.sealed import sealed
from support.written import WrittenRepository

ADA, BOB = (generate_identity().recipient for _ in range(2))
BOTH, ONE = (ADA.text, BOB.text), (ADA.text,)
A, P = "base/secrets/a.yaml", "environments/prod/secrets/p.yaml"


def rules(*recipients: str) -> str:
    return f"creation_rules: [{{age: [{', '.join(recipients)}]}}]\n"


@pytest.fixture
def written(tmp_path) -> WrittenRepository:
    return WrittenRepository(tmp_path / "shop", {".sops.yaml": rules(*BOTH), "base/a.yaml": "a: 1\n"})


def look(written: WrittenRepository) -> Look:
    return find_readable(written.workspace().repository, BOB.text)


def seen(written: WrittenRepository) -> list[tuple[str, str, str, str]]:
    return [(one.file, one.name, one.first.commit, one.last.commit) for one in look(written).found]


def test_a_secret_counts_from_the_first_to_the_last_commit_that_it_could_be_read_in(written):
    first = written.commit({A: sealed("one: x\n", BOTH)})
    last = written.commit({"base/a.yaml": "a: 2\n"})
    written.commit({A: sealed("one: x\ntwo: x\n", ONE)})
    written.commit({"base/a.yaml": "a: 3\n"})
    assert seen(written) == [(A, "one", first, last)]


def test_what_can_be_read_now_is_readable_in_the_tip(written):
    first = written.commit({A: sealed("one: x\ntwo: ''\n", BOTH)})
    tip = written.commit({"base/a.yaml": "a: 2\n"})
    assert seen(written) == [(A, "one", first, tip)]


@pytest.mark.fault("X08")
def test_a_file_that_was_removed_and_a_name_that_was_taken_out_count(written):
    first = written.commit({A: sealed("one: x\ntwo: x\n", BOTH), P: sealed("three: x\n", BOTH)})
    written.commit({A: sealed("two: x\n", BOTH), P: None})
    last = written.commit({A: None})
    assert [(file, name) for file, name, _, _ in seen(written)] == [(A, "one"), (A, "two"), (P, "three")]
    assert {commit for *_, commit in seen(written)} == {first, written.git("rev-parse", f"{last}^")}


def test_other_branches_and_tags_and_merges_count(written):
    written.git("checkout", "-q", "-b", "side")
    side = written.commit({A: sealed("one: x\n", BOTH)})
    written.git("checkout", "-q", "main")
    written.commit({"base/a.yaml": "a: 2\n"})
    written.git("branch", "-m", "side", "kept")
    assert seen(written) == [(A, "one", side, side)]
    written.git("tag", "v1", "kept")
    written.git("branch", "-D", "-q", "kept")
    assert seen(written) == [(A, "one", side, side)]
    written.git("merge", "-q", "--no-edit", "v1")
    assert seen(written)[0][:3] == (A, "one", side)


def test_a_secret_that_was_never_for_the_recipient_does_not_count(written):
    written.commit({A: sealed("one: x\n", ONE), "base/b.yaml": f"note: {BOB.text}\n"})
    assert look(written).found == ()
    assert look(written).is_whole


def test_an_age_file_counts_by_the_rule_of_its_time(written):
    cert = "base/secrets/cert.age"
    first = written.commit({cert: encrypt_to([ADA, BOB], b"x").decode()})
    written.commit({".sops.yaml": rules(*ONE)})
    written.commit({cert: encrypt_to([ADA], b"x").decode()})
    (one,) = look(written).found
    assert (one.file, one.name, one.first.commit, one.by_rule) == (cert, "cert", first, True)


def test_a_shallow_clone_says_that_it_does_not_have_everything(written, tmp_path):
    written.commit({A: sealed("one: x\n", BOTH)})
    written.commit({A: sealed("one: x\n", ONE)})
    written.git("clone", "-q", "--depth", "1", f"file://{written.path}", str(tmp_path / "clone"))
    from llmcfg.wiring import Workspace

    found = find_readable(Workspace(tmp_path / "clone").repository, BOB.text)
    assert (found.found, found.is_whole, found.commits) == ((), False, 1)


def test_a_version_is_looked_into_once_however_many_commits_have_it(written):
    text = sealed("one: x\n", BOTH)
    written.commit({A: text})
    for number in range(5):
        written.commit({A: None, "base/a.yaml": f"a: {number}\n"})
        written.commit({A: text})
    reads: list[str] = []
    repository = written.workspace().repository
    read = repository.read_blob
    repository.read_blob = lambda oid: (reads.append(oid), read(oid))[1]  # type: ignore[method-assign]
    find_readable(repository, BOB.text)
    assert len(reads) == len(set(reads))


def test_who_is_still_let_in_is_found_in_the_rules_and_in_the_files(written):
    written.commit({A: sealed("one: x\n", BOTH)})
    assert still_open(written.workspace().configuration(), BOB.text) == (".sops.yaml", A)
    written.commit({".sops.yaml": rules(*ONE)})
    assert still_open(written.workspace().configuration(), BOB.text) == (A,)
    written.commit({A: sealed("one: x\n", ONE)})
    assert still_open(written.workspace().configuration(), BOB.text) == ()


def test_only_secrets_that_are_there_become_due(written):
    written.commit({A: sealed("one: x\ntwo: x\n", BOTH), P: sealed("three: x\n", BOTH)})
    written.commit({A: sealed("two: x\n", ONE), P: None})
    due = due_now(written.workspace().configuration(), look(written).found, BOB.text, "2026-01-31", "left")
    assert due == (Due("two", A, "2026-01-31", BOB.text, "left"),)


DUE = (Due("one", A, "2026-01-31", BOB.text), Due("two.three", A, "2026-01-31", BOB.text, "left: for good"))


def test_marks_are_read_as_they_were_written_and_stand_once():
    content = with_marked(None, DUE)
    assert read_due(content) == DUE
    assert with_marked(content, DUE) == content
    later = with_marked(content, [DUE[0]._replace(recipient=ADA.text)])
    assert len(read_due(later)) == 3


def test_a_mark_goes_with_its_secret_and_nothing_else_changes():
    content = with_marked(None, [*DUE, DUE[0]._replace(recipient=ADA.text)]).replace(b"kind:", b"# kept\nkind:")
    left = without(content, A, "one")
    assert read_due(left) == DUE[1:]
    assert b"# kept\n" in left
    assert without(left, P, "two.three") == left
    assert read_due(without(left, A, "two.three")) == ()


def test_a_file_that_means_nothing_has_no_marks():
    assert read_due(b"due: [1, {secret: 2}]\n") == (Due("", "", ""), Due("", "", ""))
    assert read_due(b"- a\n") == ()

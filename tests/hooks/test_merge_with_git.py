"""What people do with branches that both changed secrets: merge, rebase, cherry-pick; with a conflict; without a key."""

from __future__ import annotations

import pytest

from llmcfg.errors import NotAuthorisedError
from llmcfg.secrets.age import generate_identity

from .conftest import FILE

BOTH = "# keys\nopenai: first\nmistral: second\ngroq: of-main\ncohere: of-topic\n"


@pytest.fixture
def two_branches(clone):
    """Each of `main`, where we are, and `topic` added a secret."""
    clone.git("checkout", "-q", "-b", "topic")
    clone.edit({"cohere": "of-topic"})
    clone.commit("topic")
    clone.git("checkout", "-q", "main")
    clone.edit({"groq": "of-main"})
    clone.commit("main")
    return clone


@pytest.fixture
def in_conflict(clone):
    clone.git("checkout", "-q", "-b", "topic")
    clone.edit({"mistral": "canary-theirs", "cohere": "added"})
    clone.commit("topic")
    clone.git("checkout", "-q", "main")
    clone.edit({"mistral": "canary-ours"})
    clone.commit("main")
    clone.said = clone.git("merge", "topic", code=1)
    return clone


def stranger(clone):
    """From now on the author has a key that opens nothing."""
    clone.key_file.write_text(f"{generate_identity().reveal()}\n")


# clean


def test_two_people_add_two_secrets_on_two_branches_and_the_merge_is_clean(two_branches):
    two_branches.git("merge", "-q", "topic")
    assert two_branches.plain() == BOTH
    assert two_branches.git("status", "--porcelain") == ""


def test_a_rebase_is_clean(two_branches):
    two_branches.git("checkout", "-q", "topic")
    two_branches.git("rebase", "-q", "main")
    assert two_branches.plain() == BOTH


def test_a_rebase_of_several_commits_is_clean(two_branches):
    two_branches.git("checkout", "-q", "topic")
    for number in range(3):
        two_branches.edit({f"more_{number}": "x", "openai": f"turn {number}"})
        two_branches.commit(f"topic {number}")
    two_branches.git("rebase", "-q", "main")
    assert two_branches.plain() == BOTH.replace("first", "turn 2") + "more_0: x\nmore_1: x\nmore_2: x\n"


def test_a_cherry_pick_is_clean(two_branches):
    two_branches.git("cherry-pick", "topic")
    assert two_branches.plain() == BOTH


def test_a_revert_is_clean(two_branches):
    two_branches.edit({"later": "x"})
    two_branches.commit("later")
    two_branches.git("revert", "--no-edit", "HEAD~1")
    assert two_branches.plain() == "# keys\nopenai: first\nmistral: second\nlater: x\n"


def test_stashed_changes_come_back(two_branches):
    two_branches.edit({"stashed": "x"})
    two_branches.git("stash", "-q")
    two_branches.git("merge", "-q", "topic")
    two_branches.git("stash", "pop", "-q")
    assert two_branches.plain() == BOTH + "stashed: x\n"


def test_a_file_that_moved_on_one_side_is_merged_where_it_is(two_branches):
    two_branches.git("mv", FILE, "base/secrets/keys.yaml")
    two_branches.commit("move")
    two_branches.git("merge", "-q", "topic")
    assert two_branches.plain("base/secrets/keys.yaml") == BOTH


def test_it_works_in_a_linked_work_tree(two_branches, tmp_path):
    two_branches.git("worktree", "add", "-q", str(tmp_path / "linked"), "topic")
    two_branches.git("merge", "-q", "main", at=tmp_path / "linked")
    two_branches.root = tmp_path / "linked"
    assert sorted(two_branches.plain().splitlines()) == sorted(BOTH.splitlines())


def test_files_of_other_formats_are_merged(clone):
    clone.seal('{"a": "1"}', "base/secrets/x.json")
    clone.seal("a=1\n", "base/secrets/x.env")
    clone.commit("more")
    clone.git("checkout", "-q", "-b", "topic")
    for path in ("base/secrets/x.json", "base/secrets/x.env"):
        clone.edit({"theirs": "2"}, path)
    clone.commit("topic")
    clone.git("checkout", "-q", "main")
    for path in ("base/secrets/x.json", "base/secrets/x.env"):
        clone.edit({"ours": "3"}, path)
    clone.commit("main")
    clone.git("merge", "-q", "topic")
    assert clone.plain("base/secrets/x.env") == "a=1\nours=3\ntheirs=2\n"
    assert '"ours": "3"' in clone.plain("base/secrets/x.json")
    assert '"theirs": "2"' in clone.plain("base/secrets/x.json")


def test_histories_that_crossed_are_merged(two_branches):
    two_branches.git("branch", "main2", "main")
    two_branches.git("merge", "-q", "topic")
    two_branches.git("checkout", "-q", "topic")
    two_branches.git("merge", "-q", "main2")
    two_branches.edit({"again": "topic"})
    two_branches.commit("again")
    two_branches.git("checkout", "-q", "main")
    two_branches.edit({"openai": "changed"})
    two_branches.commit("changed")
    two_branches.git("merge", "-q", "topic")
    wanted = BOTH.replace("first", "changed") + "again: topic\n"
    # Git makes one base of two, in an order that depends on ids, so keys that both sides added may stand in either.
    assert sorted(two_branches.plain().splitlines()) == sorted(wanted.splitlines())


# conflicts


def test_a_conflict_names_the_secret_and_never_its_values(in_conflict):
    assert f"{FILE}: conflict at mistral: both sides changed it" in in_conflict.said
    assert "llmcfg secret resolve" in in_conflict.said
    assert "canary" not in in_conflict.said
    assert "UU" in in_conflict.git("status", "--porcelain")


def test_a_conflict_leaves_a_sound_encrypted_file_with_ours_and_what_is_in_no_conflict(in_conflict):
    assert in_conflict.plain() == "# keys\nopenai: first\nmistral: canary-ours\ncohere: added\n"
    assert b"<<<<<<<" not in (in_conflict.root / FILE).read_bytes()


def test_no_plaintext_is_left_anywhere_by_a_conflict(in_conflict):
    in_conflict.llmcfg("secret", "resolve", FILE, "--theirs")
    in_conflict.git("commit", "-q", "--no-edit")
    in_conflict.git("log", "-p", "--all")
    assert b"canary" not in in_conflict.everything_that_git_keeps()
    assert not [path for path in in_conflict.root.rglob("*") if path.is_file() and b"canary" in path.read_bytes()]


@pytest.mark.parametrize(
    ("choice", "taken"),
    [("--ours", "ours"), ("--theirs", "theirs"), ("mistral=theirs", "theirs"), ("mistral=ours", "ours")],
)
def test_a_conflict_is_resolved_by_taking_a_side(in_conflict, choice, taken):
    assert in_conflict.llmcfg("secret", "resolve", FILE, choice, "-q") == f"mistral: {taken}\n"
    assert in_conflict.plain() == f"# keys\nopenai: first\nmistral: canary-{taken}\ncohere: added\n"
    assert in_conflict.git("status", "--porcelain").startswith("M ")
    in_conflict.git("commit", "-q", "--no-edit")


def test_a_conflict_without_a_side_stays_and_nothing_is_written(in_conflict):
    before = (in_conflict.root / FILE).read_bytes()
    said = in_conflict.llmcfg("secret", "resolve", FILE, code=6)
    assert "needs a side for mistral" in said
    said = in_conflict.llmcfg("secret", "resolve", FILE, "openai=ours", code=7)
    assert "no conflict at openai" in said
    assert "conflicts are at mistral" in said
    assert (in_conflict.root / FILE).read_bytes() == before


def test_a_conflict_in_a_rebase_is_resolved_and_the_rebase_goes_on(in_conflict):
    in_conflict.git("merge", "--abort")
    in_conflict.git("checkout", "-q", "topic")
    in_conflict.git("rebase", "-q", "main", code=1)
    in_conflict.llmcfg("secret", "resolve", "providers.yaml", "--theirs", at=in_conflict.root / "base" / "secrets")
    in_conflict.git("rebase", "--continue")
    assert in_conflict.plain() == "# keys\nopenai: first\nmistral: canary-theirs\ncohere: added\n"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((FILE,), 7, "is in no conflict"),
        ((FILE, "--ours", "--theirs"), 2, "two sides"),
        ((FILE, "mistral=both"), 2, "chooses nothing"),
        (("absent.yaml", "--ours"), 7, "is in no conflict"),
    ],
)
def test_what_cannot_be_resolved_is_refused(clone, arguments, code, message):
    assert message in clone.llmcfg("secret", "resolve", *arguments, code=code)


def test_a_file_that_one_side_removed_is_left_to_git(clone):
    clone.git("checkout", "-q", "-b", "topic")
    clone.git("rm", "-q", FILE)
    clone.commit("topic")
    clone.git("checkout", "-q", "main")
    clone.edit({"mistral": "changed"})
    clone.commit("main")
    clone.git("merge", "topic", code=1)
    said = clone.llmcfg("secret", "resolve", FILE, "--ours", code=2)
    assert f"theirs removed {FILE}" in said
    assert "git rm" in said


def test_an_age_file_is_taken_whole(clone):
    clone.write("certs/tls.age", b"age-encryption.org/v1\n0")
    clone.commit("age")
    clone.git("checkout", "-q", "-b", "topic")
    clone.write("certs/tls.age", b"age-encryption.org/v1\ntheirs")
    clone.commit("topic")
    clone.git("checkout", "-q", "main")
    clone.write("certs/tls.age", b"age-encryption.org/v1\nours")
    clone.commit("main")
    said = clone.git("merge", "topic", code=1)
    assert "certs/tls.age: conflict at content" in said
    clone.llmcfg("secret", "resolve", "certs/tls.age", "--theirs")
    assert (clone.root / "certs/tls.age").read_bytes() == b"age-encryption.org/v1\ntheirs"


# without a key


def test_without_a_key_values_of_both_sides_stay_in_conflict_and_a_key_holder_ends_it(two_branches):
    key = two_branches.key_file.read_text()
    stranger(two_branches)
    said = two_branches.git("merge", "topic", code=1)
    assert f"{FILE}: conflict at sops" in said
    assert "llmcfg secret resolve" in said
    text = (two_branches.root / FILE).read_bytes()
    assert b"<<<<<<< ours" in text
    assert b"of-topic" not in text
    two_branches.llmcfg("secret", "resolve", FILE, "--ours", code=5)
    two_branches.key_file.write_text(key)
    two_branches.llmcfg("secret", "resolve", FILE, "-q")
    two_branches.git("commit", "-q", "--no-edit")
    assert two_branches.plain() == BOTH


def test_a_file_in_conflict_is_not_committed_as_it_is(two_branches):
    stranger(two_branches)
    two_branches.git("merge", "topic", code=1)
    two_branches.git("add", "-A")
    assert "this secret file is in conflict" in two_branches.git("commit", "--no-edit", code=1)


def test_a_recipient_who_was_removed_on_a_branch_does_not_open_the_merge(clone):
    bob = generate_identity()
    clone.seal("a: 1\n", "base/secrets/x.yaml", bob.recipient.text)
    clone.commit("for two")
    clone.git("checkout", "-q", "-b", "topic")
    clone.edit({"b": "new"}, "base/secrets/x.yaml")
    clone.commit("topic")
    clone.git("checkout", "-q", "main")
    clone.seal("a: 1\n", "base/secrets/x.yaml")
    clone.commit("bob left")
    clone.git("merge", "-q", "topic")
    assert clone.plain("base/secrets/x.yaml") == "a: 1\nb: new\n"
    clone.key_file.write_text(f"{bob.reveal()}\n")
    with pytest.raises(NotAuthorisedError):
        clone.plain("base/secrets/x.yaml")


def test_without_drivers_the_same_merge_is_a_conflict(two_branches):
    two_branches.llmcfg("hooks", "uninstall", "-q")
    two_branches.git("checkout", "-q", "--", ".gitattributes")
    assert "CONFLICT" in two_branches.git("merge", "topic", code=1)

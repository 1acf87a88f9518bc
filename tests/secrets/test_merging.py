"""Any secret file is merged or left in conflict; without a key, only where it can be seen that nothing is lost and the MAC fits."""

from __future__ import annotations

import re
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from llmcfg.errors import NotAuthorisedError, UsageError
from llmcfg.model.versions import TextMerge, Versions
from llmcfg.secrets.age import encrypt_to, generate_identity
from llmcfg.secrets.merging import merge_secret_file
from llmcfg.secrets.sops.edit import edit_values
from llmcfg.secrets.sops.files import decrypt_file, encrypt_file
from llmcfg.secrets.sops.model import FileType
from llmcfg.secrets.sops.rotate import rotate_data_key, set_recipients

ALICE, BOB, CAROL = generate_identity(), generate_identity(), generate_identity()
MOMENT = datetime(2026, 1, 31, 12, tzinfo=UTC)
YAML = FileType.YAML
TWO = [ALICE.recipient.text, BOB.recipient.text]


@pytest.fixture
def by_git(tmp_path):
    """The merge of text that Git itself makes."""

    def merge(versions):
        files = [tmp_path / name for name in ("ours", "base", "theirs")]
        for file, content in zip(files, (versions.ours, versions.base, versions.theirs), strict=True):
            file.write_bytes(content)
        done = subprocess.run(["git", "merge-file", "-p", *map(str, files)], capture_output=True, check=False)
        return TextMerge(done.stdout, done.returncode == 0)

    return merge


def sealed(text, recipients=TWO):
    return encrypt_file(text, YAML, recipients, MOMENT)


def edit(content, changes, removals=()):
    return edit_values(content, YAML, [ALICE], changes, MOMENT + timedelta(days=1), removals=removals)


def merge(base, ours, theirs, by_git=None, *, name="x.yaml", identities=(), side=None):
    return merge_secret_file(
        Versions(base, ours, theirs), name, lambda: identities, MOMENT, choose=lambda _: side, merge_text=by_git
    )


def recipients_block(content):
    return b"".join(blocks_of(content))


def blocks_of(content):
    return re.findall(rb"^ +- enc: .*?^ +recipient: .*?\n", content, re.MULTILINE | re.DOTALL)


def opened(content):
    return decrypt_file(content, YAML, [ALICE]).plain


BASE = sealed(b"a: 1\nb: 2\n")


# without a key


def test_a_recipient_on_one_side_and_a_value_on_the_other_merge_without_a_key(by_git):
    more = set_recipients(BASE, YAML, [ALICE], [*TWO, CAROL.recipient.text], MOMENT)
    for versions in ((BASE, edit(BASE, {("a",): 5}), more), (BASE, more, edit(BASE, {("a",): 5}))):
        merged = merge(*versions, by_git)
        assert not merged.conflicts
        assert opened(merged.content) == b"a: 5\nb: 2\n"
        assert CAROL.recipient.text.encode() in merged.content


def test_values_on_both_sides_stay_in_conflict_without_a_key_and_all_of_it_is_ciphertext(by_git):
    merged = merge(BASE, edit(BASE, {("a",): "ours-canary"}), edit(BASE, {("b",): "theirs-canary"}), by_git)
    assert [conflict.name for conflict in merged.conflicts] == ["sops"]
    assert b"<<<<<<<" in merged.content
    assert b"canary" not in merged.content
    hunks = re.findall(rb"^<<<<<<< .*?^>>>>>>> ", merged.content, re.MULTILINE | re.DOTALL)
    lines = [line for hunk in hunks for line in hunk.splitlines()[1:-1] if line != b"======="]
    assert {line.strip().partition(b":")[0] for line in lines} == {b"a", b"b", b"mac"}


def test_a_new_data_key_on_one_side_is_seen_and_never_merged_without_a_key(by_git):
    theirs = set_recipients(BASE, YAML, [ALICE], [*TWO, CAROL.recipient.text], MOMENT)
    for ours in (rotate_data_key(BASE, YAML, [ALICE], MOMENT), set_recipients(BASE, YAML, [ALICE], TWO[:1], MOMENT)):
        merged = merge(BASE, ours, theirs, by_git)
        assert merged.conflicts
        if b"<<<<<<<" not in merged.content:
            assert merged.content == ours


def test_a_recipient_who_was_removed_without_a_new_data_key_stays_removed(by_git):
    alone = BASE.replace(
        *(recipients_block(one) for one in (BASE, set_recipients(BASE, YAML, [ALICE], TWO[:1], MOMENT)))
    )
    assert BOB.recipient.text.encode() not in alone
    kept = next(block for block in blocks_of(BASE) if ALICE.recipient.text.encode() in block)
    alone = alone.replace(blocks_of(alone)[0], kept)
    merged = merge(BASE, alone, edit(BASE, {("a",): 5}), by_git)
    assert not merged.conflicts
    assert opened(merged.content) == b"a: 5\nb: 2\n"
    assert BOB.recipient.text.encode() not in merged.content


def test_text_that_merges_but_has_no_mac_is_not_taken():
    ours, theirs = edit(BASE, {("a",): 5}), edit(BASE, {("b",): 6})
    merged = merge(BASE, ours, theirs, lambda _: TextMerge(theirs, is_clean=True))
    assert merged.content == ours
    assert [conflict.name for conflict in merged.conflicts] == ["sops"]


def test_keys_are_not_looked_for_where_one_side_alone_changed_something():
    def never():
        raise AssertionError("no key is needed")

    changed = edit(BASE, {("a",): 5})
    assert merge_secret_file(Versions(BASE, changed, BASE), "x.yaml", never, MOMENT).content == changed
    assert merge_secret_file(Versions(BASE, BASE, changed), "x.yaml", never, MOMENT).content == changed


def test_without_a_merge_of_text_a_missing_key_is_an_error():
    with pytest.raises(NotAuthorisedError):
        merge(BASE, edit(BASE, {("a",): 5}), edit(BASE, {("b",): 6}), identities=[CAROL])


def test_with_a_key_the_same_versions_merge(by_git):
    merged = merge(BASE, edit(BASE, {("a",): 5}), edit(BASE, {("b",): 6}), by_git, identities=[BOB])
    assert not merged.conflicts
    assert opened(merged.content) == b"a: 5\nb: 6\n"


# files that are not, or not all, SOPS files


def test_an_age_file_is_one_value():
    base, ours, theirs = (encrypt_to([ALICE.recipient], text, armor=False) for text in (b"0", b"1", b"2"))
    merged = merge(base, ours, theirs, name="tls.age")
    assert (merged.content, [conflict.name for conflict in merged.conflicts]) == (ours, ["content"])
    assert merge(base, ours, theirs, name="tls.age", side="theirs").content == theirs


def test_a_file_that_is_encrypted_on_no_side_is_merged_as_text(by_git):
    merged = merge(b"1\n2\n3\n4\n5\n", b"0\n2\n3\n4\n5\n", b"1\n2\n3\n4\n6\n", by_git, name="README.md")
    assert (merged.content, merged.conflicts) == (b"0\n2\n3\n4\n6\n", ())
    merged = merge(b"1\n", b"2\n", b"3\n", by_git, name="README.md")
    assert merged.conflicts
    assert b"<<<<<<<" in merged.content


@pytest.mark.parametrize("encrypted", ["ours", "theirs"])
def test_a_file_that_one_side_encrypted_is_never_joined_with_the_plaintext(encrypted, by_git):
    plain, changed = b"a: canary\n", b"a: canary2\n"
    sides = (sealed(plain), changed) if encrypted == "ours" else (changed, sealed(plain))
    merged = merge(plain, *sides, by_git, identities=[ALICE])
    assert [conflict.what for conflict in merged.conflicts] == [f"only {encrypted} is encrypted"]
    assert merged.content == sides[0]
    assert merge(plain, *sides, by_git, side=encrypted).content == sides[encrypted == "theirs"]
    with pytest.raises(UsageError, match="cannot be taken"):
        merge(plain, *sides, by_git, side="theirs" if encrypted == "ours" else "ours")


def test_a_file_that_both_sides_encrypted_is_merged_from_the_plaintext_that_it_was():
    ours, theirs = edit(sealed(b"a: 1\nb: 2\n"), {("c",): 3}), edit(sealed(b"a: 1\nb: 2\n"), {}, [("b",)])
    merged = merge(b"a: 1\nb: 2\n", ours, theirs, identities=[ALICE])
    assert not merged.conflicts
    assert opened(merged.content) == b"a: 1\nc: 3\n"

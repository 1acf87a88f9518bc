"""Two versions of a SOPS file become one: by key, with the ciphertext that was there, for those who may open both."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmcfg.errors import IntegrityError, NotAuthorisedError, UsageError
from llmcfg.model.versions import Versions
from llmcfg.secrets.age import generate_identity
from llmcfg.secrets.sops.edit import edit_values, replace_content
from llmcfg.secrets.sops.files import decrypt_file, encrypt_file
from llmcfg.secrets.sops.merge import merge_files
from llmcfg.secrets.sops.model import FileType
from llmcfg.secrets.sops.rotate import rotate_data_key, set_recipients
from llmcfg.secrets.sops.rules import Rule

YAML, JSON, DOTENV, BINARY = FileType.YAML, FileType.JSON, FileType.DOTENV, FileType.BINARY
MOMENT = datetime(2026, 1, 31, 12, tzinfo=UTC)
ALICE, BOB, CAROL = generate_identity(), generate_identity(), generate_identity()
BASE = """\
# keys of the providers
openai:
    key: first   # rotate in May
    models: [small, large]

mistral: second
"""


@pytest.fixture
def base(moment):
    return encrypt_file(BASE.encode(), YAML, [ALICE.recipient.text, BOB.recipient.text], moment)


def edit(content, changes, *, removals=(), by=ALICE, file_type=YAML, days=1):
    """`changes` by dotted keys."""
    moment = MOMENT + timedelta(days=days)
    paths = {tuple(name.split(".")): value for name, value in changes.items()}
    return edit_values(content, file_type, [by], paths, moment, removals=[tuple(one.split(".")) for one in removals])


def merge(base, ours, theirs, *, file_type=YAML, by=ALICE, **choices):
    chosen = {name.replace("__", "."): side for name, side in choices.items()}
    return merge_files(
        Versions(base, ours, theirs),
        file_type,
        [by] if by else [],
        MOMENT + timedelta(days=9),
        choose=lambda name: chosen.get(name, chosen.get("everything")),
    )


def plain(content, *, file_type=YAML, by=ALICE):
    """As JSON values; the MAC is checked."""
    return json.loads(decrypt_file(content, file_type, [by], output_type=JSON).plain)


def tokens(content):
    return {match[1]: match[2] for match in re.finditer(rb"^ *(\w+): (ENC\[.*)$", content, re.MULTILINE)}


# clean merges


def test_two_people_add_two_secrets_on_two_branches(base):
    merged = merge(base, edit(base, {"groq": "by ours"}), edit(base, {"cohere": "by theirs"}))
    assert not merged.conflicts
    assert plain(merged.content) == {
        "openai": {"key": "first", "models": ["small", "large"]},
        "mistral": "second",
        "groq": "by ours",
        "cohere": "by theirs",
    }


def test_every_value_keeps_the_ciphertext_of_the_side_that_it_comes_from(base):
    ours, theirs = edit(base, {"mistral": "new", "groq": "g"}), edit(base, {"openai.key": "new", "cohere": "c"})
    merged = tokens(merge(base, ours, theirs).content)
    assert {name: merged[name] for name in (b"mistral", b"groq")} == {
        name: tokens(ours)[name] for name in (b"mistral", b"groq")
    }
    assert {name: merged[name] for name in (b"key", b"cohere")} == {
        name: tokens(theirs)[name] for name in (b"key", b"cohere")
    }


def test_only_lines_of_theirs_and_the_mac_differ_from_ours(base):
    ours = edit(base, {"groq": "g"})
    merged = merge(base, ours, edit(base, {"mistral": "new"})).content
    before, after = ours.splitlines(), merged.splitlines()
    changed = [line for line in after if line not in before]
    assert len(before) == len(after)
    assert [line.strip().split(b":")[0] for line in changed] == [b"mistral", b"lastmodified", b"mac"]


def test_a_removal_and_a_change_elsewhere_meet(base):
    merged = merge(base, edit(base, {}, removals=["mistral"]), edit(base, {"openai.models": ["tiny"]}))
    assert plain(merged.content) == {"openai": {"key": "first", "models": ["tiny"]}}


def test_the_same_change_on_both_sides_is_no_conflict(base):
    merged = merge(base, edit(base, {"mistral": "new", "a": "1"}), edit(base, {"mistral": "new", "b": "2"}))
    assert not merged.conflicts
    assert plain(merged.content)["mistral"] == "new"


def test_new_mappings_of_one_name_are_joined(base):
    merged = merge(base, edit(base, {"azure": {"eu": "1"}}), edit(base, {"azure": {"us": "2"}}))
    assert plain(merged.content)["azure"] == {"eu": "1", "us": "2"}


def test_comments_and_order_of_the_side_that_changed_them_stay(base, moment):
    theirs = replace_content(
        base, YAML, [ALICE], b"# renewed yearly\nmistral: second\nopenai:\n    key: first\n", moment
    )
    merged = merge(base, edit(base, {"groq": "g"}), theirs)
    text = decrypt_file(merged.content, YAML, [ALICE]).plain.decode()
    assert text.startswith("# renewed yearly\nmistral: second\n")
    assert "groq: g\n" in text
    assert not merged.remarks


def test_a_new_secret_brings_its_comment_where_both_sides_added_one(base, moment):
    def with_line(line):
        return replace_content(base, YAML, [ALICE], decrypt_file(base, YAML, [ALICE]).plain + line, moment)

    merged = merge(base, with_line(b"# of ours\ngroq: g\n"), with_line(b"# of theirs\ncohere: c\n"))
    text = decrypt_file(merged.content, YAML, [ALICE]).plain.decode()
    assert text.endswith("# of ours\ngroq: g\n# of theirs\ncohere: c\n")
    assert b"of theirs" not in merged.content


def test_comments_that_could_not_be_taken_are_counted(base, moment):
    def with_head(line):
        return replace_content(base, YAML, [ALICE], line + decrypt_file(base, YAML, [ALICE]).plain, moment)

    merged = merge(base, with_head(b"# of ours\n"), with_head(b"# of theirs\n"))
    assert merged.remarks == ("comments that theirs changed are not in the merge: 1",)


def test_documents_of_a_stream_are_merged_one_by_one(moment):
    base = encrypt_file(b"a: 1\nb: 2\n---\na: 3\nb: 4\n", YAML, [ALICE.recipient.text], moment)

    def with_plain(text):
        return replace_content(base, YAML, [ALICE], text, moment)

    merged = merge(
        base, with_plain(b"a: 1\nb: 2\n---\na: 30\nb: 4\n"), with_plain(b"a: 1\nb: 20\nc: 5\n---\na: 3\nb: 4\n")
    )
    assert not merged.conflicts
    assert decrypt_file(merged.content, YAML, [ALICE]).plain == b"a: 1\nb: 20\nc: 5\n---\na: 30\nb: 4\n"


@pytest.mark.parametrize(("file_type", "text"), [(JSON, b'{"a": "1", "b": {"c": 2}}'), (DOTENV, b"# head\na=1\nb=2\n")])
def test_other_formats_are_merged_by_key(file_type, text, moment):
    base = encrypt_file(text, file_type, [ALICE.recipient.text], moment)
    ours, theirs = (
        edit(base, {"x": "ours"}, file_type=file_type),
        edit(base, {"y": "theirs", "a": "new"}, file_type=file_type),
    )
    merged = merge(base, ours, theirs, file_type=file_type)
    found = plain(merged.content, file_type=file_type)
    assert not merged.conflicts
    assert (found["x"], found["y"], found["a"]) == ("ours", "theirs", "new")


# conflicts


def test_a_conflict_names_the_key_and_leaves_a_sound_file_with_ours_and_the_rest_of_theirs(base):
    merged = merge(base, edit(base, {"mistral": "ours-secret"}), edit(base, {"mistral": "theirs-secret", "groq": "g"}))
    assert [(conflict.name, conflict.what) for conflict in merged.conflicts] == [("mistral", "both sides changed it")]
    assert plain(merged.content)["mistral"] == "ours-secret"
    assert plain(merged.content)["groq"] == "g"
    assert b"secret" not in merged.content.replace(b"llmcfg secret", b"")


def test_a_change_and_a_removal_of_one_value_are_a_conflict(base):
    merged = merge(base, edit(base, {}, removals=["mistral"]), edit(base, {"mistral": "new"}))
    assert [conflict.name for conflict in merged.conflicts] == ["mistral"]
    assert "mistral" not in plain(merged.content)


def test_a_list_is_one_value(base):
    merged = merge(base, edit(base, {"openai.models": ["a"]}), edit(base, {"openai.models": ["b"]}))
    assert [conflict.name for conflict in merged.conflicts] == ["openai.models"]


@pytest.mark.parametrize("side", ["ours", "theirs"])
def test_a_side_that_is_chosen_settles_the_conflict(base, side):
    sides = {"ours": edit(base, {"mistral": "of ours"}), "theirs": edit(base, {"mistral": "of theirs"})}
    merged = merge(base, sides["ours"], sides["theirs"], mistral=side)
    assert not merged.conflicts
    assert plain(merged.content)["mistral"] == f"of {side}"


def test_a_choice_for_one_key_leaves_the_others_open(base):
    ours = edit(base, {"mistral": "o", "openai.key": "o"})
    merged = merge(base, ours, edit(base, {"mistral": "t", "openai.key": "t"}), openai__key="theirs")
    assert [conflict.name for conflict in merged.conflicts] == ["mistral"]
    assert plain(merged.content)["openai"]["key"] == "t"


def test_files_that_both_sides_made_are_joined_and_ask_only_where_they_differ(base, moment):
    theirs = encrypt_file(b"mistral: other\ncohere: c\n", YAML, [ALICE.recipient.text, BOB.recipient.text], moment)
    merged = merge(b"", base, theirs)
    assert [conflict.name for conflict in merged.conflicts] == ["mistral"]
    assert plain(merged.content)["cohere"] == "c"
    assert plain(merged.content)["openai"]["key"] == "first"


def test_a_binary_file_is_one_value(moment):
    base, ours, theirs = (encrypt_file(text, BINARY, [ALICE.recipient.text], moment) for text in (b"0", b"1", b"2"))
    merged = merge(base, ours, theirs, file_type=BINARY)
    assert [conflict.name for conflict in merged.conflicts] == ["content"]
    assert merged.content == ours
    merged = merge(base, ours, theirs, file_type=BINARY, content="theirs")
    assert decrypt_file(merged.content, BINARY, [ALICE]).plain == b"2"


def test_another_number_of_documents_is_a_conflict_as_a_whole(base, moment):
    theirs = encrypt_file(b"a: 1\n---\nb: 2\n", YAML, [ALICE.recipient.text], moment)
    ours = edit(base, {"a": "1"})
    assert [conflict.name for conflict in merge(base, ours, theirs).conflicts] == ["documents"]
    assert merge(base, ours, theirs).content == ours
    assert merge(base, ours, theirs, documents="theirs").content == theirs


# who may open the result


def recipients_of(content):
    return set(re.findall(rb"recipient: (age1\w+)", content))


def key_of(identity):
    return identity.recipient.text.encode()


def test_recipients_that_were_added_on_both_sides_are_joined(base, moment):
    dave = generate_identity()
    everyone = [ALICE.recipient.text, BOB.recipient.text]
    ours = set_recipients(base, YAML, [ALICE], [*everyone, CAROL.recipient.text], moment)
    theirs = edit(set_recipients(base, YAML, [ALICE], [*everyone, dave.recipient.text], moment), {"groq": "g"})
    merged = merge(base, ours, theirs)
    assert not merged.conflicts
    for identity in (ALICE, BOB, CAROL, dave):
        assert plain(merged.content, by=identity)["groq"] == "g"


@pytest.mark.parametrize("remover", ["ours", "theirs"])
def test_a_recipient_who_was_removed_stays_removed_and_cannot_open_what_the_other_side_added(base, moment, remover):
    without = set_recipients(base, YAML, [ALICE], [ALICE.recipient.text], moment)
    adding = edit(base, {"groq": "g"})
    merged = merge(base, *((without, adding) if remover == "ours" else (adding, without)))
    assert not merged.conflicts
    assert recipients_of(merged.content) == {key_of(ALICE)}
    assert plain(merged.content)["groq"] == "g"
    assert tokens(merged.content)[b"mistral"] == tokens(without)[b"mistral"]
    with pytest.raises(NotAuthorisedError):
        plain(merged.content, by=BOB)


def test_two_removals_make_a_data_key_that_neither_of_the_removed_holds(moment):
    base = encrypt_file(b"a: 1\n", YAML, [one.recipient.text for one in (ALICE, BOB, CAROL)], moment)
    ours = set_recipients(base, YAML, [ALICE], [ALICE.recipient.text, CAROL.recipient.text], moment)
    theirs = set_recipients(base, YAML, [ALICE], [ALICE.recipient.text, BOB.recipient.text], moment)
    merged = merge(base, ours, theirs).content
    assert recipients_of(merged) == {key_of(ALICE)}
    known = {decrypt_file(one, YAML, [ALICE]).data_key for one in (base, ours, theirs)}
    assert decrypt_file(merged, YAML, [ALICE]).data_key not in known


def test_changes_go_under_the_newer_of_two_data_keys(base, moment):
    ours, theirs = edit(base, {"groq": "g"}), rotate_data_key(base, YAML, [ALICE], moment)
    merged = decrypt_file(merge(base, ours, theirs).content, YAML, [ALICE])
    assert merged.data_key == decrypt_file(theirs, YAML, [ALICE]).data_key
    assert b"groq: g\n" in merged.plain


def test_who_was_added_on_one_side_merges_versions_that_do_not_name_them(base, moment):
    everyone = [one.recipient.text for one in (ALICE, BOB, CAROL)]
    theirs = edit(set_recipients(base, YAML, [ALICE], everyone, moment), {"cohere": "c"})
    merged = merge(base, edit(base, {"groq": "g"}), theirs, by=CAROL)
    assert plain(merged.content, by=CAROL)["groq"] == "g"


def test_without_a_key_nothing_is_merged(base):
    with pytest.raises(NotAuthorisedError):
        merge(base, edit(base, {"groq": "g"}), edit(base, {"cohere": "c"}), by=CAROL)


def test_a_side_that_was_tampered_with_is_refused(base):
    theirs = edit(base, {"cohere": "c"})
    with pytest.raises(IntegrityError):
        merge(base, edit(base, {"groq": "g"}), theirs.replace(b"\nmistral:", b"\nmistra1:"))


def test_key_groups_that_one_side_made_are_taken_whole(base, moment):
    groups = [[ALICE.recipient.text], [BOB.recipient.text], [CAROL.recipient.text]]
    theirs = set_recipients(base, YAML, [ALICE], groups, moment, threshold=2)
    merged = merge_files(Versions(base, edit(base, {"groq": "g"}), theirs), YAML, [ALICE, BOB], moment)
    assert not merged.conflicts
    opened = decrypt_file(merged.content, YAML, [BOB, CAROL])
    assert (opened.metadata.needed, len(opened.metadata.groups)) == (2, 3)
    assert b"groq: g\n" in opened.plain


def test_key_groups_that_both_sides_made_are_a_conflict_of_the_metadata(base, moment):
    ours = set_recipients(base, YAML, [ALICE], [[ALICE.recipient.text], [BOB.recipient.text]], moment)
    theirs = set_recipients(base, YAML, [ALICE], [[ALICE.recipient.text], [CAROL.recipient.text]], moment)
    versions = Versions(base, ours, edit_values(theirs, YAML, [ALICE, CAROL], {("groq",): "g"}, moment))
    merged = merge_files(versions, YAML, [ALICE, BOB, CAROL], moment)
    assert [conflict.name for conflict in merged.conflicts] == ["sops"]
    assert b"groq: g\n" in decrypt_file(merged.content, YAML, [ALICE, BOB]).plain


def test_a_kms_key_that_one_side_has_is_kept(base):
    entry = b"    kms:\n        - arn: arn:aws:kms:eu-1:1:key/1\n          created_at: '2026-01-01T00:00:00Z'\n          enc: AAAA\n"
    theirs = edit(base.replace(b"    lastmodified", entry + b"    lastmodified"), {"cohere": "c"})
    merged = merge(base, edit(base, {"groq": "g"}), theirs)
    assert not merged.conflicts
    assert b"arn:aws:kms:eu-1:1:key/1" in merged.content
    assert plain(merged.content)["groq"] == "g"


def test_a_kms_key_that_cannot_be_wrapped_is_a_conflict_of_the_metadata(base, moment):
    entry = b"    kms:\n        - arn: arn:aws:kms:eu-1:1:key/1\n          created_at: '2026-01-01T00:00:00Z'\n          enc: AAAA\n"
    theirs = edit(base.replace(b"    lastmodified", entry + b"    lastmodified"), {"cohere": "c"})
    ours = rotate_data_key(base, YAML, [ALICE], moment)
    merged = merge(base, ours, theirs)
    assert [conflict.name for conflict in merged.conflicts] == ["sops"]
    assert recipients_of(merged.content) == recipients_of(ours)
    assert b"arn:aws" not in merged.content
    assert plain(merged.content)["cohere"] == "c"


# what is encrypted stays encrypted


def test_a_rule_that_one_side_changed_is_taken_and_holds_for_what_the_other_added(moment):
    base = encrypt_file(b"host: db\npassword: p\n", YAML, [ALICE.recipient.text], moment)
    rule = Rule("encrypted_regex", "^(password|token)$")
    theirs = encrypt_file(b"host: db\npassword: p\n", YAML, [ALICE.recipient.text], moment, rule=rule)
    merged = merge(base, edit(base, {"token": "t-secret"}), theirs)
    assert not merged.conflicts
    assert b"t-secret" not in merged.content
    assert b"host: db\n" in merged.content


def test_what_the_changed_rule_would_leave_in_the_clear_is_a_conflict_and_not_written(moment):
    base = encrypt_file(b"host: db\npassword: p\n", YAML, [ALICE.recipient.text], moment)
    rule = Rule("encrypted_regex", "^password$")
    theirs = encrypt_file(b"host: db\npassword: p\n", YAML, [ALICE.recipient.text], moment, rule=rule)
    ours = edit(base, {"token": "t-secret", "password": "new"})
    merged = merge(base, ours, theirs)
    assert [conflict.name for conflict in merged.conflicts] == ["token"]
    assert b"t-secret" not in merged.content
    assert plain(merged.content) == {"host": "db", "password": "new"}
    with pytest.raises(UsageError, match="cannot be taken from ours"):
        merge(base, ours, theirs, token="ours")
    assert not merge(base, ours, theirs, token="theirs").conflicts


def test_a_value_whose_encryption_hangs_on_a_comment_never_loses_both(moment):
    rule = Rule("encrypted_comment_regex", "sops:enc")
    base = encrypt_file(b"# one\na: 1\n", YAML, [ALICE.recipient.text], moment, rule=rule)

    def with_plain(text):
        return replace_content(base, YAML, [ALICE], text, moment)

    ours = with_plain(b"# one\n# sops:enc\nb: ours-secret\na: 1\n")
    theirs = with_plain(b"# one\na: 1\n# sops:enc\nc: theirs-secret\n")
    merged = merge(base, ours, theirs)
    assert b"-secret" not in merged.content
    assert not merged.conflicts
    assert plain(merged.content) == {"b": "ours-secret", "a": 1, "c": "theirs-secret"}


# laws

LEAVES = st.one_of(
    st.sampled_from(["", "canary", "canary two", "canary\nline", "canary ä€😀"]),
    st.integers(-5, 5),
    st.booleans(),
    st.none(),
)
LISTS = st.lists(LEAVES, max_size=3)
TREES = st.dictionaries(
    st.sampled_from("abcde"),
    st.one_of(
        LEAVES, LISTS, st.dictionaries(st.sampled_from("pqrs"), st.one_of(LEAVES, LISTS), min_size=1, max_size=3)
    ),
    min_size=1,
    max_size=5,
)


@st.composite
def versions(draw):
    """A tree and two that came from it, by replacing and removing some of what it holds."""
    base, fresh, other = draw(TREES), draw(TREES), draw(TREES)

    def variant(donor):
        kept = {key: value for key, value in base.items() if draw(st.integers(0, 4))}
        taken = {key: value for key, value in donor.items() if not draw(st.integers(0, 2))}
        return {**kept, **taken} or base

    return base, variant(fresh), variant(other)


def sealed_versions(trees, file_type):
    base, *sides = (json.dumps(tree).encode() for tree in trees)
    first = encrypt_file(base, JSON, [ALICE.recipient.text], MOMENT, output_type=file_type)
    as_type = [
        decrypt_file(
            encrypt_file(side, JSON, [ALICE.recipient.text], MOMENT), JSON, [ALICE], output_type=file_type
        ).plain
        for side in sides
    ]
    return Versions(first, *(replace_content(first, file_type, [ALICE], side, MOMENT) for side in as_type))


MISSING = object()


def expected(base, ours, theirs, path=()):
    """The three-way merge of plain values: what it should be, and the paths that clash."""
    if typed(ours) == typed(theirs) or typed(base) == typed(theirs):
        return ours, set()
    if isinstance(ours, dict) and isinstance(theirs, dict):
        inner = base if isinstance(base, dict) else {}
        result, clashes = {}, set()
        for key in {**ours, **theirs}:
            value, found = expected(
                inner.get(key, MISSING), ours.get(key, MISSING), theirs.get(key, MISSING), (*path, key)
            )
            clashes |= found
            if value is not MISSING:
                result[key] = value
        return result, clashes
    return (theirs, set()) if typed(base) == typed(ours) else (ours, {".".join(path)})


def typed(value):
    """1, 1.0 and True are three values."""
    return value if value is MISSING else json.dumps(value, sort_keys=True)


@pytest.mark.parametrize("file_type", [YAML, JSON])
@given(trees=versions())
@settings(max_examples=150, deadline=None)
def test_the_merge_is_that_of_the_plain_values(file_type, trees):
    sides = sealed_versions(trees, file_type)
    merged = merge_files(sides, file_type, [ALICE], MOMENT)
    value, clashes = expected(*trees)
    assert typed(plain(merged.content, file_type=file_type)) == typed(value)
    assert {conflict.name for conflict in merged.conflicts} == clashes
    assert b"canary" not in merged.content


@given(trees=versions())
@settings(max_examples=100, deadline=None)
def test_the_merge_is_the_same_from_both_sides_when_nothing_clashes(trees):
    sides = sealed_versions(trees, YAML)
    one, other = (
        merge_files(each, YAML, [ALICE], MOMENT) for each in (sides, Versions(sides.base, sides.theirs, sides.ours))
    )
    assert {conflict.name for conflict in one.conflicts} == {conflict.name for conflict in other.conflicts}
    if not one.conflicts:
        assert typed(plain(one.content)) == typed(plain(other.content))


@given(trees=versions())
@settings(max_examples=50, deadline=None)
def test_a_side_that_changed_nothing_leaves_the_other_as_it_is(trees):
    base, ours, theirs = sealed_versions(trees, YAML)
    assert merge(base, base, theirs).content == theirs
    assert merge(base, ours, base).content == ours
    assert merge(base, ours, ours).content == ours


# with the sops program, where it is installed


@pytest.mark.peer
@pytest.mark.parametrize("file_type", [YAML, JSON, DOTENV])
def test_sops_verifies_what_is_merged(file_type, tmp_path):
    sops = shutil.which("sops")
    if sops is None:
        pytest.skip("the sops program is not installed")
    text = {YAML: BASE.encode(), JSON: b'{"a": {"b": "1"}, "c": [1, 2]}', DOTENV: b"# head\na=1\nb=2\n"}[file_type]
    base = encrypt_file(text, file_type, [ALICE.recipient.text, BOB.recipient.text], MOMENT)
    without = set_recipients(base, file_type, [ALICE], [ALICE.recipient.text], MOMENT)
    changed = edit(base, {"x": "ours"}, file_type=file_type)
    sides = [changed, edit(base, {"y": "theirs", "x": "clash"}, file_type=file_type), without]
    (tmp_path / "key.txt").write_text(ALICE.reveal())
    for ours in sides:
        for theirs in sides:
            merged = merge(base, ours, theirs, file_type=file_type)
            done = subprocess.run(
                [sops, "--decrypt", "--input-type", file_type, "--output-type", file_type, "/dev/stdin"],
                input=merged.content,
                env={"SOPS_AGE_KEY_FILE": str(tmp_path / "key.txt"), "HOME": str(tmp_path)},
                capture_output=True,
                check=False,
                timeout=60,
            )
            assert done.returncode == 0, done.stderr
            assert done.stdout == decrypt_file(merged.content, file_type, [ALICE]).plain

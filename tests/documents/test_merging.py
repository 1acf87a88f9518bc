"""Two versions of a document become one, by key, with the bytes of the side that each part comes from."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from documents.strategies_of_values import documents, scalars
from llmcfg.documents.editor import delete_value, set_value
from llmcfg.documents.loader import load_document
from llmcfg.documents.merging import merge_documents
from llmcfg.documents.threeway import merged_order, same
from llmcfg.documents.writer import write_yaml
from llmcfg.errors import UsageError
from llmcfg.model.change import ABSENT
from llmcfg.model.merge import MergeRule
from llmcfg.model.versions import TextMerge, Versions

BASE = """\
# limits of models

# the big ones
models:
  gpt:  # the biggest
    rpm: 500  # per key
    tags: [a, b]
    flow: {max: 8, min: 1}
  mini:
    rpm: 10

  # the last one
  nano:
    rpm: 1
routes:
  - name: fast
    weight: 1
  - name: cheap
    weight: 2
last: x
"""
BY_NAME = MergeRule("by", "name")


def no_lines(_versions):
    """A merge of lines that never comes to anything."""
    return TextMerge(b"", is_clean=False)


def no_rules(_path):
    return None


def load(content):
    document = load_document(content).document
    assert document is not None, content
    return document.value


def merge(ours, theirs, *, base=BASE, rule_at=no_rules, lines=no_lines):
    versions = Versions(*(side.encode() for side in (base, ours, theirs)))
    return merge_documents(versions, rule_at, lines)


def changed(*pairs):
    text = BASE
    for before, after in pairs:
        assert text.count(before) == 1
        text = text.replace(before, after)
    return text


# clean


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ([("rpm: 500", "rpm: 600")], [("tags: [a, b]", "tags: [a]")]),
        ([("rpm: 500", "rpm: 600")], [("last: x", "last: z  # why")]),
        ([("  # the last one\n  nano:\n    rpm: 1\n", "")], [("rpm: 10\n", "rpm: 11\n")]),
        ([("# the big ones", "# the very big ones")], [("rpm: 10\n", "rpm: 10\n    tpm: 5  # new\n")]),
        ([("    rpm: 10\n", "    rpm: 10\n    ours: 1\n")], [("nano:\n", "nano:\n    # theirs\n    theirs: 1\n")]),
        ([("last: x\n", "last: x\nours: 1\n")], [("# limits of models\n", "# limits\n")]),
    ],
)
def test_changes_of_different_keys_are_both_in_the_merge_with_their_comments(ours, theirs):
    merged = merge(changed(*ours), changed(*theirs))
    assert merged.content.decode() == changed(*ours, *theirs)
    assert merged.is_clean
    assert merged.remarks == ()


def test_two_keys_that_are_added_at_one_place_are_both_there_ours_first():
    end = "last: x\n"
    merged = merge(changed((end, f"{end}ours: 1\n")), changed((end, f"{end}\n# of theirs\ntheirs: 2\n")))
    assert merged.content.decode() == changed((end, f"{end}ours: 1\n\n# of theirs\ntheirs: 2\n"))


def test_a_comment_that_one_side_changed_stays_beside_the_value_that_the_other_changed():
    merged = merge(changed(("500  # per key", "500  # each")), changed(("500", "600")))
    assert merged.content.decode() == changed(("500  # per key", "600  # each"))


def test_what_both_sides_changed_alike_is_there_once():
    both = changed(("last: x\n", "last: z\nmore: {a: 1}\n"))
    other = changed(("last: x\n", 'last: "z"  # said\nmore: {a: 1}\n'))
    assert merge(both, both).content.decode() == both
    assert load(merge(both, other).content) == load(both.encode())


def test_keys_in_braces_are_merged_too():
    merged = merge(changed(("{max: 8, min: 1}", "{max: 9, min: 1}")), changed(("{max: 8, min: 1}", "{max: 8, top: 3}")))
    assert load(merged.content)["models"]["gpt"]["flow"] == {"max": 9, "top": 3}
    assert merged.content.decode() == changed(("{max: 8, min: 1}", "{max: 9, top: 3}"))


def test_an_order_that_one_side_changed_is_kept():
    moved = "last: x\n" + BASE.removesuffix("last: x\n")
    merged = merge(changed(("rpm: 1\n", "rpm: 2\n")), moved)
    assert merged.content.decode() == moved.replace("rpm: 1\n", "rpm: 2\n")


def test_line_ends_and_byte_order_marks_are_those_of_the_side_that_changed_them():
    windows = "\ufeff" + changed(("500", "600")).replace("\n", "\r\n")
    merged = merge(windows, changed(("last: x", "last: z")).removesuffix("\n"))
    expected = "\ufeff" + changed(("500", "600"), ("last: x", "last: z")).replace("\n", "\r\n").removesuffix("\r\n")
    assert merged.content.decode() == expected


def test_a_document_that_both_sides_added_is_merged_too():
    assert merge("# both\n\na: 1\n", "# both\n\nb: 2\n", base="").content.decode() == "# both\n\na: 1\nb: 2\n"


def test_merge_tags_are_kept():
    merged = merge("b: 1\na: !append [x]\n", "b: 2\na: !append [x, z]\n", base="b: 2\na: !append [x]\n")
    assert merged.content.decode() == "b: 1\na: !append [x, z]\n"


def test_block_text_is_taken_whole():
    base = "a: |\n  one\n  two\n\nb: |+\n  keep\n\nc: 1\n"
    merged = merge(base.replace("two", "2"), base.replace("keep", "kept").replace("c: 1", "c: 3"), base=base)
    assert merged.content.decode() == "a: |\n  one\n  2\n\nb: |+\n  kept\n\nc: 3\n"


# lists


def by_name(path):
    return BY_NAME if path == ("routes",) else None


def test_items_of_a_list_are_merged_by_the_key_that_its_schema_names():
    ours = changed(("weight: 1", "weight: 5"))
    theirs = changed(("    weight: 2\n", "    weight: 2\n    # slow\n    limit: 3\n  - name: new\n    weight: 9\n"))
    merged = merge(ours, theirs, rule_at=by_name)
    assert merged.is_clean
    assert merged.content.decode() == theirs.replace("weight: 1", "weight: 5")


def test_a_conflict_within_an_item_names_its_key():
    merged = merge(changed(("weight: 1", "weight: 5")), changed(("weight: 1", "weight: 6")), rule_at=by_name)
    assert [clash.path for clash in merged.clashes] == [("routes", 0, "weight")]
    assert (
        "  - name: fast\n<<<<<<< ours\n    weight: 5\n=======\n    weight: 6\n>>>>>>> theirs\n"
        in merged.content.decode()
    )


def test_additions_to_a_list_of_unique_items_are_joined():
    base = "models: &all\n  - a\n  - b  # second\n"
    rule = {("models",): MergeRule("unique")}.get
    merged = merge(f"{base}  - c\n", base.replace("  - a\n", "") + "  - d\n", base=base, rule_at=rule)
    assert load(merged.content) == {"models": ["b", "c", "d"]}
    assert b"# second" in merged.content


def test_a_list_without_a_rule_is_one_value():
    merged = merge(changed(("[a, b]", "[a, b, c]")), changed(("[a, b]", "[z, a, b]")))
    assert [clash.path for clash in merged.clashes] == [("models", "gpt", "tags")]


# conflicts


def test_markers_stand_around_the_key_alone_and_all_else_is_merged():
    merged = merge(
        changed(("rpm: 500", "rpm: 600"), ("last: x", "last: z")),
        changed(("rpm: 500", "rpm: 700"), ("rpm: 10\n", "rpm: 11\n")),
    )
    assert not merged.is_clean
    assert [(clash.path, clash.ours, clash.theirs) for clash in merged.clashes] == [
        (("models", "gpt", "rpm"), 600, 700)
    ]
    marked = "<<<<<<< ours\n    rpm: 600  # per key\n=======\n    rpm: 700  # per key\n>>>>>>> theirs\n"
    expected = changed(("    rpm: 500  # per key\n", marked), ("last: x", "last: z"), ("rpm: 10\n", "rpm: 11\n"))
    assert merged.content.decode() == expected


def test_a_key_that_one_side_removed_and_the_other_changed_is_a_conflict():
    merged = merge(changed(("  mini:\n    rpm: 10\n", "")), changed(("rpm: 10\n", "rpm: 11\n")))
    assert [(clash.path, clash.ours, clash.theirs) for clash in merged.clashes] == [
        (("models", "mini"), ABSENT, {"rpm": 11})
    ]
    assert "<<<<<<< ours\n=======\n  mini:\n    rpm: 11\n>>>>>>> theirs\n" in merged.content.decode()


def test_a_key_that_both_added_with_other_values_is_a_conflict_even_where_lines_merge():
    """Git puts both in, and the document then has the key twice."""
    ours, theirs = f"new: 1\n{BASE}", f"{BASE}new: 2\n"
    merged = merge(ours, theirs, lines=lambda _: TextMerge(f"new: 1\n{BASE}new: 2\n".encode(), is_clean=True))
    assert not merged.is_clean
    assert [clash.path for clash in merged.clashes] == [("new",)]


def test_what_both_did_to_one_comment_stays_ours_and_is_counted():
    merged = merge(changed(("# per key", "# ours"), ("500", "600")), changed(("# per key", "# theirs")))
    assert "rpm: 600  # ours" in merged.content.decode()
    assert merged.is_clean
    assert merged.remarks == ("comments or layout that both sides changed are ours: 1",)


def test_what_is_no_sound_yaml_is_left_to_the_merge_of_lines():
    merged = merge("a: [\n", "b: 1\n", base="a: 1\n", lines=lambda _: TextMerge(b"both\n", is_clean=True))
    assert merged.content == b"both\n"
    (remark,) = merged.remarks
    assert remark.startswith("merged by lines, since our version is no sound YAML, line 2: ")


@pytest.mark.parametrize(("base", "theirs", "said"), [
    ("a: 1\n", "a: 1\ny: 2\n", "their version is no sound YAML, line 2: key y is true to YAML 1.1 readers"),
    ("a: no\n", "a: 2\n", "the common version is no sound YAML, line 1: "),
    ("a: 1\n", "- a\n", "their version is no sound YAML, line 1: "),
])  # fmt: skip
def test_the_version_that_cannot_be_merged_by_key_is_named_with_the_reason(base, theirs, said):
    (remark,) = merge("a: 3\n", theirs, base=base, lines=lambda _: TextMerge(b"", is_clean=False)).remarks
    assert remark.startswith(f"merged by lines, since {said}")


def test_a_layout_that_cannot_be_woven_is_a_conflict_and_never_a_wrong_merge():
    """The merge of lines is clean here, and would set a key twice."""
    base, ours, theirs = "{a: 1}\n", "{a: 1, b: 1}\n", "{a: 1,\n b: 2}\n"
    merged = merge(ours, theirs, base=base, lines=lambda _: TextMerge(b"{a: 1, b: 1, b: 2}\n", is_clean=True))
    assert not merged.is_clean
    assert merged.content.decode() == f"<<<<<<< ours\n{ours}=======\n{theirs}>>>>>>> theirs\n"


def test_a_merge_of_lines_that_holds_the_same_is_taken():
    lines = changed(("500", "600"), ("last: x", "last: z")) + "# a comment of its own\n"
    merged = merge(
        changed(("500", "600")),
        changed(("last: x", "last: z")),
        lines=lambda _: TextMerge(lines.encode(), is_clean=True),
    )
    assert merged.content.decode() == lines


# laws


def leaves(value, at=()):
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from leaves(inner, (*at, key))
    elif at:
        yield at


@st.composite
def edited_documents(draw):
    """A document, and for each side edits of leaves that the other side leaves alone; a new key in each."""
    value = draw(documents)
    text = write_yaml(value).encode()
    paths = draw(st.permutations(sorted(leaves(value), key=repr)))
    cut = draw(st.integers(0, len(paths)))
    sides = []
    for name, own in (("ours", paths[:cut][:3]), ("theirs", paths[cut:][:3])):
        edits = [(path, draw(scalars | st.just(ABSENT))) for path in own]
        edits += [((f"new-{name}",), draw(scalars))] if draw(st.booleans()) else []
        sides.append(edits)
    return text, sides


def edited(content, edits):
    for path, value in edits:
        try:
            content = delete_value(content, path) if value is ABSENT else set_value(content, path, value)
        except UsageError:
            assume(False)
    return content


@settings(max_examples=150, deadline=None)
@given(edited_documents())
def test_merging_edits_of_different_keys_is_making_them_both(drawn):
    text, (first, second) = drawn
    sides = Versions(text, edited(text, first), edited(text, second))
    merged = merge_documents(sides, no_rules, no_lines)
    assert merged.is_clean, (sides, merged)
    assert same(load(merged.content), load(edited(edited(text, first), second)))


@settings(max_examples=100, deadline=None)
@given(documents, documents, documents)
def test_a_merge_the_other_way_round_has_the_same_conflicts_and_values(base, ours, theirs):
    sides = [write_yaml(value).encode() for value in (base, ours, theirs)]
    there = merge_documents(Versions(*sides), no_rules, no_lines)
    back = merge_documents(Versions(sides[0], sides[2], sides[1]), no_rules, no_lines)
    assert there.is_clean == back.is_clean
    assert {clash.path for clash in there.clashes} == {clash.path for clash in back.clashes}
    if there.is_clean:
        assert same(load(there.content), load(back.content))


@given(st.lists(st.integers(0, 9), unique=True), st.lists(st.integers(0, 9), unique=True))
def test_an_order_holds_every_key_of_either_side_once(ours, theirs):
    order = merged_order([], ours, theirs)
    assert sorted(order) == sorted({*ours, *theirs})
    assert [key for key in order if key in ours] == ours

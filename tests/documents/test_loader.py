"""Strict loading: what is accepted, what is refused, and where."""

from __future__ import annotations

import pytest
from msgspec import json

from llmcfg.documents.loader import load_document
from llmcfg.limits import DOCUMENT_ALIASES, DOCUMENT_BYTES, DOCUMENT_DEPTH, DOCUMENT_PROBLEMS
from llmcfg.model.value import MergeTag, Tagged


def value_of(text: str | bytes):
    loaded = load_document(text if isinstance(text, bytes) else text.encode())
    assert loaded.document is not None, loaded.problems
    return loaded.document.value


def problems_of(text: str | bytes, **options):
    loaded = load_document(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"), **options)
    assert loaded.document is None
    return [(problem.rule, problem.line, problem.column) for problem in loaded.problems]


def test_mappings_lists_and_text_load_in_order():
    text = 'b: 1\na: [x, {c: "d"}]\nnote: |\n  one\n  two\nfolded: >-\n  one\n  two\nempty: {}\nnone: []\n'
    value = value_of(text)
    assert value == {
        "b": 1,
        "a": ["x", {"c": "d"}],
        "note": "one\ntwo\n",
        "folded": "one two",
        "empty": {},
        "none": [],
    }
    assert list(value) == ["b", "a", "note", "folded", "empty", "none"]


@pytest.mark.fault("G17")
def test_line_ends_of_windows_a_byte_order_mark_and_a_missing_last_line_end_are_accepted():
    assert value_of(b"\xef\xbb\xbfa: 1\r\nb: |\r\n  x\r\n  y\r\nc: z") == {"a": 1, "b": "x\ny\n", "c": "z"}


def test_equal_keys_are_one_object():
    value = value_of("first: {max_tokens: 1}\nsecond: {max_tokens: 2}\n")
    assert next(iter(value["first"])) is next(iter(value["second"]))


@pytest.mark.parametrize("value", [1, 0.5, "text", None, True, [1], {"b": 1}])
def test_replace_stands_before_any_kind_of_value(value):
    loaded = load_document(b"a: !replace " + json.encode(value))
    assert loaded.problems == ()
    assert loaded.document is not None
    assert loaded.document.value == {"a": Tagged(MergeTag.REPLACE, value)}


def test_an_ambiguous_scalar_after_a_tag_is_refused_all_the_same():
    assert [problem.rule for problem in load_document(b"a: !replace no").problems] == ["yaml-ambiguous"]


def test_a_float_tag_before_an_integral_float_changes_nothing():
    loaded = load_document(b"a: !!float 2.0\n")
    assert loaded.document is not None
    assert loaded.document.value == {"a": 2}
    assert [problem.rule for problem in load_document(b"a: !!int 2.0\n").problems] == ["yaml-tag"]


def test_merge_tags_are_kept_beside_their_values():
    loaded = load_document(b"a: !append [1]\nb: !prepend\n  - 2\nc: !replace {d: !delete }\ne: !delete null\n")
    assert loaded.document is not None
    assert loaded.document.has_tags
    assert loaded.document.value == {
        "a": Tagged(MergeTag.APPEND, [1]),
        "b": Tagged(MergeTag.PREPEND, [2]),
        "c": Tagged(MergeTag.REPLACE, {"d": Tagged(MergeTag.DELETE, None)}),
        "e": Tagged(MergeTag.DELETE, None),
    }
    assert not load_document(b"a: 1\n").document.has_tags


@pytest.mark.parametrize(
    "text",
    [
        "a: !append 1",
        "a: !append {b: 1}",
        "a: !delete 1",
        "a: !delete [1]",
        "a: [!replace {}]",
        "a: [!replace 1]",
        "!replace {a: 1}",
    ],
)
def test_a_merge_tag_on_the_wrong_kind_of_value_is_refused(text):
    assert [rule for rule, _, _ in problems_of(text)] == ["yaml-tag-kind"]


def test_standard_tags_are_accepted_where_they_change_nothing():
    text = "a: !!int 5\nb: !!float 1.5\nc: !!bool true\nd: !!null null\ne: !!map {}\nf: !!seq []\ng: !!str 5\n"
    assert value_of(text) == {"a": 5, "b": 1.5, "c": True, "d": None, "e": {}, "f": [], "g": "5"}


@pytest.mark.fault("Y10")
@pytest.mark.parametrize(
    "tag",
    ["!Foo x", "!!binary aGk=", "!!set {a}", "!!omap []", "!include x", "!!python/object/apply:os.system [ls]", '!!int "5"',
     "!!float 5", "!<tag:x,2000:y> z"],
)  # fmt: skip
def test_every_other_tag_is_refused(tag):
    assert problems_of(f"a: {tag}\n")[0] == ("yaml-tag", 1, 4)


def test_an_alias_shares_the_value_of_its_anchor():
    value = value_of("a: &x {b: [1]}\nc: *x\nd: &y text\ne: *y\n")
    assert value["a"] is value["c"]
    assert value["e"] == "text"


def test_all_problems_are_reported_at_once_in_text_order():
    text = "a: no\nno: 1\n1: x\nd: {{ x }}\n<<: 3\na: 2\n$secret: x\n'': 1\nb: 1e3\n"
    assert problems_of(text) == [
        ("yaml-ambiguous", 1, 4), ("yaml-ambiguous", 2, 1), ("yaml-key-type", 3, 1), ("yaml-key-type", 4, 4),
        ("yaml-merge-key", 5, 1), ("yaml-duplicate", 6, 1), ("key-reserved", 7, 1), ("key-name", 8, 1), ("yaml-ambiguous", 9, 4),
    ]  # fmt: skip


@pytest.mark.fault("Y04")
def test_a_duplicate_key_names_both_lines():
    problem = load_document(b"x:\n  a: 1\n  b: 2\n  a: 3\n").problems[0]
    assert (problem.line, problem.column) == (4, 3)
    assert problem.message == 'duplicate key "a", first on line 2'


@pytest.mark.fault("Y05", "Y15", "J12")
@pytest.mark.parametrize("key", ["1", "null", "~", "true", "1.5", "0", "[a]", "{a: b}", "? - a\n"])
def test_a_key_that_is_no_string_is_refused(key):
    assert problems_of(f"{key}: x\n")[0][0] == "yaml-key-type"


def test_quoted_numbers_are_keys():
    assert value_of("\"1\": a\n'null': b\n") == {"1": "a", "null": "b"}


def test_braces_without_quotes_get_their_own_hint():
    problem = load_document(b"key: {{secret:openai}}\n").problems[0]
    assert (problem.rule, problem.column) == ("yaml-key-type", 6)
    assert problem.hint == 'quote it: "{{secret:openai}}"'
    assert "quotes" in load_document(b"key: {{ a }} b\n").problems[-1].hint


@pytest.mark.fault("Y02", "Y06", "Y11", "Y12", "Y14", "Y19", "G17", "G18")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ("yaml-empty", 1, 1)),
        ("# only a comment\n", ("yaml-empty", 1, 1)),
        ("---\n", ("yaml-empty", 1, 1)),
        ("- a\n", ("yaml-root", 1, 1)),
        ("text\n", ("yaml-root", 1, 1)),
        ("a: 1\n---\nb: 1\n", ("yaml-documents", 2, 1)),
        ("a: 1\n--- {}\n", ("yaml-documents", 2, 1)),
        ("%YAML 1.1\n---\na: 1\n", ("yaml-directive", 1, 1)),
        ("%TAG ! tag:x,2000:\n---\na: 1\n", ("yaml-directive", 1, 1)),
        ("a: *nope\n", ("yaml-anchor", 1, 4)),
        ("a: &x 1\nb: &x 2\n", ("yaml-anchor", 2, 4)),
        ("a: &x [*x]\n", ("yaml-alias", 1, 8)),
        ("&x a: {b: *x}\nc: &y\n  d: *y\n", ("yaml-alias", 3, 6)),
        ("<<: &x {a: 1}\n", ("yaml-merge-key", 1, 1)),
        ('"<<": 1\n', ("yaml-merge-key", 1, 1)),
        ("a:\n\tb: 1\n", ("yaml-tab", 2, 1)),
        ("a: 1\t# x\n", ("yaml-tab", 1, 5)),
        ("a:\t1\n", ("yaml-tab", 1, 3)),
        ("a: x\ty\n", ("yaml-tab", 1, 5)),
        ('a: "x\n', ("yaml-syntax", 1, 4)),
        ("a: b: c\n", ("yaml-syntax", 1, 5)),
        ("a: [1, 2\nb: 3\n", ("yaml-syntax", 2, 2)),
        ("a: x\0y\n", ("yaml-character", 1, 5)),
        ("a: x\x07\n", ("yaml-character", 1, 5)),
        ("a: x\x85y\n", ("yaml-character", 1, 5)),
        ("a: x\u2028y\n", ("yaml-character", 1, 5)),
        ("a: x\x7f\n", ("yaml-character", 1, 5)),
        ("a: 1\rb: 2\n", ("yaml-character", 1, 5)),
        ('a: "\\0"\n', ("yaml-character", 1, 4)),
        ('a: "\\ud800"\n', ("yaml-character", 1, 7)),
        ("a: 1\n<<<<<<< ours\nb: 1\n=======\nb: 2\n>>>>>>> theirs\n", ("conflict-markers", 2, 1)),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:0\n", ("blob-lfs-pointer", 1, 1)),
    ],
)
def test_a_trap_is_a_problem_with_its_place(text, expected):
    assert problems_of(text)[0] == expected


@pytest.mark.fault("Y13", "G17")
@pytest.mark.parametrize(
    "content",
    ["a: é\n".encode("utf-16"), "a: é\n".encode("utf-16-le"), "a: é\n".encode("utf-32"), "a: é\n".encode("latin-1"), b"a: \xc0\x80\n",
     b"a: \xed\xa0\x80\n", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"],
)  # fmt: skip
def test_what_is_not_utf8_is_refused(content):
    loaded = load_document(content)
    assert (loaded.document, [problem.rule for problem in loaded.problems]) == (None, ["blob-encoding"])


def test_tabs_inside_text_and_comments_are_text():
    assert value_of('a: "x\ty" # a\tb\nb: |\n  all:\n  \tcc -o x\n#\tc\n') == {"a": "x\ty", "b": "all:\n\tcc -o x\n"}


@pytest.mark.fault("Y20")
@pytest.mark.parametrize("key", ["a\u200bb", "a\u202eb", "\u0430pi_key", "e\u0301", "k" * 257, "a\u00adb"])
def test_a_key_that_looks_like_something_else_is_refused(key):
    assert problems_of(f'"{key}": 1\n')[0] == ("key-name", 1, 1)


def test_keys_of_other_scripts_are_accepted():
    assert value_of("größe: 1\n键: 2\nключ: 3\n") == {"größe": 1, "键": 2, "ключ": 3}


@pytest.mark.fault("Y20")
def test_a_direction_control_in_a_value_is_only_a_warning():
    loaded = load_document("a: x\u202ey\n".encode())
    assert loaded.document is not None
    assert [(problem.rule, problem.column) for problem in loaded.problems] == [("yaml-direction", 5)]


def test_nesting_is_accepted_up_to_the_limit_and_refused_beyond():
    def nested(depth: int) -> str:
        return "a: " + "[" * (depth - 1) + "]" * (depth - 1)

    assert value_of(nested(DOCUMENT_DEPTH))
    assert [rule for rule, _, _ in problems_of(nested(DOCUMENT_DEPTH + 1))] == ["yaml-depth"]


@pytest.mark.fault("Y03")
@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? ", "[[{a: "])
def test_a_hundred_thousand_levels_are_survived(opening):
    assert problems_of("a: " + opening * 100_000)[-1][0] in {"yaml-depth", "yaml-syntax"}
    assert problems_of(opening * 100_000)[-1][0] == "yaml-depth"


def test_deep_block_mappings_are_survived():
    assert problems_of("".join(" " * level + "a:\n" for level in range(1200)))[-1][0] == "yaml-depth"


def test_aliases_that_together_nest_too_deep_are_refused():
    text = "a: &a " + "[" * 40 + "]" * 40 + "\nb: " + "[" * 40 + "*a" + "]" * 40 + "\n"
    assert [rule for rule, _, _ in problems_of(text)] == ["yaml-depth"]


@pytest.mark.fault("Y01")
def test_laughs_are_refused_at_their_widest_alias():
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]" for level in range(1, 9)]
    assert problems_of("\n".join(lines))[0][0] == "yaml-alias"


@pytest.mark.fault("Y01")
def test_too_many_aliases_are_refused():
    text = "a: &x 1\n" + "".join(f"b{number}: *x\n" for number in range(DOCUMENT_ALIASES))
    assert value_of(text)["b0"] == 1
    assert problems_of(text + "last: *x\n") == [("yaml-alias", DOCUMENT_ALIASES + 2, 7)]


@pytest.mark.fault("Y17")
def test_a_document_over_the_size_limit_is_refused_before_parsing():
    assert problems_of(b"a: " + b"x" * DOCUMENT_BYTES) == [("yaml-size", 0, 0)]


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("- no\n", "yaml-ambiguous"),
        ("- {{x: 1}: 2}\n", "yaml-key-type"),
        ("- \x01\n", "yaml-character"),
        ("- {a:\t1}\n", "yaml-tab"),
        ("- {a: 1, a: 2}\n", "yaml-duplicate"),
        ("<<<<<<<\n", "conflict-markers"),
    ],
)
def test_what_one_document_has_too_many_of_is_listed_so_far_and_that_there_is_more(line: str, rule: str):
    problems = load_document(("a:\n" + line * (DOCUMENT_PROBLEMS + 500)).encode()).problems
    assert [problem.rule for problem in problems] == [rule] * DOCUMENT_PROBLEMS + ["yaml-problems"]
    assert problems[-1].line == DOCUMENT_PROBLEMS + 2


def test_as_many_problems_as_are_listed_are_not_too_many():
    problems = load_document(b"a:\n" + b"- no\n" * DOCUMENT_PROBLEMS).problems
    assert {problem.rule for problem in problems} == {"yaml-ambiguous"}


def test_a_document_is_read_no_further_than_its_problems_are_listed():
    text = b"a:\n" + b"- no\n" * (DOCUMENT_PROBLEMS + 1) + b"- ]\n"
    assert load_document(text).problems[-1].rule == "yaml-problems"


def test_a_syntax_error_after_all_problems_that_are_listed_is_one_too_many():
    text = b"a:\n" + b"- no\n" * DOCUMENT_PROBLEMS + b"- ]\n"
    loaded = load_document(text)
    assert loaded.document is None
    assert loaded.problems[-1].rule == "yaml-problems"


def test_text_that_is_read_in_many_directions_is_a_document_still():
    text = ("a:\n" + "- '\u202ax\u202c'\n" * DOCUMENT_PROBLEMS).encode()
    loaded = load_document(text)
    assert loaded.document is not None
    assert loaded.problems[-1].rule == "yaml-problems"


def test_what_only_one_parser_reads_is_refused_with_its_place():
    assert problems_of("x: ! 12\n") == [("yaml-disagree", 1, 4)]


def test_the_metadata_of_a_secret_file_may_be_ambiguous():
    text = "key: ENC[AES256_GCM,data:x]\nsops:\n  lastmodified: 2024-01-02T03:04:05Z\n  age: [{size: 010}]\n"
    loaded = load_document(text.encode(), secrets=True)
    assert loaded.document is not None
    assert loaded.document.value["sops"]["lastmodified"] == "2024-01-02T03:04:05Z"
    assert [rule for rule, _, _ in problems_of(text)] == ["yaml-ambiguous", "yaml-ambiguous"]
    assert problems_of("key: no\nsops: {a: 1}\n", secrets=True) == [("yaml-ambiguous", 1, 6)]
    assert problems_of("sops: {}\n<<: {a: 1}\n", secrets=True) == [("yaml-merge-key", 2, 1)]

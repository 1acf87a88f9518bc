"""The scalar table: what a plain scalar means, and which ones are refused with a way to write them."""

from __future__ import annotations

import pytest

from llmcfg.documents.loader import load_document
from llmcfg.documents.scalars import Trap, quoted, resolve_plain

PLAIN = [
    ("", None), ("~", None), ("null", None), ("Null", None), ("NULL", None),
    ("true", True), ("True", True), ("TRUE", True), ("false", False), ("FALSE", False),
    ("0", 0), ("12", 12), ("+12", 12), ("-7", -7), ("9007199254740992", 2**53),
    ("0.7", 0.7), ("-0.5", -0.5), ("+1.5", 1.5), (".5", 0.5),
    ("1.0", 1), ("5.", 5), ("0.0", 0), ("+2.00", 2), ("-3.0", -3), ("4503599627370496.0", 2**52),
    ("text", "text"), ("nothing", "nothing"), ("yesterday", "yesterday"), ("1.2.3", "1.2.3"), ("80:8080", "80:8080"),
    ("2024-01-02-preview", "2024-01-02-preview"), ("-", "-"), ("+", "+"), (".", "."), ("12h", "12h"), ("gpt-4", "gpt-4"),
    ("_", "_"), ("__", "__"), ("_e1", "_e1"), ("_a1", "_a1"), ("-_", "-_"), ("_0x1F", "_0x1F"), ("_.inf", "_.inf"),
    ("_" * 70, "_" * 70), ("-" * 70, "-" * 70),
]  # fmt: skip

AMBIGUOUS = [
    "y", "Y", "n", "N", "yes", "Yes", "YES", "yEs", "no", "No", "NO", "on", "On", "ON", "off", "Off", "OFF",
    "tRUE", "nULL", "falsE", "=", "<<",
    "010", "-010", "00", "08", "0777", "00.5", "0o17", "0O17", "0x1F", "0XFF", "0b11", "1_000", "1_000.5", "0._4",
    "-.5", "+.5",
    "_0", "-_1", "+_1", "_1e3", "_1_e_3", "__1.5", "_.5", "-_.1", "_1.", "____7",
    "1e3", "1E3", "1.5e+3", "1e-7", "-2e0", "12e03", "1:30", "12:30:45", "190:20:30.15",
    "2024-01-02", "2024-1-2", "2024-02-30", "2024-01-02T03:04:05Z",
    "2024-01-02 03:04:05 +1",
]  # fmt: skip

NUMBERS = [
    "9007199254740993", "-9007199254740993", "1e400", "1e16", "9007199254740993.0", "12e034", "-0", "-0.0",
    ".inf", "-.inf", "+.INF", ".Inf", ".nan", ".NaN",
    "1" * 5000,
    "0x" + "f" * 100_000,
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), PLAIN)
def test_a_plain_scalar_has_the_value_of_the_core_schema(text, value):
    result = resolve_plain(text)
    assert (type(result), result) == (type(value), value)
    document = load_document(f"key: {text}\n".encode()).document
    if text not in ("-",):
        assert document is not None
        assert (type(document.value["key"]), document.value["key"]) == (type(value), value)


@pytest.mark.fault("Y07", "Y09")
@pytest.mark.parametrize("text", AMBIGUOUS)
def test_what_readers_take_differently_is_refused_with_a_way_to_write_it(text):
    trap = resolve_plain(text)
    assert isinstance(trap, Trap)
    loaded = load_document(f"key: {text}\n".encode())
    assert loaded.document is None
    assert [(problem.rule, problem.line, problem.column) for problem in loaded.problems] == [("yaml-ambiguous", 1, 6)]
    assert text in loaded.problems[0].message
    assert "quote it: " + quoted(text) in loaded.problems[0].hint
    for rewrite in (trap.rewrite, quoted(text)):
        assert load_document(f"key: {rewrite}\n".encode()).document is not None


@pytest.mark.fault("Y07", "Y08")
@pytest.mark.parametrize("text", NUMBERS)
def test_a_number_without_an_exact_json_form_is_refused(text):
    loaded = load_document(f"key: {text}\n".encode())
    assert loaded.document is None
    assert [problem.rule for problem in loaded.problems] == ["yaml-number"]
    assert len(loaded.problems[0].message) < 200


@pytest.mark.parametrize("text", ["no", "010", "1e3", "2024-01-02", "null", "12", "=", ".nan"])
def test_a_quoted_scalar_is_always_text(text):
    for form in (f'"{text}"', f"'{text}'", f"!!str {text}"):
        document = load_document(f"key: {form}\n".encode()).document
        assert document is not None
        assert document.value == {"key": text}


def test_the_hint_offers_the_value_that_was_probably_meant():
    hints = {text: resolve_plain(text).hint for text in ("no", "1e3", "010", "1_000", "0x1F")}
    assert hints == {
        "no": 'quote it: "no", or write false',
        "1e3": 'write 1000.0, or quote it: "1e3"',
        "010": 'quote it: "010", or write 8 or 10',
        "1_000": 'quote it: "1_000", or write 1000',
        "0x1F": 'quote it: "0x1F", or write 31',
    }

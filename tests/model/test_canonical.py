"""Canonical JSON: the vectors of RFC 8785, and agreement with a slow writer that follows its text."""

from __future__ import annotations

import json
import struct
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from llmcfg.canonical import canonical_json, digest, digest_of

# RFC 8785 appendix B: the bits of a double, and how ECMAScript writes it.
NUMBERS = [
    ("0000000000000000", "0"),
    ("8000000000000000", "0"),
    ("0000000000000001", "5e-324"),
    ("8000000000000001", "-5e-324"),
    ("7fefffffffffffff", "1.7976931348623157e+308"),
    ("ffefffffffffffff", "-1.7976931348623157e+308"),
    ("4340000000000000", "9007199254740992"),
    ("c340000000000000", "-9007199254740992"),
    ("4430000000000000", "295147905179352830000"),
    ("44b52d02c7e14af5", "9.999999999999997e+22"),
    ("44b52d02c7e14af6", "1e+23"),
    ("44b52d02c7e14af7", "1.0000000000000001e+23"),
    ("444b1ae4d6e2ef4e", "999999999999999700000"),
    ("444b1ae4d6e2ef4f", "999999999999999900000"),
    ("444b1ae4d6e2ef50", "1e+21"),
    ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
    ("3eb0c6f7a0b5ed8d", "0.000001"),
    ("41b3de4355555553", "333333333.3333332"),
    ("41b3de4355555554", "333333333.33333325"),
    ("41b3de4355555555", "333333333.3333333"),
    ("41b3de4355555556", "333333333.3333334"),
    ("41b3de4355555557", "333333333.33333343"),
    ("becbf647612f3696", "-0.0000033333333333333333"),
    ("43143ff3c1cb0959", "1424953923781206.2"),
]


def double(bits: str) -> float:
    return struct.unpack(">d", bytes.fromhex(bits))[0]


def units(text: str) -> tuple[int, ...]:
    """The UTF-16 code units, by which RFC 8785 sorts keys."""
    encoded = text.encode("utf-16-be")
    return struct.unpack(f">{len(encoded) // 2}H", encoded)


def reference(value) -> str:
    """RFC 8785 section 3.2, read literally."""
    if value is None or value is True or value is False:
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return '"' + "".join(map(escaped, value)) + '"'
    if isinstance(value, list):
        return "[" + ",".join(map(reference, value)) + "]"
    if isinstance(value, dict):
        ordered = sorted(value.items(), key=lambda entry: units(entry[0]))
        return "{" + ",".join(f"{reference(key)}:{reference(item)}" for key, item in ordered) + "}"
    return ecmascript(float(value))


def escaped(char: str) -> str:
    short = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
    return short.get(char) or (f"\\u{ord(char):04x}" if ord(char) < 0x20 else char)


def ecmascript(number: float) -> str:
    """ECMA-262 Number::toString, with k, n and s as there."""
    if number == 0:
        return "0"
    if number < 0:
        return "-" + ecmascript(-number)
    _, digits, exponent = Decimal(repr(number)).normalize().as_tuple()
    s, k = "".join(map(str, digits)), len(digits)
    n = int(exponent) + k
    if k <= n <= 21:
        return s + "0" * (n - k)
    if 0 < n <= 21:
        return s[:n] + "." + s[n:]
    if -6 < n <= 0:
        return "0." + "0" * -n + s
    sign = "+" if n - 1 > 0 else "-"
    return s[0] + ("." + s[1:] if k > 1 else "") + f"e{sign}{abs(n - 1)}"


@pytest.mark.parametrize(("bits", "text"), NUMBERS)
def test_numbers_are_written_as_the_rfc_says(bits, text):
    assert canonical_json(double(bits)).decode() == text
    assert canonical_json({"a": [double(bits)]}).decode() == f'{{"a":[{text}]}}'
    assert reference(double(bits)) == text


def test_keys_are_ordered_as_the_rfc_says():
    value = {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\u0080": 6, "\u00f6": 7}
    assert list(json.loads(canonical_json(value)).values()) == [2, 4, 6, 7, 1, 5, 3]


def test_the_example_of_the_rfc():
    value = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"\u002f",
        "literals": [None, True, False],
    }
    assert canonical_json(value).decode() == (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.text(
    '\b\f\n\r\t\x00\x1f\x7f"\\/é\ue000\U0001f600', max_size=6
)
NUMBERS_OF_ALL_SIZES = (
    st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.floats(-1, 1)
    | st.floats(1e-8, 1e-3)
    | st.integers(-1000, 1000).map(float)
)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS_OF_ALL_SIZES | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=10,
)


@settings(max_examples=500)
@given(VALUES)
@example({"\ue000": 1, "\U0001f600": 2})
@example([-0.0, 0.0, -0.5, 1.0, 1e-5, 1e-7, 1e15, 1e16, 1e21])
@example("\u2028\x7f")
def test_what_is_written_is_what_the_rfc_says(value):
    assert canonical_json(value).decode("utf-8") == reference(value)


@given(VALUES)
def test_what_is_written_is_read_back_and_written_alike(value):
    written = canonical_json(value)
    assert canonical_json(json.loads(written, parse_int=float)) == written


@given(st.dictionaries(TEXTS, VALUES, max_size=5), st.randoms(use_true_random=False))
def test_the_order_of_keys_in_memory_does_not_matter(value, chance):
    shuffled = dict(chance.sample(list(value.items()), len(value)))
    assert canonical_json(shuffled) == canonical_json(value)
    assert digest_of(shuffled) == digest(canonical_json(value))


@pytest.mark.parametrize("number", [2**53 + 1, -(2**53) - 1, 2**64, 10**400])
def test_an_integer_without_an_exact_form_is_refused(number):
    with pytest.raises(ValueError, match=r"no exact JSON form|out of range|too (large|big)"):
        canonical_json({"a": [number]})


def test_the_largest_exact_integers_are_written():
    assert canonical_json([2**53, -(2**53)]) == b"[9007199254740992,-9007199254740992]"


def test_a_lone_surrogate_is_refused():
    with pytest.raises(ValueError, match=r"surrogate|UTF-8|utf-8"):
        canonical_json("\ud800")

"""Canonical JSON by RFC 8785 (JCS): one sequence of bytes for one value.

msgspec writes the common case; what it writes differently from RFC 8785 (section 3.2.2.3 numbers, section 3.2.3 key order beyond the
basic plane) goes through a slower writer here. Integers beyond 2^53 have no canonical form: ValueError. Non-finite floats have none
either; the loader refuses them, so none come here.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import msgspec

from llmcfg.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_MAX_INTEGER = 2**53
_ENCODER = msgspec.json.Encoder(order="sorted")
_PACK = msgspec.msgpack.encode
# Numbers that RFC 8785 may write differently: exponents, integral and tiny fractions, negative zero, long ones. Inside strings these only
# cost time, so a colon that follows no quote, as in `sha256:12e…`, is passed over. Every branch begins alike, so that the engine skips from
# one such place to the next.
_UNUSUAL_NUMBER = regex(rb"[:,\[](?<![^\"]:)(?:-0|-?(?:[0-9.]+[eE]|[0-9]+\.0[,}\]]|0\.0000|[0-9.]{16}))")
# Most texts hold nothing that could be one. Each of these is looked for at the speed of a literal, which the above is not.
_ANY_DIGIT = bytes(ord("0") if chr(byte) in "0123456789" else byte for byte in range(256))
_LONG, _EXPONENT, _TINY = (
    b"0" * 8,
    b"0e",
    b"0.0000",
)  # of 16 characters, one of which may be a point, 8 are digits in a row
_NEGATIVE_ZERO = regex(rb"-0(?<=[:,\[]-0)")
_INTEGRAL = regex(rb"\.0[,}\]]")
_HIGH = regex(rb"[\xee-\xf4]")  # characters from U+E000 on, by which keys may sort differently
_NUMBER_STARTS = frozenset(b"-0123456789")


def canonical_json(value: Any) -> bytes:
    fast = _ENCODER.encode(value)
    return _write(value).encode("utf-8") if _is_unusual(fast) else fast


def _is_unusual(written: bytes) -> bool:
    return (
        written[0] in _NUMBER_STARTS
        or (_may_hold_unusual(written) and _UNUSUAL_NUMBER.search(written) is not None)
        or b"\\u" in written
        or not (written.isascii() or _HIGH.search(written) is None)
    )


def _may_hold_unusual(written: bytes) -> bool:
    shape = written.translate(_ANY_DIGIT)
    return (
        _LONG in shape
        or _EXPONENT in shape
        or _TINY in written
        or _INTEGRAL.search(written) is not None
        or _NEGATIVE_ZERO.search(written) is not None
    )


def are_alike(one: object, other: object) -> bool:
    """Whether two values surely say the same, at the speed of an encoder: equal to the kinds of numbers and the order of keys.

    False means that they have to be looked at. `==` tells first, and takes 1 for true.
    """
    try:
        return one is other or (one == other and _PACK(one) == _PACK(other))
    except (TypeError, ValueError, OverflowError):  # what has no encoding
        return False


def digest(content: bytes) -> str:
    """SHA-256 in hex: the name of a part, a bundle or a root."""
    return hashlib.sha256(content).hexdigest()


def digest_of_runs(runs: Iterable[bytes | memoryview]) -> str:
    """The same, of bytes that follow one another."""
    hashed = hashlib.sha256()
    for run in runs:
        hashed.update(run)
    return hashed.hexdigest()


def digest_of(value: Mapping[str, Any]) -> str:
    return digest(canonical_json(value))


def _write(value: Any) -> str:
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return "{" + ",".join(f"{_string(key)}:{_write(value[key])}" for key in keys) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(_write(item) for item in value) + "]"
    if isinstance(value, str):
        return _string(value)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        if abs(value) > _MAX_INTEGER:
            raise ValueError(f"{value} is beyond 2^53 and has no exact JSON form")
        return str(value)
    return _number(value)


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _number(value: float) -> str:
    """ECMAScript's Number::toString for a double (ECMA-262 section 6.1.6.1.20)."""
    if value != value or value in (float("inf"), float("-inf")):
        raise ValueError(f"{value} has no JSON form")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent_text = f"{abs(value)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + ("" if fraction == "0" else fraction)).lstrip("0")
    exponent = int(exponent_text or 0)
    # value = 0.digits * 10^point
    point = exponent + (len(whole) if whole != "0" else -(len(fraction) - len(fraction.lstrip("0"))))
    digits = digits.rstrip("0")
    if len(digits) <= point <= 21:
        return sign + digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    shown = digits[0] + (f".{digits[1:]}" if len(digits) > 1 else "")
    return f"{sign}{shown}e{point - 1:+d}"

"""Numbers and times as Go reads and writes them, which is what SOPS encrypts, hashes and prints."""

from __future__ import annotations

import math
from datetime import date

from llmcfg.regex import regex

_INT = regex(rb"[+-]?[0-9]+")
_FLOAT = regex(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_INFINITIES = {"inf": math.inf, "infinity": math.inf, "nan": math.nan}
_TRUE = frozenset((b"1", b"t", b"T", b"true", b"TRUE", b"True"))
_FALSE = frozenset((b"0", b"f", b"F", b"false", b"FALSE", b"False"))
_TIME = regex(
    r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})[Tt]"
    r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]+))?"
    r"(?P<zone>Z|z|[+-][0-9]{2}:[0-9]{2})"
)
INT64_MIN, INT64_MAX = -(1 << 63), (1 << 63) - 1


def parse_int(plain: bytes) -> int:
    """Go's Atoi. Raises ValueError, without the text."""
    value = int(plain) if _INT.fullmatch(plain) and len(plain) < 64 else None
    if value is None or not INT64_MIN <= value <= INT64_MAX:
        raise ValueError("not an integer of 64 bits")
    return value


def parse_bool(plain: bytes) -> bool:
    if plain in _TRUE:
        return True
    if plain in _FALSE:
        return False
    raise ValueError("neither true nor false")


def parse_float(text: str) -> float:
    """Go's ParseFloat, without hexadecimal. Raises ValueError for what overflows, too."""
    named = _INFINITIES.get(text.lstrip("+-").lower()) if text.count("+") + text.count("-") <= 1 else None
    if named is not None:
        return -named if text.startswith("-") else named
    if _FLOAT.fullmatch(text) is None:
        raise ValueError("not a number")
    value = float(text)
    if math.isinf(value):
        raise ValueError("a number out of range")
    return value


def format_float(value: float) -> str:
    """Go's `'f', -1`: the shortest digits that read back, never an exponent."""
    if special := _special(value):
        return special
    sign, digits, point = _shortest(value)
    if point <= 0:
        return f"{sign}0.{'0' * -point}{digits}" if digits != "0" else f"{sign}0"
    if point >= len(digits):
        return sign + digits + "0" * (point - len(digits))
    return f"{sign}{digits[:point]}.{digits[point:]}"


def format_float_yaml(value: float) -> str:
    """As the YAML encoder of Go writes it: `%g` with the shortest digits, so with an exponent from a million on."""
    named = {"+Inf": ".inf", "-Inf": "-.inf", "NaN": ".nan"}.get(_special(value))
    if named is not None:
        return named
    sign, digits, point = _shortest(value)
    if value and not -4 <= point - 1 < 6:
        return _with_exponent(sign, digits, point - 1)
    return format_float(value)


def format_float_json(value: float) -> str:
    """As encoding/json: ES6. Raises ValueError for what JSON has no number for."""
    if _special(value):
        raise ValueError("JSON has no infinities and no NaN")
    if value and not 1e-6 <= abs(value) < 1e21:
        sign, digits, point = _shortest(value)
        return _with_exponent(sign, digits, point - 1, width=1)
    return format_float(value)


def normal_time(text: str) -> str:
    """A time of RFC 3339 as Go writes it with nanoseconds. Raises ValueError."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError("not a time of RFC 3339")
    return compose_time(
        (found["year"], found["month"], found["day"]),
        (found["hour"], found["minute"], found["second"]),
        found["fraction"] or "",
        found["zone"].upper(),
    )


def compose_time(day: tuple[str, ...], time: tuple[str, ...], fraction: str, zone: str) -> str:
    """RFC 3339 from its parts. Raises ValueError for what no calendar or clock has."""
    year, month, date_ = (int(part) for part in day)
    hour, minute, second = (int(part) for part in time)
    if year:
        date(year, month, date_)
    if hour > 23 or minute > 59 or second > 59:
        raise ValueError("no clock shows this")
    if zone != "Z" and (int(zone[1:3]) > 24 or int(zone[4:6]) > 59):
        raise ValueError("no such time zone")
    if zone in ("+00:00", "-00:00"):
        zone = "Z"
    nanoseconds = fraction[:9].rstrip("0")
    dot = f".{nanoseconds}" if nanoseconds else ""
    return f"{year:04}-{month:02}-{date_:02}T{hour:02}:{minute:02}:{second:02}{dot}{zone}"


def _special(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return ""


def _shortest(value: float) -> tuple[str, str, int]:
    """Sign, significant digits, and how many of them stand before the point."""
    sign = "-" if math.copysign(1.0, value) < 0 else ""
    mantissa, _, exponent = f"{abs(value)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = fraction if fraction != "0" else ""
    digits = (whole + fraction).lstrip("0")
    leading = len(whole + fraction) - len(digits)
    point = len(whole) - leading + int(exponent or 0)
    digits = digits.rstrip("0")
    return (sign, digits, point) if digits else (sign, "0", 1)


def _with_exponent(sign: str, digits: str, exponent: int, width: int = 2) -> str:
    fraction = f".{digits[1:]}" if digits[1:] else ""
    return f"{sign}{digits[0]}{fraction}e{'-' if exponent < 0 else '+'}{abs(exponent):0{width}}"

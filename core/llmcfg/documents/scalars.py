"""The scalar table: what a plain (unquoted) YAML scalar means, and which ones nobody should write (docs/spec/yaml.md).

The meaning is that of the YAML 1.2 core schema. What readers of YAML 1.1 and 1.2 take differently is a `Trap`: it knows its rule,
its core meaning, and how to write it instead.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.regex import regex

if TYPE_CHECKING:
    from llmcfg.model.value import Scalar

EXACT_INTEGER: Final = 1 << 53
"""Integers beyond this have no exact form in JSON readers that use doubles."""


class Trap(NamedTuple):
    """A plain scalar that must be written otherwise. `rewrite` says the same to every reader; it is the text that `fmt --fix` puts."""

    rule: str
    value: Scalar
    message: str
    hint: str
    rewrite: str


def resolve_plain(text: str) -> Scalar | Trap:
    """The value of a plain scalar without a tag."""
    value = WORDS.get(text, text)
    return resolve_beginning(text) if value is text and text[0] in NUMBER_STARTS else value


def resolve_beginning(text: str) -> Scalar | Trap:
    """The value of a plain scalar that is none of WORDS and begins with one of NUMBER_STARTS."""
    return resolve_number(text) if len(text) <= _LONGEST_NUMBER else _resolve_long(text)


def one_number(value: float) -> int | float:
    """The number as documents hold it: `2.0` is the integer 2, since RFC 8785 writes both as 2."""
    return int(value) if value.is_integer() else value


def quoted(text: str) -> str:
    """`text` as a double-quoted scalar on one line, with no character that a reader could take differently."""
    if text.isprintable():
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return '"' + "".join(_ESCAPES.get(char) or _printable(char) for char in text) + '"'


@lru_cache(maxsize=1 << 12)
def resolve_number(text: str) -> Scalar | Trap:
    """The value of a short plain scalar that begins with one of NUMBER_STARTS: a number, a Trap, or text after all."""
    number = _NUMBER.fullmatch(text)
    if number is not None:
        return _integer(text) if number.lastindex is None else _decimal(text)
    for pattern, trap in _TRAPS:
        if pattern.fullmatch(text):
            return trap(text)
    return text


def _resolve_long(text: str) -> Scalar | Trap:
    """Python refuses, and other readers take quadratic time for, numbers of thousands of digits."""
    number = _NUMBER.fullmatch(text) if len(text) <= _LONGEST_FRACTION else None
    if number is not None and number.lastindex is not None:
        return _decimal(text)
    return _inexact(text, f"is a number of {len(text)} characters") if _LONG.fullmatch(text) else text


def _integer(text: str) -> Scalar | Trap:
    if len(text) > 17 or abs(int(text)) > EXACT_INTEGER:
        return _inexact(text, "is an integer beyond 2^53, which JSON readers round")
    if text == "-0":
        return _inexact(text, "is negative zero, which JSON writes as 0", rewrite="0")
    return int(text)


def _decimal(text: str) -> Scalar | Trap:
    value = float(text)
    if not value.is_integer():  # nothing beyond 2^53 has a fraction
        return value
    if abs(value) >= EXACT_INTEGER:
        return _inexact(text, "is a number beyond 2^53, which JSON readers round")
    if value == 0 and text.startswith("-"):
        return _inexact(text, "is negative zero, which JSON writes as 0", rewrite="0.0")
    return int(value)


def _exponent(text: str) -> Trap:
    value = float(text)
    if abs(value) >= EXACT_INTEGER:
        return _inexact(text, "is a number beyond 2^53, which JSON readers round")
    plain = format(Decimal(text), "f") if abs(value) > 1e-40 or value == 0 else ""
    if plain and "." not in plain:
        plain += ".0"
    if not plain or isinstance(resolve_plain(plain), Trap):
        return _differs(text, "is text to YAML 1.1 readers and a number to YAML 1.2 readers", value=value)
    return Trap(
        "yaml-ambiguous",
        value,
        f"{_shown(text)} is text to YAML 1.1 readers and a number to YAML 1.2 readers",
        f"write {plain}, or quote it: {quoted(text)}",
        plain,
    )


def _octal(text: str) -> Trap:
    both = {str(value) for base in (8, 10) if isinstance(value := _small_integer(text, base), int)}
    instead = " or ".join(sorted(both, key=int))
    value = _small_integer(text, 10)
    return _differs(text, "is octal in YAML 1.1 and decimal in YAML 1.2", value=value, instead=instead)


def _new_octal(text: str) -> Trap:
    value = _small_integer(text, 8)
    return _differs(text, "is text in YAML 1.1 and octal in YAML 1.2", value=value, instead=_if_number(value))


def _hexadecimal(text: str) -> Trap:
    value = _small_integer(text, 16)
    return _differs(text, "is hexadecimal to some readers and text to others", value=value, instead=_if_number(value))


def _underscored(text: str) -> Trap:
    instead = text.replace("_", "")
    plain = "" if instead == text or isinstance(resolve_plain(instead), str | Trap) else instead
    return _differs(text, "is a number in YAML 1.1 and text in YAML 1.2", value=text, instead=plain)


def _infinite(text: str) -> Trap:
    return _inexact(text, "is no finite number, and JSON has no form for it")


def _text_in_core(readings: str) -> _Maker:
    return lambda text: _differs(text, readings, value=text)


def _inexact(text: str, reading: str, rewrite: str = "") -> Trap:
    hint = f"write {rewrite}" if rewrite else f"quote it: {quoted(_shortened(text))}"
    return Trap("yaml-number", None, f"{_shown(text)} {reading}", hint, rewrite or quoted(text))


def _differs(text: str, readings: str, *, value: Scalar, instead: str = "") -> Trap:
    hint = f"quote it: {quoted(_shortened(text))}" + (f", or write {instead}" if instead else "")
    return Trap("yaml-ambiguous", value, f"{_shown(text)} {readings}", hint, quoted(text))


def _small_integer(text: str, base: int) -> Scalar:
    """The core meaning where it is a small number; text otherwise, since nobody may rely on it."""
    try:
        return int(text, base) if len(text) <= 12 and "_" not in text else text
    except ValueError:
        return text


def _if_number(value: Scalar) -> str:
    return str(value) if isinstance(value, int) else ""


def _shown(text: str) -> str:
    return f"plain {_shortened(text)}" if text else "an empty value"


def _shortened(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."


def _printable(char: str) -> str:
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _words() -> dict[str, Scalar | Trap]:
    table: dict[str, Scalar | Trap] = {}
    for word, meaning in (("y", True), ("yes", True), ("on", True), ("n", False), ("no", False), ("off", False)):
        instead = "true" if meaning else "false"
        for text in _casings(word):
            readings = f"is {instead} to YAML 1.1 readers and text to YAML 1.2 readers"
            table[text] = _differs(text, readings, value=text, instead=instead)
    for word in ("true", "false", "null"):
        for text in _casings(word):
            readings = f"is text here, and {word} to readers that ignore case"
            table[text] = _differs(text, readings, value=text, instead=word)
    for word, core in (("true", True), ("false", False), ("null", None)):
        table |= dict.fromkeys((word, word.title(), word.upper()), core)
    table |= {"": None, "~": None}
    table["="] = _differs("=", "is the default key of YAML 1.1 and text in YAML 1.2", value="=")
    table["<<"] = _differs("<<", "is the merge key of YAML 1.1 and text in YAML 1.2", value="<<")
    return table


def _casings(word: str) -> list[str]:
    return ["".join(letters) for letters in product(*((char, char.upper()) for char in word))]


if TYPE_CHECKING:
    from collections.abc import Callable

    _Maker = Callable[[str], Trap]

NUMBER_STARTS: Final = frozenset("0123456789+-._")
_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\ufeff": "\\ufeff"}
_LONGEST_NUMBER: Final = 64
_LONGEST_FRACTION: Final = 400  # the smallest double, written without an exponent
_LONG: Final = regex(r"[-+]?(?:0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|[0-9_.:eE+-]*[0-9][0-9_.:eE+-]*)")
_NUMBER: Final = regex(r"[-+]?(?:0|[1-9][0-9]*)(\.[0-9]*)?|(\.[0-9]+)")  # an integer, if there is no group
_TRAPS: Final = (
    (regex(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)[eE][-+]?[0-9]+"), _exponent),
    (regex(r"[-+]?0[0-9]+"), _octal),
    (
        regex(r"[-+]?0[0-9]+\.[0-9]*"),
        _text_in_core("is written with leading zeros, which readers take differently"),
    ),
    (regex(r"[-+]\.[0-9]+"), _text_in_core("is text to YAML 1.1 readers and a number to YAML 1.2 readers")),
    (regex(r"[-+]?0o[0-7_]+", re.IGNORECASE), _new_octal),
    (regex(r"[-+]?0x[0-9a-f_]+", re.IGNORECASE), _hexadecimal),
    (regex(r"[-+]?0b[01_]+", re.IGNORECASE), _text_in_core("is binary in YAML 1.1 and text in YAML 1.2")),
    (
        regex(r"[-+]?(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9_]+)(?:[eE][-+]?[0-9_]+)?"),
        _underscored,
    ),
    (
        regex(r"[-+]?_+(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9_]*[0-9][0-9_]*)(?:[eE]_*[-+]?[0-9_]*[0-9][0-9_]*)?"),
        _text_in_core("is a number to readers that pass over underscores, and text to others"),
    ),
    (
        regex(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"),
        _text_in_core("is a number of base 60 in YAML 1.1 and text in YAML 1.2"),
    ),
    (
        regex(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:(?:[Tt]|[ \t]+)[0-9][0-9:. \tZz+-]*)?"),
        _text_in_core("is a date in YAML 1.1 and text in YAML 1.2"),
    ),
    (regex(r"[-+]?\.(?:inf|nan)", re.IGNORECASE), _infinite),
)
WORDS: Final = _words()
"""Every plain scalar without a digit or sign that is not text, or is a trap."""

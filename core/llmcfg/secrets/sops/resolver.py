"""What a plain scalar of YAML means to sops, which reads with go-yaml v3: neither YAML 1.1 nor 1.2.

`yes`, `no`, `on` and `off` are strings; a leading 0 is octal; `1e3` is a float; a date is a time; numbers that overflow are strings.
"""

from __future__ import annotations

import binascii
import re
from typing import TYPE_CHECKING, Final

from llmcfg.errors import UsageError
from llmcfg.secrets.sops.model import Leaf, Null
from llmcfg.secrets.sops.numbers import INT64_MAX, INT64_MIN, compose_time, format_float, parse_float

if TYPE_CHECKING:
    from llmcfg.secrets.sops.model import Span

STANDARD_TAG: Final = "tag:yaml.org,2002:"
_UINT64_MAX: Final = (1 << 64) - 1
_CONSTANTS: Final[dict[str, Leaf | Null]] = {
    **dict.fromkeys(("true", "True", "TRUE"), Leaf("bool", b"True")),
    **dict.fromkeys(("false", "False", "FALSE"), Leaf("bool", b"False")),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), Null()),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), Leaf("float", b"NaN")),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), Leaf("float", b"+Inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), Leaf("float", b"-Inf")),
}
_IN_NO_NUMBER: Final = re.compile(r"[^0-9a-fA-FxXoOtTZ_+.,: -]")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INTEGERS: Final = (
    (re.compile(r"[-+]?0[xX][0-9a-fA-F]+"), 16),
    (re.compile(r"[-+]?0[bB][01]+"), 2),
    (re.compile(r"[-+]?0[oO][0-7]+"), 8),
    (re.compile(r"[-+]?0[0-7]*"), 8),
    (re.compile(r"[-+]?[1-9][0-9]*"), 10),
)
_TIME: Final = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:([Tt ])([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,]([0-9]+))?(Z|[+-][0-9]{2}:[0-9]{2})?)?"
)
_TYPES_OF_TAGS: Final = {"bool": "bool", "int": "int", "float": "float", "timestamp": "time"}


def resolve(text: str, span: Span | None = None) -> Leaf | Null:
    """A plain scalar without a tag. Raises UsageError for the integers that sops refuses."""
    first = text[:1]
    if first not in _HINTED:
        return Leaf("str", text.encode("utf-8", "surrogateescape"), span)
    constant = _CONSTANTS.get(text)
    if constant is not None:
        return Null(span) if isinstance(constant, Null) else Leaf(constant.kind, constant.reveal(), span)
    found: Leaf | None = None
    if first == ".":
        found = _float(text, span)
    elif first in "+-0123456789" and _IN_NO_NUMBER.search(text) is None:
        found = _time(text, span) or _integer(text.replace("_", ""), span) or _float(text.replace("_", ""), span)
    return found or Leaf("str", text.encode("utf-8", "surrogateescape"), span)


def resolve_tagged(tag: str, text: str, span: Span | None, *, is_plain: bool) -> Leaf | Null:
    """A scalar with an explicit tag. Custom tags mean nothing to sops. Raises UsageError for text that is not of its tag."""
    name = tag.removeprefix(STANDARD_TAG) if tag.startswith(STANDARD_TAG) else ""
    if tag == "!" and is_plain:
        return resolve(text, span)
    if name == "binary":
        return _binary(text, span)
    if name == "null" and isinstance(resolve(text), Null):
        return Null(span)
    wanted = _TYPES_OF_TAGS.get(name)
    if wanted is None and name != "null":
        return Leaf("str", text.encode("utf-8", "surrogateescape"), span)
    found = resolve(text, span)
    if isinstance(found, Leaf) and found.kind == "int" and wanted == "float":
        return Leaf("float", format_float(float(found.reveal())).encode(), span)
    if not isinstance(found, Leaf) or found.kind != wanted:
        raise UsageError(f"a value with the tag !!{name} is not of that type", hint="remove the tag, or mend the value")
    return found


def is_plain_string(text: str) -> bool:
    """Whether the text, written plain, would be read as a string."""
    if text[:1] not in _HINTED:
        return True
    try:
        found = resolve(text)
    except UsageError:
        return False
    return isinstance(found, Leaf) and found.kind == "str"


_HINTED: Final = frozenset("+-0123456789yYnNtTfFoO~.") | {""}


def _integer(text: str, span: Span | None) -> Leaf | None:
    for pattern, base in _INTEGERS:
        if pattern.fullmatch(text):
            value = int(re.sub("[xXbBoO]", "", text), base) if base != 16 else int(text, 16)
            if INT64_MIN <= value <= INT64_MAX:
                return Leaf("int", b"%d" % value, span)
            if 0 < value <= _UINT64_MAX and not text.startswith("+"):
                raise UsageError(
                    "an integer from 2^63 to 2^64 cannot be in a SOPS file", hint="write it as a string, in quotes"
                )
            return None
    return None


def _float(text: str, span: Span | None) -> Leaf | None:
    if _FLOAT.fullmatch(text) is None:
        return None
    try:
        return Leaf("float", format_float(parse_float(text)).encode(), span)
    except ValueError:
        return None


def _time(text: str, span: Span | None) -> Leaf | None:
    found = _TIME.fullmatch(text) if text[4:5] == "-" else None
    if found is None:
        return None
    year, month, day, separator, *time, fraction, zone = found.groups()
    if separator and (separator == " ") != (zone is None):
        return None
    try:
        composed = compose_time(
            (year, month, day), tuple(time) if separator else ("0", "0", "0"), fraction or "", zone or "Z"
        )
    except ValueError:
        return None
    return Leaf("time", composed.encode(), span)


def _binary(text: str, span: Span | None) -> Leaf:
    compact = re.sub(r"\s+", "", text)
    try:
        return Leaf("str", binascii.a2b_base64(compact, strict_mode=True) if compact else b"", span)
    except ValueError:
        raise UsageError(
            "a value with the tag !!binary is not base64", hint="remove the tag, or mend the value"
        ) from None

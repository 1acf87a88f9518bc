"""How a scalar is written in YAML: in the styles that sops (go-yaml v3) chooses.

Rules: plain where that reads back as the same string to go-yaml and to readers of YAML 1.1; a literal block for several lines; single
or double quotes else. Two strings are quoted that sops writes as a literal block which it cannot read again: those that start with a
tab, and those that start with a space or an empty line where the block is not indented by four.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Final

from llmcfg.secrets.sops.numbers import format_float_yaml, parse_float
from llmcfg.secrets.sops.resolver import is_plain_string

if TYPE_CHECKING:
    from llmcfg.secrets.sops.model import Leaf

# Words; one that starts with a digit has a letter that is in no number and no time.
_SIMPLE: Final = r"(?:[A-Za-z_]|[0-9](?=[^ ]*[g-np-su-wyzG-NP-SU-WY]))(?:[A-Za-z0-9_./=@+-]| (?=[A-Za-z0-9_]))*"
_ENCRYPTED: Final = r"ENC\[AES256_GCM,[A-Za-z0-9:/+=,]+\]"
_AS_IT_IS: Final = re.compile(f"{_SIMPLE}|{_ENCRYPTED}")
_NOT_PLAIN: Final = re.compile(
    r"\A(?:---|\.\.\.|[#,\[\]{}&*!|>'\"%@`]|[?:-](?:[ \t]|\Z))|(?<=.):(?:[ \t]|\Z)|[ \t\0]#|\A | \Z", re.DOTALL
)
_UNPRINTABLE_ASCII: Final = re.compile("[^\n\x20-\x7e]")
_OLD_BOOLEANS: Final = frozenset(
    ("y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "n", "N", "no", "No", "NO", "off", "Off", "OFF")
)
_RESERVED: Final = _OLD_BOOLEANS | {"true", "True", "TRUE", "false", "False", "FALSE", "null", "Null", "NULL"}
_BASE_60: Final = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_ESCAPES: Final = {
    0x00: "0",
    0x07: "a",
    0x08: "b",
    0x09: "t",
    0x0A: "n",
    0x0B: "v",
    0x0C: "f",
    0x0D: "r",
    0x1B: "e",
    0x22: '"',
    0x5C: "\\",
    0x85: "N",
    0xA0: "_",
    0x2028: "L",
    0x2029: "P",
}
_BREAKS: Final = frozenset("\n\r\x85\u2028\u2029")
_LONGEST_SIMPLE_KEY: Final = 128
_BASE64_LINE: Final = 70
_INDENT: Final = 4


def write_entry(key: str, leaf: Leaf) -> str:
    """The line of a key and a string that are written as they are: most are. Empty for all others."""
    if leaf.kind != "str" or len(key) > _LONGEST_SIMPLE_KEY:
        return ""
    text = leaf.reveal().decode("utf-8", "replace")
    return f"{key}: {text}\n" if _is_as_it_is(key) and _is_as_it_is(text) else ""


def write_leaf(leaf: Leaf, indent: int, *, hinted: bool) -> str:
    """The text of a value. Its further lines are indented by `indent`; `hinted` says that a block there is four deeper than its key."""
    plain = leaf.reveal()
    match leaf.kind:
        case "bool":
            return "true" if plain == b"True" else "false"
        case "int" | "time":
            return plain.decode()
        case "float":
            return "-0.0" if plain == b"-0.0" else format_float_yaml(parse_float(plain.decode()))
    try:
        text = plain.decode("utf-8")
    except UnicodeDecodeError:
        return _write_binary(plain, indent)
    if "\n" in text and _can_be_literal(text, hinted=hinted):
        return _literal(text, indent)
    return write_line(text)


def write_line(text: str) -> str:
    """A string on one line, as a key or a value."""
    if _is_as_it_is(text):
        return text
    if text == "<<":
        return "!!merge <<"
    if not text or "\n" in text or not is_plain_string(text) or text in _OLD_BOOLEANS or _BASE_60.fullmatch(text):
        return quote_double(text)
    if _has_unprintable(text):
        return quote_double(text)
    if _NOT_PLAIN.search(text):
        return "'" + text.replace("'", "''") + "'"
    return text


def quote_double(text: str) -> str:
    if text.startswith("\ufeff"):  # go-yaml then escapes all of it
        return '"' + "".join(_escape(ord(char)) for char in text) + '"'
    return '"' + "".join(char if _stays_in_quotes(char) else _escape(ord(char)) for char in text) + '"'


def is_simple_key(text: str) -> bool:
    """Whether `key:` can be written on one line; else it is `? key` and `: value`."""
    return len(text.encode("utf-8", "surrogateescape")) <= _LONGEST_SIMPLE_KEY and _BREAKS.isdisjoint(text)


def _has_unprintable(text: str) -> bool:
    """Anything that go-yaml cannot print, line breaks aside."""
    if text.isascii():
        return _UNPRINTABLE_ASCII.search(text) is not None
    return any(not (_is_printable(char) or char == "\n") for char in text)


def _stays_in_quotes(char: str) -> bool:
    return _is_printable(char) and char not in '"\\'


def _is_printable(char: str) -> bool:
    """Code points from U+10000 on are none, nor are byte order marks and the line breaks of Unicode."""
    code = ord(char)
    if code < 0xA0:
        return 0x20 <= code <= 0x7E
    return (code <= 0xD7FF and code not in (0x2028, 0x2029)) or (0xE000 <= code <= 0xFFFD and code != 0xFEFF)


def _is_as_it_is(text: str) -> bool:
    return _AS_IT_IS.fullmatch(text) is not None and text not in _RESERVED


def _can_be_literal(text: str, *, hinted: bool) -> bool:
    if text.startswith("\t") or text.endswith(" ") or " \n" in text:
        return False
    if _has_unprintable(text.replace("\t", "")):
        return False
    return hinted or not text.startswith((" ", "\n")) or not text.strip("\n")


def _literal(text: str, indent: int) -> str:
    hint = str(_INDENT) if text.startswith((" ", "\n")) else ""
    chomp = "-" if not text.endswith("\n") else "+" if text == "\n" or text.endswith("\n\n") else ""
    lines = text.removesuffix("\n").split("\n")
    pad = " " * indent
    return "\n".join([f"|{hint}{chomp}", *(pad + line if line else "" for line in lines)])


def _escape(code: int) -> str:
    short = _ESCAPES.get(code)
    if short is not None:
        return "\\" + short
    if code <= 0xFF:
        return f"\\x{code:02X}"
    return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"


def _write_binary(plain: bytes, indent: int) -> str:
    encoded = base64.b64encode(plain).decode()
    if len(encoded) < _BASE64_LINE:
        return f"!!binary {encoded}"
    lines = [encoded[at : at + _BASE64_LINE] for at in range(0, len(encoded), _BASE64_LINE)]
    return "!!binary " + _literal("\n".join([*lines, ""]), indent)

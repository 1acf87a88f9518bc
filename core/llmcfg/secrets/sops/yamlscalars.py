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

_SIMPLE: Final = re.compile(r"[A-EG-MP-SU-XZa-eg-mp-su-xz_](?:[A-Za-z0-9_./=@+-]| (?=[A-Za-z0-9_]))*")
_ENCRYPTED: Final = re.compile(r"ENC\[AES256_GCM,[A-Za-z0-9:/+=,]+\]")
_NOT_PLAIN: Final = re.compile(
    r"\A(?:---|\.\.\.|[#,\[\]{}&*!|>'\"%@`]|[?:-](?:[ \t]|\Z))|(?<=.):(?:[ \t]|\Z)|[ \t\0]#|\A | \Z", re.DOTALL
)
_UNPRINTABLE: Final = re.compile("[^\n\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd]|[\u2028\u2029]")
_OLD_BOOLEANS: Final = frozenset(
    ("y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "n", "N", "no", "No", "NO", "off", "Off", "OFF")
)
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
_ESCAPED: Final = re.compile(f'["\\\\\n]|{_UNPRINTABLE.pattern}')
_BREAK: Final = re.compile("[\n\r\x85\u2028\u2029]")
_LONGEST_SIMPLE_KEY: Final = 128
_BASE64_LINE: Final = 70
_INDENT: Final = 4


def write_leaf(leaf: Leaf, indent: int, *, hinted: bool) -> str:
    """The text of a value. Its further lines are indented by `indent`; `hinted` says that a block there is four deeper than its key."""
    plain = leaf.reveal()
    match leaf.kind:
        case "bool":
            return "true" if plain == b"True" else "false"
        case "int" | "time":
            return plain.decode()
        case "float":
            return format_float_yaml(parse_float(plain.decode()))
    try:
        text = plain.decode("utf-8")
    except UnicodeDecodeError:
        return _write_binary(plain, indent)
    if "\n" in text and _can_be_literal(text, hinted=hinted):
        return _literal(text, indent)
    return write_line(text)


def write_line(text: str) -> str:
    """A string on one line, as a key or a value."""
    if _SIMPLE.fullmatch(text) or _ENCRYPTED.fullmatch(text):
        return text
    if text == "<<":
        return "!!merge <<"
    if not text or "\n" in text or not is_plain_string(text) or text in _OLD_BOOLEANS or _BASE_60.fullmatch(text):
        return quote_double(text)
    if "\t" in text or _UNPRINTABLE.search(text):
        return quote_double(text)
    if _NOT_PLAIN.search(text):
        return "'" + text.replace("'", "''") + "'"
    return text


def quote_double(text: str) -> str:
    if text.startswith("\ufeff"):  # go-yaml then escapes all of it
        return '"' + "".join(_escape(ord(char)) for char in text) + '"'
    return '"' + _ESCAPED.sub(lambda found: _escape(ord(found[0])), text) + '"'


def is_simple_key(text: str) -> bool:
    """Whether `key:` can be written on one line; else it is `? key` and `: value`."""
    return len(text.encode("utf-8", "surrogateescape")) <= _LONGEST_SIMPLE_KEY and _BREAK.search(text) is None


def _can_be_literal(text: str, *, hinted: bool) -> bool:
    if text.startswith("\t") or text.endswith(" ") or " \n" in text:
        return False
    if _UNPRINTABLE.search(text.replace("\t", "")):
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

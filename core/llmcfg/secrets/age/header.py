"""The header of an age file, read strictly and with bounds, before anything is decrypted.

Rules (C2SP age, and narrower where a lax reader can be harmed):
- stanzas of the types in `_SHAPES`, each with arguments and a body of exactly that type's sizes; stanzas of hardware keys and grease
  (`…-grease`), which are never opened here, as they come; nothing else, and never scrypt, whose work factor the sender chooses;
- at most AGE_RECIPIENTS stanzas, because opening as the last of n costs n² in pyrage; a header of at most AGE_HEADER_BYTES, or of
  AGE_LARGE_HEADER_BYTES with stanzas that are large by nature;
- every body ends in a line of less than 64 columns, base64 is canonical, the MAC line is complete.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from llmcfg.errors import IntegrityError
from llmcfg.limits import AGE_HEADER_BYTES, AGE_LARGE_HEADER_BYTES, AGE_RECIPIENTS
from llmcfg.secrets.age.base64text import decode_raw, encode_raw

VERSION_LINE: Final = b"age-encryption.org/v1"
POST_QUANTUM: Final = "mlkem768x25519"
MAC_LENGTH: Final = 32
_COLUMNS: Final = 64
_MAC_LINE: Final = re.compile(rb"--- ([A-Za-z0-9+/]{43})")
_GREASE: Final = 4  # stanzas; age programs write one at most
_RSA_SIZES: Final = range(256, 2049)  # 2,048 to 16,384 bits


class Shape(NamedTuple):
    """The sizes that a stanza's arguments and body have once decoded."""

    arguments: tuple[int, ...]
    body: range


_FILE_KEY: Final = range(32, 33)  # 16 bytes and a tag
_SHAPES: Final = {
    "X25519": Shape((32,), _FILE_KEY),
    "ssh-ed25519": Shape((4, 32), _FILE_KEY),
    "ssh-rsa": Shape((4,), _RSA_SIZES),
    POST_QUANTUM: Shape((1120,), _FILE_KEY),
}
_HARDWARE: Final = frozenset({"piv-p256", "p256tag", "mlkem768p256tag"})
_LARGE: Final = frozenset({"ssh-rsa", POST_QUANTUM, "mlkem768p256tag"})


class Stanza(NamedTuple):
    """The file key as wrapped for one recipient. The arguments of types in `_SHAPES` are base64."""

    type: str
    arguments: tuple[str, ...]
    body: bytes

    @property
    def is_grease(self) -> bool:
        return self.type.endswith("-grease")

    def argument(self, at: int) -> bytes:
        """Decoded; only for stanzas whose type has a shape."""
        return decode_raw(self.arguments[at].encode())


class Header(NamedTuple):
    """`authenticated` are the bytes that `mac` covers; the payload starts at `length`."""

    stanzas: tuple[Stanza, ...]
    authenticated: bytes
    mac: bytes
    length: int

    @property
    def types(self) -> frozenset[str]:
        return frozenset(stanza.type for stanza in self.stanzas if not stanza.is_grease)


def read_header(content: bytes, *, passphrase: bool = False) -> Header:
    """The header of a binary age file. Raises IntegrityError, also for what is sound but refused.

    With `passphrase`, one scrypt stanza alone is what is allowed.
    """
    if not content.startswith(VERSION_LINE + b"\n"):
        raise _unsound("it does not start as one")
    end = content.find(b"\n---", 0, AGE_LARGE_HEADER_BYTES)
    if end < 0:
        too_long = len(content) > AGE_LARGE_HEADER_BYTES
        raise _unsound(f"its header is over {AGE_LARGE_HEADER_BYTES} bytes" if too_long else "its header is cut short")
    mac_line, _, _ = content[end + 1 : end + 64].partition(b"\n")
    length = end + 1 + len(mac_line) + 1
    found = _MAC_LINE.fullmatch(mac_line)
    if found is None or content[length - 1 : length] != b"\n":
        raise _unsound("the last line of its header is damaged")
    stanzas = _read_stanzas(content[len(VERSION_LINE) + 1 : end + 1])
    _check_types(stanzas, passphrase)
    if length > AGE_HEADER_BYTES and not any(stanza.type in _LARGE for stanza in stanzas):
        raise _unsound(f"its header is over {AGE_HEADER_BYTES} bytes")
    return Header(stanzas, content[: end + 4], _decode(found[1]), length)


def write_stanza(stanza: Stanza) -> bytes:
    body = encode_raw(stanza.body)
    lines = [body[at : at + _COLUMNS] for at in range(0, len(body) + 1, _COLUMNS)]
    return b"\n".join([" ".join(["->", stanza.type, *stanza.arguments]).encode(), *lines, b""])


def _read_stanzas(text: bytes) -> tuple[Stanza, ...]:
    lines = text.split(b"\n")[:-1]
    stanzas: list[Stanza] = []
    at = 0
    while at < len(lines):
        words = lines[at].split(b" ")
        if words[0] != b"->" or len(words) < 2 or not all(_is_word(word) for word in words[1:]):
            raise _unsound("a line of its header is neither a stanza nor the end")
        end = next((index for index in range(at + 1, len(lines)) if len(lines[index]) < _COLUMNS), None)
        if end is None or any(len(line) > _COLUMNS for line in lines[at + 1 : end]):
            raise _unsound("the body of a stanza does not end")
        kind, *arguments = [word.decode() for word in words[1:]]
        stanzas.append(Stanza(kind, tuple(arguments), _decode(b"".join(lines[at + 1 : end + 1]))))
        if len(stanzas) > AGE_RECIPIENTS + _GREASE:
            break
        at = end + 1
    return tuple(stanzas)


def _is_word(word: bytes) -> bool:
    return bool(word) and all(33 <= byte <= 126 for byte in word)


def _check_types(stanzas: tuple[Stanza, ...], passphrase: bool) -> None:
    real = [stanza for stanza in stanzas if not stanza.is_grease]
    if len(real) > AGE_RECIPIENTS or len(stanzas) - len(real) > _GREASE:
        raise _unsound(
            f"it has more than {AGE_RECIPIENTS} recipients",
            hint="write one file for each group of readers",
        )
    if not real:
        raise _unsound("it has no recipients")
    if passphrase and [stanza.type for stanza in stanzas] == ["scrypt"]:
        return
    for stanza in real:
        _check_shape(stanza)


def _check_shape(stanza: Stanza) -> None:
    if stanza.type == "scrypt":
        raise _unsound(
            "it is encrypted with a passphrase, and its sender chooses how long that takes to try",
            hint="open it with the age program and encrypt it to a recipient",
        )
    shape = _SHAPES.get(stanza.type)
    if shape is None:
        if stanza.type not in _HARDWARE:
            raise _unsound(f"it has a recipient of the unknown type {stanza.type[:40]!r}")
        return
    sizes = tuple(len(_decode(argument.encode())) for argument in stanza.arguments)
    if sizes != shape.arguments or len(stanza.body) not in shape.body:
        raise _unsound(f"a stanza of type {stanza.type} does not have the parts of one")


def _decode(text: bytes) -> bytes:
    try:
        return decode_raw(text)
    except ValueError:
        raise _unsound("its header has base64 that is not canonical") from None


def _unsound(what: str, hint: str = "restore the file from Git, or encrypt it anew") -> IntegrityError:
    return IntegrityError(f"this is not an age file that can be opened: {what}", hint=hint)

"""Values that nobody else would ever write, and the search for them in whatever form they may have got somewhere."""

from __future__ import annotations

import json
import re
import zlib
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator, Mapping
from secrets import token_hex
from typing import NamedTuple
from urllib.parse import quote

_IN_HTML = {ord(one): f"\\u{ord(one):04x}" for one in "<>&"}
_PACKED = re.compile(rb"\x78[\x01\x5e\x9c\xda]|\x1f\x8b\x08")


class Leak(NamedTuple):
    """The canary `name` was found at `place`, written as `form` says."""

    name: str
    form: str
    place: str


def make_canaries(prefix: str) -> dict[str, bytes]:
    """One of each shape that a secret may have; the names start with the prefix."""
    mark = token_hex(8)
    shapes = {
        "plain": f"sk-{mark}{token_hex(8)}",  # as a provider's key looks
        "base64": f"canary+/{mark}+/canary==",
        "lines": f"-----BEGIN CANARY-----\nfirst {mark} line\n  second {mark}\n-----END CANARY-----\n",
        "shell": f"canary {mark} $(id) `id` 'a' \"b\" \\n %s ; & # <x>",
        "wide": f"канарейка-{mark}-é-\U0001f426",
        "digits": str(int(mark, 16))[:18].rjust(18, "7"),
    }
    return {f"{prefix}.{shape}": text.encode() for shape, text in shapes.items()}


class Search:
    """Looks for canaries in bytes. A value of several lines is looked for line by line, without those that dashes begin."""

    def __init__(self, canaries: Mapping[str, bytes]) -> None:
        self._known: dict[bytes, tuple[str, str]] = {}
        for name, value in canaries.items():
            for part in (line.strip() for line in value.splitlines() if not line.startswith(b"-----")):
                for form, pattern in forms(part):
                    self._known.setdefault(pattern, (name, form))
        longest_first = sorted(self._known, key=len, reverse=True)
        self._pattern = re.compile(b"|".join(re.escape(pattern) for pattern in longest_first))

    def find(self, content: bytes, place: str) -> set[Leak]:
        """What is there as it is, and in what is compressed in it."""
        found = {Leak(*self._known[match[0]], place) for match in self._pattern.finditer(content)}
        for inner in _unpacked(content):
            found |= {Leak(*self._known[match[0]], f"{place} (unpacked)") for match in self._pattern.finditer(inner)}
        return found


def forms(value: bytes) -> Iterator[tuple[str, bytes]]:
    """Each way to write a value that its bytes can be got back from, with its name."""
    text = value.decode()
    yield "raw", value
    yield "hex", value.hex().encode()
    yield "HEX", value.hex().upper().encode()
    for shift in range(3):  # where it starts in what was encoded
        for name, encode in (("base64", b64encode), ("base64url", urlsafe_b64encode)):
            encoded = encode(bytes(shift) + value)
            yield name, encoded[(0, 2, 3)[shift] : -4]
    yield "URL", quote(text, safe="").encode()
    yield "URL path", quote(text).encode()
    yield "JSON", json.dumps(text)[1:-1].encode()
    yield "JSON in UTF-8", json.dumps(text, ensure_ascii=False)[1:-1].encode()
    yield "JSON in HTML", json.dumps(text, ensure_ascii=False)[1:-1].translate(_IN_HTML).encode()
    yield "double-quoted for YAML", "".join(_in_yaml(one) for one in text).encode()
    yield "repr", repr(text)[1:-1].encode()
    yield "repr of bytes", repr(value)[2:-1].encode()
    yield "single-quoted for YAML", text.replace("'", "''").encode()
    yield "quoted for a shell", text.replace("'", "'\"'\"'").encode()
    yield "double-quoted for a shell", re.sub(r'(["\\$`])', r"\\\1", text).encode()
    yield "UTF-16", text.encode("utf-16-le")


def _in_yaml(character: str) -> str:
    return {'"': '\\"', "\\": "\\\\"}.get(
        character, character if character < "\U00010000" else f"\\U{ord(character):08X}"
    )


def _unpacked(content: bytes) -> Iterator[bytes]:
    """Whatever is a stream of zlib or gzip."""
    for start in _PACKED.finditer(content):
        unpacker = zlib.decompressobj(32 + zlib.MAX_WBITS)
        try:
            yield unpacker.decompress(content[start.start() :], 1 << 24)
        except zlib.error:
            continue

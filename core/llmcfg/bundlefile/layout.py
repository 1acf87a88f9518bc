"""Where things lie in a bundle file: magic, frames, nodes, dictionary, head, footer.

The footer has the place of the root node, the lengths of dictionary and head, and two checksums. One is over dictionary, head and the rest
of the footer, and is looked at whenever a file is opened. The other is over magic, frames and nodes, for who wants to know at once that
nothing is damaged; a reader need not look, since each frame and node is known by the digest of its content.
"""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg import limits
from llmcfg.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Sequence

MAGIC: Final = b"llmcfg\x00\x01"  # the last byte is the version
_FOOTER = struct.Struct("<QIII32s32s8s")
_PLACE = struct.Struct("<QI")
PLACE_BYTES: Final = _PLACE.size
_SMALLEST: Final = len(MAGIC) + _FOOTER.size


class Footer(NamedTuple):
    root: int
    root_covered: int
    dictionary: int
    head: int
    body: bytes


def encode_end(footer: Footer, dictionary: bytes, head: bytes) -> bytes:
    """Dictionary, head and footer, as the file ends."""
    checksum = _checksum(footer, dictionary, head)
    return dictionary + head + _FOOTER.pack(*footer, checksum, MAGIC)


class End(NamedTuple):
    """The end of a file, checked. `start` is where it begins: the length of magic, frames and nodes."""

    footer: Footer
    dictionary: bytes
    head: bytes
    start: int


def parse_end(content: memoryview) -> End:
    """Raises IntegrityError for what is no bundle file of this version."""
    if len(content) < _SMALLEST or bytes(content[: len(MAGIC)]) != MAGIC:
        raise IntegrityError("this is no bundle file of a version that this llmcfg reads")
    *fields, checksum, magic = _FOOTER.unpack(content[-_FOOTER.size :])
    footer = Footer(*fields)
    head_at = len(content) - _FOOTER.size - footer.head
    start = head_at - footer.dictionary
    too_long = footer.head > limits.BUNDLE_HEAD_BYTES or footer.dictionary > limits.BUNDLE_DICTIONARY_BYTES
    if magic != MAGIC or too_long or start < len(MAGIC):
        raise IntegrityError("the bundle file does not end as one does: it is cut off or damaged")
    dictionary = bytes(content[start:head_at])
    head = bytes(content[head_at : -_FOOTER.size])
    if _checksum(footer, dictionary, head) != checksum:
        raise IntegrityError("the end of the bundle file is damaged")
    return End(footer, dictionary, head, start)


def encode_places(places: Sequence[tuple[int, int]]) -> bytes:
    """Offset and length of each leaf's frame, or each child's covered bytes: what follows the covered bytes of a node."""
    return b"".join(_PLACE.pack(*place) for place in places)


def parse_places(content: bytes) -> list[tuple[int, int]]:
    return list(_PLACE.iter_unpack(content))


def _checksum(footer: Footer, dictionary: bytes, head: bytes) -> bytes:
    return hashlib.sha256(b"".join([_FOOTER.pack(*footer, bytes(32), MAGIC), dictionary, head])).digest()

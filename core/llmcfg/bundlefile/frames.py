"""Frames: each part of a bundle compressed by itself, so that one is read without the others.

Raw DEFLATE (RFC 1951) with a preset dictionary, which the file carries. docs/adr/0012 has the figures behind the choice.
"""

from __future__ import annotations

import zlib
from typing import Final

from llmcfg.errors import IntegrityError

_RAW: Final = -15
_LEVEL: Final = 6


def pack_frame(content: bytes, dictionary: bytes) -> bytes:
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _RAW, zdict=dictionary)
    return packer.compress(content) + packer.flush()


def unpack_frame(frame: bytes | memoryview, size: int, dictionary: bytes) -> bytes:
    """The `size` bytes that a frame holds. Raises IntegrityError when it holds anything else, without unpacking more."""
    unpacker = zlib.decompressobj(_RAW, zdict=dictionary)
    try:
        content = unpacker.decompress(frame, size + 1)
    except zlib.error:
        raise IntegrityError("a frame of a bundle cannot be unpacked") from None
    if len(content) != size or not unpacker.eof or unpacker.unused_data:
        raise IntegrityError("a frame of a bundle has another size than it says")
    return content

"""Base64 as age takes it: canonical, or refused."""

from __future__ import annotations

import binascii


def encode_raw(content: bytes) -> bytes:
    """Without padding."""
    return binascii.b2a_base64(content, newline=False).rstrip(b"=")


def decode_raw(text: bytes) -> bytes:
    """Text without padding. Raises ValueError when it is not what `encode_raw` writes."""
    if b"=" in text:
        raise ValueError("padded base64")
    return decode_padded(text + b"=" * (-len(text) % 4))


def decode_padded(text: bytes) -> bytes:
    """Raises ValueError when the text is not the one way to write its content."""
    content = binascii.a2b_base64(text, strict_mode=True)
    if binascii.b2a_base64(content[-(len(content) % 3 or 3) :], newline=False) != text[-4:]:
        raise ValueError("base64 that is not canonical")
    return content

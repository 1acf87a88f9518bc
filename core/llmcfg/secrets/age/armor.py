"""The ASCII armor of age files: strict PEM, with 64 columns a line, no headers, and white space only around it."""

from __future__ import annotations

import binascii
from typing import Final

from llmcfg.errors import IntegrityError
from llmcfg.secrets.age.base64text import decode_padded

_BEGIN: Final = b"-----BEGIN AGE ENCRYPTED FILE-----"
_END: Final = b"-----END AGE ENCRYPTED FILE-----"
_COLUMNS: Final = 64
_AROUND: Final = 1024  # bytes of white space before and behind
_SPACE: Final = b" \t\r\n"


def is_armored(content: bytes) -> bool:
    return content[: _AROUND + len(_BEGIN)].lstrip(_SPACE).startswith(b"-----BEGIN ")


def armor(content: bytes) -> bytes:
    text = binascii.b2a_base64(content, newline=False)
    lines = [text[at : at + _COLUMNS] for at in range(0, len(text), _COLUMNS)]
    return b"\n".join([_BEGIN, *lines, _END, b""])


def remove_armor(content: bytes) -> bytes:
    """The binary file within. Lines may end in CRLF. Raises IntegrityError."""
    start = len(content) - len(content.lstrip(_SPACE))
    end = len(content.rstrip(_SPACE))
    if start > _AROUND or len(content) - end > _AROUND:
        raise _damaged("too much white space around it")
    before = content[:start].rpartition(b"\n")[2]
    lines = [line.removesuffix(b"\r") for line in (before + content[start:end]).split(b"\n")]
    if lines[0] != _BEGIN:
        raise _damaged("its first line is not the one of an age file")
    if len(lines) < 3 or lines[-1] != _END:
        raise _damaged("its last line is missing: it may be cut short")
    *full, last = lines[1:-1]
    if any(len(line) != _COLUMNS for line in full) or not 0 < len(last) <= _COLUMNS:
        raise _damaged("a line within does not have 64 columns")
    try:
        return decode_padded(b"".join([*full, last]))
    except ValueError:
        raise _damaged("what is within is not base64") from None


def _damaged(what: str) -> IntegrityError:
    return IntegrityError(f"the armor of this age file is damaged: {what}", hint="restore the file from Git")

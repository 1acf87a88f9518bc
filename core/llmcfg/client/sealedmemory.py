"""Memory that goes from process to process and that nobody can change any more: memfd_create(2) with seals."""

from __future__ import annotations

import fcntl
import os
from typing import Final

from llmcfg.errors import IntegrityError

_SEALS: Final = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


def make_sealed(content: bytes | memoryview) -> int:
    """A descriptor of memory with this content, which is the caller's to close. Raises OSError."""
    descriptor = os.memfd_create("llmcfg", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        with os.fdopen(descriptor, "wb", closefd=False) as file:
            file.write(content)
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def check_sealed(descriptor: int, longest: int) -> int:
    """How many bytes there are. Raises IntegrityError where somebody could still change them, or there are too many."""
    try:
        seals = fcntl.fcntl(descriptor, fcntl.F_GET_SEALS)
    except OSError:  # it is no such memory
        seals = 0
    size = os.fstat(descriptor).st_size
    if seals & _SEALS != _SEALS or not 0 < size <= longest:
        raise IntegrityError("what came is no sealed memory, or too large")
    return size

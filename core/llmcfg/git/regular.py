"""Reading a file that has to be a regular one, and is held to its limit."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from llmcfg.filefacts import facts_of
from llmcfg.limits import BLOB_BYTES

if TYPE_CHECKING:
    from llmcfg.filefacts import Facts


def read_regular(path: str) -> tuple[Facts, bytes | int]:
    """Its facts, and the content; or the size, of a file that is too large; or 0, of what is no regular file."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            return facts_of(found), 0
        if found.st_size > BLOB_BYTES:
            return facts_of(found), found.st_size
        content = file.read(found.st_size + 1)  # a larger figure would be allocated at once
    return facts_of(found), content if len(content) <= BLOB_BYTES else len(content)

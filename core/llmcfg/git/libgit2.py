"""pygit2, loaded without Python's `ssl`, which is slow to load and of no use here.

pygit2 asks `ssl` where certificates lie, for connections of libgit2. None are made: the `git` program goes to remotes. So `ssl` is
stood in for while pygit2 loads, by a module that knows of no certificates; whoever imports `ssl` later gets the real one.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator


class _NoCertificates(NamedTuple):
    cafile: None = None
    capath: str = os.devnull


@contextmanager
def _without_ssl() -> Iterator[None]:
    if "ssl" in sys.modules:
        yield
        return
    stand_in = ModuleType("ssl")
    stand_in.__dict__.update(DefaultVerifyPaths=_NoCertificates, get_default_verify_paths=_NoCertificates)
    sys.modules["ssl"] = stand_in
    try:
        yield
    finally:
        del sys.modules["ssl"]


with _without_ssl():
    import pygit2 as pygit2

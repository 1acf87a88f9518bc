"""pygit2, loaded without Python's `ssl`, which is slow to load and of no use here, and without what writes archives, of
which it wants a name for an annotation.

pygit2 asks `ssl` where certificates lie, for connections of libgit2. None are made: the `git` program goes to remotes. So a module that
knows of no certificates stands in for it while pygit2 loads.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from llmcfg.standins import Later, standing_in


class _NoCertificates(NamedTuple):
    cafile: None = None
    capath: str = os.devnull


_ssl = Later("ssl", DefaultVerifyPaths=_NoCertificates, get_default_verify_paths=_NoCertificates)

with standing_in(_ssl, Later("tarfile", TarFile=object)):
    import pygit2 as pygit2

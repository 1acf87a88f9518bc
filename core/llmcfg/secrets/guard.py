"""Keeping private keys in this process out of core dumps and out of the reach of the user's other processes.

Linux only; elsewhere core dumps are still off. It lasts until the process ends; a program that is started afterwards gets its memory
readable again, but no core dumps. Memory may still be swapped, and root reads everything.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Final

# Their values are keys, so they are kept from the programs that are started here.
KEY_VARIABLES: Final = ("LLMCFG_AGE_KEY", "SOPS_AGE_KEY")
_PR_SET_DUMPABLE: Final = 4


def forbid_dumps() -> None:
    """Call it before a private key is loaded. May be called again; where the system refuses, nothing happens."""
    import resource

    with suppress(OSError, ValueError):
        _, most = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (0, most))  # the soft limit is the one that counts
    if sys.platform == "linux":
        import ctypes

        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)

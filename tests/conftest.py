"""What all tests share."""

from __future__ import annotations

import os
import signal
from tempfile import TemporaryDirectory

from hypothesis import settings

settings.register_profile(
    "brief", max_examples=10
)  # `--hypothesis-profile brief`, where the same laws were tried at length

# What a shell runs in the background ignores interrupts, and so would every program that a test starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# All that tests run shares one cache, which must never show.
_CACHE = TemporaryDirectory(prefix="llmcfg-cache-", ignore_cleanup_errors=True)
os.environ["XDG_CACHE_HOME"] = _CACHE.name

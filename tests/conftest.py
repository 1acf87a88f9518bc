"""What all tests share."""

from __future__ import annotations

import os
import signal
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, settings

# Nothing is timed: a machine may stand still.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

# What a shell runs in the background ignores interrupts, and so would every program that a test starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# All that tests run shares one cache, which must never show.
_CACHE = TemporaryDirectory(prefix="llmcfg-cache-", ignore_cleanup_errors=True)
os.environ["XDG_CACHE_HOME"] = _CACHE.name


# What types or starts much takes minutes. Were it begun last, one worker would be left alone with it.
_LONG = ("tests/sessions/test_sessions.py", "tests/secrets/test_canary.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(_LONG))

"""What tests of work trees share: settings of Git that are nobody's, and a clock that has moved on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pygit2
from pygit2.enums import ConfigLevel

LATER_NS = 1 << 62  # as if everything had been left alone for long
_LEVELS = (ConfigLevel.SYSTEM, ConfigLevel.XDG, ConfigLevel.GLOBAL)


@contextmanager
def settings_from(folder: Path) -> Iterator[None]:
    """Git's settings are those of a folder: those of whoever runs the tests may include others."""
    before = [pygit2.settings.search_path[level] for level in _LEVELS]
    for level in _LEVELS:
        pygit2.settings.search_path[level] = str(folder)
    yield
    for level, path in zip(_LEVELS, before, strict=True):
        pygit2.settings.search_path[level] = path


def wait_a_tick(probe: Path) -> None:
    """Until the clock of the file system has moved on, so that what is written now has another time than what was."""
    probe.touch()
    before = probe.stat().st_ctime_ns
    while probe.stat().st_ctime_ns == before:
        os.utime(probe)

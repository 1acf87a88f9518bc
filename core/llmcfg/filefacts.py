"""What a file system says of a file, by which a change is noticed without reading it.

A change of content, mode or owner moves the change time, which no program can set back. Two changes within one tick of a clock look like
one, so facts are worth keeping only of what was left alone for a while before it was read, as Git's index has it.

Commands that are over in a moment load this, so it loads nothing.
"""

from __future__ import annotations

import os

Facts = tuple[int, int, int, int]
FIELDS = ("st_mtime_ns", "st_ctime_ns", "st_ino", "st_size")
"""Where `os.stat_result` has them."""

TICK_NS = 2_000_000_000
"""Nanoseconds; no file system in use counts time more coarsely."""


def facts_of(found: os.stat_result) -> Facts:
    return found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_size


def were_settled(facts: Facts, read_ns: int) -> bool:
    """Whether a change after reading, at `read_ns`, would show in the facts. Times in the future tell nothing."""
    return max(facts[:2]) < read_ns - TICK_NS


def is_ours_alone(found: os.stat_result) -> bool:
    """Whether nobody else owns it or may write it."""
    return found.st_uid == os.geteuid() and not found.st_mode & 0o022

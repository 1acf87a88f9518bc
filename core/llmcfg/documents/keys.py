"""Which texts can be keys of a document."""

from __future__ import annotations

from functools import lru_cache
from sys import intern
from typing import Final

from llmcfg.documents.scalars import resolve_plain
from llmcfg.documents.screen import why_not_a_key

RESERVED_KEYS: Final = frozenset(["$secret", "$text"])


def is_sound_key(key: str) -> bool:
    return why_not_a_key(key) is None and key not in RESERVED_KEYS and key != "<<"


@lru_cache(maxsize=1 << 14)
def plain_key(text: str) -> str | None:
    """The key that a plain scalar is, one object for equal keys; None where it is no string or breaks a rule."""
    if resolve_plain(text) != text or not is_sound_key(text):
        return None
    return intern(text)

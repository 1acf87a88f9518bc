"""Did-you-mean."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like `word`, if any is alike enough to be a slip; ties go to the first in order."""
    matches = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return matches[0] if matches else None


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """A hint sentence: the closest known word, else `otherwise`."""
    match = closest(word, known)
    return f"did you mean {match!r}?" if match else otherwise

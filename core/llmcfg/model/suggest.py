"""Did-you-mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_LONGEST_WORD: Final = 200
_MOST_WORDS: Final = 1000
_SHOWN: Final = 8


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like `word`, if any is alike enough to be a slip; ties go to the first in order.

    Comparing takes time: long words and long lists get no suggestion.
    """
    known = sorted(known)
    if len(word) > _LONGEST_WORD or len(known) > _MOST_WORDS:
        return None
    import difflib

    matches = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return matches[0] if matches else None


def there_are(names: Iterable[str]) -> str:
    """What to choose from, as the last resort of a hint: some of many."""
    known = [*names]
    return (
        f"there are: {', '.join(known[:_SHOWN])}{', …' if len(known) > _SHOWN else ''}" if known else "there are none"
    )


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "", *, write: Callable[[str], str] = str) -> str:
    """A hint sentence: the closest known word, as `write` writes it, else `otherwise`."""
    match = closest(word, known)
    return f"did you mean {write(match)!r}?" if match else otherwise

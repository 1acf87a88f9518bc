"""When to try again: after a pause that doubles with every failure in a row, spread at random so that replicas do not come together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from random import Random

LONGEST_SECONDS: Final = 300.0
_FIRST_SECONDS: Final = 1.0
_MOST_DOUBLINGS: Final = 16


def pause(failures: int, random: Random, *, first: float = _FIRST_SECONDS, longest: float = LONGEST_SECONDS) -> float:
    """Seconds to wait after so many failures in a row: between half of the step and the whole of it."""
    step = min(first * 2 ** min(max(failures - 1, 0), _MOST_DOUBLINGS), longest)
    return random.uniform(step / 2, step)


def spread(seconds: float, random: Random) -> float:
    """A regular interval, one tenth shorter or longer."""
    return seconds * random.uniform(0.9, 1.1)

"""Whether one of two programs is faster, as far as the spread of their runs lets anybody say. Pure arithmetic.

Runs are taken in pairs, one of each program, one right after the other, so that what else the machine does falls on both. What is judged is
the median of the ratios of the pairs, and an interval that holds it in 95 of 100 cases whatever the distribution of the times is: with
`n` pairs, the number of ratios below their true median is that of heads in `n` throws of a coin.
"""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

Verdict = Literal["faster", "slower", "same", "not clear"]
LEAST_PAIRS: Final = 6  # with fewer even all of them on one side happens too often by chance
NEGLIGIBLE: Final = 1.03  # times: nobody notices
_DOUBT: Final = 0.025  # on each side


class Interval(NamedTuple):
    """Of how many times as long the second takes."""

    low: float
    middle: float
    high: float


def ratios(before: Sequence[float], after: Sequence[float]) -> Interval:
    """Of pairs of times above zero. From nothing to infinity where there are too few to say more."""
    ordered = sorted(second / first for first, second in zip(before, after, strict=True))
    outside = _ranks_outside(len(ordered))
    if not outside:
        return Interval(0, statistics.median(ordered), math.inf)
    return Interval(ordered[outside - 1], statistics.median(ordered), ordered[-outside])


def _ranks_outside(pairs: int) -> int:
    """The greatest rank, counted from either end, beyond which the median lies too seldom to matter."""
    below, rank = 0.0, 0
    while rank < pairs // 2:
        below += math.comb(pairs, rank) / 2**pairs
        if below > _DOUBT:
            break
        rank += 1
    return rank


def verdict(interval: Interval) -> Verdict:
    """Of the second beside the first."""
    if interval.low >= 1 / NEGLIGIBLE and interval.high <= NEGLIGIBLE:
        return "same"
    if interval.high < 1:
        return "faster"
    return "slower" if interval.low > 1 else "not clear"

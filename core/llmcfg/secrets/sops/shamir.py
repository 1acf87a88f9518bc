"""Shamir's secret sharing over GF(2^8), as HashiCorp's library does it: a share is the y bytes and then the one byte x.

The field is that of AES (polynomial 0x11b); every byte of the secret has its own polynomial, whose value at 0 it is.
"""

from __future__ import annotations

import os
from functools import reduce
from operator import xor
from typing import TYPE_CHECKING, Final

from llmcfg.errors import IntegrityError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

_POLYNOMIAL: Final = 0x11B
_MOST_SHARES: Final = 255


def split(secret: bytes, shares: int, threshold: int) -> list[bytes]:
    """`shares` shares, any `threshold` of which give the secret."""
    if not 2 <= threshold <= shares <= _MOST_SHARES:
        raise UsageError(
            f"{threshold} of {shares} groups is not possible",
            hint="write 2 or more, and at most as many as there are groups",
        )
    places = _distinct_places(shares)
    polynomials = [bytes((byte,)) + os.urandom(threshold - 1) for byte in secret]
    return [bytes(_evaluate(polynomial, x) for polynomial in polynomials) + bytes((x,)) for x in places]


def combine(shares: Sequence[bytes]) -> bytes:
    """The secret of enough shares; of too few, something else. Raises IntegrityError for shares that cannot belong together."""
    lengths = {len(share) for share in shares}
    places = [share[-1] for share in shares if share]
    if len(shares) < 2 or len(lengths) != 1 or min(lengths) < 2 or len(set(places)) != len(places) or 0 in places:
        raise IntegrityError("the shares of the data key do not belong together", hint="restore the file from Git")
    weights = [_weight_at_zero(x, places) for x in places]
    return bytes(
        reduce(xor, (_times(share[at], weight) for share, weight in zip(shares, weights, strict=True)))
        for at in range(min(lengths) - 1)
    )


def _distinct_places(count: int) -> list[int]:
    places: dict[int, None] = {}
    while len(places) < count:
        places.update(dict.fromkeys(byte for byte in os.urandom(count) if byte))
    return list(places)[:count]


def _evaluate(polynomial: bytes, x: int) -> int:
    value = 0
    for coefficient in reversed(polynomial):
        value = _times(value, x) ^ coefficient
    return value


def _weight_at_zero(x: int, places: Sequence[int]) -> int:
    weight = 1
    for other in places:
        if other != x:
            weight = _times(weight, _divide(other, x ^ other))
    return weight


def _tables() -> tuple[bytes, bytes]:
    powers, logarithms = bytearray(255), bytearray(256)
    value = 1
    for exponent in range(255):
        powers[exponent] = value
        logarithms[value] = exponent
        value ^= value << 1
        if value & 0x100:
            value ^= _POLYNOMIAL
    return bytes(powers), bytes(logarithms)


_POWERS, _LOGARITHMS = _tables()


def _times(left: int, right: int) -> int:
    return _POWERS[(_LOGARITHMS[left] + _LOGARITHMS[right]) % 255] if left and right else 0


def _divide(left: int, right: int) -> int:
    return _POWERS[(_LOGARITHMS[left] - _LOGARITHMS[right]) % 255] if left else 0

"""Bech32 (BIP 173) without its length limit, as age writes keys. Messages never repeat the text, which may be a private key."""

from __future__ import annotations

from functools import reduce
from operator import xor
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_ALPHABET: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_VALUES: Final = {character: value for value, character in enumerate(_ALPHABET)}
_GENERATORS: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_FOLDS: Final = tuple(  # what the top five bits fold back into the checksum
    reduce(xor, (generator for at, generator in enumerate(_GENERATORS) if top >> at & 1), 0) for top in range(32)
)
_CHECKSUM_LENGTH: Final = 6


class Decoded(NamedTuple):
    """`prefix` keeps the case in which it was written."""

    prefix: str
    content: bytes


def encode_bech32(prefix: str, content: bytes) -> str:
    """Lower case; `prefix` is in lower case too."""
    values = _regroup(content, 8, 5, pad=True)
    check = _polymod([*_expand(prefix), *values, *[0] * _CHECKSUM_LENGTH]) ^ 1
    checksum = [(check >> 5 * (5 - at)) & 31 for at in range(_CHECKSUM_LENGTH)]
    return f"{prefix}1{''.join(_ALPHABET[value] for value in [*values, *checksum])}"


def decode_bech32(text: str) -> Decoded:
    """Raises ValueError that says what is wrong with the text."""
    if text != text.lower() and text != text.upper():
        raise ValueError("it mixes upper and lower case")
    prefix, separator, rest = text.rpartition("1")
    if not separator or not prefix or len(rest) < _CHECKSUM_LENGTH:
        raise ValueError("it is cut short")
    try:
        values = [_VALUES[character] for character in rest.lower()]
    except KeyError:
        raise ValueError("it has a character that no such key has") from None
    if _polymod([*_expand(prefix.lower()), *values]) != 1:
        raise ValueError("its checksum is wrong: a character was changed, lost or added")
    return Decoded(prefix, bytes(_regroup(values[:-_CHECKSUM_LENGTH], 5, 8, pad=False)))


def _expand(prefix: str) -> list[int]:
    return [*(ord(character) >> 5 for character in prefix), 0, *(ord(character) & 31 for character in prefix)]


def _polymod(values: Iterable[int]) -> int:
    check = 1
    for value in values:
        check = (check & 0x1FFFFFF) << 5 ^ value ^ _FOLDS[check >> 25]
    return check


def _regroup(values: Sequence[int], width: int, new_width: int, *, pad: bool) -> list[int]:
    """Groups of `width` bits as groups of `new_width` bits. Without `pad`, what is left over must be a short run of zeros."""
    pending, bits, groups = 0, 0, list[int]()
    for value in values:
        pending = (pending << width | value) & 0xFFFFF
        bits += width
        while bits >= new_width:
            bits -= new_width
            groups.append(pending >> bits & (1 << new_width) - 1)
    left = pending & (1 << bits) - 1
    if pad and bits:
        groups.append(left << new_width - bits)
    elif not pad and (bits >= width or left):
        raise ValueError("its last character has bits that mean nothing")
    return groups

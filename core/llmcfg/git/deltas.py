"""Deltas as Git has them in packs (gitformat-pack): one content as pieces copied out of another, and what is new between them. Pure.

They are found by blocks: whatever stands at a round place of the base is looked up wherever it comes again. So a delta of contents that
differ in a few places costs these places, and one of contents that have nothing in common costs a look at some of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLOCK: Final = 16
_MOST_COPIED: Final = 0xFFFF  # by one instruction: what all readers take
_MOST_INSERTED: Final = 0x7F
_FIRST_STEP: Final = 256
_COPY: Final = 0x80


class Base:
    """A content that others are told by."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        rounded = range((len(content) // _BLOCK - 1) * _BLOCK, -1, -_BLOCK)
        self._places = {content[at : at + _BLOCK]: at for at in rounded}

    def delta(self, target: bytes, most: int) -> bytes | None:
        """The delta that makes `target` of this content; None where more than `most` bytes of it are new."""
        made = bytearray(_number(len(self._content)) + _number(len(target)))
        told = new = at = 0
        last = len(target) - _BLOCK
        while at <= last:
            place = self._places.get(target[at : at + _BLOCK])
            if place is None:
                at += 1
                if new + at - told > most:
                    return None
                continue
            while at > told and place and target[at - 1] == self._content[place - 1]:
                at, place = at - 1, place - 1
            length = _shared(self._content, place, target, at)
            new += at - told
            made += _inserted(target[told:at])
            made += _copied(place, length)
            told = at = at + length
        made += _inserted(target[told:])
        return bytes(made) if new + len(target) - told <= most else None


def _shared(one: bytes, at: int, other: bytes, there: int) -> int:
    """How many bytes are the same from these places on. Compares slices, since a byte at a time takes a hundred times as long."""
    length, step, most = 0, _FIRST_STEP, min(len(one) - at, len(other) - there)
    while step:
        step = min(step, most - length)
        here, beyond = at + length, there + length
        if one[here : here + step] == other[beyond : beyond + step]:
            length += step
            step = 2 * step if length < most else 0
        else:
            step //= 2
    return length


def _copied(place: int, length: int) -> bytes:
    made = bytearray()
    for start in range(place, place + length, _MOST_COPIED):
        some = min(_MOST_COPIED, place + length - start)
        word, numbers = _COPY, bytearray()
        for bit, number in enumerate([*start.to_bytes(4, "little"), *some.to_bytes(2, "little")]):
            if number:
                word |= 1 << bit
                numbers.append(number)
        made.append(word)
        made += numbers
    return bytes(made)


def _inserted(content: bytes) -> bytes:
    return b"".join(bytes([len(some)]) + some for some in _cut(content))


def _cut(content: bytes) -> Iterator[bytes]:
    for start in range(0, len(content), _MOST_INSERTED):
        yield content[start : start + _MOST_INSERTED]


def _number(number: int) -> bytes:
    """Seven bits a byte, the least first."""
    made = bytearray()
    while number > 0x7F:
        made.append(number & 0x7F | 0x80)
        number >>= 7
    made.append(number)
    return bytes(made)

"""The parts of a bundle as its manifest and its digest list them: in the order and in the bytes of canonical JSON.

What a thousand bundles share is written once, with the place of each member in it. A bundle's lists are runs of that text, which nobody
copies, with its own members between them.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from threading import Lock
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from llmcfg.canonical import canonical_json
from llmcfg.model.laid import Laid, OfLayers
from llmcfg.model.recent import Recent

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from llmcfg.pipeline.bundle import Part

Runs: TypeAlias = "Sequence[bytes | memoryview]"
"""Bytes that follow one another."""
_FEW: Final = 64
_OF_MANY: Final = 16
_KEPT: Final = 16  # bundles that have the very same parts follow one another, one for each consumer


class Lists(NamedTuple):
    """`described` are the members of the manifest's `parts`, `named` those of what the digest is taken over."""

    described: Runs
    named: Runs


class Listing:
    """For the bundles of a build, which share layers. Several threads may ask it."""

    def __init__(self) -> None:
        self._of_layers: OfLayers[Part | None, _Layer] = OfLayers(_lay, _Layer([], _members([]), _members([])))
        self._recent: Recent[Mapping[str, Part], Lists] = Recent(self._make, _KEPT)
        self._lock = Lock()

    def lists(self, parts: Mapping[str, Part]) -> Lists:
        with self._lock:
            return self._recent.of(parts)

    def _make(self, parts: Mapping[str, Part]) -> Lists:
        """A few parts lie over what is kept of the layers beneath: of many parts, no layer is listed for one bundle."""
        laid = parts if isinstance(parts, Laid) else Laid(parts)
        own: dict[str, Part | None] = {}
        few = min(len(laid) // _OF_MANY, _FEW)
        while laid.below is not None and len(own) + len(laid.own) <= few:
            own = {**laid.own, **own}
            laid = laid.below
        return _lay_over(own, self._of_layers.beneath(laid))


class _Members(NamedTuple):
    """`text` has a comma behind each of them; `starts` are the places where they begin, and its end."""

    each: list[bytes]
    text: memoryview
    starts: list[int]


_Own: TypeAlias = tuple[int, int, bytes]
"""A member that stands before the one at its first place; the one at its second follows."""


class _Layer(NamedTuple):
    """What is listed after some layers, in the order of `keys`."""

    keys: list[bytes]
    described: _Members
    named: _Members


def _members(each: list[bytes]) -> _Members:
    text = b",".join([*each, b""])
    return _Members(each, memoryview(text), [*accumulate((len(member) + 1 for member in each), initial=0)])


def _lay(own: Mapping[str, Part | None], below: _Layer) -> _Layer:
    """What a layer says, over what lies beneath."""
    keys, described, named = [*below.keys], [*below.described.each], [*below.named.each]
    for path, part in own.items():
        key = _key(path)
        place = bisect_left(keys, key)
        if keys[place : place + 1] != [key]:
            for each in (keys, described, named):
                each.insert(place, key)
        if part is not None:  # what only a scope can resolve is said by the layers above
            described[place], named[place] = _members_of(path, part)
    return _Layer(keys, _members(described), _members(named))


def _lay_over(own: Mapping[str, Part | None], below: _Layer) -> Lists:
    """The same, in runs, for what nothing else lies on. Each part is one: what is left open is said by the layer on top."""
    described, named = list[_Own](), list[_Own]()
    for key, path, part in sorted((_key(path), path, part) for path, part in own.items() if part is not None):
        place = bisect_left(below.keys, key)
        following = place + (below.keys[place : place + 1] == [key])
        for listed, member in zip((described, named), _members_of(path, part), strict=True):
            listed.append((place, following, member))
    return Lists(_runs(below.described, described), _runs(below.named, named))


def _runs(below: _Members, own: Iterable[_Own]) -> Runs:
    runs: list[bytes | memoryview] = []
    at = 0
    for place, following, member in own:
        runs += (below.text[at : below.starts[place]], member, b",")
        at = below.starts[following]
    runs.append(below.text[at:])
    while runs and not runs[-1]:
        runs.pop()
    return [*runs[:-1], runs[-1][:-1]] if runs else runs  # no comma behind the last


def _key(path: str) -> bytes:
    """Sorts as canonical JSON does: RFC 8785, section 3.2.3."""
    return path.encode("utf-16-be")


def _members_of(path: str, part: Part) -> tuple[bytes, bytes]:
    """As it is described, and as it is named. Only its path can hold what canonical JSON writes in its own way."""
    name, sha256 = canonical_json(path), part.sha256.encode()
    return b'%b:{"sha256":"%b","size":%d}' % (name, sha256, part.size), b'%b:"%b"' % (name, sha256)

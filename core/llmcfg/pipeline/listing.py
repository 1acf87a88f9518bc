"""The parts of a bundle as its manifest and its digest list them: in the order and in the bytes of canonical JSON.

What a thousand bundles share is written once. A bundle's lists are those of the layer beneath, with its own entries in their places.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.canonical import canonical_json
from llmcfg.model.laid import Laid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmcfg.pipeline.bundle import Part

_KEPT: Final = 16
"""Layers that others lie on: base, an environment, the ancestors of a tenant."""


class Lists(NamedTuple):
    """`described` are the members of the manifest's `parts`, `named` those of what the digest is taken over, in the order of `keys`."""

    keys: list[bytes]
    described: list[bytes]
    named: list[bytes]


class Listing:
    """For the bundles of a build. Keeps the lists of the layers that were asked for last, which are those that bundles share."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[Laid[Part], Lists]] = {}

    def lists(self, parts: Mapping[str, Part]) -> Lists:
        """Not to be changed."""
        laid = parts if isinstance(parts, Laid) else Laid(parts)
        return _lay(laid.own, self._beneath(laid.below))

    def _beneath(self, layer: Laid[Part] | None) -> Lists:
        """A layer is known by its identity, and kept so that no other one takes its id."""
        if layer is None:
            return Lists([], [], [])
        known = self._kept.pop(id(layer), None) or (layer, self.lists(layer))
        self._kept[id(layer)] = known
        if len(self._kept) > _KEPT:
            del self._kept[next(iter(self._kept))]
        return known[1]


def _lay(own: Mapping[str, Part | None], below: Lists) -> Lists:
    """What a layer says, over what lies beneath."""
    if not own:
        return below
    keys, described, named = (list(each) for each in below)
    for path, part in own.items():
        key = path.encode("utf-16-be")  # the order of canonical JSON: RFC 8785, section 3.2.3
        place = bisect_left(keys, key)
        if keys[place : place + 1] != [key]:
            for each in (keys, described, named):
                each.insert(place, key)
        if part is not None:  # what only a scope can resolve is said by the layers above
            described[place] = canonical_json({path: {"sha256": part.sha256, "size": part.size}})[1:-1]
            named[place] = canonical_json({path: part.sha256})[1:-1]
    return Lists(keys, described, named)

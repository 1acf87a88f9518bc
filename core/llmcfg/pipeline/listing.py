"""The parts of a bundle as its manifest and its digest list them: in the order and in the bytes of canonical JSON.

What a thousand bundles share is written once. A bundle's lists are those of the layer beneath, with its own entries in their places.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

from llmcfg.canonical import canonical_json
from llmcfg.model.laid import Laid, OfLayers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmcfg.pipeline.bundle import Part


class Lists(NamedTuple):
    """`described` are the members of the manifest's `parts`, `named` those of what the digest is taken over, in the order of `keys`."""

    keys: list[bytes]
    described: list[bytes]
    named: list[bytes]


class Listing:
    """For the bundles of a build, which share layers."""

    def __init__(self) -> None:
        self._of_layers: OfLayers[Part | None, Lists] = OfLayers(_lay, Lists([], [], []))

    def lists(self, parts: Mapping[str, Part]) -> Lists:
        """Not to be changed."""
        return self._of_layers.of(parts if isinstance(parts, Laid) else Laid(parts))


def _lay(own: Mapping[str, Part | None], below: Lists) -> Lists:
    """What a layer says, over what lies beneath."""
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

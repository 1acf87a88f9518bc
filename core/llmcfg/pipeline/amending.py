"""Bundles that are laid over stored ones: the documents that a change can reach are made anew, and all others are as the manifest says.

So a bundle costs what changes in it, and its list of parts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmcfg.model.laid import Laid
from llmcfg.model.later import Later
from llmcfg.pipeline.build import lock_of
from llmcfg.pipeline.bundle import Part, make_bundle
from llmcfg.pipeline.listing import Listing
from llmcfg.pipeline.recipients import recipients_of
from llmcfg.pipeline.select import part_path

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from llmcfg.model.target import Target
    from llmcfg.pipeline.bundle import Bundle
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.pipeline.select import Selection
    from llmcfg.pipeline.stored import Stored, StoredBundle

FEW: Final = 16
"""Bundles. What is stored of more of them takes longer to read than what they share takes to make."""


def can_be_amended(
    configuration: Configuration, targets: Sequence[Target], stored: Stored, manifests: Mapping[str, str]
) -> bool:
    """Whether all of these bundles are stored as they were built, and few. What templates make may read any document."""
    return 0 < len(targets) <= FEW and all(
        stored.has(target.folder, manifests[target.folder]) and not configuration.consumer(target.consumer).outputs
        for target in targets
    )


def amend_bundles(
    configuration: Configuration,
    selections: Mapping[Target, Selection],
    stored: Stored,
    names: AbstractSet[str],
    linked: AbstractSet[str],
) -> dict[Target, Bundle]:
    """`names` are the documents that may differ, `linked` all that may refer to a secret."""
    listing = Listing()
    return {
        target: _amend(configuration, target, selection, stored.bundles[target.folder], names, names | linked, listing)
        for target, selection in selections.items()
    }


def _amend(
    configuration: Configuration,
    target: Target,
    selection: Selection,
    stored: StoredBundle,
    names: Collection[str],
    telling: Collection[str],
    listing: Listing,
) -> Bundle:
    differing = {part_path(name) for name in names}
    staying = {path: _staying(stored, path) for path in stored.digests if path not in differing}
    parts = Laid(selection.narrowed(names).parts.get().own, Laid(staying))
    lock = lock_of(configuration.effective(target.scope), selection.narrowed(telling).secrets)
    return make_bundle(target, parts, lock, recipients_of(configuration, target), (), listing)


def _staying(stored: StoredBundle, path: str) -> Part:
    return Part(stored.digests[path], stored.sizes[path], Later(lambda: stored.parts[path]))

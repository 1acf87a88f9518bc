"""Released versions are never edited: what the index records, against what the files say now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmcfg.prompts.checks import BROKEN, Flaw
from llmcfg.prompts.released import LIVING, version_hash

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llmcfg.model.value import Path
    from llmcfg.prompts.record import Prompt, Version


def find_edits(prompt: Prompt) -> Iterator[Flaw]:
    """Of a prompt as the layer `base` has it, references unresolved."""
    for number, recorded in prompt.released.items():
        spot = prompt.spot.at("released", number)
        version = prompt.versions.get(number)
        if version is None:
            yield Flaw(BROKEN, f"{prompt.id} {number} was released and is gone", spot,
                       "bring it back, and give it the status retired: applications may still run it")  # fmt: skip
        elif version_hash(version.value) != recorded:
            where = version.spot.at("messages") if version.messages else version.spot
            yield Flaw(BROKEN, f"{prompt.id} {number} was released and is edited since", where,
                       f"bring back what was released, and make a new version of it: llmcfg prompt new {prompt.name}")  # fmt: skip
    for number, version in prompt.versions.items():
        if version.status in ("released", "retired") and number not in prompt.released:
            yield Flaw(BROKEN, f"{prompt.id} {number} is called {version.status}, and no hash of it is recorded", version.spot.at("status"),
                       f"record it: llmcfg prompt release {prompt.name} {number}")  # fmt: skip


def find_overlay_edits(prompt: Prompt, version: Version, paths: Iterable[Path]) -> Iterator[Flaw]:
    """What an overlay says of a released version, by the paths of its scalars in it. Defaults of variables may differ, texts may not."""
    for path in paths:
        is_default = len(path) > 2 and path[0] == "variables" and path[2] == "default"
        if not is_default and path and path[0] not in LIVING:
            yield Flaw(BROKEN, f"{prompt.id} {version.number} was released, and this layer changes its {path[0]}", version.spot.at(*path),
                       "put the change into a new version; an overlay may change defaults of variables")  # fmt: skip
            return

"""One document of one bundle, without building the rest, where it is known that nothing at all is found in the configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmcfg.pipeline.readsets import narrowed_by_reads
from llmcfg.pipeline.select import Selector
from llmcfg.pipeline.validate import is_known_sound

if TYPE_CHECKING:
    from datetime import date

    from llmcfg.model.target import Target
    from llmcfg.pipeline.configuration import Configuration

_FOLDER: Final = "config/"
_SUFFIX: Final = ".json"


def find_sound_document(configuration: Configuration, target: Target, path: str, as_of: date) -> bytes | None:
    """The file at `path` of the bundle. None where that is no document of it, or it takes a look at everything to say so."""
    if not (path.startswith(_FOLDER) and path.endswith(_SUFFIX) and is_known_sound(configuration, as_of)):
        return None
    narrowed = narrowed_by_reads(configuration)
    selector = Selector(configuration.memo)
    selection = selector.select(narrowed.consumer(target.consumer), narrowed.effective(target.scope))
    part = selection.narrowed([path[len(_FOLDER) : -len(_SUFFIX)]]).parts.get().get(path)
    if configuration.memo.disk is not None:
        configuration.memo.disk.keep()
    return None if part is None else part.content

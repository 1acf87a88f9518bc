"""How many values commits changed in effect, as earlier processes found. What a commit holds never changes, so it is for good."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.pipeline.known import name_of

if TYPE_CHECKING:
    from llmcfg.ports import Cache

_CANNOT_BE_TOLD: Final = b"-"


class Effect(NamedTuple):
    """None where one of the sides cannot be built."""

    values: int | None


class Effects:
    """Of one configuration, whose folder in its Git repository is `folder`. Without a cache nothing is remembered."""

    def __init__(self, cache: Cache | None = None, folder: str = "") -> None:
        self._cache = cache
        self._folder = folder

    def find(self, older: str | None, newer: str, environment: str | None) -> Effect | None:
        """Of a commit, beside the one before it; None for what is not known."""
        content = None if self._cache is None else self._cache.content(self._name(older, newer, environment))
        if content is None:
            return None
        return Effect(None if content == _CANNOT_BE_TOLD else int(content))

    def keep(self, older: str | None, newer: str, environment: str | None, values: int | None) -> None:
        if self._cache is not None:
            content = _CANNOT_BE_TOLD if values is None else b"%d" % values
            self._cache.add(self._name(older, newer, environment), content)

    def _name(self, older: str | None, newer: str, environment: str | None) -> bytes:
        return name_of("effect", self._folder, older or "", newer, environment or "")


NOT_REMEMBERED: Final = Effects()

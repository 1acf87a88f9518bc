"""How many values commits changed in effect, as earlier processes found. What a commit holds never changes, so it is for good."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmcfg.pipeline.known import name_of

if TYPE_CHECKING:
    from llmcfg.ports import Cache


class Effects:
    """Of one configuration, whose folder in its Git repository is `folder`. Without a cache nothing is remembered."""

    def __init__(self, cache: Cache | None = None, folder: str = "") -> None:
        self._cache = cache
        self._folder = folder

    def find(self, older: str | None, newer: str, environment: str | None) -> int | None:
        """Of a commit, beside the one before it; None for what is not known."""
        content = None if self._cache is None else self._cache.content(self._name(older, newer, environment))
        return None if content is None else int(content)

    def keep(self, older: str | None, newer: str, environment: str | None, values: int) -> None:
        """Only of commits of which everything is there: what a partial clone lacks today may come."""
        if self._cache is not None:
            self._cache.add(self._name(older, newer, environment), b"%d" % values)

    def _name(self, older: str | None, newer: str, environment: str | None) -> bytes:
        return name_of("effect", self._folder, older or "", newer, environment or "")


NOT_REMEMBERED: Final = Effects()

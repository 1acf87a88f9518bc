"""Who watches work, and keeps what was told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmcfg.model.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmcfg.model.progress import T


class Told(Progress):
    """Keeps what was gone through and how much of it was done."""

    def __init__(self) -> None:
        super().__init__()
        self.done: dict[str, int] = {}

    def over(self, doing: str, items: Iterable[T]) -> Iterable[T]:
        for item in items:
            yield item
            self.done[doing] = self.done.get(doing, 0) + 1

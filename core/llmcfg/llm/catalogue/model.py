"""One model of the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from datetime import date


class CatalogueModel(Struct, frozen=True):
    """What a vendor says about a model. None means that it is not known.

    Prices are USD per million tokens. `retires` is the last day at the vendor. `supports` and `lacks` are abilities that are known to be
    there and known not to be: `tools`, `vision`, `json_schema`, `reasoning`, `prompt_cache`. `efforts` are the levels of reasoning that
    it takes, as far as they are listed. `gone_after` is the version of the source that had the model last, empty while it is listed.
    """

    id: str
    provider: str = ""
    mode: str = ""
    context: int | None = None
    output: int | None = None
    price_in: float | None = None
    price_out: float | None = None
    price_cache_read: float | None = None
    retires: date | None = None
    supports: frozenset[str] = frozenset()
    lacks: frozenset[str] = frozenset()
    takes_sampling: bool = True
    efforts: tuple[str, ...] = ()
    gone_after: str = ""

    def is_retired(self, as_of: date) -> bool:
        """Whether its last day has passed, or, where none is known, whether the source has dropped it."""
        return self.retires < as_of if self.retires else bool(self.gone_after)

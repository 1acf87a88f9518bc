"""`ports.AuditLog` where nobody asked for a record."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from llmcfg.model.act import Account

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from llmcfg.model.act import Act


def unrecorded(act: Act) -> Account:
    return Account(act, lambda _: None, lambda _: "")


class Unrecorded:
    @contextmanager
    def acting(self, act: Act) -> Iterator[Account]:
        yield unrecorded(act)

    def enter(self, acts: Sequence[Act]) -> None:
        """Nothing is written."""

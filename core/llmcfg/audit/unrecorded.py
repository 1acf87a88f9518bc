"""`ports.AuditLog` where nobody asked for a record."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from llmcfg.model.act import Account

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.model.act import Act


def unrecorded(act: Act) -> Account:
    return Account(act, lambda _: None, lambda _: "")


class Unrecorded:
    @contextmanager
    def acting(self, act: Act) -> Iterator[Account]:
        yield unrecorded(act)

    def note(self, act: Act) -> None:
        """Nothing is written."""

    def refuse(self, act: Act, code: str) -> None:
        """Nothing is written."""

    def keep_up(self) -> None:
        """There is nothing to keep up."""

"""A scalar as part of a text: as a document would write it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmcfg.model.value import Scalar


def scalar_text(value: Scalar) -> str:
    """Never in scientific notation, which documents may not hold."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case float():
            return format(Decimal(repr(value)), "f")
        case _:
            return str(value)

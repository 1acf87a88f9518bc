"""Entries for other programs: as the lines that they are, or as a table that no spreadsheet takes for formulas."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from llmcfg.audit.entry import encode_entry
from llmcfg.canonical import canonical_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llmcfg.audit.entry import Entry

Form: TypeAlias = Literal["jsonl", "csv"]
_COLUMNS: Final = (
    "log", "number", "at", "act", "outcome", "code", "subject", "environment", "tenant", "consumer", "revision",
    "actor", "user", "correlation", "facts", "previous", "mac",
)  # fmt: skip
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def export_entries(entries: Iterable[Entry], form: Form) -> Iterator[bytes]:
    """The lines of the answer, each with its end."""
    if form == "jsonl":
        for entry in entries:
            yield encode_entry(entry) + b"\n"
        return
    yield _row(_COLUMNS)
    for entry in entries:
        cells = (getattr(entry, column) for column in _COLUMNS)
        yield _row(canonical_json(cell).decode() if isinstance(cell, dict) else str(cell) for cell in cells)


def _row(cells: Iterable[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow(map(_plain, cells))
    return text.getvalue().encode()


def _plain(cell: str) -> str:
    """With a quote before what a spreadsheet would compute."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell

"""Plain tables: columns aligned by spaces, one row a line, the last column cut to the terminal where a width is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmcfg_cli.views.text import Style, clip, display_width, pad, paint, visible

if TYPE_CHECKING:
    from collections.abc import Sequence

_GAP = "  "


def table(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    colour: bool = False,
    width: int | None = None,
) -> str:
    """`rows` hold data and are made visible here. Without rows the table is empty text."""
    if not rows:
        return ""
    shown = [[visible(cell) for cell in row] for row in rows]
    widths = [max(display_width(row[at]) for row in [headings, *shown]) for at in range(len(headings))]
    first, *rest = [_line(row, widths, width) for row in [headings, *shown]]
    return "\n".join([paint(first, Style.BOLD, colour), *rest])


def _line(cells: Sequence[str], widths: Sequence[int], width: int | None) -> str:
    *leading, last = cells
    start = "".join(pad(cell, columns) + _GAP for cell, columns in zip(leading, widths, strict=False))
    if width is not None:
        last = clip(last, max(width - display_width(start), 16))
    return (start + last).rstrip()

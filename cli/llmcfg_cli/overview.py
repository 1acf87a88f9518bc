"""The help page of a group of commands, made from the table alone."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmcfg_cli.table import Panel


def overview(path: str, panels: Sequence[Panel], *, summary: str = "", width: int | None = None) -> str:
    """`path` is what was typed to get here, such as `llmcfg schema`."""
    columns = width or shutil.get_terminal_size().columns
    name_width = max(len(entry.name) for panel in panels for entry in panel.entries)
    is_top = path == "llmcfg"
    lines = [f"Usage: {path} {'[-C DIR] ' if is_top else ''}COMMAND [OPTIONS] [ARGUMENTS]", ""]
    if is_top:
        lines += ["Git-backed configuration for platforms that run LLM applications.", ""]
    elif summary:
        lines += [f"{summary[0].upper()}{summary[1:]}.", ""]
    for panel in panels:
        lines.append(f"{panel.title}:")
        lines += _rows(panel, name_width, columns)
        lines.append("")
    lines.append(f"'{path} COMMAND --help' says more about a command.")
    return "\n".join(lines)


def _rows(panel: Panel, name_width: int, columns: int) -> list[str]:
    room = columns - name_width - 4
    rows: list[str] = []
    for entry in panel.entries:
        if entry.hidden:
            continue
        if room < 20:
            rows.append(f"  {entry.name}")
            continue
        first, *more = _wrap(entry.help, room)
        rows.append(f"  {entry.name:<{name_width}}  {first}")
        rows += [" " * (name_width + 4) + line for line in more]
    return rows


def _wrap(text: str, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".lstrip()
    return lines

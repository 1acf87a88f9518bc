"""Every command of the table by what is typed for it."""

from __future__ import annotations

from collections.abc import Iterator

from llmcfg_cli.table import PANELS, Command, Entry, Family


def named_commands(entries: tuple[Entry, ...], prefix: str = "") -> Iterator[tuple[str, Command]]:
    for one in entries:
        name = f"{prefix} {one.name}".lstrip()
        if isinstance(one, Family):
            yield from named_commands(one.commands, name)
        else:
            yield name, one


COMMANDS = list(named_commands(tuple(entry for panel in PANELS for entry in panel.entries)))

"""Where private keys lie, as a table or JSON: places and public keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmcfg_cli.views.document import to_json
from llmcfg_cli.views.tables import table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from llmcfg.secrets.age.places import Reading


def view_places(readings: Sequence[Reading], output: str, *, home: Path, colour: bool = False) -> str:
    """In the table, what lies in `home` starts with `~`."""
    if output == "json":
        return to_json("KeyList", {"items": [_item(reading) for reading in readings]})
    rows = [row for reading in readings for row in _rows(reading, home)]
    return table(("PLACE", "MODE", "PUBLIC KEY"), rows, colour=colour)


def _rows(reading: Reading, home: Path) -> Iterator[tuple[str, str, str]]:
    place = _name(reading, home)
    mode = "" if reading.mode is None else f"{reading.mode:04o}"
    for identity in reading.identities:
        locked = " (with a passphrase)" if identity.is_locked else ""
        yield place, mode, identity.recipient.short + locked
    if not reading.identities:
        yield place, mode, f"({_why_none(reading)})"


def _item(reading: Reading) -> dict[str, object]:
    place = reading.place
    return {
        "variable": place.variable or None,
        "path": str(place.path) if place.path else None,
        "mode": None if reading.mode is None else f"{reading.mode:04o}",
        "recipients": [
            {"kind": identity.kind, "recipient": identity.recipient.text, "locked": identity.is_locked}
            for identity in reading.identities
        ],
        "warning": reading.warning or None,
        "error": reading.error.message if reading.error else None,
    }


def _name(reading: Reading, home: Path) -> str:
    variable, path = reading.place.variable, reading.place.path
    if path is None:
        return variable
    shown = f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)
    return f"{variable}={shown}" if variable else shown


def _why_none(reading: Reading) -> str:
    if reading.error is not None:
        return reading.error.message
    return "not used" if reading.warning else "a command, not run"

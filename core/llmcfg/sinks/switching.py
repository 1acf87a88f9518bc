"""What a directory with `after_apply` writes down before anything of a switch can be seen from outside.

    validate -> [to, before] -> switch -> signal, probe -> forget
                                  \\-> [undone] -> switch back -> signal -> forget

A switch that a crash left is finished or taken back by the next delivery. Telling a consumer twice does no harm.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from llmcfg.disk import atomic_write, sync_folder

if TYPE_CHECKING:
    from pathlib import Path

UNFINISHED: Final = ".after-apply"
"""Stands among the observed files while a switch is not finished, so that the delivery counts as different."""
_FILE: Final = "switching"
_FOLDER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,160}")


class AfterApply(Protocol):
    """What the consumers of a directory have to say about a new delivery. Both raise an LlmcfgError to refuse it."""

    def validate(self, staged: Path, before: Path | None) -> None:
        """Look at the delivery before anybody else can. `before` is the one that it would replace."""
        ...

    def settle(self, current: Path, before: Path | None) -> None:
        """Tell the consumers whose bundle differs from the one in `before`, and see that they are well."""
        ...


class Switch(msgspec.Struct, frozen=True):
    """From one delivery to another, by the names of their folders."""

    to: str
    before: str | None
    is_undone: bool = False


def write_switch(store: Path, switch: Switch) -> None:
    atomic_write(store / _FILE, msgspec.json.encode(switch), mode=0o600)


def read_switch(store: Path) -> Switch | None:
    """None when there is none, or what is there cannot be read: then the delivery is made from the start."""
    try:
        switch = msgspec.json.decode((store / _FILE).read_bytes(), type=Switch)
    except (FileNotFoundError, NotADirectoryError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    names = (switch.to, switch.before or "x")
    return switch if all(_FOLDER.fullmatch(name) for name in names) else None


def forget_switch(store: Path) -> None:
    (store / _FILE).unlink(missing_ok=True)
    sync_folder(store)

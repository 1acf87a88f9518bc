"""One value that differs between two states of the configuration."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from llmcfg.model.value import Path, Value


class Absent(Enum):
    """Stands for "no value here", which is not null."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT
Side: TypeAlias = "Value | Literal[Absent.ABSENT]"
Kind: TypeAlias = Literal["added", "removed", "changed"]


class Change(NamedTuple):
    """One value that differs, at its path."""

    path: Path
    before: Side
    after: Side

    @property
    def kind(self) -> Kind:
        return "added" if self.before is ABSENT else "removed" if self.after is ABSENT else "changed"

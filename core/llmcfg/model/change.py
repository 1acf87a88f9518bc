"""Differences between two states of the configuration, grouped so that one change is said once with its reach."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class ValueChange:
    """A change of the effective configuration. `scopes` have it; `targets` get it. Both sorted, as text."""

    change: Change
    scopes: tuple[str, ...]
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FileChange:
    """A rendered file that differs, as a unified diff without a time."""

    consumer: str
    path: str
    kind: Kind
    diff: str
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SecretChange:
    """A secret whose ciphertext differs, or that a target begins or ceases to use. Never its value or length."""

    name: str
    kind: Kind
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RecipientChange:
    """An age recipient that begins or ceases to be able to open the secrets of targets."""

    recipient: str
    kind: Kind
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """All that differs between two states, each group sorted. `affected` are the targets whose bundle changes in any way."""

    values: tuple[ValueChange, ...] = ()
    files: tuple[FileChange, ...] = ()
    secrets: tuple[SecretChange, ...] = ()
    recipients: tuple[RecipientChange, ...] = ()
    targets_added: tuple[str, ...] = ()
    targets_removed: tuple[str, ...] = ()
    affected: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.values or self.affected)

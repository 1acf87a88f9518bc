"""Differences between two states of the configuration, grouped so that one change is said once with its reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmcfg.model.change import Change, Kind


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
    """All that differs between two states, each group sorted. `affected` are the targets whose bundle changes in any way.

    `decisions` are at paths such as `environments.prod.protected`: what the manifest and the consumers say beside values.
    """

    values: tuple[ValueChange, ...] = ()
    files: tuple[FileChange, ...] = ()
    secrets: tuple[SecretChange, ...] = ()
    recipients: tuple[RecipientChange, ...] = ()
    targets_added: tuple[str, ...] = ()
    targets_removed: tuple[str, ...] = ()
    affected: tuple[str, ...] = ()
    decisions: tuple[Change, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.values or self.affected or self.decisions)

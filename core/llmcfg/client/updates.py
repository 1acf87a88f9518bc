"""What changed from one snapshot to the next, for those who listen below a key path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from llmcfg.bundlefile.bundle import LOCK
from llmcfg.client.documents import changed_documents, descend
from llmcfg.client.values import is_reference, parse_reference
from llmcfg.model.change import ABSENT
from llmcfg.model.difference import diff_values, spread
from llmcfg.model.keypath import format_key_path, parse_key_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from llmcfg.bundlefile.tree import LeafChange
    from llmcfg.client.snapshot import Snapshot
    from llmcfg.client.values import Secret
    from llmcfg.model.change import Change
    from llmcfg.model.value import Path


class Item(NamedTuple):
    """One value that changed; ABSENT where there is none."""

    path: str
    old: Any
    new: Any


class Update(NamedTuple):
    """What changed at or below `prefix`, value by value, and the snapshots before and after."""

    prefix: str
    items: tuple[Item, ...]
    before: Snapshot
    after: Snapshot

    @property
    def old(self) -> Any:
        """The value at the prefix before; ABSENT where there was none."""
        return self.before.get(self.prefix, ABSENT)

    @property
    def new(self) -> Any:
        """The value at the prefix now; ABSENT where there is none."""
        return self.after.get(self.prefix, ABSENT)


class SecretUpdate(NamedTuple):
    """Another value of a secret; None where there was none, or is none."""

    name: str
    old: Secret | None
    new: Secret | None


def find_secret_update(
    before: Snapshot, after: Snapshot, _changes: Sequence[LeafChange], name: str
) -> SecretUpdate | None:
    """None where the secret has the value that it had."""
    old, new = (_secret(side, name) for side in (before, after))
    return None if old == new else SecretUpdate(name, old, new)


def find_update(before: Snapshot, after: Snapshot, changes: Sequence[LeafChange], prefix: str) -> Update | None:
    """`changes` lead from the one bundle to the other. None where nothing changed at or below the prefix."""
    steps = parse_key_path(prefix)
    found = [
        Item(format_key_path(change.path), before.present(change.before), after.present(change.after))
        for change in _value_changes(before, after, changes, steps)
    ]
    if any(change.name == LOCK for change in changes):
        known = {item.path for item in found}
        found += [item for item in _secret_items(before, after, steps) if item.path not in known]
    return Update(prefix, tuple(sorted(found, key=lambda item: item.path)), before, after) if found else None


def _secret(snapshot: Snapshot, name: str) -> Secret | None:
    return snapshot.secret(name) if snapshot.opened and name in snapshot.opened.values else None


def _value_changes(before: Snapshot, after: Snapshot, changes: Sequence[LeafChange], steps: Path) -> Iterator[Change]:
    inner: Path
    at: Path
    for name, _ in changed_documents(changes):
        place: Path = tuple(name.split("/"))
        if place[: len(steps)] == steps:
            inner, at = (), place
        elif steps[: len(place)] == place:
            inner, at = steps[len(place) :], steps
        else:
            continue
        old, new = (descend(side.documents.find(name), inner) for side in (before, after))
        for change in diff_values(old, new, at):
            yield from spread(change)


def _secret_items(before: Snapshot, after: Snapshot, steps: Path) -> Iterator[Item]:
    """Values that stayed as they are written and refer to secrets that did not."""
    renewed = _renewed(before, after)
    if not renewed:
        return
    for name in after.documents.around(steps):
        place: Path = tuple(name.split("/"))
        for path, value in _references(after.documents.find(name), place):
            if path[: len(steps)] == steps and renewed & {*parse_reference(value).names}:
                yield Item(format_key_path(path), before.present(value), after.present(value))


def _renewed(before: Snapshot, after: Snapshot) -> set[str]:
    """The secrets with another value, or where they are not opened, with another ciphertext."""
    old, new = before.bundle.fingerprints(), after.bundle.fingerprints()
    renewed = {name for name, fingerprint in new.items() if old.get(name, fingerprint) != fingerprint}
    if before.opened is None or after.opened is None:
        return renewed
    return {name for name in renewed if _secret(before, name) != _secret(after, name)}


def _references(value: Any, at: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The typed references to secrets in a value, as they are written."""
    if isinstance(value, dict):
        if is_reference(value):
            yield at, value
        else:
            for key, item in value.items():
                yield from _references(item, (*at, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _references(item, (*at, index))

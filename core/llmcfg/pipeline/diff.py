"""The semantic difference between two states of the configuration.

A state is what was built from a snapshot, or what a deployed ref holds. Parts that are the same object are not looked into, so two
snapshots that were built with one memo cost what they differ by.
"""

from __future__ import annotations

import difflib
import json
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from llmcfg.errors import IntegrityError
from llmcfg.model.change import ABSENT, Change, Difference, FileChange, SecretChange, ValueChange
from llmcfg.model.keypath import format_key_path
from llmcfg.model.target import SHARED, Target
from llmcfg.pipeline.bundle import HEAD, MANIFEST, unseal_references
from llmcfg.pipeline.canonical import canonical_json, digest
from llmcfg.pipeline.merge import same

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llmcfg.model.change import Kind, Side
    from llmcfg.model.value import Path, Value
    from llmcfg.pipeline.build import Built
    from llmcfg.pipeline.configuration import Configuration

    Documents = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class TargetState:
    """One bundle's content: selected documents by name, rendered files by path, secret lock."""

    documents: Documents
    files: Mapping[str, bytes]
    secrets: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class State:
    """`scopes` is empty for a deployed state, which knows only what was selected."""

    scopes: Mapping[str, Documents]
    targets: Mapping[Target, TargetState]


NOTHING_DEPLOYED = State({}, {})


def state_of(configuration: Configuration, built: Built, *, with_scopes: bool = True) -> State:
    """The state that a build gives. Without scopes it can be compared with a deployed state."""
    scopes: dict[str, Documents] = {}
    if with_scopes:
        for scope in dict.fromkeys(target.scope for target in configuration.targets) | dict.fromkeys(
            configuration.scopes
        ):
            documents = configuration.effective(scope).documents
            scopes[str(scope)] = {name: resolved.value for name, resolved in documents.items()}
    targets = {
        target: TargetState(
            {name: document.value for name, document in built.selections[target].documents.items()},
            {path[6:]: part.content for path, part in bundle.parts.items() if path.startswith("files/")},
            bundle.secrets,
        )
        for target, bundle in built.bundles.items()
    }
    return State(scopes, targets)


def deployed_state(environment: str, files: Mapping[str, bytes]) -> State:
    """The state that a deployed ref or a delivered directory holds. Raises IntegrityError if a part is not what its manifest says."""
    folders: dict[str, dict[str, bytes]] = defaultdict(dict)
    for path, content in files.items():
        if path != HEAD:
            tenant, consumer, inner = path.split("/", 2)
            folders[f"{tenant}/{consumer}"][inner] = content
    targets: dict[Target, TargetState] = {}
    for folder, parts in folders.items():
        tenant, consumer = folder.split("/")
        target = Target(environment, None if tenant == SHARED else tenant, consumer)
        targets[target] = _target_state(folder, parts)
    return State({}, targets)


def _target_state(folder: str, parts: Mapping[str, bytes]) -> TargetState:
    if MANIFEST not in parts:
        raise IntegrityError(f"{folder} has no {MANIFEST}", hint="deploy again: llmcfg apply")
    manifest: dict[str, Any] = json.loads(parts[MANIFEST])
    for path, said in manifest["parts"].items():
        if path not in parts or digest(parts[path]) != said["sha256"]:
            raise IntegrityError(f"{folder}/{path} is not what its manifest says", hint="deploy again: llmcfg apply")
    documents = {
        path[len("config/") : -len(".json")]: unseal_references(json.loads(content))
        for path, content in parts.items()
        if path.startswith("config/")
    }
    rendered = {path[len("files/") :]: content for path, content in parts.items() if path.startswith("files/")}
    secrets = {name: said["fingerprint"].removeprefix("sha256:") for name, said in manifest["secrets"].items()}
    return TargetState(documents, rendered, secrets)


def compare(before: State, after: State) -> Difference:
    """What changes from one state to the other. Targets and scopes that come or go whole count with all their values."""
    collected = _Collected()
    for scope in sorted({*before.scopes, *after.scopes}):
        for change in collected.changes(before.scopes.get(scope, {}), after.scopes.get(scope, {})):
            collected.value(change).scopes.add(scope)
    affected: set[str] = set()
    for target in sorted({*before.targets, *after.targets}, key=str):
        affected |= collected.target(target, before.targets.get(target), after.targets.get(target))
    return collected.difference(
        affected,
        tuple(sorted(str(target) for target in after.targets if target not in before.targets)),
        tuple(sorted(str(target) for target in before.targets if target not in after.targets)),
    )


def diff_values(before: Side, after: Side, at: Path = ()) -> Iterator[Change]:
    """The changes that lead from one value to the other. Lists of one length are compared item by item, others whole."""
    if before is after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key, item in before.items():
            yield from diff_values(item, after.get(key, ABSENT), (*at, key))
        for key, item in after.items():
            if key not in before:
                yield Change((*at, key), ABSENT, item)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from diff_values(old, new, (*at, index))
    elif before is ABSENT or after is ABSENT or not same(before, after):
        yield Change(at, before, after)


class _Reach:
    def __init__(self, change: Change) -> None:
        self.change = change
        self.scopes: set[str] = set()
        self.targets: set[str] = set()


class _Collected:
    """Changes gathered by what they say; documents that are compared again and again are compared once."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, bytes, bytes], _Reach] = {}
        self._files: dict[tuple[str, str, str], tuple[Kind, set[str]]] = {}
        self._secrets: dict[tuple[str, Kind], set[str]] = defaultdict(set)
        self._compared: dict[tuple[int, int, str], tuple[Change, ...]] = {}
        self._alive: list[object] = []

    def changes(self, before: Documents, after: Documents) -> Iterator[Change]:
        for name in sorted({*before, *after}):
            old, new = before.get(name, ABSENT), after.get(name, ABSENT)
            if old is not new:
                yield from self._document(name, old, new)

    def value(self, change: Change) -> _Reach:
        key = (format_key_path(change.path), _bytes(change.before), _bytes(change.after))
        return self._values.setdefault(key, _Reach(change))

    def target(self, target: Target, before: TargetState | None, after: TargetState | None) -> set[str]:
        """Notes what changes for a target; its name in a set if anything does."""
        nothing = TargetState({}, {}, {})
        old, new = before or nothing, after or nothing
        name = str(target)
        touched = (before is None) != (after is None)
        for change in self.changes(old.documents, new.documents):
            self.value(change).targets.add(name)
            touched = True
        for path in sorted({*old.files, *new.files}):
            if old.files.get(path) != new.files.get(path):
                kind = _kind(path in old.files, path in new.files)
                text = _unified(path, old.files.get(path), new.files.get(path))
                self._files.setdefault((target.consumer, path, text), (kind, set()))[1].add(name)
                touched = True
        for secret in sorted({*old.secrets, *new.secrets}):
            if old.secrets.get(secret) != new.secrets.get(secret):
                self._secrets[secret, _kind(secret in old.secrets, secret in new.secrets)].add(name)
                touched = True
        return {name} if touched else set()

    def difference(self, affected: set[str], added: tuple[str, ...], removed: tuple[str, ...]) -> Difference:
        return Difference(
            tuple(
                ValueChange(reach.change, tuple(sorted(reach.scopes)), tuple(sorted(reach.targets)))
                for _, reach in sorted(self._values.items(), key=lambda item: item[0])
            ),
            tuple(
                FileChange(consumer, path, kind, text, tuple(sorted(targets)))
                for (consumer, path, text), (kind, targets) in sorted(self._files.items())
            ),
            tuple(
                SecretChange(name, kind, tuple(sorted(targets)))
                for (name, kind), targets in sorted(self._secrets.items())
            ),
            added,
            removed,
            tuple(sorted(affected)),
        )

    def _document(self, name: str, old: Side, new: Side) -> tuple[Change, ...]:
        key = (id(old), id(new), name)
        if key not in self._compared:
            self._alive += (old, new)
            self._compared[key] = tuple(diff_values(old, new, tuple(name.split("/"))))
        return self._compared[key]


def spread(change: Change) -> Iterator[Change]:
    """A change of a whole mapping as the changes of its leaves: for output that lists keys."""
    sides: tuple[Side, Side] = (change.before, change.after)
    if any(isinstance(side, dict) and side for side in sides) and ABSENT in sides:
        mapping = next(side for side in sides if isinstance(side, dict))
        for key, item in mapping.items():
            inner = (
                Change((*change.path, key), ABSENT, item)
                if change.before is ABSENT
                else Change((*change.path, key), item, ABSENT)
            )
            yield from spread(inner)
    else:
        yield change


def apply_changes(value: Value, changes: list[Change]) -> Value:
    """The value with the changes made: `apply_changes(a, list(diff_values(a, b)))` is b, up to the order of keys."""
    for change in changes:
        value = _put(value, change.path, change.after)
    return value


def _put(value: Value, path: Path, new: Side) -> Value:
    if not path:
        assert new is not ABSENT
        return new
    if isinstance(value, list):
        index = path[0]
        assert isinstance(index, int)
        return [*value[:index], _put(value[index], path[1:], new), *value[index + 1 :]]
    assert isinstance(value, dict)
    key = str(path[0])
    if len(path) == 1 and new is ABSENT:
        return {known: item for known, item in value.items() if known != key}
    return {**value, key: _put(value.get(key), path[1:], new)}


def _bytes(side: Side) -> bytes:
    return b"" if side is ABSENT else canonical_json(side)


def _kind(was: bool, becomes: bool) -> Kind:
    return "changed" if was and becomes else "added" if becomes else "removed"


def _unified(path: str, before: bytes | None, after: bytes | None) -> str:
    old, new = ((content or b"").decode("utf-8", "replace").splitlines() for content in (before, after))
    names = ("/dev/null" if before is None else f"a/{path}", "/dev/null" if after is None else f"b/{path}")
    return "\n".join(difflib.unified_diff(old, new, *names, lineterm=""))

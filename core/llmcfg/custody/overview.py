"""What can be told about secrets without any key: who can open them, who changed them when, what uses them, what waits to be done."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from llmcfg.custody.places import BINARY, Held, folder_of, holders
from llmcfg.model.reference import parse_secret_use
from llmcfg.pipeline.build import build
from llmcfg.pipeline.sealed import inspected_file
from llmcfg.secrets.drops import drop_target
from llmcfg.secrets.rotations import FILE, read_due

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from collections.abc import Mapping as AnyMapping

    from llmcfg.model.snapshot import BlobEntry, LineBlame
    from llmcfg.model.target import Scope
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.ports import Repository
    from llmcfg.secrets.rotations import Due

State: TypeAlias = Literal["unset", "overlap", "pending", "drop", "due"]
Key: TypeAlias = tuple[str, str]  # file and name


class Users(NamedTuple):
    """Documents and consumers that refer to one secret."""

    documents: set[str]
    consumers: set[str]


@dataclass(frozen=True, slots=True)
class Kept:
    """One secret of one file. `line` is where its value stands, 0 in a binary file; `changed` says who wrote that last.

    `recipients` are keys as the file names them; of a binary file only their kinds. `documents` and `consumers`, in their documents or
    templates, refer to it in an environment where this file's value is the one that counts. `due` says why it has to get a new value.
    """

    held: Held
    line: int
    recipients: tuple[str, ...]
    changed: LineBlame | None
    documents: tuple[str, ...]
    consumers: tuple[str, ...]
    due: tuple[Due, ...]

    @property
    def has_unnamed_keys(self) -> bool:
        return self.held.file.endswith(BINARY)

    @property
    def states(self) -> tuple[State, ...]:
        secret = self.held.secret
        found: list[tuple[State, bool]] = [
            ("unset", not secret.is_set),
            ("overlap", secret.previous is not None),
            ("pending", secret.pending is not None),
            ("drop", drop_target(self.held.file) is not None),
            ("due", bool(self.due)),
        ]
        return tuple(state for state, holds in found if holds)


def secrets_of_layers(configuration: Configuration, tenant: str | None) -> list[Held]:
    """What the files of all layers hold, or of those that are a tenant's own."""
    if tenant is not None:
        configuration.own_layer(None, tenant)
    layers = configuration.layout.layers.items()
    return [
        held for folder, layer in layers if tenant in (None, layer.tenant) for held in holders(configuration, folder)
    ]


def secrets_of_scope(configuration: Configuration, scope: Scope) -> list[Held]:
    """What a scope sees, in the order of names."""
    scoped = sorted(configuration.effective(scope).secrets.items())
    return [Held(folder_of(configuration, one.entry), one.entry, one.secret) for _, one in scoped]


def look_over(configuration: Configuration, repository: Repository, chosen: Sequence[Held]) -> list[Kept]:
    """All that can be told about these secrets of the work tree."""
    users, due = _users(configuration), _due(configuration)
    by_file: dict[BlobEntry, list[Held]] = {}
    for held in chosen:
        by_file.setdefault(held.entry, []).append(held)
    known: dict[Key, Kept] = {}
    for entry, of_file in by_file.items():
        known.update(_of_file(configuration, repository, entry, of_file, users, due))
    return [known[held.file, held.secret.name] for held in chosen]


def _of_file(
    configuration: Configuration,
    repository: Repository,
    entry: BlobEntry,
    chosen: Sequence[Held],
    users: AnyMapping[Key, Users],
    due: AnyMapping[Key, Sequence[Due]],
) -> Iterator[tuple[Key, Kept]]:
    is_binary = entry.path.endswith(BINARY)
    lines = [0 if is_binary else configuration.locator.origin(entry, held.secret.path).line for held in chosen]
    recipients = _recipients(configuration, entry)
    blames = repository.blame(None, entry.path, [line or 1 for line in lines])
    for held, line in zip(chosen, lines, strict=True):
        key = held.file, held.secret.name
        documents, consumers = (tuple(sorted(names)) for names in users.get(key) or _no_users())
        blame = blames.get(line or 1)
        yield key, Kept(held, line, recipients, blame, documents, consumers, tuple(due.get(key, ())))


def _recipients(configuration: Configuration, entry: BlobEntry) -> tuple[str, ...]:
    """The keys that open a file; none for what is not encrypted or cannot be read."""
    inspected = inspected_file(configuration, entry)
    if inspected.header is not None:
        return tuple(stanza.type for stanza in inspected.header.stanzas if not stanza.is_grease)
    entries = inspected.metadata.entries if inspected.metadata else ()
    return tuple(entry.name if entry.service == "age" else entry.label for entry in entries)


def _users(configuration: Configuration) -> dict[Key, Users]:
    """Over all scopes and targets."""
    found: defaultdict[Key, Users] = defaultdict(_no_users)
    for scope in configuration.scopes:
        for name, resolved in configuration.effective(scope).documents.items():
            for key in _keys(configuration, scope, resolved.secrets):
                found[key].documents.add(name)
    for target, uses in build(configuration, configuration.targets).uses.items():
        for key in _keys(configuration, target.scope, uses):
            found[key].consumers.add(target.consumer)
    return found


def _due(configuration: Configuration) -> dict[Key, list[Due]]:
    """The entries of `rotations.yaml`, where there are any."""
    entry = configuration.snapshot.entries.get(FILE)
    found: defaultdict[Key, list[Due]] = defaultdict(list)
    for due in read_due(configuration.snapshot.read(entry.oid)) if entry is not None else ():
        found[due.file, due.secret].append(due)
    return found


def _no_users() -> Users:
    return Users(set(), set())


def _keys(configuration: Configuration, scope: Scope, uses: Iterable[str]) -> Iterator[Key]:
    secrets = configuration.effective(scope).secrets
    for use in uses:
        name = parse_secret_use(use).name
        if name in secrets:
            yield secrets[name].entry.path, name

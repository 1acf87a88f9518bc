"""The last configuration in which nothing was found, as it is remembered on disk: its files, and what its documents asked of one another.

From it, a later run learns where anything may have come to be wrong (docs/adr/0032). It holds names and ids, no value and no message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from llmcfg.llm.records.folders import FOLDERS
from llmcfg.pipeline.compose import Settled
from llmcfg.pipeline.filefindings import every_document
from llmcfg.pipeline.known import name_of
from llmcfg.pipeline.layers import PROMPTS, layer_folders
from llmcfg.pipeline.marks import marks_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet
    from datetime import date

    from llmcfg.model.target import Scope
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.pipeline.layers import Layer

_NAME: Final = name_of("last sound")
_OUTDATED: Final = 16  # changed files; looking at these again costs less than to write the record anew each time


class LastSound(msgspec.Struct, array_like=True):
    """`files` are blob ids by path. `asked` are, for each document that holds references, the documents that it asked for in any scope.

    `allowing` are the documents with comments that let findings pass.
    """

    day: str
    files: dict[str, str]
    asked: dict[str, list[str]]
    allowing: list[str]


_DECODER: Final = msgspec.msgpack.Decoder(LastSound)


class Focus(NamedTuple):
    """Where something may be found: in these documents, which changed or ask for one that did, in these scopes.

    `tenants` are those in whose layers something changed. `judged` are the scopes for the rules about LLM platforms and prompts, with the
    documents that let findings of theirs pass: whether a comment is of use is for all scopes to say.
    """

    names: frozenset[str]
    scopes: tuple[Scope, ...]
    tenants: frozenset[str]
    judged: tuple[Scope, ...]
    allowing: frozenset[str]
    settled: Settled


def find_last_sound(configuration: Configuration, as_of: date) -> LastSound | None:
    """Of this day, since rules may ask for it; None where nothing that is remembered says something of this configuration."""
    disk = configuration.memo.disk
    content = None if disk is None else disk.content(_NAME)
    try:
        last = None if content is None else _DECODER.decode(content)
    except msgspec.MsgspecError:
        return None
    is_of_use = last is not None and last.day == as_of.isoformat() and not _has_findings(configuration)
    return last if is_of_use else None


def keep_last_sound(configuration: Configuration, as_of: date, last: LastSound | None = None) -> None:
    """After nothing was found. With `last`, where only what changed since was looked at: it is kept as long as that is little."""
    disk = configuration.memo.disk
    if disk is None:
        return
    entries = configuration.snapshot.entries
    files = {path: entry.oid for path, entry in entries.items()}
    if last is None or sum(last.files[path] != oid for path, oid in files.items()) > _OUTDATED:
        marked = (entry for entry in every_document(configuration) if marks_of(configuration, entry).allowance)
        allowing = {configuration.layout.document_at(entry.path) or "" for entry in marked}
        sound = LastSound(as_of.isoformat(), files, _asked(configuration, last), sorted(allowing))
        disk.add(_NAME, msgspec.msgpack.encode(sound))
    disk.keep()


def focus_since(configuration: Configuration, last: LastSound) -> Focus | None:
    """None where more changed than the content of documents: then everything has to be looked at."""
    entries = configuration.snapshot.entries
    if entries.keys() != last.files.keys():
        return None
    paths = {path for path, entry in entries.items() if last.files[path] != entry.oid}
    said = [*_documents_at(configuration, paths)]
    if len(said) != len(paths):
        return None
    changed = frozenset(name for _, name in said)
    asking = frozenset(name for name, asked in last.asked.items() if not changed.isdisjoint(asked))
    names = changed | asking
    is_platform = any(name.startswith(PROMPTS) or name.partition("/")[0] in FOLDERS for name in names)
    scopes = _scopes_with(configuration, {layer.folder for layer, _ in said})
    return Focus(
        names,
        scopes,
        frozenset(layer.tenant for layer, _ in said if layer.tenant is not None),
        (configuration.scopes if last.allowing else scopes) if is_platform else (),
        frozenset(last.allowing if is_platform else ()),
        Settled(changed, frozenset(last.asked)),
    )


def _has_findings(configuration: Configuration) -> bool:
    """In the files that make up a configuration, before anything is composed."""
    return bool(
        configuration.snapshot.findings
        or configuration.manifest_findings
        or configuration.layout.findings
        or configuration.consumer_findings
    )


def _documents_at(configuration: Configuration, paths: AbstractSet[str]) -> Iterator[tuple[Layer, str]]:
    for layer in configuration.layout.layers.values() if paths else ():
        for name, entry in layer.documents.items():
            if entry.path in paths:
                yield layer, name


def _scopes_with(configuration: Configuration, folders: AbstractSet[str]) -> tuple[Scope, ...]:
    """The scopes that one of these layers has a say in, and those of their tenants' parents, whose budgets cover them."""
    manifest = configuration.manifest
    found = [
        scope for scope in configuration.scopes if folders and not folders.isdisjoint(layer_folders(manifest, scope))
    ]
    parents = (
        scope._replace(tenant=parent)
        for scope in found
        if scope.tenant is not None and (parent := manifest.tenants[scope.tenant].parent) is not None
    )
    return tuple(dict.fromkeys([*found, *parents]))


def _asked(configuration: Configuration, last: LastSound | None) -> dict[str, list[str]]:
    asked = {name: {*documents} for name, documents in last.asked.items()} if last is not None else {}
    for composed, outcomes in configuration.memo.resolve.outcomes.items():
        asked.setdefault(composed.name, set()).update(outcomes.documents())
    return {name: sorted(documents) for name, documents in sorted(asked.items())}

"""The last configuration in which nothing was found, as it is remembered on disk beside what its documents asked of one another.

From it, a later run learns where anything may have come to be wrong (docs/adr/0032). It holds names and ids, no value and no message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from llmcfg.llm.records.folders import FOLDERS
from llmcfg.model.entries import file_ids
from llmcfg.pipeline.compose import Settled
from llmcfg.pipeline.filefindings import every_document
from llmcfg.pipeline.known import name_of
from llmcfg.pipeline.layers import PROMPTS
from llmcfg.pipeline.marks import marks_of
from llmcfg.pipeline.readsets import find_read_sets, is_outdated, keep_read_sets, place, scopes_with

if TYPE_CHECKING:
    from datetime import date

    from llmcfg.model.target import Scope
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.pipeline.readsets import ReadSets

_NAME: Final = name_of("last sound")


class LastSound(NamedTuple):
    """`allowing` are the documents with comments that let findings pass."""

    reads: ReadSets
    allowing: frozenset[str]


class _Kept(msgspec.Struct, array_like=True):
    """`mark` names the read sets of the same configuration."""

    day: str
    mark: bytes
    allowing: list[str]


_DECODER: Final = msgspec.msgpack.Decoder(_Kept)


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
        kept = None if content is None else _DECODER.decode(content)
    except msgspec.MsgspecError:
        return None
    if kept is None or kept.day != as_of.isoformat() or _has_findings(configuration):
        return None
    reads = find_read_sets(disk)
    return LastSound(reads, frozenset(kept.allowing)) if reads is not None and reads.mark == kept.mark else None


def keep_last_sound(configuration: Configuration, as_of: date, last: LastSound | None = None) -> None:
    """After nothing was found. With `last`, where only what changed since was looked at: it is kept as long as that is little."""
    disk = configuration.memo.disk
    if disk is None:
        return
    if last is None or is_outdated(last.reads, configuration):
        marked = (entry for entry in every_document(configuration) if marks_of(configuration, entry).allowance)
        allowing = {configuration.layout.document_at(entry.path) or "" for entry in marked}
        reads = keep_read_sets(configuration, last.reads if last is not None else None)
        disk.add(_NAME, msgspec.msgpack.encode(_Kept(as_of.isoformat(), reads.mark, sorted(allowing))))
    disk.keep()


def focus_since(configuration: Configuration, last: LastSound) -> Focus | None:
    """None where more changed than the content of documents: then everything has to be looked at."""
    files, reads = file_ids(configuration.snapshot.entries), last.reads
    if files.paths != reads.files.paths:
        return None
    placed = place(configuration, reads.files.differing(files))
    if placed is None or placed.has_secrets:
        return None
    names = placed.names | reads.asking(placed.names)
    is_platform = any(name.startswith(PROMPTS) or name.partition("/")[0] in FOLDERS for name in names)
    scopes = _with_parents(configuration, tuple(scopes_with(configuration, placed.folders)))
    return Focus(
        names,
        scopes,
        placed.tenants,
        (configuration.scopes if last.allowing else scopes) if is_platform else (),
        last.allowing if is_platform else frozenset(),
        Settled(placed.names, frozenset(reads.asked)),
    )


def _has_findings(configuration: Configuration) -> bool:
    """In the files that make up a configuration, before anything is composed."""
    return bool(
        configuration.snapshot.findings
        or configuration.manifest_findings
        or configuration.layout.findings
        or configuration.consumer_findings
    )


def _with_parents(configuration: Configuration, scopes: tuple[Scope, ...]) -> tuple[Scope, ...]:
    """With the same scopes of their tenants' parents, whose budgets cover them."""
    tenants = configuration.manifest.tenants
    parents = (
        scope._replace(tenant=parent)
        for scope in scopes
        if scope.tenant is not None and (parent := tenants[scope.tenant].parent) is not None
    )
    return tuple(dict.fromkeys([*scopes, *parents]))

"""What documents asked of one another, as it is remembered on disk, with the files of the configuration that they asked it in.

It is kept of a configuration of which every document can be read and every bundle built. So of any other one, what differs from it in
content, and what asked for that, is all that has to be looked at to know the rest (docs/adr/0045). It holds names and ids, no value and no
message. There is one for a repository; losing it costs a look at everything.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from llmcfg.model.entries import FileIds, file_ids
from llmcfg.model.snapshot import BlobEntry
from llmcfg.pipeline.compose import Settled
from llmcfg.pipeline.known import NAME_BYTES, name_of
from llmcfg.pipeline.layers import POLICIES, sort_files

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from llmcfg.model.target import Scope, Target
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.ports import Cache

_NAME: Final = name_of("read sets")
_OUTDATED: Final = 16  # changed files; looking at these again costs less than to write the record anew each time

BESIDE: Final = (POLICIES, ".sops.yaml")
"""What paths begin with of files that judge changes, and that nothing is built from."""


class ReadSets(msgspec.Struct, array_like=True):
    """`mark` names the content. `files` are the ids of all files.

    `asked` are, for each document that holds references, what it asked for in any scope: documents by name, and folders of them, whose
    names end in `/`; the empty one stands for all.
    """

    mark: bytes
    files: FileIds
    asked: dict[str, list[str]]

    def differing(self, entries: Mapping[str, BlobEntry]) -> frozenset[str]:
        """The paths of files that came, went or changed since."""
        return self.files.differing(file_ids(entries))

    def asking(self, changed: AbstractSet[str], moved: AbstractSet[str] = frozenset()) -> frozenset[str]:
        """The documents that asked for one that changed, or for a folder that one of those which came or went lies in."""
        return frozenset(
            name
            for name, asked in self.asked.items()
            if not changed.isdisjoint(asked) or (moved and any(_holds(each, moved) for each in asked))
        )


def _holds(asked: str, names: AbstractSet[str]) -> bool:
    return (not asked or asked.endswith("/")) and any(name.startswith(asked) for name in names)


class Placed(NamedTuple):
    """What some files say: documents and secrets, in the layers of these folders, some of which are tenants' own."""

    folders: frozenset[str]
    tenants: frozenset[str]
    names: frozenset[str]
    has_secrets: bool


_NOWHERE: Final = Placed(frozenset(), frozenset(), frozenset(), False)

_DECODER: Final = msgspec.msgpack.Decoder(ReadSets)


def find_read_sets(disk: Cache | None) -> ReadSets | None:
    content = None if disk is None else disk.content(_NAME)
    try:
        return None if content is None else _DECODER.decode(content)
    except msgspec.MsgspecError:
        return None


def keep_read_sets(configuration: Configuration, earlier: ReadSets | None = None) -> ReadSets:
    """Of a configuration that was looked at whole, or where it differs from that of `earlier`."""
    reads = read_sets_of(configuration, earlier)
    if configuration.memo.disk is not None:
        configuration.memo.disk.add(_NAME, msgspec.msgpack.encode(reads))
    return reads


def read_sets_of(configuration: Configuration, earlier: ReadSets | None = None) -> ReadSets:
    """As far as it was looked at, and as `earlier` has them."""
    files = file_ids(configuration.snapshot.entries)
    asked = _asked(configuration, earlier)
    mark = blake2b(msgspec.msgpack.encode((files, asked)), digest_size=NAME_BYTES).digest()
    return ReadSets(mark, files, asked)


def keep_if_outdated(configuration: Configuration, built: Collection[Target]) -> None:
    """After a look at all of a configuration. `built` are the targets whose bundles could be built."""
    disk = configuration.memo.disk
    if disk is None or not _is_whole(configuration, built):
        return
    there = find_read_sets(disk)
    if there is None or is_outdated(there, configuration):
        keep_read_sets(configuration)
        disk.keep()


def is_outdated(reads: ReadSets, configuration: Configuration) -> bool:
    paths = reads.differing(configuration.snapshot.entries)
    return len(paths) > _OUTDATED or place(configuration, paths) is None


def place(configuration: Configuration, paths: AbstractSet[str]) -> Placed | None:
    """What these files say or said; None where one of them is neither a document nor holds secrets."""
    if not paths:
        return _NOWHERE
    layout = sort_files({path: BlobEntry(path, "", 0) for path in paths}, configuration.manifest)
    layers = layout.layers.values()
    names = [name for layer in layers for name in layer.documents]
    secret_files = sum(len(layer.secret_files) for layer in layers)
    if len(names) + secret_files != len(paths):
        return None
    return Placed(
        frozenset(layer.folder for layer in layers),
        frozenset(layer.tenant for layer in layers if layer.tenant is not None),
        frozenset(names),
        bool(secret_files),
    )


def narrowed_by_reads(configuration: Configuration) -> Configuration:
    """The same one, for who looks at little of it, where it is known which of its documents ask for others."""
    reads = find_read_sets(configuration.memo.disk)
    placed = (
        None if reads is None else place(configuration, _built_from(reads.differing(configuration.snapshot.entries)))
    )
    if reads is None or placed is None or configuration.snapshot.findings:
        return configuration
    return configuration.narrowed(Settled(placed.names, frozenset(reads.asked)))


def _built_from(paths: AbstractSet[str]) -> AbstractSet[str]:
    return {path for path in paths if not path.startswith(BESIDE)}


def scopes_with(configuration: Configuration, folders: AbstractSet[str]) -> Iterator[Scope]:
    """The scopes that one of these layers has a say in."""
    return (scope for scope in configuration.scopes if folders and not folders.isdisjoint(configuration.folders(scope)))


def _is_whole(configuration: Configuration, built: Collection[Target]) -> bool:
    return (
        not configuration.snapshot.findings
        and len(built) == len(configuration.targets)
        and len(configuration.consumers) == len(configuration.layout.consumers)
        and not any(configuration.effective(scope).unreadable for scope in configuration.scopes)
    )


def _asked(configuration: Configuration, earlier: ReadSets | None) -> dict[str, list[str]]:
    asked = {name: {*documents} for name, documents in earlier.asked.items()} if earlier is not None else {}
    for composed, outcomes in configuration.memo.resolve.outcomes.items():
        asked.setdefault(composed.name, set()).update(outcomes.documents())
    return {name: sorted(documents) for name, documents in sorted(asked.items())}

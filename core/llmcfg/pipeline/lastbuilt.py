"""The last bundles that were built of an environment without an error, as they are remembered on disk (docs/adr/0048).

From them a later run learns which bundles of another revision differ. It holds names, ids and digests, no value and no message. There is
one for each environment; losing it costs a build of everything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from llmcfg.model.findings import has_blocking
from llmcfg.pipeline.amending import FEW, amend_bundles, can_be_amended
from llmcfg.pipeline.build import Built, start_build
from llmcfg.pipeline.checks import OF_FILES, Look, find_all
from llmcfg.pipeline.filefindings import documents_named
from llmcfg.pipeline.known import name_of
from llmcfg.pipeline.layers import READ_BY_PROMPTS
from llmcfg.pipeline.marks import marks_of
from llmcfg.pipeline.reach import reach_since, unplaced
from llmcfg.pipeline.readsets import ReadSets, read_sets_of
from llmcfg.pipeline.recipients import recipient_findings
from llmcfg.pipeline.select import Selector
from llmcfg.pipeline.sharing import Sharing
from llmcfg.pipeline.stored import NOTHING_STORED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from llmcfg.model.snapshot import BlobEntry
    from llmcfg.model.target import Target
    from llmcfg.pipeline.checks import Per
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.pipeline.reach import Reach
    from llmcfg.pipeline.select import Selection
    from llmcfg.pipeline.stored import Stored
    from llmcfg.ports import Cache

_ALL: Final = "build all"


class LastBuilt(msgspec.Struct, array_like=True):
    """`reads` are of the scopes of all targets. `strange` is what was found in the tree beside files. `manifests` are digests by folder."""

    reads: ReadSets
    strange: str
    manifests: dict[str, str]


_DECODER: Final = msgspec.msgpack.Decoder(LastBuilt)


def find_last_built(disk: Cache | None, environment: str) -> LastBuilt | None:
    if disk is None:
        return None
    content = disk.content(_name(environment))
    try:
        if content is not None:
            return _DECODER.decode(content)
    except msgspec.MsgspecError:
        pass
    disk.miss(_ALL, "the last build")
    return None


def keep_last_built(
    configuration: Configuration, environment: str, manifests: Mapping[Target, str], last: LastBuilt | None = None
) -> None:
    """After no error was found in the environment. With `last`, where only what changed since was looked at."""
    disk = configuration.memo.disk
    if disk is not None:
        reads = read_sets_of(configuration, None if last is None else last.reads)
        said = {target.folder: manifest for target, manifest in manifests.items()}
        disk.add(_name(environment), msgspec.msgpack.encode(LastBuilt(reads, _strange(configuration), said)))
        disk.keep()


def find_reached(configuration: Configuration, targets: Sequence[Target], last: LastBuilt) -> Reach | None:
    """What may differ from the last build in an environment that has these targets; None where everything may."""
    reach = reach_since(last.reads, configuration)
    folders = {target.folder for target in targets}
    if reach is None or last.strange != _strange(configuration) or folders != last.manifests.keys():
        paths = last.reads.differing(configuration.snapshot.entries)
        _build_all(configuration, unplaced(configuration, paths) if reach is None else "what is strange in a tree")
        return None
    scopes, there = {target.scope for target in targets}, {*targets}
    return reach._replace(
        scopes=tuple(scope for scope in reach.scopes if scope in scopes),
        targets=tuple(target for target in reach.targets if target in there),
    )


def build_reached(
    configuration: Configuration, reach: Reach, last: LastBuilt, find_stored: Callable[[], Stored]
) -> Built | None:
    """The bundles that a change can reach. None where it brings an error: which, and in which words, is for a look at everything to say.

    `configuration` is narrowed to the reach. `find_stored` gives what is stored of bundles, which few of them are laid over.
    """
    built = _build_sound(configuration, reach, last, find_stored)
    if built is None:
        _build_all(configuration, "an error")
    elif configuration.memo.disk is not None:
        for target in built.bundles:
            configuration.memo.disk.miss("build", str(target))
    return built


def _build_sound(
    configuration: Configuration, reach: Reach, last: LastBuilt, find_stored: Callable[[], Stored]
) -> Built | None:
    documents = documents_named(configuration, reach.names)
    if any(marks_of(configuration, entry).sealed for entry in documents):
        return None
    stored = find_stored() if 0 < len(reach.targets) <= FEW else NOTHING_STORED
    if can_be_amended(configuration, reach.targets, stored, last.manifests):
        return _amend_sound(configuration, reach, documents, stored)
    with start_build(configuration, reach.targets) as building:
        has_errors = _has_errors(configuration, reach, documents, building.selections)
        built = building.finish()
    return None if has_errors or not _is_sound(built, reach) else built


def _amend_sound(
    configuration: Configuration, reach: Reach, documents: Sequence[BlobEntry], stored: Stored
) -> Built | None:
    selector = Selector(configuration.memo)
    selections = {
        target: selector.select(configuration.consumer(target.consumer), configuration.effective(target.scope))
        for target in reach.targets
    }
    is_whole = all(selection.is_whole for selection in selections.values())
    if not is_whole or _has_errors(configuration, reach, documents, selections):
        return None
    bundles = amend_bundles(configuration, selections, stored, _with_around(reach), reach.settled.linked)
    built = Built(bundles, selections, tuple(recipient_findings(configuration, bundles)))
    return built if _is_sound(built, reach) else None


def _is_sound(built: Built, reach: Reach) -> bool:
    return not has_blocking(built.findings) and built.bundles.keys() == {*reach.targets}


def _build_all(configuration: Configuration, why: str) -> None:
    if configuration.memo.disk is not None:
        configuration.memo.disk.miss(_ALL, why)


def _has_errors(
    configuration: Configuration,
    reach: Reach,
    documents: Sequence[BlobEntry],
    selections: Mapping[Target, Selection],
) -> bool:
    names = _with_around(reach)
    reads_prompts = any(name.startswith(READ_BY_PROMPTS) for name in reach.names)
    look = Look(
        configuration,
        Sharing(configuration, reach.scopes, names),
        documents,
        scopes=reach.scopes,
        judged=reach.scopes,
        prompted=reach.scopes if reads_prompts else None,
        selections=selections,
        names=names,
        tenants=reach.tenants,
        has_all_uses=False,
    )
    return has_blocking(find_all(look, but=_same(reach)))


def _with_around(reach: Reach) -> AbstractSet[str]:
    """With the documents around one that comes or goes, which may hold its keys too."""
    return reach.names | {around for name in reach.moved for around in _around(name)}


def _around(name: str) -> Iterator[str]:
    steps = name.split("/")
    return ("/".join(steps[:length]) for length in range(1, len(steps)))


def _same(reach: Reach) -> AbstractSet[Per]:
    """What checks of files that are no documents are asked of, as far as it is the same."""
    return {per for per in OF_FILES if not (reach.moved if per == "file" else reach.has_secrets)}


def _strange(configuration: Configuration) -> str:
    return repr(configuration.snapshot.findings)


def _name(environment: str) -> bytes:
    return name_of("last built", environment)

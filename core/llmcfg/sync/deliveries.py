"""What each sink of an environment should hold, and what it does hold.

A consumer's own sinks take the place of the manifest's. A sink holds the bundles of the consumers that name it and a head of its own.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Literal, NamedTuple

from llmcfg.canonical import canonical_json
from llmcfg.errors import FindingsError, LlmcfgError
from llmcfg.sync.deployed import cut_to_folders

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from llmcfg.model.files import Files
    from llmcfg.model.manifest import SinkSpec
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.ports import Sink

    MakeSink = Callable[[SinkSpec, str], Sink | None]
    SinkFolders = Mapping[SinkSpec, frozenset[str]]

DeliveryState = Literal["current", "empty", "differs"]


class Place(NamedTuple):
    """What tells one sink from another."""

    kind: str
    name: str
    branch: str
    path: str

    def __str__(self) -> str:
        return ":".join(part for part in (self.name, self.branch, self.path) if part)


class _Said(NamedTuple):
    spec: SinkSpec
    folders: frozenset[str]


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a sink should hold, and how what it does hold compares. `differing` are the paths that differ, sorted.

    `is_recorded` says that this very delivery was completed before; if it differs all the same, somebody changed it since: it drifted.
    `mends` is false for a sink whose drift is only to be reported. `seen` is what the comparison was made with.
    """

    sink: Sink
    root: str
    files: Mapping[str, bytes]
    state: DeliveryState
    differing: tuple[str, ...]
    seen: Seen

    @property
    def is_recorded(self) -> bool:
        return self.seen.recorded == self.root

    @property
    def mends(self) -> bool:
        return self.seen.spec.drift == "mend"

    @property
    def has_drifted(self) -> bool:
        return self.state != "current" and self.is_recorded

    @property
    def is_due(self) -> bool:
        """Whether it is to be delivered when nobody asked for it."""
        return not self.is_recorded or (self.has_drifted and self.mends)


class Seen(NamedTuple):
    """A sink as it was observed: its files' digests, None if nothing is there, and the root of its last completed delivery."""

    spec: SinkSpec
    folders: frozenset[str]
    there: Mapping[str, str] | None
    recorded: str | None


class Delivered(NamedTuple):
    """The sinks that were written, and those that could not be, with why."""

    written: tuple[Delivery, ...]
    failed: tuple[tuple[Delivery, LlmcfgError], ...]


def find_sinks(configuration: Configuration, environment: str) -> SinkFolders:
    """The environment's sinks, each once, with the folders of the bundles that it holds; the manifest's even if they hold none.

    Raises FindingsError for a sink that two environments would write.
    """
    found = _sinks_of(configuration, environment)
    for other in configuration.manifest.environments:
        theirs = _sinks_of(configuration, other) if other != environment else {}
        for place in sorted(place for place in found.keys() & theirs.keys() if place.kind != "http"):
            raise FindingsError(
                f"the sink {str(place)!r} belongs to {environment!r} and {other!r}: each would remove what the other writes",
                hint="put {environment} in its path",
            )
    return {said.spec: frozenset(said.folders) for said in found.values()}


def join_sinks(others: SinkFolders, sinks: SinkFolders) -> SinkFolders:
    """`sinks`, and those of `others` that lie in other places."""
    places = {place_of(spec) for spec in sinks}
    return {**{spec: folders for spec, folders in others.items() if place_of(spec) not in places}, **sinks}


def place_of(spec: SinkSpec) -> Place:
    return Place(spec.kind, spec.name, spec.branch, _normal(spec.path))


def is_quick(spec: SinkSpec) -> bool:
    """Whether delivering there neither waits for a network nor for a program."""
    return spec.kind == "directory" and not spec.after_apply


class Wanted(NamedTuple):
    """What a sink should hold: the folders of its bundles, their files and digests, and the root that names exactly these."""

    folders: frozenset[str]
    files: Mapping[str, bytes]
    digests: Mapping[str, str]
    root: str


def cut_for(files: Files, folders: Collection[str]) -> Wanted:
    """What a sink of the bundles in these folders should hold of an environment's files."""
    wanted = cut_to_folders(files, folders)
    digests = wanted.digests()
    return Wanted(frozenset(folders), wanted, digests, _delivery_root(digests))


def compare_sink(sink: Sink, spec: SinkSpec, wanted: Wanted) -> Delivery:
    """How what a sink does hold compares with what it should."""
    return _compare(sink, wanted, Seen(spec, wanted.folders, sink.observe(), sink.delivered()))


def observe(
    sinks: SinkFolders,
    environment: str,
    files: Files,
    make_sink: MakeSink,
    unknown: Collection[str] = (),
) -> tuple[Delivery, ...]:
    """What each sink should hold of these files, compared with what it does hold. `unknown` are paths that will be written anew.

    A sink of no bundle that is not there stays so. One that `make_sink` gives None for is somebody else's to deliver to.
    """
    deliveries = []
    for spec, folders in sinks.items():
        sink = make_sink(spec, environment)
        if sink is None:
            continue
        there = sink.observe()
        if there is None and not folders:
            continue
        deliveries.append(aim(sink, files, Seen(spec, folders, there, sink.delivered()), unknown))
    return tuple(deliveries)


def aim(sink: Sink, files: Files, seen: Seen, unknown: Collection[str] = ()) -> Delivery:
    """The delivery of its part of these files to a sink that was seen like that. Looks at nothing."""
    return _compare(sink, cut_for(files, seen.folders), seen, unknown)


def _compare(sink: Sink, wanted: Wanted, seen: Seen, unknown: Collection[str] = ()) -> Delivery:
    there = seen.there or {}
    differing = {path for path in {*wanted.digests, *there} if wanted.digests.get(path) != there.get(path)}
    differing |= {path for path in unknown if "/".join(path.split("/")[:2]) in seen.folders}
    state: DeliveryState = "current" if not differing else "empty" if seen.there is None else "differs"
    return Delivery(sink, wanted.root, wanted.files, state, tuple(sorted(differing)), seen)


def deliver(deliveries: Iterable[Delivery], refuse_if_moved: Callable[[], None]) -> Delivered:
    """Write these sinks, one after another. `refuse_if_moved` raises when the deployed ref is no longer what they are made from."""
    written: list[Delivery] = []
    failed: list[tuple[Delivery, LlmcfgError]] = []
    for delivery in deliveries:
        refuse_if_moved()
        try:
            delivery.sink.deliver(delivery.root, delivery.files)
            written.append(delivery)
        except LlmcfgError as error:
            failed.append((delivery, error))
    if written or failed:
        refuse_if_moved()
    return Delivered(tuple(written), tuple(failed))


def _sinks_of(configuration: Configuration, environment: str) -> dict[Place, _Said]:
    """By place, so that two ways to write one place are one sink."""
    sinks: dict[Place, _Said] = {}
    for spec in configuration.manifest.sinks:
        _add(sinks, spec, environment, frozenset())
    folders: dict[str, set[str]] = {}
    for target in configuration.targets:
        if target.environment == environment:
            folders.setdefault(target.consumer, set()).add(target.folder)
    for name, of_it in folders.items():
        consumer = configuration.consumer(name)
        for spec in consumer.sinks or configuration.manifest.sinks:
            _add(sinks, spec, environment, frozenset(of_it), consumer.after_apply)
    return sinks


def _add(
    sinks: dict[Place, _Said], spec: SinkSpec, environment: str, folders: frozenset[str], hook: str | None = None
) -> None:
    """A sink that is named twice keeps as much as either says, and leaves drift alone and opens what is sealed if either says so."""
    here = spec._replace(
        path=_normal(spec.path.replace("{environment}", environment)),
        branch=spec.branch.replace("{environment}", environment),
    )
    place = place_of(here)
    before = sinks.get(place, _Said(here, frozenset()))
    hooks = ((folder, hook) for folder in folders if hook)
    merged = before.spec._replace(
        keep=max(before.spec.keep, here.keep),
        drift="report" if "report" in (before.spec.drift, here.drift) else "mend",
        opens=before.spec.opens or here.opens,
        after_apply=tuple(sorted({*before.spec.after_apply, *hooks})),
    )
    sinks[place] = _Said(merged, before.folders | folders)


def _normal(path: str) -> str:
    return str(PurePosixPath(path)) if path else ""


def _delivery_root(digests: Mapping[str, str]) -> str:
    """Names exactly these files: a new head over unchanged bundles is a new delivery."""
    return hashlib.sha256(canonical_json(dict(digests))).hexdigest()

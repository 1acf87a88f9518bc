"""What each sink of an environment should hold, and what it does hold.

A consumer's own sinks take the place of the manifest's. A sink holds the bundles of the consumers that name it and a head of its own.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Literal

from llmcfg.canonical import canonical_json
from llmcfg.errors import FindingsError
from llmcfg.model.manifest import SinkSpec
from llmcfg.sync.deployed import cut_to_folders

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.ports import Sink

    MakeSink = Callable[[SinkSpec, str], Sink]
    SinkFolders = Mapping[SinkSpec, frozenset[str]]

DeliveryState = Literal["current", "empty", "differs"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a sink should hold, and how what it does hold compares. `differing` are the paths that differ, sorted."""

    sink: Sink
    root: str
    files: Mapping[str, bytes]
    state: DeliveryState
    differing: tuple[str, ...] = ()


def find_sinks(configuration: Configuration, environment: str) -> SinkFolders:
    """The environment's sinks, each once, with the folders of the bundles that it holds; the manifest's even if they hold none.

    Raises FindingsError for a sink that two environments would write.
    """
    found = _sinks_of(configuration, environment)
    for other in configuration.manifest.environments:
        shared = found.keys() & _sinks_of(configuration, other).keys() if other != environment else ()
        for _, path in sorted(shared):
            raise FindingsError(
                f"the sink {path!r} belongs to the environments {environment!r} and {other!r}: each would remove what the other writes",
                hint="put {environment} in its path",
            )
    return {SinkSpec(kind, path, keep): frozenset(folders) for (kind, path), (keep, folders) in found.items()}


def join_sinks(others: SinkFolders, sinks: SinkFolders) -> SinkFolders:
    """`sinks`, and those of `others` that lie in other places."""
    places = {(spec.kind, spec.path) for spec in sinks}
    return {**{spec: folders for spec, folders in others.items() if (spec.kind, spec.path) not in places}, **sinks}


def observe(
    sinks: SinkFolders, environment: str, files: Mapping[str, bytes], make_sink: MakeSink
) -> tuple[Delivery, ...]:
    """What each sink should hold of these files, compared with what it does hold. A sink of no bundle that is not there stays so."""
    deliveries = []
    for spec, folders in sinks.items():
        wanted = cut_to_folders(files, folders)
        sink = make_sink(spec, environment)
        there = sink.observe()
        if there is None and not folders:
            continue
        digests = {path: hashlib.sha256(content).hexdigest() for path, content in wanted.items()}
        differing = tuple(
            sorted(path for path in {*digests, *(there or {})} if digests.get(path) != (there or {}).get(path))
        )
        state: DeliveryState = "current" if not differing else "empty" if there is None else "differs"
        deliveries.append(Delivery(sink, _delivery_root(digests), wanted, state, differing))
    return tuple(deliveries)


def _sinks_of(configuration: Configuration, environment: str) -> dict[tuple[str, str], tuple[int, set[str]]]:
    """By kind and place, so that two ways to write one place are one sink; it keeps as much as any of them says."""
    sinks: dict[tuple[str, str], tuple[int, set[str]]] = {}
    for spec in configuration.manifest.sinks:
        _add(sinks, spec, environment, ())
    for target in configuration.targets:
        if target.environment == environment:
            for spec in configuration.consumer(target.consumer).sinks or configuration.manifest.sinks:
                _add(sinks, spec, environment, (target.folder,))
    return sinks


def _add(
    sinks: dict[tuple[str, str], tuple[int, set[str]]], spec: SinkSpec, environment: str, folders: tuple[str, ...]
) -> None:
    place = spec.kind, str(PurePosixPath(spec.path.replace("{environment}", environment)))
    keep, known = sinks.get(place, (spec.keep, set()))
    sinks[place] = max(keep, spec.keep), known | {*folders}


def _delivery_root(digests: Mapping[str, str]) -> str:
    """Names exactly these files: a new head over unchanged bundles is a new delivery."""
    return hashlib.sha256(canonical_json(dict(digests))).hexdigest()

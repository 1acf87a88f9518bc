"""Whether what was deployed is what its commit gives: every state of a deployed ref is built again, and compared by digests.

A build is a function of a Git tree and an engine. So the same engine has to come to the same digests, on any machine and at any time;
another version may, and what it makes otherwise proves nothing.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from llmcfg.canonical import digest
from llmcfg.errors import FindingsError, NotFoundError, UnknownRevisionError
from llmcfg.model.progress import UNWATCHED
from llmcfg.pipeline.bundle import ENGINE
from llmcfg.sync.building import build_all
from llmcfg.sync.deployed import ENGINE_TRAILER, deployed_history
from llmcfg.sync.plan import read_state

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from llmcfg.model.progress import Progress
    from llmcfg.model.snapshot import Revision
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.ports import Repository
    from llmcfg.sync.deployed import Deployed

    OpenAt = Callable[[Revision], Configuration]


class Outcome(StrEnum):
    """Of one state. The last three say nothing about what was deployed, only that it could not be built again."""

    SAME = "same"
    DIFFERS = "differs"
    DAMAGED = "damaged"
    UNBUILT = "unbuilt"
    MISSING = "missing"
    OTHER_ENGINE = "other-engine"


class Reproduction(NamedTuple):
    """A deployed state, the engine that made it, and what building it again shows.

    `differing` are the folders of bundles that are not what the commit gives; `why` says what is damaged, or was in the way.
    """

    state: Deployed
    engine: str
    outcome: Outcome
    differing: tuple[str, ...] = ()
    why: str = ""


def commits_between(repository: Repository, before: str, after: str) -> frozenset[str]:
    """The commits that `after` reaches and `before` does not; an empty `before` reaches none. Raises UnknownRevisionError."""
    reached = _reached(repository, after)
    return reached - _reached(repository, before) if before else reached


def reproduce(
    repository: Repository,
    open_at: OpenAt,
    environment: str,
    within: Collection[str] | None = None,
    progress: Progress = UNWATCHED,
) -> Iterator[Reproduction]:
    """Every state of the deployed ref, newest first; with `within` those that were built from one of these commits."""
    built: dict[str, _Rebuilt] = {}
    for state in progress.over(f"building what {environment} ran", deployed_history(repository, environment)):
        if within is None or state.source in within:
            if state.source not in built:
                built[state.source] = _rebuild(repository, open_at, state)
            yield _compare(repository, state, built[state.source])


class _Rebuilt(NamedTuple):
    """The digests of bundles by folder; without them, what was in the way."""

    bundles: Mapping[str, str] = {}
    outcome: Outcome = Outcome.SAME
    why: str = ""


def _rebuild(repository: Repository, open_at: OpenAt, state: Deployed) -> _Rebuilt:
    try:
        source = repository.resolve(state.source)
        bundles = build_all(open_at(source), state.environment).bundles
    except UnknownRevisionError as error:
        return _Rebuilt(outcome=Outcome.MISSING, why=error.message)
    except (FindingsError, NotFoundError) as error:
        return _Rebuilt(outcome=Outcome.UNBUILT, why=error.message)
    return _Rebuilt({target.folder: digest(bundle.manifest) for target, bundle in bundles.items()})


def _compare(repository: Repository, state: Deployed, rebuilt: _Rebuilt) -> Reproduction:
    engine = dict(repository.facts(state.commit).trailers).get(ENGINE_TRAILER, "")
    there = read_state(repository, state, state.environment)
    if there.damage:
        return Reproduction(state, engine, Outcome.DAMAGED, why=there.damage)
    deployed = {target.folder: manifest for target, manifest in there.stored.manifests.items()}
    both = {*deployed, *rebuilt.bundles} if rebuilt.outcome is Outcome.SAME else set[str]()
    differing = tuple(sorted(folder for folder in both if deployed.get(folder) != rebuilt.bundles.get(folder)))
    outcome = Outcome.DIFFERS if differing else rebuilt.outcome
    if engine != ENGINE and outcome in (Outcome.DIFFERS, Outcome.UNBUILT):
        return Reproduction(state, engine, Outcome.OTHER_ENGINE, differing, f"{engine} made it, and this is {ENGINE}")
    return Reproduction(state, engine, outcome, differing, rebuilt.why)


def _reached(repository: Repository, revision: str) -> frozenset[str]:
    start = repository.resolve(revision).commit
    return frozenset(facts.commit for facts in repository.history(start, first_parent=False))

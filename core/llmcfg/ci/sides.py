"""One side of a comparison: a commit's configuration with its findings and all that can be built of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec.structs import replace

from llmcfg.ci.choosing import Chosen, reached_sides
from llmcfg.errors import FindingsError
from llmcfg.model.findings import merge_findings
from llmcfg.model.later import Later
from llmcfg.pipeline.build import Built, build
from llmcfg.pipeline.diff import State, compare, state_of
from llmcfg.pipeline.examine import examine
from llmcfg.pipeline.lastsound import find_last_sound, keep_last_sound
from llmcfg.pipeline.platforms import change_findings
from llmcfg.pipeline.reach import find_reach
from llmcfg.pipeline.readsets import keep_if_outdated, narrowed_by_reads
from llmcfg.pipeline.stillsound import is_still_sound

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from datetime import date

    from llmcfg.model.findings import Finding
    from llmcfg.model.impact import Difference
    from llmcfg.model.target import Target
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.wiring import Workspace

_NOTHING: Final = State({}, {})
_NO_BUNDLES: Final = Later.of(Built({}, {}, ()))
_SHOWN: Final = 3


class Examined(NamedTuple):
    """One side; without a configuration where it cannot be opened. Of one that `is_sound` every bundle can be built."""

    findings: tuple[Finding, ...]
    configuration: Configuration | None = None
    making: Later[Built] = _NO_BUNDLES
    is_sound: bool = False

    @property
    def built(self) -> Built:
        return self.making.get()

    @property
    def broken(self) -> frozenset[Target]:
        """Targets whose bundle cannot be built."""
        if self.is_sound:
            return frozenset()
        return frozenset(self.configuration.targets) - self.built.bundles.keys() if self.configuration else frozenset()


def open_side(workspace: Workspace, commit: str | None, as_of: date, since: Configuration | None = None) -> Examined:
    """Of a commit; nothing without one. `since` as `examine` has it."""
    return Examined(()) if commit is None else examine_side(lambda: workspace.configuration(commit), as_of, since)


def examine_side(opened: Callable[[], Configuration], as_of: date, since: Configuration | None = None) -> Examined:
    """Of what `opened` gives, or what it finds instead."""
    try:
        configuration = opened()
    except FindingsError as error:
        return Examined(merge_findings(error.findings))
    sound = _still_sound(configuration, as_of, since)
    if sound is not None:
        return Examined((), sound, Later(lambda: build(sound, sound.targets)), is_sound=True)
    findings, built = examine(configuration, as_of=as_of, since=since)
    if not findings:
        keep_last_sound(configuration, as_of)
    else:
        keep_if_outdated(configuration, built.bundles)
    return Examined(findings, configuration, Later.of(built), is_sound=not findings)


def _still_sound(configuration: Configuration, as_of: date, since: Configuration | None) -> Configuration | None:
    """The same one, for who looks at little of it, where what changed since nothing was found tells that nothing would be."""
    last = find_last_sound(configuration, as_of)
    if last is None or not is_still_sound(configuration, last, as_of):
        return None
    narrowed = narrowed_by_reads(configuration)
    if since is not None and any(change_findings(since, narrowed, narrowed.scopes)):
        return None
    return narrowed


def compare_sides(before: Examined, after: Examined) -> tuple[Difference, list[str]]:
    """What differs between what can be built on both sides, and what had to be left out."""
    unseen = []
    if after.configuration is None:
        nothing = compare(_NOTHING, _NOTHING)
        return nothing, ["llmcfg.yaml cannot be built from, so nothing could be compared"]
    if before.configuration is None and before.findings:
        unseen.append("llmcfg.yaml could not be built from before this change, so all of it counts as new")
    progress = after.configuration.memo.progress
    if before.configuration is not None and before.is_sound and after.is_sound:
        reach = find_reach(before.configuration, after.configuration)
        if reach is not None:
            earlier, later = reached_sides(before.configuration, after.configuration, Chosen(), reach)
            return compare(earlier.state, later.state, progress=progress), []
    broken = before.broken | after.broken
    if broken:
        unseen.append(f"bundles that cannot be built are left out: {_some(map(str, broken))}")
    unreadable = _unreadable(before.configuration) | _unreadable(after.configuration)
    if unreadable:
        unseen.append(f"documents that cannot be read are left out: {_some({name for _, name in unreadable})}")
    return compare(_state(before, broken, unreadable), _state(after, broken, unreadable), progress=progress), unseen


def _state(side: Examined, broken: Collection[Target], unreadable: Collection[tuple[str, str]]) -> State:
    if side.configuration is None:
        return _NOTHING
    kept = {target: bundle for target, bundle in side.built.bundles.items() if target not in broken}
    state = state_of(side.configuration, replace(side.built, bundles=kept))
    scopes = {
        scope: {name: value for name, value in documents.items() if (scope, name) not in unreadable}
        for scope, documents in state.scopes.items()
    }
    return replace(state, scopes=scopes)


def _unreadable(configuration: Configuration | None) -> set[tuple[str, str]]:
    scopes = configuration.scopes if configuration else ()
    return {
        (str(scope), name) for scope in scopes if configuration for name in configuration.effective(scope).unreadable
    }


def _some(names: Iterable[str]) -> str:
    found = sorted(names)
    return ", ".join(found[:_SHOWN]) + (f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else "")

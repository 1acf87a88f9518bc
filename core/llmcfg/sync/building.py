"""The bundles of a revision for one environment: which they are is known of all of them, and those that are asked for are built.

Where it is remembered what an earlier process built of the environment without an error, only what the change since then can reach is
composed, checked and rendered (docs/adr/0048). All else is as it was built then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from llmcfg.canonical import digest_of
from llmcfg.errors import FindingsError, UsageError
from llmcfg.model.findings import has_blocking
from llmcfg.model.later import Each
from llmcfg.pipeline.build import build
from llmcfg.pipeline.diff import state_of
from llmcfg.pipeline.examine import examine
from llmcfg.pipeline.lastbuilt import build_reached, find_last_built, find_reached, keep_last_built
from llmcfg.pipeline.stored import NOTHING_STORED

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from llmcfg.model.findings import Finding
    from llmcfg.model.snapshot import Revision
    from llmcfg.model.target import Target
    from llmcfg.pipeline.build import Built
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.pipeline.diff import State
    from llmcfg.pipeline.stored import Stored


class BuiltEnvironment:
    """`manifests` are the digests of all bundles' manifests, by target; `root` is that of all of them.

    `reached` is the configuration for who looks into few scopes of this environment, and into no other.
    """

    def __init__(
        self,
        environment: str,
        configuration: Configuration,
        manifests: Mapping[Target, str],
        built: Built,
        reached: Configuration,
    ) -> None:
        self.environment = environment
        self.configuration = configuration
        self.reached = reached
        self.manifests = manifests
        self.root = digest_of({target.folder: said for target, said in manifests.items()})
        self._built = built

    @property
    def revision(self) -> Revision:
        return _revision(self.configuration)

    def bundles_of(self, targets: Collection[Target]) -> Built:
        """The bundles of these targets, and maybe of others. Raises FindingsError where one cannot be built."""
        if not self._built.bundles.keys() >= {*targets}:
            built = build(self.reached, targets)
            self._built = _sound(self.revision, built.findings, built)
        return self._built

    def state_of(self, targets: Collection[Target]) -> State:
        """To be compared with a state that differs from it in these targets at most."""
        state = state_of(self.reached, self.bundles_of(targets), with_scopes=False)
        return replace(state, targets=Each(self.manifests, state.targets.__getitem__), manifests=self.manifests)


def build_environment(
    configuration: Configuration, environment: str, find_stored: Callable[[], Stored] = lambda: NOTHING_STORED
) -> BuiltEnvironment:
    """`find_stored` gives bundles of the environment that are stored, which few that change are laid over.

    Raises FindingsError for a configuration with errors in this environment, UsageError for a snapshot that is no commit.
    """
    _revision(configuration)
    targets = _targets(configuration, environment)
    last = find_last_built(configuration.memo.disk, environment)
    reach = find_reached(configuration, targets, last) if last is not None else None
    narrowed = configuration.narrowed(reach.settled) if reach is not None else configuration
    built = build_reached(narrowed, reach, last, find_stored) if last is not None and reach is not None else None
    if last is None or built is None:
        return _build_whole(configuration, environment)
    said = {target: last.manifests[target.folder] for target in targets}
    said |= {target: bundle.manifest_digest for target, bundle in built.bundles.items()}
    if last.reads.differing(configuration.snapshot.entries):
        keep_last_built(narrowed, environment, said, last)
    return BuiltEnvironment(environment, configuration, said, built, narrowed)


def build_all(configuration: Configuration, environment: str) -> Built:
    """All bundles of an environment, whatever is remembered of them. Raises as `build_environment`."""
    examined = examine(configuration, _targets(configuration, environment))
    return _sound(_revision(configuration), examined.findings, examined.built)


def _build_whole(configuration: Configuration, environment: str) -> BuiltEnvironment:
    built = build_all(configuration, environment)
    said = {target: bundle.manifest_digest for target, bundle in built.bundles.items()}
    keep_last_built(configuration, environment, said)
    return BuiltEnvironment(environment, configuration, said, built, configuration)


def _targets(configuration: Configuration, environment: str) -> tuple[Target, ...]:
    scope = configuration.scope(environment, None)
    return tuple(target for target in configuration.targets if target.environment == scope.environment)


def _revision(configuration: Configuration) -> Revision:
    revision = configuration.snapshot.revision
    if revision is None:
        raise UsageError("only a commit can be deployed", hint="commit the changes first, or name a revision with --at")
    return revision


def _sound(revision: Revision, findings: Sequence[Finding], built: Built) -> Built:
    if has_blocking(findings):
        raise FindingsError(f"{revision.name} has errors, so nothing of it is deployed", findings=findings)
    return built

"""The sinks that a manifest or a consumer names, opened on this machine: where names of its settings meet what they stand for.

Each kind of sink is imported when one of it is opened.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from llmcfg.clock import now
from llmcfg.errors import UsageError
from llmcfg.model.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from llmcfg.git.network import GitProgram
    from llmcfg.git.repository import GitRepository
    from llmcfg.model.manifest import SinkSpec
    from llmcfg.model.progress import Progress
    from llmcfg.model.settings import Settings
    from llmcfg.ports import Cache, Sink
    from llmcfg.secrets.age import Identity
    from llmcfg.sinks.openedfiles import OpenedFiles
    from llmcfg.sinks.seen import Seen
    from llmcfg.sinks.switching import AfterApply

T = TypeVar("T")
_DAY: Final = 86_400.0  # seconds


class Surroundings(NamedTuple):
    """What is outside of the repository.

    For programs that are run: where to look for them, an SSH agent, and the variables that hooks inherit. For opened files: whose keys
    open them, and folders that may be in memory.
    """

    search_path: str
    agent: str = ""
    environment: Mapping[str, str] = MappingProxyType({})
    identities: Callable[[], Sequence[Identity]] = tuple
    memory: tuple[Path, ...] = ()

    @property
    def git(self) -> GitProgram:
        from llmcfg.git.network import GitProgram

        return GitProgram(self.search_path, self.agent)


class Sinks:
    """Opens sinks for one repository.

    `delivery_root` is the folder that directories are delivered below; None in a bare repository for which nobody named one. `settings`
    define the endpoints, repositories and hooks of this machine; without them there are none.
    """

    def __init__(
        self,
        repository: GitRepository,
        delivery_root: Path | None,
        settings: Settings | None,
        surroundings: Surroundings,
        cache: Cache | None,
        progress: Progress,
    ) -> None:
        self._repository = repository
        self._delivery_root = delivery_root
        self._settings = settings
        self._surroundings = surroundings
        self._cache = cache
        self._progress = progress
        self._seen: Seen | None = None

    def open(self, spec: SinkSpec, environment: str) -> Sink:
        """The sink that a manifest or consumer names.

        Raises UsageError for a path that leaves the delivery root, and for a name that the settings do not define.
        """
        if spec.kind == "directory":
            return self._directory(spec, environment)
        if spec.kind == "http":
            from llmcfg.sinks.endpoint import EndpointSink

            endpoint = _defined(self._defined.endpoints, "endpoint", spec.name)
            return EndpointSink(endpoint, environment, self._repository.state_folder / "endpoints", now)
        from llmcfg.git.branchsink import BranchSink

        target = _defined(self._defined.repositories, "repository", spec.name)
        place = hashlib.sha256(f"{spec.name}:{spec.branch}:{spec.path}".encode()).hexdigest()[:16]
        clone = self._repository.state_folder / "targets" / f"{spec.name}-{place}.git"
        return BranchSink(self._surroundings.git, clone, target, spec.branch, spec.path)

    def patience(self, spec: SinkSpec) -> float:
        """Seconds after which a sink that cannot be reached is given up."""
        endpoint = self._defined.endpoints.get(spec.name) if spec.kind == "http" else None
        return endpoint.give_up_seconds if endpoint else _DAY

    def _directory(self, spec: SinkSpec, environment: str) -> Sink:
        from llmcfg.sinks.directory import DirectorySink
        from llmcfg.sinks.seen import Seen

        self._seen = self._seen or Seen(now, self._cache)
        folder = self._folder(Path(spec.path.replace("{environment}", environment)), spec.path)
        opened = self._opened_files(folder) if spec.opens else None
        return DirectorySink(folder, spec.keep, self._after_apply(spec, opened), opened, self._seen, self._progress)

    def _folder(self, relative: Path, written: str) -> Path:
        if self._delivery_root is None:
            raise UsageError(
                f"{self._repository} is a bare repository, so sinks have no folder to deliver below",
                hint="name one with --deliver-to DIR",
            )
        folder = self._delivery_root / relative
        leaves = relative.is_absolute() or ".." in relative.parts
        if leaves or not folder.resolve().is_relative_to(self._delivery_root.resolve()):
            raise UsageError(
                f"the sink path {written!r} leaves the folder that bundles are delivered below",
                hint="write a path without '..' and symbolic links, and choose the folder with --deliver-to",
            )
        if ".git" in relative.parts:
            raise UsageError(f"the sink path {written!r} lies in Git's own folder", hint="choose another folder")
        return folder

    def _opened_files(self, folder: Path) -> OpenedFiles:
        """In the place that the settings name, in memory, or beside the deliveries."""
        from llmcfg.secrets.plainfolder import find_memory
        from llmcfg.sinks.openedfiles import OpenedFiles

        place = self._defined.opened or find_memory(self._surroundings.memory) or folder
        return OpenedFiles(folder, place, self._surroundings.identities)

    def _after_apply(self, spec: SinkSpec, opened: OpenedFiles | None) -> AfterApply | None:
        if not spec.after_apply:
            return None
        from llmcfg.sinks.hooks import ConsumerHooks

        defined = self._defined.hooks
        hooks = {folder: _defined(defined, "hook", name) for folder, name in spec.after_apply}
        return ConsumerHooks(hooks, self._surroundings.environment, opened)

    @property
    def _defined(self) -> Settings:
        """What this machine defines."""
        from llmcfg.model.settings import Settings

        return self._settings or Settings()


def _defined(known: Mapping[str, T], what: str, name: str) -> T:
    """Raises UsageError for a name that the settings of this machine do not define."""
    if name not in known:
        raise UsageError(
            f"the configuration names the {what} {name!r}, and the settings of this machine define no such {what}",
            hint=did_you_mean(name, known, "define it in the file that --settings names"),
        )
    return known[name]

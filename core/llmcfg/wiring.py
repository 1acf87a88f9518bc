"""Where adapters meet the core: with `auditlog` and `opensinks`, the only module that knows both. Commands open a `Workspace` and ask it.

What only some commands need is imported when they need it: every command starts through this module.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from llmcfg.clock import now as now
from llmcfg.errors import LlmcfgError, NotFoundError, UsageError
from llmcfg.git.filenames import FILES, FOLDERS, MANIFEST
from llmcfg.git.place import can_be_opened, note_opened, own_place, whose_settings
from llmcfg.model.entries import file_ids
from llmcfg.model.snapshot import Revision
from llmcfg.opensinks import Sinks, Surroundings
from llmcfg.pipeline.configuration import Configuration
from llmcfg.pipeline.known import name_of
from llmcfg.pipeline.memo import Memo
from llmcfg.pipeline.merge import no_rules
from llmcfg.sync.demand import FOLDER, KEPT, require_undemanded
from llmcfg.sync.wanted import wanted_revision

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from llmcfg.cache.store import DiskCache
    from llmcfg.custody.files import Custody
    from llmcfg.git.knowntree import KnownTree
    from llmcfg.git.program import Git
    from llmcfg.git.repository import GitRepository, Publish
    from llmcfg.git.seentree import EarlierTree
    from llmcfg.git.worksnapshot import WorkTreeSnapshot
    from llmcfg.model.manifest import SinkSpec
    from llmcfg.model.settings import Settings
    from llmcfg.model.target import Target
    from llmcfg.pipeline.merge import RuleLookup
    from llmcfg.ports import AuditLog, Sink, Snapshot
    from llmcfg.secrets.age import Identity
    from llmcfg.sync.gate import Gate
    from llmcfg.sync.roots import RootStore
    from llmcfg.sync.signed import Publisher
    from llmcfg.sync.status import Status

T = TypeVar("T")
_RECENT: Final = 4
_DAY: Final = 86_400  # seconds


class Workspace:
    """One configuration repository with the memo that its builds share, and the folder that sinks deliver below.

    `settings` define what names of sinks and hooks stand for on this machine; `surroundings` are for programs that have to be run.
    `prefix` is the folder of llmcfg.yaml in a bare repository. `publish` is asked before a deployed branch moves. `cache` is the folder
    below which builds of earlier processes are remembered; who `only_reads` makes none.

    The repository is opened at once, unless it is known that it can be: then it is when somebody asks for more than the work tree.
    """

    def __init__(
        self,
        directory: Path,
        delivery_root: Path | None = None,
        *,
        settings: Settings | None = None,
        surroundings: Surroundings | None = None,
        prefix: str = "",
        publish: Publish | None = None,
        cache: Path | None = None,
        only_reads: bool = False,
    ) -> None:
        self._directory = directory
        self._prefix = prefix
        self._publish = publish
        self._settings = settings
        self.surroundings = surroundings or Surroundings(os.defpath)
        self._repository: GitRepository | None = None
        self._place = own_place(directory) if cache is not None else None
        self.cache = self._cache_below(cache, only_if_there=only_reads) if cache is not None else None
        self._can_be_opened = (
            self._place is not None and self.cache is not None and can_be_opened(self.cache.content(self._opened_name))
        )
        if not self._can_be_opened:
            self._repository = self.another_repository()
        self.memo = Memo(self.cache)
        self._sinks: Sinks | None = None
        self._recent: dict[Revision, Configuration] = {}
        self.delivery_root = delivery_root or (settings.deliver_to if settings else None) or self.root

    @property
    def repository(self) -> GitRepository:
        if self._repository is None:
            self._repository = self.another_repository()
        return self._repository

    @property
    def root(self) -> Path | None:
        """The folder with the manifest; None in a bare repository."""
        return self.repository.root if self._place is None else self._place.root

    @property
    def git_dir(self) -> Path:
        """Where objects and branches are."""
        return self.repository.git_dir if self._place is None else self._place.git_dir

    @property
    def git_folder(self) -> str:
        """The configuration's folder in its Git repository, with `/` at its end; empty at the top."""
        prefix = self.repository.prefix if self._place is None else self._place.prefix
        return f"{prefix}/" if prefix else ""

    @property
    def work_folder(self) -> Path:
        """The folder with the manifest. Raises UsageError in a bare repository, which has no files to write."""
        if self.root is None:
            raise UsageError(
                f"{self.repository} is a bare repository and has no work tree", hint="work in a clone of it"
            )
        return self.root

    def snapshot(self, at: str | None) -> Snapshot:
        """The revision that `at` names; the work tree without it, or HEAD in a bare repository."""
        if at is None and self.root is not None:
            return self._work_tree(self.cache) if self.cache is not None else self.repository.work_tree()
        known = self._known_head() if at == "HEAD" else None
        return known or self._commit(self.resolve(at))

    def _known_head(self) -> Snapshot | None:
        """HEAD, where plain files say which commit that is, and it is known."""
        from llmcfg.git.knownhead import commit_of_head

        commit = None if self._place is None else commit_of_head(self._place.git_dir)
        return None if commit is None else self._known(Revision(commit, "HEAD"))

    def _known(self, revision: Revision) -> Snapshot | None:
        """HEAD as an earlier process read it, for which no repository has to be opened; None for another commit."""
        if self._place is None or self.cache is None or self._repository is not None or revision.name != "HEAD":
            return None
        from llmcfg.git.knownhead import KnownSnapshot
        from llmcfg.git.seentree import Below

        below = Below(self._place.prefix, FOLDERS | FILES | self._extra)
        entries = self._earlier_tree(self.cache).find(revision.commit, below)
        if entries is None:
            return None
        return KnownSnapshot(revision, entries, self._place.root, lambda oid: self.repository.read_blob(oid))

    def _earlier_tree(self, cache: DiskCache) -> EarlierTree:
        if self._earlier is None:
            from llmcfg.git.seentree import EarlierTree, SeenTree

            seen = SeenTree(*(cache.content(_tree_name(part)) for part in SeenTree._fields))
            self._earlier = EarlierTree(seen, self.git_dir, _now_ns())
        return self._earlier

    def _commit(self, revision: Revision) -> Snapshot:
        """By what an earlier process saw of another one, if that is remembered."""
        if self.cache is None:
            return self.repository.snapshot(revision)
        if self._known_tree is None:
            from llmcfg.git.knowntree import KnownTree

            self._known_tree = KnownTree(self._earlier_tree(self.cache))
        return self.repository.snapshot(revision, self._known_tree)

    def _keep_tree(self, cache: DiskCache) -> None:
        for part, seen in self._known_tree.seen()._asdict().items() if self._known_tree is not None else ():
            if seen is not None:
                cache.add(_tree_name(part), seen)

    def _work_tree(self, cache: DiskCache) -> WorkTreeSnapshot:
        """By what an earlier process saw of it, if that is remembered and still has the same shape."""
        from llmcfg.git.lookagain import look_again
        from llmcfg.git.seen import parse_seen

        name = name_of("work tree", str(self.work_folder), whose_settings(), *sorted(self._extra))
        seen, now_ns = parse_seen(cache.content(name)), _now_ns()
        again = look_again(str(self.work_folder), seen, now_ns) if seen is not None else None
        taken = again or self.repository.work_tree(seen, now_ns)
        if taken.noted is not None:
            cache.add(name, taken.noted)
        if not self._can_be_opened:
            opened = note_opened(self.repository.opening_ground(), self._opened_ns)
            if opened is not None:
                cache.add(self._opened_name, opened)
        return taken

    def ground(self) -> Sequence[Path] | None:
        """As `GitRepository.ground`."""
        return self.repository.ground()

    def resolve(self, at: str | None) -> Revision:
        """The revision that `at` names, or HEAD. Raises UnknownRevisionError, NotFoundError in a repository without commits."""
        if at in (None, "HEAD") and self.repository.head() is None:
            raise NotFoundError(
                "the repository has no commit yet", hint="commit the configuration: git add . && git commit"
            )
        return self.repository.resolve(at or "HEAD")

    def configuration(self, at: str | None = None) -> Configuration:
        """The opened snapshot. Raises FindingsError when its manifest cannot be built from."""
        return self._open(self.snapshot(at), at)

    def configuration_at(self, revision: Revision) -> Configuration:
        return self._open(self._commit(revision), revision.commit)

    def wanted(self, environment: str, at: str | None) -> Configuration:
        """What `plan` and `apply` deploy: `at`, or what the environment tracks as HEAD's manifest says it.

        Raises IntegrityError and NotAuthorisedError where the root of trust of this machine does not let it.
        """
        if at is not None:
            return self._trusted(self.resolve(at), environment)
        current = self.configuration("HEAD")
        current.scope(environment, None)
        revision = wanted_revision(self.repository, current.manifest.environments[environment])
        return self._trusted(revision, environment)

    @property
    def audit(self) -> AuditLog:
        """Where acts in this repository are put on record."""
        return self.audit_in(self.repository)

    def audit_in(self, repository: GitRepository) -> AuditLog:
        """The same, with a repository that another thread has for itself (`another_repository`)."""
        from llmcfg.auditlog import open_audit

        return open_audit(repository, self._settings.audit if self._settings else None)

    @property
    def trust_folder(self) -> Path:
        return self.repository.state_folder / FOLDER

    def root_store(self) -> RootStore:
        """The versions of the root of trust, as far as they are known here."""
        from llmcfg.sync.roots import RootStore

        return RootStore(self.repository, self.trust_folder, self._given_root, lambda: self.audit)

    @property
    def trusts(self) -> bool:
        """Whether this machine holds commits against a root of trust."""
        return self._given_root is not None or (self.trust_folder / KEPT).is_file()

    def require_trust(self, *configurations: Configuration | None) -> None:
        """Raises IntegrityError where this machine trusts no root, and the repository or one of these manifests asks for one."""
        if not self.trusts:
            manifests = [one.manifest for one in configurations if one is not None]
            require_undemanded(self.repository, self.trust_folder, manifests)

    def gate(self, *configurations: Configuration | None) -> Gate | None:
        """What judges commits, by the newest root of trust; None where this machine trusts none. Raises as `require_trust`."""
        self.require_trust(*configurations)
        if not self.trusts:
            return None
        from llmcfg.git.gpg import Gpg
        from llmcfg.sync.gate import Gate

        root = self.root_store().current()
        return (
            None
            if root is None
            else Gate(root, self.repository, self.trust_folder, now, Gpg(self.surroundings.search_path).check)
        )

    def signer_of(self, commit: str) -> str | None:
        """Who signed a commit; None where no signer did, or this machine trusts no root."""
        gate = self.gate()
        return gate.signer_of(commit) if gate is not None else None

    def has_uncommitted(self, configuration: Configuration) -> bool:
        """Whether `configuration` is HEAD's and the work tree holds another one."""
        head = self.repository.head()
        revision = configuration.snapshot.revision
        if self.repository.is_bare or head is None or revision is None or revision.commit != head.commit:
            return False
        there, committed = file_ids(self.snapshot(None).entries), file_ids(configuration.snapshot.entries)
        return bool(there.differing(committed))

    def statuses(self, environments: Iterable[str]) -> tuple[Status, ...]:
        """Of these environments; without names of all in HEAD's manifest, and of those that were deployed and are gone from it."""
        from llmcfg.sync.deployed import deployed_environments
        from llmcfg.sync.status import status_of, status_of_removed

        manifest = self.configuration("HEAD").manifest
        names = tuple(environments) or tuple(manifest.environments)
        removed = [] if environments else sorted(deployed_environments(self.repository) - manifest.environments.keys())
        return (
            *(
                status_of(self.repository, manifest.environments[name], self.configuration_at, self.sink, self.memo)
                for name in names
            ),
            *(status_of_removed(self.repository, name) for name in removed),
        )

    def publisher(self) -> Publisher | None:
        """Who signs what is deployed from here, as the settings say; None where nobody does. Raises NotAuthorisedError and UsageError."""
        said = self._settings.signing if self._settings else None
        if said is None:
            return None
        from llmcfg.signing.roots import read_root, read_root_file
        from llmcfg.sync.signed import Publisher
        from llmcfg.trust.signer import read_signing_key

        keys, life = tuple(map(read_signing_key, said.keys)), int(said.days * _DAY)
        store = self.root_store()
        root = read_root(said.root) if said.root is not None else store.current()
        if root is None:
            raise UsageError("nobody said which keys may sign bundles", hint="name the root of trust: --root FILE")
        named = {root.version: read_root_file(said.root)} if said.root is not None else {}
        return Publisher(keys, root, now, life, named | store.versions(root.version))

    def custody(self, identities: Callable[[], Sequence[Identity]]) -> Custody:
        """The secrets of the work tree, for whoever has these identities; they are asked for when a file is to be opened."""
        from llmcfg.custody.files import Custody

        return Custody(
            configuration=self.configuration(),
            root=self.work_folder,
            lock=_secrets_lock(self.repository),
            identities=identities,
            now=now,
        )

    def sink(self, spec: SinkSpec, environment: str) -> Sink:
        """As `Sinks.open`."""
        return self.sinks.open(spec, environment)

    @property
    def sinks(self) -> Sinks:
        if self._sinks is None:
            self._sinks = Sinks(
                self.repository, self.delivery_root, self._settings, self.surroundings, self.cache, self.memo.progress
            )
        return self._sinks

    def git(self, environment: Mapping[str, str]) -> Git:
        """The `git` program in the configuration's folder, with these variables."""
        from llmcfg.git.program import Git

        return Git(self.work_folder, environment)

    @property
    def _given_root(self) -> Path | None:
        return self._settings.trust if self._settings else None

    def _trusted(self, revision: Revision, environment: str) -> Configuration:
        configuration = self.configuration_at(revision)
        gate = self.gate(configuration)
        if gate is not None:
            gate.require(revision, configuration.snapshot, environment)
        return configuration

    def _open(self, snapshot: Snapshot, at: str | None) -> Configuration:
        """The same one again for a commit that was opened lately."""
        if snapshot.revision is None:
            return self._open_anew(snapshot, at)
        if snapshot.revision not in self._recent:
            of_commit = {known.commit: opened for known, opened in self._recent.items()}
            there = of_commit.get(snapshot.revision.commit)
            configuration = there.named(snapshot) if there is not None else self._open_anew(snapshot, at)
            self._recent = {**dict([*self._recent.items()][1 - _RECENT :]), snapshot.revision: configuration}
        return self._recent[snapshot.revision]

    def _open_anew(self, snapshot: Snapshot, at: str | None) -> Configuration:
        configuration = Configuration(snapshot, self.memo)
        if self.cache is not None and snapshot.revision is not None:
            self._keep_tree(self.cache)
        roots = {pattern.split("/", 1)[0] for pattern in configuration.manifest.hierarchy}
        if roots <= FOLDERS | self._extra:
            return configuration
        self._extra = frozenset(roots)
        if self._repository is not None:
            self._repository = self.another_repository()
        if snapshot.revision is None:
            return Configuration(self.snapshot(at), self.memo)
        return Configuration(self._known(snapshot.revision) or self._commit(snapshot.revision), self.memo)

    def _cache_below(self, root: Path, *, only_if_there: bool = False) -> DiskCache | None:
        from llmcfg.cache.place import cache_file

        file = cache_file(root, self.git_dir)
        if only_if_there and not file.exists():
            return None
        from llmcfg.cache.opening import open_cache

        return open_cache(file, self.git_dir)

    @property
    def _opened_name(self) -> bytes:
        return name_of("opened", str(self.git_dir), str(self.root), whose_settings())

    def another_repository(self) -> GitRepository:
        """The same repository, opened anew: for a thread of its own."""
        from llmcfg.git.repository import open_repository

        self._opened_ns = _now_ns()
        repository = open_repository(self._directory, self._extra, self._prefix)
        repository.publish = self._publish
        return repository

    _extra: frozenset[str] = frozenset()
    _earlier: EarlierTree | None = None
    _known_tree: KnownTree | None = None


def choose_targets(
    configuration: Configuration,
    environments: Iterable[str] = (),
    tenants: Iterable[str] = (),
    consumers: Iterable[str] = (),
) -> tuple[Target, ...]:
    """The targets with these names; an empty choice is everything. `_shared` stands for no tenant. Raises NotFoundError."""
    from llmcfg.model.target import SHARED

    chosen = tuple(environments), tuple(None if tenant == SHARED else tenant for tenant in tenants), tuple(consumers)
    for environment in chosen[0]:
        configuration.scope(environment, None)
    for tenant in chosen[1]:
        configuration.scope(next(iter(configuration.manifest.environments)), tenant)
    for consumer in chosen[2]:
        configuration.consumer(consumer)
    return tuple(
        target
        for target in configuration.targets
        if (not chosen[0] or target.environment in chosen[0])
        and (not chosen[1] or target.tenant in chosen[1])
        and (not chosen[2] or target.consumer in chosen[2])
    )


class SecretsHome(NamedTuple):
    """The repository around a secret file: the lock of those who write secrets there, and the folder of its configuration."""

    lock: Path | None = None
    root: Path | None = None


def find_secrets_home(folder: Path) -> SecretsHome:
    """Nothing for a folder outside of any repository."""
    from llmcfg.git.repository import open_repository

    try:
        repository = open_repository(folder)
    except NotFoundError:
        return SecretsHome()
    return SecretsHome(_secrets_lock(repository), repository.root)


def _tree_name(part: str) -> bytes:
    return name_of("known tree", part)


def _now_ns() -> int:
    return int(now().timestamp() * 1e9)


def _secrets_lock(repository: GitRepository) -> Path:
    return repository.state_folder / "secrets.lock"


def merge_rules(top: Path, path: str) -> RuleLookup:
    """How the lists of a file merge by its schema, as HEAD has it; asked of HEAD only when a list needs it.

    `path` is the file's from `top`. What lies below no manifest, or in a configuration that cannot be opened, has no rules.
    """
    inner = PurePosixPath(path)
    folder = next((up for up in inner.parents if (top / up / MANIFEST).is_file()), None)

    @cache
    def rules() -> RuleLookup:
        if folder is None:
            return no_rules
        wanted = str(inner.relative_to(folder))
        try:
            configuration = Workspace(top / folder).configuration("HEAD")
        except LlmcfgError:
            return no_rules
        name = configuration.layout.document_at(wanted)
        return configuration.merge_rules(name)[1] if name else no_rules

    return lambda place: rules()(place)

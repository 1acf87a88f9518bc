"""The repository that is followed: its claims are looked at, its objects fetched, and what is sound of it is accepted.

A local repository is its own upstream: what its refs say is accepted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.daemon.firstseen import FirstSeen
from llmcfg.errors import ConflictError, FindingsError, IntegrityError, LlmcfgError, RemoteError
from llmcfg.failpoints import failpoint
from llmcfg.git.gpg import Gpg
from llmcfg.git.opening import make_bare
from llmcfg.git.transport import Transport
from llmcfg.model.act import Act
from llmcfg.model.failure import Step
from llmcfg.sync.demand import REF as TRUST_REF
from llmcfg.sync.pathrules import APPROVALS
from llmcfg.sync.promotion import PROMOTIONS
from llmcfg.sync.recorded import FOLLOW
from llmcfg.sync.trusted import Trust, read_signers
from llmcfg.sync.verify import HEADS, TAGS, interest_of, relevant, verify
from llmcfg.trust.failure import SignatureError
from llmcfg.trust.root import require_fresh
from llmcfg.wiring import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from datetime import datetime
    from pathlib import Path

    from llmcfg.git.transport import Claims
    from llmcfg.model.failure import Held
    from llmcfg.model.manifest import Manifest
    from llmcfg.model.settings import Remote, Settings
    from llmcfg.opensinks import Surroundings
    from llmcfg.sync.reconcile import Tell
    from llmcfg.sync.verify import Accepted, Interest
    from llmcfg.trust.root import Root

PRIVATE = "repository.git"
_MOST_CLUTTER: Final = 4


class Followed(NamedTuple):
    """What a look at the upstream changed, and what of it is held."""

    accepted: tuple[Accepted, ...]
    held: tuple[Held, ...]

    def concerning(self, interest: Interest) -> Held | None:
        """The first thing held that somebody with this interest has to know."""
        return next((held for held in self.held if interest.covers(held.ref)), None)


class Upstream:
    """A remote, and the private repository that holds what was accepted of it."""

    def __init__(
        self, state: Path, settings: Settings, remote: Remote, surroundings: Surroundings, now: Callable[[], datetime]
    ) -> None:
        folder = state / PRIVATE
        self._remote = remote
        self._state, self._now = state, now
        self._seen = FirstSeen(state, now)
        self._environments = settings.environments
        self._has_root = settings.trust is not None
        self._openpgp = Gpg(surroundings.search_path).check
        publish = self._publish if remote.deployed == "remote" else None
        self.workspace = Workspace(
            folder, settings=settings, surroundings=surroundings, prefix=remote.folder, publish=publish
        )
        git_dir = self.workspace.repository.git_dir
        self._is_repaired = False
        self._transport = Transport(surroundings.git, git_dir, remote.access, remote.budget)

    @property
    def name(self) -> str:
        return self._transport.name

    def repair(self) -> None:
        """Make anew what can be made of the private repository's packs: a damaged index hides objects, or kills whoever reads it."""
        self._is_repaired = True
        self._transport.index_packs()

    def tidy(self, is_idle: Callable[[], bool]) -> None:
        """Between passes: every fetch leaves a pack, and every deployment loose objects. It may wait until nobody asks for a pass."""
        clutter = self._transport.clutter()
        if clutter > _MOST_CLUTTER or (clutter > 1 and is_idle()):
            self._transport.tidy()
            self.workspace.repository.reopen_packs()

    def follow(self, allowed: Mapping[str, str], tell: Tell) -> Followed:
        """Take over what is new and sound. `allowed` are refs that a person said to accept at an object.

        Raises RemoteError, NotAuthorisedError, IntegrityError, UsageError, StorageError; what was accepted before stays.
        """
        tell(Step.FETCH, "")
        failpoint("fetch.before")
        try:
            return self._follow(allowed, tell)
        except IntegrityError as error:
            if self._is_repaired or error.code != IntegrityError.code:
                raise
            self.repair()
            return self._follow(allowed, tell)

    def _follow(self, allowed: Mapping[str, str], tell: Tell) -> Followed:
        self._choose_branch()
        claims = self._claims()
        self._seen = FirstSeen(self._state, self._now)
        interest = self.interest()
        accepted, held = self._take(claims, interest, allowed, tell)
        again = self.interest()
        if again != interest:  # the manifest that was just accepted tracks something else
            more, held = self._take(claims, again, allowed, tell)
            accepted = (*accepted, *more)
        return Followed(accepted, held)

    def _take(
        self, claims: Claims, interest: Interest, allowed: Mapping[str, str], tell: Tell
    ) -> tuple[tuple[Accepted, ...], tuple[Held, ...]]:
        claimed = relevant(interest, claims.refs)
        missing = [ref for ref, oid in claimed.items() if not self.workspace.repository.has_object(oid)]
        if missing:
            self._transport.fetch(missing)
            failpoint("fetch.after")
            self._refuse_lies({ref: claimed[ref] for ref in missing})
        tell(Step.VERIFY, "")
        verdict = verify(claimed, interest, self.workspace.repository, allowed, self._trust(claims))
        self._seen.keep()
        for accepted in verdict.accepted:
            failpoint("verify.before_accept")
            self._accept(accepted.ref, accepted.old, accepted.new, signatures=accepted.signatures)
            failpoint("verify.after_accept")
        self._remember(verdict.accepted)
        return verdict.accepted, verdict.held

    def _accept(self, ref: str, old: str | None, new: str, **facts: str) -> None:
        """Move a ref, on record before it moves."""
        act = Act(FOLLOW, ref, facts={"old": old or "", "new": new, **facts})
        with self.workspace.audit.acting(act):
            self.workspace.repository.move_ref(ref, old, new)

    def _remember(self, accepted: Iterable[Accepted]) -> None:
        """Branches that were accepted count for what is deployed from them, also when a key ends until then."""
        gate = self.workspace.gate() if self._has_root else None
        if gate is None:
            return
        for one in accepted:
            if one.ref.startswith(HEADS):
                gate.accept(one.new)

    def _claims(self) -> Claims:
        return self._transport.claims(*((TRUST_REF,) if self._has_root else ()))

    def _trust(self, claims: Claims) -> Trust | None:
        """What judges commits and tags: the root of trust, or the list of the settings.

        Raises UsageError and IntegrityError for one that cannot be used: nothing new is followed then.
        """
        repository, file = self.workspace.repository, self._remote.signers
        if self._has_root:
            root = self._root(claims.refs.get(TRUST_REF))
            tags = {ref.removeprefix(TAGS): oid for ref, oid in claims.refs.items() if ref.startswith(TAGS + APPROVALS)}
            signers = root.committers._replace(openpgp=self._openpgp)
            return Trust(signers, repository, self._seen, "the root of trust", root, self._fetched(tags))
        if file is None:
            return None
        return Trust(read_signers(file)._replace(openpgp=self._openpgp), repository, self._seen, file.name)

    def _root(self, commit: str | None) -> Root:
        """The newest version of the root that follows what was trusted before; `commit` is where the remote says that versions are."""
        if commit is not None and not self.workspace.repository.has_object(commit):
            self._transport.fetch([TRUST_REF])
            self._refuse_lies({TRUST_REF: commit})
        root = self.workspace.root_store().current(commit)
        assert root is not None  # the settings name one
        self._keep_versions(commit)
        try:
            require_fresh(root, self._now())
        except SignatureError as error:
            raise IntegrityError(error.reason, hint="llmcfg trust renew makes a new version", code=error.code) from None
        return root

    def _keep_versions(self, commit: str | None) -> None:
        """Hold what was read of the root here too, for bundles to carry; a ref of the remote that went back is not followed."""
        repository = self.workspace.repository
        held = repository.target(TRUST_REF)
        if commit is not None and commit != held and (held is None or repository.descends(commit, held)):
            repository.move_ref(TRUST_REF, held, commit)

    def _fetched(self, tags: Mapping[str, str]) -> Mapping[str, str]:
        """The tags, with their objects here."""
        missing = {TAGS + name: oid for name, oid in tags.items() if not self.workspace.repository.has_object(oid)}
        if missing:
            self._transport.fetch([*missing])
            self._refuse_lies(missing)
        return tags

    def _refuse_lies(self, fetched: Mapping[str, str]) -> None:
        for ref, oid in fetched.items():
            if not self.workspace.repository.has_object(oid):
                raise RemoteError(
                    f"{self.name} says that {ref} is {oid[:10]} and does not send it",
                    hint="it may have moved just now: the next pass asks again",
                    code="remote-lies",
                )

    def _choose_branch(self) -> None:
        """Follow the branch of the settings, else the one that the remote called the main one when it was first seen."""
        repository = self.workspace.repository
        wanted = self._remote.branch or repository.main_branch or self._transport.head_branch()
        if repository.main_branch != wanted:
            repository.name_main_branch(wanted)

    def interest(self, environments: Collection[str] = ()) -> Interest:
        """The refs that matter to these environments; without any, to all that are kept."""
        manifest = self._manifest()
        chosen = environments or self._environments or (manifest.environments if manifest else ())
        branch = self.workspace.repository.main_branch or ""
        found = interest_of(branch, manifest, chosen, with_deployed=self._remote.deployed == "remote")
        words = (APPROVALS, *(f"{PROMOTIONS}{name}/" for name in chosen)) if self._has_root else ()
        return found._replace(words=frozenset(f"{word}*" for word in words))

    def _manifest(self) -> Manifest | None:
        """The followed one, as accepted; None when there is none yet, or it cannot be read, which building will tell."""
        if self.workspace.repository.head() is None:
            return None
        try:
            return self.workspace.configuration("HEAD").manifest
        except FindingsError:
            return None

    def _publish(self, ref: str, expected: str | None, commit: str) -> None:
        """Move a deployed branch there before it moves here. Raises ConflictError after taking over what somebody else put there."""
        failpoint("publish.before")
        try:
            self._transport.push(commit, ref, expected)
        except ConflictError:
            self._adopt(ref)
            raise
        except RemoteError:
            if not self._has_arrived(ref, commit):
                raise
        failpoint("publish.after")

    def _has_arrived(self, ref: str, commit: str) -> bool:
        try:
            return self._transport.claims().refs.get(ref) == commit
        except LlmcfgError:
            return False

    def _adopt(self, ref: str) -> None:
        claimed = {name: oid for name, oid in self._transport.claims().refs.items() if name == ref}
        repository = self.workspace.repository
        if any(not repository.has_object(oid) for oid in claimed.values()):
            self._transport.fetch([ref])
        self._refuse_lies(claimed)
        for oid in claimed.values():
            old = repository.target(ref)
            if old is None or repository.descends(oid, old):
                self._accept(ref, old, oid)


def open_upstream(
    settings: Settings, remote: Remote, state: Path, surroundings: Surroundings, now: Callable[[], datetime]
) -> Upstream:
    """The private repository in the state folder, made when it is not there, and the remote that it follows."""
    make_bare(state / PRIVATE)
    return Upstream(state, settings, remote, surroundings, now)

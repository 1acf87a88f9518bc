"""The plan: what deploying a revision to an environment would do. `plan`, `apply --dry-run` and `apply` make the same one."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.errors import ConflictError, FindingsError, FrozenError, IntegrityError, LlmcfgError
from llmcfg.model.findings import has_blocking, merge_findings
from llmcfg.model.later import Later
from llmcfg.model.proposal import Proposal
from llmcfg.model.rules import Severity
from llmcfg.pipeline.deployedstate import state_of_stored
from llmcfg.pipeline.diff import NOTHING_DEPLOYED, State, compare
from llmcfg.pipeline.gates import asks_what_is_decided, asks_who_signed, find_gate_closed, gate_findings
from llmcfg.pipeline.sealing import changed_targets, draft
from llmcfg.pipeline.stored import NOTHING_STORED, read_stored
from llmcfg.sync.building import build_environment
from llmcfg.sync.decided import NOBODY, Decided, Who, decided_since
from llmcfg.sync.deliveries import find_sinks, observe
from llmcfg.sync.deployed import deployed_files, next_stamp, read_deployed
from llmcfg.sync.signed import without_signatures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from llmcfg.model.files import Files
    from llmcfg.model.findings import Finding
    from llmcfg.model.impact import Difference
    from llmcfg.model.snapshot import Revision
    from llmcfg.pipeline.changelimits import Frozen
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.pipeline.memo import Memo
    from llmcfg.pipeline.sealing import Draft
    from llmcfg.pipeline.stored import Stored
    from llmcfg.ports import Repository
    from llmcfg.sync.building import BuiltEnvironment
    from llmcfg.sync.decided import AskWho
    from llmcfg.sync.deliveries import Delivery, MakeSink
    from llmcfg.sync.deployed import Deployed
    from llmcfg.sync.signed import Publisher

    SignerOf = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Plan:
    """`expected` is the deployed state that the plan was made against; applying refuses if it is another by then.

    `files` are all but those that are still to be sealed, which `draft` names; it is None when what is deployed stays. `signers` are the
    fingerprints of the keys that sign what comes in its place. `damage` says what
    is wrong with the bundles that are deployed; empty when they are what was written. Applying mends them. `gates` is what the repository's
    policies and limits say of the change; an error among them keeps it from being applied, as does `frozen`, which was on at `made_at`.
    `affected` are the bundles that come, go or change; `later` what changes in them, leaf by leaf, which nobody may ask for.
    """

    environment: str
    revision: Revision
    expected: Deployed | None
    root: str
    files: Files
    affected: tuple[str, ...]
    later: Later[Difference]
    deliveries: tuple[Delivery, ...]
    bundles: int
    protected: bool
    quarantined: bool
    damage: str = ""
    draft: Draft | None = None
    signers: tuple[str, ...] = ()
    gates: tuple[Finding, ...] = ()
    frozen: Frozen | None = None
    made_at: datetime | None = None

    @property
    def difference(self) -> Difference:
        return self.later.get()

    @property
    def moves_ref(self) -> bool:
        return self.draft is not None

    @property
    def to_seal(self) -> tuple[str, ...]:
        """The bundles whose secrets are still to be sealed, which needs a key."""
        return tuple(dict.fromkeys(str(task.target) for task in self.draft.tasks)) if self.draft else ()

    @property
    def is_empty(self) -> bool:
        return not self.moves_ref and all(delivery.state == "current" for delivery in self.deliveries)


def nobody(_commit: str) -> None:
    """Where nobody checks who signed."""


def make_plan(
    configuration: Configuration,
    repository: Repository,
    environment: str,
    make_sink: MakeSink,
    now: datetime | None = None,
    publisher: Publisher | None = None,
    signer_of: SignerOf = nobody,
) -> Plan:
    """Build the environment and compare it with what is deployed and delivered. Freezes are looked at for `now`, if there is one.

    With `publisher`, what is deployed and not signed as it signs is deployed anew. `signer_of` says who signed a commit, to
    policies that ask.

    Raises FindingsError for a configuration with errors in this environment, UsageError for a snapshot that is no commit.
    """
    built = build_environment(configuration, environment, stored_by(repository, environment, configuration.memo))
    return compare_environment(built, observe_environment(built, repository, make_sink, publisher, signer_of), now)


class Observed(NamedTuple):
    """What is deployed and delivered. `files` are what the deployed ref should hold: what it does hold if that is the same.

    Otherwise `draft` says what is still to be sealed. `who` wrote the commit. `decided` is what differs
    beside bundles, where some policy or limit asks for it.
    """

    deployed: Deployed | None
    there: ReadState
    files: Files
    draft: Draft | None
    deliveries: tuple[Delivery, ...]
    who: Who = NOBODY
    signers: tuple[str, ...] = ()
    decided: Decided = Decided()


def observe_environment(
    built: BuiltEnvironment,
    repository: Repository,
    make_sink: MakeSink,
    publisher: Publisher | None = None,
    signer_of: SignerOf = nobody,
) -> Observed:
    environment = built.environment
    deployed = read_deployed(repository, environment)
    there = read_state(repository, deployed, environment, built.configuration.memo)
    is_same = deployed is not None and not there.damage and deployed.root == built.root
    is_same = is_same and (publisher is None or publisher.covers(there.stored.files))
    made = None if is_same else _draft(built, repository, deployed, there)
    files = made.files() if made else there.stored.files
    unknown = made.open_paths if made else ()
    deliveries = observe(find_sinks(built.configuration, environment), environment, files, make_sink, unknown)
    ask = _who(built.configuration, signer_of)
    who = NOBODY if is_same else ask(repository.facts(built.revision.commit))
    signers = publisher.fingerprints if made and publisher else ()
    decided = _decided(built, repository, deployed, ask) if deployed is not None else Decided()
    return Observed(deployed, there, files, made, deliveries, who, signers, decided)


def _who(configuration: Configuration, signer_of: SignerOf) -> AskWho:
    """Signatures are checked where a policy asks who signed."""
    asked = signer_of if asks_who_signed(configuration) else nobody
    return lambda facts: Who(facts.email, asked(facts.commit))


def _decided(built: BuiltEnvironment, repository: Repository, deployed: Deployed, ask: AskWho) -> Decided:
    if deployed.source == built.revision.commit or not asks_what_is_decided(built.configuration):
        return Decided()
    return decided_since(built.configuration, built.environment, repository, deployed.source, ask)


def _draft(built: BuiltEnvironment, repository: Repository, deployed: Deployed | None, there: ReadState) -> Draft:
    stamp = next_stamp(repository, deployed)
    stored = there.stored._replace(files=without_signatures(there.stored.files))
    bundles = built.bundles_of(changed_targets(built.manifests, stored))
    return draft(built.reached, built.environment, built.manifests, bundles, stamp, stored)


def compare_environment(built: BuiltEnvironment, observed: Observed, now: datetime | None = None) -> Plan:
    """What has to be done to get from what is there to what was built. Pure."""
    deployed, root = observed.deployed, built.root
    before = observed.there.state
    after = built.state_of([*observed.draft.bundles]) if observed.draft else before
    later = Later(lambda: compare(before, after, progress=built.configuration.memo.progress))
    is_new = deployed is None or deployed.root != root
    is_judged = deployed is not None and is_new and built.configuration.layout.policies
    changes = [Proposal(later.get(), *observed.who)] if is_judged else []
    gates = _gates(built, [*changes, *observed.decided.proposals])
    return Plan(
        environment=built.environment,
        revision=built.revision,
        expected=deployed,
        root=root,
        files=observed.files,
        affected=differing_bundles(observed.there, built),
        later=later,
        deliveries=observed.deliveries,
        bundles=len(built.manifests),
        protected=built.configuration.manifest.environments[built.environment].protected,
        quarantined=is_quarantined(built, deployed),
        damage=observed.there.damage,
        draft=observed.draft,
        signers=observed.signers,
        gates=(*gates, *observed.decided.unknown),
        frozen=find_gate_closed(built.configuration, built.environment, now) if is_new and now else None,
        made_at=now,
    )


def differing_bundles(there: ReadState, built: BuiltEnvironment) -> tuple[str, ...]:
    """The bundles that come, go or change: those that have another manifest. Looks into none."""
    differing = there.state.manifests.items() ^ built.manifests.items()
    return tuple(sorted({str(target) for target, _ in differing}))


def is_quarantined(built: BuiltEnvironment, deployed: Deployed | None) -> bool:
    """Whether this revision was rolled back, or another one with the same bundles."""
    return deployed is not None and (
        built.revision.commit in deployed.quarantined or built.root in deployed.quarantined_roots
    )


def _gates(built: BuiltEnvironment, changes: Iterable[Proposal]) -> tuple[Finding, ...]:
    """Of changes of what is deployed: the first deployment changes nothing that runs."""
    scopes = [scope for scope in built.configuration.scopes if scope.environment == built.environment]
    return merge_findings(found for change in changes for found in gate_findings(built.reached, change, scopes))


class ReadState(NamedTuple):
    """Deployed bundles, and the state that they are; both of it nothing where `damage` says what is wrong."""

    stored: Stored
    state: State
    damage: str


_NOTHING: Final = ReadState(NOTHING_STORED, NOTHING_DEPLOYED, "")


def stored_by(repository: Repository, environment: str, memo: Memo) -> Callable[[], Stored]:
    """What is deployed now; nothing where it cannot be read, which is for who looks at it to say."""

    def find() -> Stored:
        with suppress(LlmcfgError):
            return read_state(repository, read_deployed(repository, environment), environment, memo).stored
        return NOTHING_STORED

    return find


def read_state(
    repository: Repository, deployed: Deployed | None, environment: str, memo: Memo | None = None
) -> ReadState:
    """What is deployed. `memo` remembers documents by their digests, and bundles that were found to be right."""
    if deployed is None:
        return _NOTHING
    try:
        files = deployed_files(repository, deployed)
        if not files:
            return _NOTHING._replace(damage="it is empty")
        stored = read_stored(files, memo)
        if stored.head.environment != environment:
            raise IntegrityError(f"it holds the bundles of {stored.head.environment}")
        if stored.head.sealed is None:
            _refuse_unsealed(stored)
    except IntegrityError as error:
        return _NOTHING._replace(damage=error.message)
    return ReadState(stored, state_of_stored(stored, memo.stored if memo else None), "")


def _refuse_unsealed(stored: Stored) -> None:
    for folder, bundle in stored.bundles.items():
        if bundle.seals:
            raise IntegrityError(f"the secrets of {folder} are not sealed")


def refuse_quarantined(plan: Plan) -> None:
    if plan.quarantined:
        is_named = plan.expected is not None and plan.revision.commit in plan.expected.quarantined
        why = "it was rolled back" if is_named else "its bundles are the same as those that were rolled back"
        raise ConflictError(
            f"{plan.revision.name} is quarantined in {plan.environment}: {why}",
            hint="deploy a newer revision, or lift the quarantine with --lift-quarantine",
            code="quarantined",
        )


def refuse_gated(plan: Plan) -> None:
    """Raises FindingsError for a change that a policy or limit of the repository refuses."""
    if has_blocking(plan.gates, Severity.ERROR):
        raise FindingsError(
            f"{plan.revision.name} is not deployed to {plan.environment}: its rules refuse the change",
            findings=plan.gates,
        )


def refuse_frozen(plan: Plan) -> None:
    """Raises FrozenError while the environment is frozen."""
    frozen = plan.frozen
    if frozen is not None and plan.made_at is not None:
        raise FrozenError(
            f"{frozen.finding.message} ({frozen.finding.origin})",
            hint=frozen.finding.hint,
            wait_seconds=max(0.0, (frozen.until - plan.made_at).total_seconds()),
        )

"""A change under review, whole: what it does in effect and to whom, what is wrong with it and what was wrong before, and how risky it is.

Both sides are opened with one memo, so the second costs what it differs by. Everything is a pure function of the two commits, the day and
who proposes it; nothing here reads a key or a work tree, nor a network but for a remote policy that the caller names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.canonical import digest_of
from llmcfg.ci.commits import commit_findings
from llmcfg.ci.known import split_findings
from llmcfg.ci.origins import Origins, origins_of
from llmcfg.ci.risk import Risk, risk_of
from llmcfg.ci.secretfiles import SecretFileChange, secret_file_changes
from llmcfg.ci.sides import compare_sides, open_side
from llmcfg.ci.tally import EnvironmentTally, tally
from llmcfg.errors import FindingsError
from llmcfg.model.findings import has_blocking, merge_findings
from llmcfg.model.later import Later
from llmcfg.model.proposal import GuardChange, Proposal
from llmcfg.pipeline.costs import changed_costs
from llmcfg.pipeline.gates import gate_findings
from llmcfg.pipeline.guards import guard_changes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from llmcfg.ci.base import Base
    from llmcfg.ci.opa import Opa
    from llmcfg.model.findings import Finding
    from llmcfg.model.impact import Difference
    from llmcfg.model.rules import Severity
    from llmcfg.model.snapshot import Revision
    from llmcfg.pipeline.build import Built
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.pipeline.costs import CostChange
    from llmcfg.wiring import Workspace


class Proposed(NamedTuple):
    """Who proposes the change and who agreed, as `model.proposal` has it."""

    author: str | None = None
    approvals: frozenset[str] | None = None


ANYBODY: Final = Proposed()


@dataclass(frozen=True, slots=True)
class Review:
    """`new` findings come with the change, `old` ones were there before it, `gone` is how many it mends.

    `digest`, of which `summed` is to come, names all bundles as they are after the change: two reviews with one digest lead to the same.
    `changed_files` are paths from
    the configuration's folder. `unseen` says in words what could not be looked at.
    """

    base: Base
    head: Revision
    difference: Difference
    origins: Sequence[Origins]
    costs: tuple[CostChange, ...]
    secret_files: tuple[SecretFileChange, ...]
    guards: tuple[GuardChange, ...]
    new: tuple[Finding, ...]
    old: tuple[Finding, ...]
    gone: int
    environments: tuple[EnvironmentTally, ...]
    risk: Risk
    summed: Later[str]
    changed_files: frozenset[str]
    unseen: tuple[str, ...]

    @property
    def digest(self) -> str:
        """Taken when it is asked for: it names all bundles, and most that is said of a change is about few."""
        return self.summed.get()

    @property
    def protected(self) -> frozenset[str]:
        return frozenset(one.name for one in self.environments if one.is_protected)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to tell a reviewer."""
        return self.difference.is_empty and not (
            self.secret_files or self.guards or self.new or self.gone or self.unseen
        )

    def blocking(self, fail_on: Severity) -> tuple[Finding, ...]:
        """What holds the change up: new findings this severe, and every error, since a configuration with one cannot be deployed."""
        return (
            *(finding for finding in self.new if has_blocking([finding], fail_on)),
            *(finding for finding in self.old if has_blocking([finding])),
        )


def review(
    workspace: Workspace,
    base: Base,
    head: Revision,
    *,
    as_of: date,
    proposed: Proposed = ANYBODY,
    opa: Opa | None = None,
) -> Review:
    """`opa` is asked about the change too.

    Raises UnknownRevisionError, NotFoundError, IntegrityError for what the repository does not hold; never for findings.
    """
    before = open_side(workspace, base.commit, as_of)
    after = open_side(workspace, head.commit, as_of, before.configuration)
    difference, unseen = compare_sides(before, after)
    changed = workspace.repository.changed_files(base.commit, head.commit)
    guards = tuple(guard_changes(before.configuration, after.configuration, changed))
    gate = workspace.gate(before.configuration, after.configuration)
    signer = gate.signer_of(base.source or head.commit) if gate is not None else None
    proposal = Proposal(difference, proposed.author, signer, proposed.approvals, guards)
    held = _held_to_gates(before.configuration, after.configuration, proposal, opa)
    held = (*held, *(commit_findings(gate, base, head) if gate is not None else ()))
    split = split_findings(before.findings, merge_findings([*after.findings, *held]), changed)
    environments = tally(before.configuration, after.configuration, difference)
    return Review(
        base=base,
        head=head,
        difference=difference,
        origins=origins_of(before.configuration, after.configuration, difference.values),
        costs=_costs(before.configuration, after.configuration, difference, as_of),
        secret_files=tuple(secret_file_changes(changed, workspace.repository.read_blob)),
        guards=guards,
        new=split.new,
        old=split.old,
        gone=split.gone,
        environments=environments,
        risk=risk_of(environments, difference, guards, has_new_errors=has_blocking(split.new)),
        summed=Later(lambda: _digest(after.built)),
        changed_files=frozenset(file.path for file in changed),
        unseen=(*base.notes, *unseen),
    )


def _costs(
    before: Configuration | None, after: Configuration | None, difference: Difference, as_of: date
) -> tuple[CostChange, ...]:
    """What the change does to the worst cases of the scopes that it touches; nothing where a side cannot be read."""
    if before is None or after is None or not difference.values:
        return ()
    touched = {scope for value in difference.values for scope in value.scopes}
    try:
        return changed_costs(before, after, as_of, lambda scope: str(scope) in touched)
    except FindingsError:
        return ()


def _held_to_gates(
    before: Configuration | None, after: Configuration | None, proposal: Proposal, opa: Opa | None
) -> tuple[Finding, ...]:
    """What the policies and limits of the repository say of the change."""
    if after is None:
        return ()
    held = gate_findings(after, proposal, after.scopes, before)
    if opa is None:
        return held
    from llmcfg.ci.opa import opa_findings  # what speaks to servers is slow to import

    return (*held, *opa_findings(after, proposal, opa))


def _digest(built: Built) -> str:
    return digest_of({str(target): bundle.manifest_digest for target, bundle in built.bundles.items()})

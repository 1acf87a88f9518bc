"""Gates: what the repository says that a change must not do. They see the change, its reach and who proposes it, and give findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmcfg.model.findings import merge_findings
from llmcfg.model.proposal import Proposal
from llmcfg.pipeline.decisions import decisions_of
from llmcfg.pipeline.diff import State, compare
from llmcfg.pipeline.guards import guards_between

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from llmcfg.model.findings import Finding
    from llmcfg.model.target import Scope
    from llmcfg.pipeline.changelimits import Frozen
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.pipeline.diff import Documents


def gate_findings(
    configuration: Configuration, proposal: Proposal, scopes: Iterable[Scope], before: Configuration | None = None
) -> tuple[Finding, ...]:
    """The findings about the change that leads to this configuration in these scopes, beside those that they have anyway.

    With `before`, the limits and policies that held there count too, so that no change loosens one and makes use of that at once.
    """
    saying = [each for each in (configuration, before) if each is not None and each.layout.policies]
    asked = [*scopes]
    return merge_findings(found for said_by in saying for found in _said(configuration, proposal, asked, said_by))


def _said(
    configuration: Configuration, proposal: Proposal, scopes: Iterable[Scope], said_by: Configuration
) -> Iterator[Finding]:
    """What the limits and policies that `said_by` holds say. They are slow to import, and many repositories have none."""
    from llmcfg.pipeline.changelimits import limit_findings

    yield from limit_findings(configuration, proposal, {scope.environment: None for scope in scopes}, said_by)
    modules = _modules(said_by)
    if modules and (said_by is configuration or modules != _modules(configuration)):
        from llmcfg.pipeline.policyfindings import change_policy_findings

        yield from change_policy_findings(configuration, scopes, proposal, said_by)


def _modules(configuration: Configuration) -> dict[str, str]:
    return {path: entry.oid for path, entry in configuration.layout.policies.items() if path.endswith(".rego")}


def asks_what_is_decided(configuration: Configuration) -> bool:
    """Whether some limit or policy can say something of what is decided otherwise, or of what judges changes."""
    if not configuration.layout.policies:
        return False
    from llmcfg.pipeline.changelimits import limits_decisions
    from llmcfg.pipeline.policyfindings import policies_of
    from llmcfg.policies.reads import wants

    reads = policies_of(configuration).reads
    return limits_decisions(configuration) or any(wants(reads, "change", part) for part in ("decisions", "guards"))


def asks_who_signed(configuration: Configuration) -> bool:
    if not configuration.layout.policies:
        return False
    from llmcfg.pipeline.policyfindings import policies_of
    from llmcfg.policies.reads import wants

    return wants(policies_of(configuration).reads, "change", "signer")


def find_gate_closed(configuration: Configuration, environment: str, now: datetime) -> Frozen | None:
    """The freeze that keeps anything new from being deployed to an environment at this moment."""
    if not configuration.layout.policies:
        return None
    from llmcfg.pipeline.changelimits import find_frozen

    return find_frozen(configuration, environment, now)


def proposal_between(
    before: Configuration, after: Configuration, author: str | None = None, approvals: frozenset[str] | None = None
) -> Proposal:
    """The change of the effective configuration of every scope, whoever may get it."""
    sides = (State(_scopes(one), {}, decisions_of(one)) for one in (before, after))
    return Proposal(compare(*sides), author, approvals=approvals, guards=guards_between(before, after))


def _scopes(configuration: Configuration) -> dict[str, Documents]:
    return {
        str(scope): {name: resolved.value for name, resolved in configuration.effective(scope).documents.items()}
        for scope in configuration.scopes
    }

"""Gates: what the repository says that a change must not do. They see the change, its reach and who proposes it, and give findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmcfg.model.findings import merge_findings
from llmcfg.model.proposal import Proposal
from llmcfg.pipeline.diff import State, compare

if TYPE_CHECKING:
    from collections.abc import Iterable
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

    With `before`, the limits that held there count too, so that no change loosens one and makes use of that at once.
    """
    saying = [each for each in (configuration, before) if each is not None and each.layout.policies]
    if not saying:
        return ()
    from llmcfg.pipeline.changelimits import limit_findings

    found = [finding for said_by in saying for finding in limit_findings(configuration, proposal, said_by)]
    if any(path.endswith(".rego") for path in configuration.layout.policies):
        from llmcfg.pipeline.policyfindings import change_policy_findings

        found += change_policy_findings(configuration, scopes, proposal)
    return merge_findings(found)


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
    return Proposal(compare(State(_scopes(before), {}), State(_scopes(after), {})), author, approvals=approvals)


def _scopes(configuration: Configuration) -> dict[str, Documents]:
    return {
        str(scope): {name: resolved.value for name, resolved in configuration.effective(scope).documents.items()}
        for scope in configuration.scopes
    }

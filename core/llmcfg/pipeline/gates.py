"""Gates: what the repository says that a change must not do. They see the change, its reach and who proposes it, and give findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmcfg.model.findings import merge_findings
from llmcfg.model.proposal import Proposal
from llmcfg.pipeline.diff import State, compare

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmcfg.model.findings import Finding
    from llmcfg.model.target import Scope
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.pipeline.diff import Documents


def gate_findings(configuration: Configuration, proposal: Proposal, scopes: Iterable[Scope]) -> tuple[Finding, ...]:
    """The findings about the change that leads to this configuration in these scopes, beside those that they have anyway."""
    if not configuration.layout.policies:
        return ()
    from llmcfg.pipeline.policyfindings import change_policy_findings

    return merge_findings(change_policy_findings(configuration, scopes, proposal))


def proposal_between(before: Configuration, after: Configuration, author: str | None = None) -> Proposal:
    """The change of the effective configuration of every scope, whoever may get it."""
    return Proposal(compare(State(_scopes(before), {}), State(_scopes(after), {})), author)


def _scopes(configuration: Configuration) -> dict[str, Documents]:
    return {
        str(scope): {name: resolved.value for name, resolved in configuration.effective(scope).documents.items()}
        for scope in configuration.scopes
    }

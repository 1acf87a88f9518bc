"""What policies are asked about: the composed configuration of a scope, its environment and tenant, and with a change what it does there.

Only what some policy reads is put in, so that scopes which are alike in it are asked about once.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from llmcfg.model.assembly import assemble
from llmcfg.model.difference import fields_of
from llmcfg.policies.reads import wants

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmcfg.model.change import Change
    from llmcfg.model.impact import ValueChange
    from llmcfg.model.proposal import Decision, GuardChange, Proposal
    from llmcfg.model.target import Scope
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.pipeline.resolve import Resolved
    from llmcfg.policies.reads import Reads


class Question(NamedTuple):
    """An input as JSON, and the scopes that it is the same for."""

    text: str
    scopes: tuple[Scope, ...]


def questions(
    configuration: Configuration, scopes: Iterable[Scope], reads: Reads, proposal: Proposal | None = None
) -> tuple[Question, ...]:
    """In the order of the scopes."""
    found: dict[object, tuple[dict[str, Any], list[Scope]]] = {}
    for scope in scopes:
        documents = _documents(configuration, scope, reads)
        facts = _facts(configuration, scope, reads)
        told = _told(proposal, scope, reads)
        key = (tuple(map(id, documents.values())), json.dumps(facts), *(tuple(map(id, part)) for part in told))
        if key not in found:
            said = {**facts, "config": assemble((name, resolved.value) for name, resolved in documents.items())}
            if proposal is not None:
                said["change"] = _change(told, proposal, reads)
            found[key] = said, []
        found[key][1].append(scope)
    return tuple(Question(json.dumps(said), tuple(alike)) for said, alike in found.values())


class _Told(NamedTuple):
    """What a scope is told of a change."""

    keys: tuple[ValueChange, ...] = ()
    decisions: tuple[Decision, ...] = ()
    guards: tuple[GuardChange, ...] = ()


def _told(proposal: Proposal | None, scope: Scope, reads: Reads) -> _Told:
    if proposal is None or not wants(reads, "change"):
        return _Told()
    decisions = proposal.decisions_in(scope) if wants(reads, "change", "decisions") else ()
    guards = proposal.guards_in(scope) if wants(reads, "change", "guards") else ()
    return _Told(tuple(proposal.changes_in(scope)), tuple(decisions), tuple(guards))


def _documents(configuration: Configuration, scope: Scope, reads: Reads) -> dict[str, Resolved]:
    documents = configuration.effective(scope).documents
    return {name: resolved for name, resolved in documents.items() if wants(reads, "config", *name.split("/"))}


def _facts(configuration: Configuration, scope: Scope, reads: Reads) -> dict[str, Any]:
    """What is read of where the scope stands, field by field."""
    manifest = configuration.manifest
    chain = manifest.environment_chain(scope.environment)
    tenants = manifest.tenant_chain(scope.tenant)
    facts: dict[str, dict[str, Any] | None] = {
        "environment": {
            "name": scope.environment,
            "inherits": [environment.name for environment in reversed(chain[:-1])],
            "protected": chain[-1].protected,
        },
        "tenant": {
            "name": tenants[-1].name,
            "parents": [tenant.name for tenant in reversed(tenants[:-1])],
            "region": tenants[-1].region,
        } if tenants else None,
        "variables": dict(configuration.effective(scope).variables),
    }  # fmt: skip
    return {
        name: said and {field: value for field, value in said.items() if wants(reads, name, field)}
        for name, said in facts.items()
        if wants(reads, name)
    }


def _change(told: _Told, proposal: Proposal, reads: Reads) -> dict[str, Any]:
    parts = {
        "decisions": [_fields(decision.change) for decision in told.decisions],
        "guards": [guard.fields() for guard in told.guards],
    }
    return {
        "keys": [_key(each) for each in told.keys],
        **{name: part for name, part in parts.items() if wants(reads, "change", name)},
        "author": proposal.author,
        "signer": proposal.signer,
        "targets": len(proposal.difference.affected),
    }


def _key(each: ValueChange) -> dict[str, Any]:
    return {**_fields(each.change), "targets": len(each.targets)}


def _fields(change: Change) -> dict[str, Any]:
    return {**fields_of(change), "path": [*change.path]}

"""Where a full key path of a scope is set, and where something is decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmcfg.pipeline.layers import MANIFEST

if TYPE_CHECKING:
    from llmcfg.model.findings import Finding, Problem
    from llmcfg.model.target import Scope
    from llmcfg.model.value import Path
    from llmcfg.pipeline.configuration import Configuration


def find_place(
    configuration: Configuration, scope: Scope, key: Path, problem: Problem, reach: list[str]
) -> Finding | None:
    """The problem at the file and line that sets the key, or the nearest around it; None where there is none of it."""
    effective = configuration.effective(scope)
    for length in range(len(key), 0, -1):
        owner = effective.owner(key[:length])
        if owner is not None:
            resolved, path = owner
            rule_at = configuration.merge_rules(resolved.name)[1]
            sources = resolved.composed.sources
            return configuration.locator.in_sources(problem._replace(path=path), sources, reach, rule_at)
    return None


def place_decision(configuration: Configuration, decision: Path, problem: Problem, reach: list[str]) -> Finding:
    """The problem where the decision is written, or was: in the file of a consumer, or in the manifest."""
    part, *below = decision
    consumer = configuration.layout.consumers.get(str(below[0])) if part == "consumers" and below else None
    path = tuple(below[1:]) if consumer else decision
    entry = consumer or configuration.snapshot.entries[MANIFEST]
    return configuration.locator.in_blob(problem._replace(path=path), entry, reach)


def place_file(configuration: Configuration, file: str, problem: Problem, reach: list[str]) -> Finding:
    """The problem at the beginning of a file; of the manifest, for one that is gone."""
    entry = configuration.snapshot.entries.get(file) or configuration.snapshot.entries[MANIFEST]
    return configuration.locator.in_blob(problem._replace(line=1, column=1), entry, reach)

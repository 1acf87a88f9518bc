"""Where a full key path of a scope is set."""

from __future__ import annotations

from typing import TYPE_CHECKING

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

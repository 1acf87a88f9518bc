"""The limits on changes of a repository: `policies/*.yaml` read, and what they say of a change and of a moment."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from llmcfg.documents.loader import load_document
from llmcfg.model.findings import Finding, Problem
from llmcfg.model.keypath import format_key_path
from llmcfg.model.proposal import scope_of_target
from llmcfg.model.suggest import did_you_mean
from llmcfg.pipeline.keyplaces import find_place
from llmcfg.pipeline.shape import shape_problems, tag_problems
from llmcfg.policies.changelimits import ChangeLimits, read_change_limits
from llmcfg.policies.freezes import find_freeze

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from llmcfg.model.impact import ValueChange
    from llmcfg.model.proposal import Proposal
    from llmcfg.model.snapshot import BlobEntry
    from llmcfg.model.value import Path
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.policies.changelimits import Where

_INVALID = "limits-invalid"


class Frozen(NamedTuple):
    """A freeze that is on, until when, and the finding that says so."""

    name: str
    until: datetime
    finding: Finding


def limit_file_findings(configuration: Configuration) -> Iterator[Finding]:
    """What is wrong with the files themselves."""
    for entry in _files(configuration):
        _, problems = _read(configuration, entry)
        yield from (configuration.locator.in_blob(problem, entry) for problem in problems)


def limit_findings(configuration: Configuration, proposal: Proposal, said_by: Configuration) -> Iterator[Finding]:
    """What the limits that `said_by` holds say of the change that leads to this configuration.

    Limits on people whom the proposal does not know are passed over.
    """
    for entry in _files(said_by):
        limits, _ = _read(said_by, entry)
        if limits is None:
            continue
        for each, reach in _reached(proposal):
            for place, problem, environments in _violations(limits, each, proposal, [*reach]):
                scopes = [scope for environment in environments for scope in reach[environment]]
                found = _located(configuration, each, problem, scopes)
                yield replace(found, related=(said_by.locator.origin(entry, place),))


def limits_on(configuration: Configuration, path: Path) -> frozenset[tuple[str, str, int]]:
    """The limits that hold for changes of a key in some environment: file, and place in it."""
    read = [(entry.path, _read(configuration, entry)[0]) for entry in _files(configuration)]
    return frozenset((file, *place) for file, limits in read if limits for place in limits.places_on(path))


def _reached(proposal: Proposal) -> Iterator[tuple[ValueChange, dict[str, list[str]]]]:
    """Each key that changes, with the scopes that have the change, by their environment."""
    for each in proposal.leaves:
        reach: dict[str, list[str]] = {}
        for scope in dict.fromkeys([*each.scopes, *map(scope_of_target, each.targets)]):
            reach.setdefault(scope.split("/", 1)[0], []).append(scope)
        yield each, reach


def find_frozen(configuration: Configuration, environment: str, now: datetime) -> Frozen | None:
    """The freeze of an environment that is on at this moment; of several the one that ends last."""
    found = []
    for entry in _files(configuration):
        limits, _ = _read(configuration, entry)
        on = find_freeze(limits.freezes, environment, now) if limits else None
        if on is not None:
            freeze, until = on
            problem = Problem("change-freeze", f"{environment} is frozen until {until.isoformat(timespec='minutes')}: {freeze.name}",
                              hint="wait, or deploy all the same and say why: llmcfg apply --during-freeze REASON",
                              path=("freezes", freeze.at, "name"))  # fmt: skip
            found.append(Frozen(freeze.name, until, configuration.locator.in_blob(problem, entry)))
    return max(found, key=lambda frozen: frozen.until, default=None)


def _files(configuration: Configuration) -> list[BlobEntry]:
    return [entry for path, entry in configuration.layout.policies.items() if not path.endswith(".rego")]


def _read(configuration: Configuration, entry: BlobEntry) -> tuple[ChangeLimits | None, tuple[Problem, ...]]:
    environments = (*configuration.manifest.environments,)
    key = ("limits", entry.oid, environments)
    if key not in configuration.memo.parts:
        configuration.memo.parts[key] = _parse(configuration.snapshot.read(entry.oid), environments)
    read: tuple[ChangeLimits | None, tuple[Problem, ...]] = configuration.memo.parts[key]
    return read


def _parse(content: bytes, environments: tuple[str, ...]) -> tuple[ChangeLimits | None, tuple[Problem, ...]]:
    document, problems = load_document(content)
    if document is None:
        return None, tuple(problems)
    found = [*problems, *tag_problems(document.value, _INVALID)]
    found = found or shape_problems("change-limits.schema.json", document.value, _INVALID)
    if found:
        return None, tuple(found)
    limits, wrong = read_change_limits(document.value)
    found += [Problem(_INVALID, error.message, hint=error.hint, path=path) for path, error in wrong.items()]
    found += _unknown_names(limits, environments)
    return limits, tuple(found)


def _unknown_names(limits: ChangeLimits, environments: tuple[str, ...]) -> Iterator[Problem]:
    """Environments and roles that are none: such a limit would hold for nobody."""
    places = [each.where for each in limits.steps] + [each.where for each in (*limits.owned, *limits.approvals)]
    named: list[tuple[tuple[str, int], tuple[str, ...]]] = [(where.place, where.environments) for where in places]
    named += [(("freezes", freeze.at), freeze.environments) for freeze in limits.freezes]
    for path, names in named:
        for name in names:
            if name not in environments:
                yield Problem(_INVALID, f"there is no environment {name!r}", path=(*path, "environments"),
                              hint=did_you_mean(name, environments, "take it out"))  # fmt: skip
    for limit in (*limits.owned, *limits.approvals):
        for role in limit.roles:
            if role not in limits.roles:
                yield Problem(_INVALID, f"there is no role {role!r} in this file", path=(*limit.where.place, "roles"),
                              hint=did_you_mean(role, limits.roles, "say under roles who has it"))  # fmt: skip


def _violations(
    limits: ChangeLimits, each: ValueChange, proposal: Proposal, environments: list[str]
) -> Iterator[tuple[tuple[str, int], Problem, list[str]]]:
    """Each limit that the change of a key breaks, and in which environments."""
    key, path = format_key_path(each.change.path), each.change.path

    def held(where: Where) -> list[str]:
        return [name for name in environments if where.holds(name, path)]

    for step in limits.steps:
        why = step.why_not(each.change)
        if why and held(step.where):
            yield step.where.place, Problem("change-step", f"{key} {why}", hint="go in smaller steps"), held(step.where)
    for owned in limits.owned if proposal.author is not None and proposal.approvals is not None else ():
        if held(owned.where) and not limits.in_roles([proposal.author or ""], owned.roles):
            problem = Problem("change-owner", f"{proposal.author} may not change {key}; {' and '.join(owned.roles)} may",
                              hint="ask one of them to propose it")  # fmt: skip
            yield owned.where.place, problem, held(owned.where)
    for approval in limits.approvals if proposal.approvals is not None else ():
        agreed = limits.in_roles((proposal.approvals or frozenset()) - {proposal.author or ""}, approval.roles)
        if held(approval.where) and len(agreed) < approval.needed:
            wanted = f"{approval.needed} of {' or '.join(approval.roles)}"
            problem = Problem("change-approval", f"a change of {key} takes the approval of {wanted}, and has {len(agreed)}",
                              hint="ask for a review, then run this check again")  # fmt: skip
            yield approval.where.place, problem, held(approval.where)


def _located(configuration: Configuration, each: ValueChange, problem: Problem, scopes: list[str]) -> Finding:
    """At the key, or the nearest around one that is gone, in the first scope that has the change."""
    known = {str(scope): scope for scope in configuration.scopes}
    scope = next((known[name] for name in scopes if name in known), None)
    found = find_place(configuration, scope, each.change.path, problem, scopes) if scope else None
    if found is None:
        entry = configuration.snapshot.entries["llmcfg.yaml"]
        found = configuration.locator.in_blob(problem._replace(line=1, column=1), entry, scopes)
    return found

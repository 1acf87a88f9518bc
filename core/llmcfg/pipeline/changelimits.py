"""The limits on changes of a repository: `policies/*.yaml` read, and what they say of a change and of a moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llmcfg.documents.loader import load_document
from llmcfg.model.findings import Finding, Problem
from llmcfg.model.suggest import did_you_mean
from llmcfg.pipeline.decisions import PARTS
from llmcfg.pipeline.limitsubjects import subjects_of
from llmcfg.pipeline.shape import shape_problems, tag_problems
from llmcfg.policies.changelimits import ChangeLimits, read_change_limits
from llmcfg.policies.freezes import find_freeze
from llmcfg.policies.keypatterns import begins

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

    from llmcfg.model.proposal import Proposal
    from llmcfg.model.snapshot import BlobEntry
    from llmcfg.model.value import Path
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.pipeline.limitsubjects import Subject

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


def limit_findings(
    configuration: Configuration, proposal: Proposal, environments: Collection[str], said_by: Configuration
) -> Iterator[Finding]:
    """What the limits that `said_by` holds say of the change that leads to this configuration in these environments.

    Limits on people whom the proposal does not know are passed over.
    """
    subjects = [*subjects_of(configuration, proposal, environments)]
    for entry in _files(said_by):
        limits, _ = _read(said_by, entry)
        if limits is None:
            continue
        for subject in subjects:
            for place, problem, held in _violations(limits, subject, proposal):
                scopes = [scope for environment in held for scope in subject.reach[environment]]
                found = subject.locate(problem, scopes)
                yield found._replace(related=(said_by.locator.origin(entry, place),))


def limits_on(configuration: Configuration, path: Path) -> frozenset[tuple[str, str, int]]:
    """The limits that hold for changes of a key in some environment: file, and place in it."""
    read = [(entry.path, _read(configuration, entry)[0]) for entry in _files(configuration)]
    return frozenset((file, *place) for file, limits in read if limits for place in limits.places_on(path))


def limits_decisions(configuration: Configuration) -> bool:
    """Whether a step of something decided is limited. What takes people is for who knows them."""
    read = (_read(configuration, entry)[0] for entry in _files(configuration))
    return any(step.where.patterns["decisions"] for limits in read if limits for step in limits.steps)


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
    named: list[tuple[tuple[str, int], tuple[str, ...]]] = [(it.place, it.environments) for it in limits.wheres()]
    named += [(("freezes", freeze.at), freeze.environments) for freeze in limits.freezes]
    for path, names in named:
        for name in names:
            if name not in environments:
                yield Problem(_INVALID, f"there is no environment {name!r}", path=(*path, "environments"),
                              hint=did_you_mean(name, environments, "take it out"))  # fmt: skip
    yield from _unknown_decisions(limits)
    for limit in (*limits.owned, *limits.approvals):
        for role in limit.roles:
            if role not in limits.roles:
                yield Problem(_INVALID, f"there is no role {role!r} in this file", path=(*limit.where.place, "roles"),
                              hint=did_you_mean(role, limits.roles, "say under roles who has it"))  # fmt: skip


def _unknown_decisions(limits: ChangeLimits) -> Iterator[Problem]:
    """Patterns that mean nothing that is ever decided."""
    for where in limits.wheres():
        for at, pattern in enumerate(where.patterns["decisions"]):
            if not any(begins(pattern, part) for part in PARTS):
                yield Problem(_INVALID, f"nothing is decided at {pattern[0].text!r}", path=(*where.place, "decisions", at),
                              hint=did_you_mean(pattern[0].text, PARTS, f"begin with one of {', '.join(PARTS)}"))  # fmt: skip


def _violations(
    limits: ChangeLimits, subject: Subject, proposal: Proposal
) -> Iterator[tuple[tuple[str, int], Problem, list[str]]]:
    """Each limit that a change breaks, and in which environments."""
    author, approvals = proposal.author, proposal.approvals
    for step in limits.steps:
        why = step.why_not(subject.change) if subject.change else ""
        if why and (held := subject.held(step.where)):
            yield step.where.place, Problem("change-step", f"{subject.name} {why}", hint="go in smaller steps"), held
    for owned in limits.owned if author is not None and approvals is not None else ():
        if (held := subject.held(owned.where)) and not limits.in_roles([author or ""], owned.roles):
            problem = Problem("change-owner", f"{author} may not change {subject.name}; {' and '.join(owned.roles)} may",
                              hint="ask one of them to propose it")  # fmt: skip
            yield owned.where.place, problem, held
    for approval in limits.approvals if approvals is not None else ():
        agreed = limits.in_roles((approvals or frozenset()) - {author or ""}, approval.roles)
        if (held := subject.held(approval.where)) and len(agreed) < approval.needed:
            wanted = f"{approval.needed} of {' or '.join(approval.roles)}"
            problem = Problem("change-approval", f"a change of {subject.name} takes the approval of {wanted}, and has {len(agreed)}",
                              hint="ask for a review, then run this check again")  # fmt: skip
            yield approval.where.place, problem, held

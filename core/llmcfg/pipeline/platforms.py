"""The rules about LLM platforms over composed configuration: every scope that describes one, with places in the layers that set values.

What scopes have in common is judged once. A configuration without such documents loads nothing of it.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.llm.records.folders import is_of_platform, is_platform
from llmcfg.model.findings import Problem
from llmcfg.pipeline.allowed import as_findings, passed_of
from llmcfg.pipeline.known import find_passed, learn_passed, name_of, name_of_bytes, text_of
from llmcfg.pipeline.layers import CATALOGUE
from llmcfg.pipeline.sharing import Told, differing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from llmcfg.llm.platform import Complaint, Platform, Setting, Spot
    from llmcfg.llm.rules.ground import Ground
    from llmcfg.llm.rules.judged import Judged
    from llmcfg.model.findings import Finding
    from llmcfg.model.snapshot import BlobEntry
    from llmcfg.model.target import Scope
    from llmcfg.model.value import Value
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.pipeline.effective import Effective

_SAID_BY: Final[Mapping[str, frozenset[str]]] = {
    "LLM001": frozenset({"secret-plaintext", "secret-expected"}),
    "LLM002": frozenset({"secret-missing", "secret-empty"}),
    "LLM022": frozenset({"reference-missing", "schema-violation"}),
}
"""What other rules say already of the same line."""


def ground_of(configuration: Configuration, as_of: date) -> Ground:
    """The day and the catalogue that hold for a configuration. Raises UsageError for a pinned catalogue that cannot be read."""
    from llmcfg.llm.catalogue.catalogue import Catalogue
    from llmcfg.llm.catalogue.shipped import shipped_catalogue
    from llmcfg.llm.rules.ground import Ground

    entry = configuration.snapshot.entries.get(CATALOGUE)
    pinned = None if entry is None else configuration.snapshot.read(entry.oid).decode("utf-8", "replace")
    return Ground(as_of, shipped_catalogue() if pinned is None else Catalogue(pinned, CATALOGUE))


def platform_of(configuration: Configuration, scope: Scope) -> Platform | None:
    """The platform that a scope describes, if it describes one."""
    effective = configuration.effective(scope)
    if not is_judged(effective):
        return None
    from llmcfg.llm.records.platform import put_together
    from llmcfg.pipeline.platformsettings import Settings
    from llmcfg.pipeline.records import readings_of, records_in

    memo = configuration.memo
    return put_together(records_in(effective, memo), Settings(configuration).of(effective), readings_of(memo))


def sights_of(configuration: Configuration, scopes: Iterable[Scope]) -> dict[Scope, object]:
    """Equal for scopes whose platforms cannot differ but in names."""
    from llmcfg.pipeline.platformsettings import Settings

    settings = Settings(configuration)
    found: dict[Scope, object] = {}
    for scope in scopes:
        effective = configuration.readable(scope)
        documents = tuple(id(effective.documents[name]) for name in effective.documents if is_of_platform(name))
        found[scope] = (documents, settings.sight(effective, settings.of(effective)))
    return found


class _Sight(NamedTuple):
    """What the rules see of some scopes: where they stand, and the documents that differ from the first scope that stands so.

    Scopes of one environment have most of their layers in common, which need not be compared.
    """

    stands: object
    differing: frozenset[tuple[str, int]]


def platform_findings(configuration: Configuration, scopes: Iterable[Scope], as_of: date) -> Iterator[Finding]:
    """Scopes that see the same are judged once, and the others by what differs from the first that stands where they do."""
    if not any(is_platform(layer.documents) for layer in configuration.layout.layers.values()):
        return
    from llmcfg.pipeline.platformsettings import Settings

    settings = Settings(configuration)
    firsts: dict[object, tuple[Effective, Setting]] = {}
    alike: dict[_Sight, list[Scope]] = defaultdict(list)
    for scope in configuration.memo.progress.over("checking platforms", scopes):
        effective = configuration.effective(scope)
        if is_judged(effective):
            setting = settings.of(effective)
            stands = (scope.environment, settings.sight(effective, setting))
            first, _ = firsts.setdefault(stands, (effective, setting))
            alike[_Sight(stands, differing(first, effective, is_of_platform))].append(scope)
    judging = _Judging(configuration, as_of, firsts)
    disk = configuration.memo.disk
    told = Told()
    for sight, sharing in alike.items():
        effective = configuration.effective(sharing[0])
        name = b"" if disk is None else _name_of_platform(configuration, effective, as_of, firsts[sight.stands][1])
        passed = find_passed(disk, name, "judge", str(effective.scope))
        if passed is not None:
            yield from as_findings(passed)
            continue
        complaints = judging.complaints(effective, sight)
        found = [_tell(configuration, told, effective, complaint, sharing) for complaint in complaints]
        if disk is not None:
            learn_passed(disk, name, passed_of(configuration, found, as_of))
    yield from told.findings()


def _tell(
    configuration: Configuration, told: Told, effective: Effective, complaint: Complaint, scopes: Sequence[Scope]
) -> Finding:
    spots = (complaint.spot, *complaint.related)
    key = (complaint, *(id(effective.documents[spot.document]) for spot in spots))
    return told.add(key, lambda: _located(configuration, effective, complaint, ()), scopes)


class _Judging:
    """`firsts` are the scopes, and where they stand, that others which stand there are compared with."""

    def __init__(
        self, configuration: Configuration, as_of: date, firsts: Mapping[object, tuple[Effective, Setting]]
    ) -> None:
        self._configuration = configuration
        self._as_of = as_of
        self._firsts = firsts
        self._judged: dict[object, Judged] = {}

    def complaints(self, effective: Effective, sight: _Sight) -> Iterable[Complaint]:
        judged = self._judged.get(sight.stands) or self._judge(sight.stands)
        if not sight.differing:
            return judged.complaints()
        from llmcfg.llm.records.document import NOTHING
        from llmcfg.pipeline.records import records_of

        documents = {name: effective.documents.get(name) for name, _ in sight.differing}
        memo = self._configuration.memo
        return judged.with_changes(
            {name: records_of(found, memo) if found else NOTHING for name, found in documents.items()}
        )

    def _judge(self, stands: object) -> Judged:
        from llmcfg.llm.rules.judged import Judged
        from llmcfg.pipeline.records import readings_of, records_in

        first, setting = self._firsts[stands]
        memo = self._configuration.memo
        judged = self._judged[stands] = Judged(records_in(first, memo), setting, self._ground, readings_of(memo))
        return judged

    @cached_property
    def _ground(self) -> Ground:
        return ground_of(self._configuration, self._as_of)


def _name_of_platform(configuration: Configuration, effective: Effective, as_of: date, setting: Setting) -> bytes:
    """Names what the rules say of a platform: its documents, what they know around it, the day and the catalogue."""
    said = (text_of(setting), as_of.isoformat(), name_of_catalogue(configuration))
    digests = [resolved.digest for name, resolved in effective.documents.items() if is_of_platform(name)]
    return name_of_bytes("platform", [name_of("around", *said), *digests])


def name_of_catalogue(configuration: Configuration) -> str:
    pinned = configuration.snapshot.entries.get(CATALOGUE)
    return pinned.oid if pinned else "shipped"


def change_findings(before: Configuration, after: Configuration, scopes: Iterable[Scope]) -> Iterator[Finding]:
    """Limits and budgets that jumped between two configurations, in the scopes that both have."""
    known = {*before.scopes}
    for scope in scopes:
        old = platform_of(before, scope) if scope in known else None
        new = platform_of(after, scope) if old is not None else None
        if old is None or new is None:
            continue
        from llmcfg.llm.rules.changes import find_jumps

        for complaint in find_jumps(old, new):
            yield _located(after, after.effective(scope), complaint, [str(scope)])


def without_echoes(findings: Iterable[Finding]) -> Iterator[Finding]:
    """The findings without those that another rule says already of the same line."""
    findings = list(findings)
    said = {(finding.rule_id, finding.origin.file, finding.origin.line) for finding in findings}
    for finding in findings:
        others = _SAID_BY.get(finding.rule_id, frozenset())
        if not any((other, finding.origin.file, finding.origin.line) in said for other in others):
            yield finding


def all_readable(configuration: Configuration, scopes: Iterable[Scope]) -> bool:
    """Whether no scope was passed over because a document of its platform cannot be read."""
    return all(_is_readable(configuration.effective(scope)) for scope in scopes)


def is_judged(effective: Effective) -> bool:
    """Whether a scope describes a platform, all of which can be read: else what is missing may only be unreadable."""
    return _is_readable(effective) and is_platform(effective.documents)


def _is_readable(effective: Effective) -> bool:
    return not any(not name or is_of_platform(name) for name in effective.unreadable)


def _located(configuration: Configuration, effective: Effective, complaint: Complaint, reach: Iterable[str]) -> Finding:
    problem = Problem(complaint.rule, complaint.message, path=complaint.spot.path, hint=complaint.hint)
    rule_at = configuration.merge_rules(complaint.spot.document)[1]
    finding = configuration.locator.in_sources(
        problem, _sources(configuration, effective, complaint.spot), reach, rule_at
    )
    related = (
        configuration.locator.origin(
            configuration.locator.setter(_sources(configuration, effective, spot), spot.path), spot.path
        )
        for spot in complaint.related
    )
    return finding._replace(level=complaint.severity, related=tuple(related))


def _sources(configuration: Configuration, effective: Effective, spot: Spot) -> Sequence[BlobEntry]:
    """The layers to look for a place in: for a mapping, which lacks or adds up to something, the lowest that begins it."""
    resolved = effective.documents[spot.document]
    value: Value = resolved.value
    for step in spot.path:
        value = value.get(step) if isinstance(value, dict) and isinstance(step, str) else None
    sources = resolved.composed.sources
    if not isinstance(value, dict):
        return sources
    return next(([entry] for entry in sources if spot.path in configuration.locator.places(entry)), sources)

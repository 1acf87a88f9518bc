"""The rules about LLM platforms over composed configuration: every scope that describes one, with places in the layers that set values.

Scopes that see the same documents and secrets are judged once. A configuration without such documents loads nothing of it.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from typing import TYPE_CHECKING, Final

from llmcfg.llm.records.folders import FOLDERS, is_platform
from llmcfg.model.findings import Problem
from llmcfg.model.reference import parse_secret_use
from llmcfg.pipeline.allowed import as_findings, passed_of
from llmcfg.pipeline.known import find_passed, learn_passed, name_of, name_of_bytes, text_of
from llmcfg.pipeline.layers import CATALOGUE, layer_folders
from llmcfg.secrets.rotations import FILE as ROTATIONS
from llmcfg.secrets.rotations import read_due

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from llmcfg.llm.platform import Complaint, Platform, Secrecy, Setting, Spot
    from llmcfg.llm.rules.ground import Ground
    from llmcfg.model.findings import Finding
    from llmcfg.model.snapshot import BlobEntry
    from llmcfg.model.target import Scope
    from llmcfg.model.value import Value
    from llmcfg.pipeline.configuration import Configuration, Effective
    from llmcfg.pipeline.resolve import Resolved

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
    return _platform(effective, _setting(configuration, effective)) if _is_judged(effective) else None


def sight_of(configuration: Configuration, effective: Effective) -> object:
    """Equal for scopes whose platforms cannot differ but in names."""
    return _sight(effective, _setting(configuration, effective))


def platform_findings(configuration: Configuration, scopes: Iterable[Scope], as_of: date) -> Iterator[Finding]:
    if not any(is_platform(layer.documents) for layer in configuration.layout.layers.values()):
        return
    alike: dict[object, list[Scope]] = defaultdict(list)
    settings: dict[object, Setting] = {}
    for scope in scopes:
        effective = configuration.effective(scope)
        if _is_judged(effective):
            setting = _setting(configuration, effective)
            sight = _sight(effective, setting)
            alike[sight].append(scope)
            settings.setdefault(sight, setting)
    ground = cache(lambda: ground_of(configuration, as_of))
    for sight, sharing in alike.items():
        effective = configuration.effective(sharing[0])
        name = _name_of_platform(configuration, effective, as_of, settings[sight])
        passed = find_passed(configuration.memo.disk, name, "judge", str(effective.scope))
        if passed is not None:
            yield from as_findings(passed)
            continue
        from llmcfg.llm.rules.engine import find_complaints

        complaints = find_complaints(_platform(effective, settings[sight]), ground())
        found = [_located(configuration, effective, complaint, map(str, sharing)) for complaint in complaints]
        learn_passed(configuration.memo.disk, name, passed_of(configuration, found, as_of))
        yield from found


def _name_of_platform(configuration: Configuration, effective: Effective, as_of: date, setting: Setting) -> bytes:
    """Names what the rules say of a platform: its documents, what they know around it, the day and the catalogue."""
    said = (text_of(setting), as_of.isoformat(), name_of_catalogue(configuration))
    digests = [resolved.digest for resolved in _relevant(effective).values()]
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


def _is_judged(effective: Effective) -> bool:
    """Whether a scope describes a platform, all of which can be read: else what is missing may only be unreadable."""
    return _is_readable(effective) and is_platform(effective.documents)


def _is_readable(effective: Effective) -> bool:
    return not any(not name or name.partition("/")[0] in FOLDERS for name in effective.unreadable)


def _relevant(effective: Effective) -> Mapping[str, Resolved]:
    documents = effective.documents
    return {name: documents[name] for name in documents if name.partition("/")[0] in FOLDERS}


def _platform(effective: Effective, setting: Setting) -> Platform:
    from llmcfg.llm.records.platform import read_records

    return read_records({name: resolved.value for name, resolved in _relevant(effective).items()}, setting)


def _sight(effective: Effective, setting: Setting) -> object:
    """Equal for scopes whose platforms cannot differ."""
    words = {word for name in effective.secrets for word in name.lower().replace("-", "_").split("_")}
    strangers = frozenset(
        name for name in setting.other_tenants | setting.other_environments if set(name.split("-")) <= words
    )
    children = tuple(sorted(setting.child_budgets.items()))
    shared = setting.secrecy.shared_files if setting.secrecy else frozenset()
    documents = tuple(id(resolved) for resolved in _relevant(effective).values())
    return (documents, id(effective.secrets), setting.is_protected, setting.residency, strangers, children, shared)


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


def _setting(configuration: Configuration, effective: Effective) -> Setting:
    from llmcfg.llm.platform import Setting

    manifest, scope = configuration.manifest, effective.scope
    chain = {tenant.name for tenant in manifest.tenant_chain(scope.tenant)}
    environments = {environment.name for environment in manifest.environment_chain(scope.environment)}
    residency = str(effective.variables.get("residency") or "")
    return Setting(
        environment=scope.environment,
        is_protected=manifest.environments[scope.environment].protected,
        tenant=scope.tenant,
        other_environments=frozenset(manifest.environments.keys() - environments),
        other_tenants=frozenset(manifest.tenants.keys() - chain),
        residency=frozenset(word.strip() for word in residency.split(",") if word.strip()),
        secrecy=_secrecy(configuration, effective),
        child_budgets=_child_budgets(configuration, scope),
    )


def _secrecy(configuration: Configuration, effective: Effective) -> Secrecy:
    from llmcfg.llm.platform import Secrecy

    manifest, scope = configuration.manifest, effective.scope
    open_folders = {
        folder
        for environment in manifest.environments.values()
        if not environment.protected
        for folder in layer_folders(manifest, scope._replace(environment=environment.name))
    }
    files = {name: scoped.entry.path for name, scoped in effective.secrets.items()}
    unset = (name for name in effective.secrets if not _is_set(effective, name))
    shared = (path for path in files.values() if any(path.startswith(f"{folder}/secrets/") for folder in open_folders))
    due = _due(configuration)
    return Secrecy(
        files,
        frozenset(unset),
        {name: due[path, name] for name, path in files.items() if (path, name) in due},
        frozenset(shared),
    )


def _is_set(effective: Effective, name: str) -> bool:
    held = effective.held(parse_secret_use(name))
    return held is not None and held.is_set


def _due(configuration: Configuration) -> Mapping[tuple[str, str], str]:
    entry = configuration.snapshot.entries.get(ROTATIONS)
    content = b"" if entry is None else configuration.snapshot.read(entry.oid)
    return {(due.file, due.secret): due.since for due in read_due(content)} if content else {}


def _child_budgets(configuration: Configuration, scope: Scope) -> Mapping[str, float]:
    """What the children of a tenant may spend by their own budgets documents."""
    children = [
        name
        for name, tenant in configuration.manifest.tenants.items()
        if scope.tenant and tenant.parent == scope.tenant
    ]
    found: dict[str, float] = {}
    for child in children:
        document = configuration.effective(scope._replace(tenant=child)).documents.get("budgets")
        whole = document.value.get("tenant") if document is not None else None
        amount = whole.get("amount") if isinstance(whole, dict) else None
        if isinstance(amount, int | float) and not isinstance(amount, bool):
            found[child] = amount
    return found

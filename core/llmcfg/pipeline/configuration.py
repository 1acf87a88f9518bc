"""A snapshot opened: its manifest and layout, and the effective configuration of each of its scopes, made when asked for."""

from __future__ import annotations

from collections import Counter
from copy import copy
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple, cast

from llmcfg.errors import FindingsError, NotFoundError
from llmcfg.model.findings import Finding, Origin
from llmcfg.model.laid import Laid
from llmcfg.model.made import Made
from llmcfg.model.rules import Severity
from llmcfg.model.suggest import did_you_mean, there_are
from llmcfg.model.target import Scope, Target
from llmcfg.pipeline.compose import Composer, Documents
from llmcfg.pipeline.consumers import parse_consumers
from llmcfg.pipeline.effective import Effective, ScopedSecret
from llmcfg.pipeline.knownlayout import layout_of
from llmcfg.pipeline.layers import CONSUMERS, MANIFEST, layer_folders, own_layer, variables_of
from llmcfg.pipeline.locate import Locator
from llmcfg.pipeline.manifest import parse_manifest
from llmcfg.pipeline.marks import may_be_kept
from llmcfg.pipeline.merge import no_rules
from llmcfg.pipeline.reads import Asked, Surroundings
from llmcfg.pipeline.resolve import Resolved, Resolver
from llmcfg.secrets.names import SecretFile, read_secret_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from llmcfg.model.findings import Problem
    from llmcfg.model.manifest import Consumer, Manifest
    from llmcfg.model.snapshot import BlobEntry
    from llmcfg.pipeline.compose import Composed, Settled
    from llmcfg.pipeline.layers import Layout
    from llmcfg.pipeline.memo import Memo
    from llmcfg.pipeline.merge import RuleLookup
    from llmcfg.pipeline.reads import Question
    from llmcfg.pipeline.schema.compiled import CompiledSchema
    from llmcfg.ports import Snapshot


class Configuration:
    """One snapshot, opened. Raises FindingsError when there is no manifest that can be built from."""

    def __init__(self, snapshot: Snapshot, memo: Memo) -> None:
        self.snapshot = snapshot
        self.memo = memo
        self.locator = Locator(snapshot.read)
        self.manifest, self.manifest_findings = self._read_manifest()
        refused = [finding.origin.file for finding in snapshot.findings if finding.severity is Severity.ERROR]
        self.layout: Layout = layout_of(snapshot.entries, self.manifest, refused, memo.disk)
        self.consumers, self.consumer_findings = parse_consumers(
            self.layout, self.manifest, snapshot.read, self.locator, memo.disk
        )
        self._targets: tuple[Target, ...] | None = None
        self._settled: Settled | None = None
        self.composer = self._make_composer()
        self._effective: dict[Scope, Effective] = {}
        self._folders = memo.folders.setdefault(snapshot.entries[MANIFEST], {})
        self._schemas: dict[str, CompiledSchema | None] = {}
        self._secrets: dict[tuple[str, ...], tuple[dict[str, ScopedSecret], frozenset[str]]] = {}
        self._surroundings: dict[Scope, Surroundings] = {}
        self._asked: dict[Scope, Asked] = {}
        self._plain: dict[Documents, _Plain] = {}

    def narrowed(self, settled: Settled) -> Configuration:
        """The same one, for who looks at little of it: what is settled is made when it is asked for."""
        narrowed = copy(self)
        narrowed._settled = settled
        narrowed.composer = narrowed._make_composer()
        narrowed._effective, narrowed._plain = {}, {}
        narrowed._surroundings, narrowed._asked = {}, {}
        return narrowed

    def named(self, snapshot: Snapshot) -> Configuration:
        """The same one, whose commit was reached by another name."""
        named = copy(self)
        named.snapshot = snapshot
        return named

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """Every environment without a tenant, then with each tenant."""
        tenants = (None, *sorted(self.manifest.tenants))
        return tuple(Scope(environment, tenant) for environment in self.manifest.environments for tenant in tenants)

    @property
    def targets(self) -> tuple[Target, ...]:
        """Every target, by environment in the manifest's order, then tenant, then consumer."""
        if self._targets is None:
            self._targets = tuple(self._find_targets())
        return self._targets

    def _find_targets(self) -> Iterator[Target]:
        tenants = (None, *sorted(self.manifest.tenants))
        reach = [
            (consumer.name, {*consumer.environments}, {*consumer.tenants, *([None] if consumer.shared else [])})
            for consumer in self.consumers
        ]
        for environment in self.manifest.environments:
            for tenant in tenants:
                for name, environments, wanted in reach:
                    if environment in environments and tenant in wanted:
                        yield Target(environment, tenant, name)

    def folders(self, scope: Scope) -> tuple[str, ...]:
        """The folders of a scope's layers, lowest first."""
        known = self._folders.get(scope)
        if known is None:
            known = self._folders[scope] = layer_folders(self.manifest, scope)
        return known

    def effective(self, scope: Scope) -> Effective:
        known = self._effective.get(scope)
        if known is None:
            known = self._effective[scope] = self._make_effective(scope)
        return known

    def prepare(self, scopes: Iterable[Scope]) -> None:
        """Looks first at what tenants lie over where several are to come, so that each of them costs what is its own."""
        tenants = Counter(scope.environment for scope in scopes if scope.tenant is not None)
        for environment in (environment for environment, count in tenants.items() if count > 1):
            self.effective(Scope(environment, None))

    def readable(self, scope: Scope) -> Effective:
        """The same, for who acts on the values. Raises FindingsError when a document of the scope cannot be read."""
        effective = self.effective(scope)
        if effective.unreadable:
            layers = [self.layout.layers[folder] for folder in effective.folders if folder in self.layout.layers]
            entries = [
                layer.documents[name]
                for layer in layers
                for name in sorted(effective.unreadable & layer.documents.keys())
            ]
            findings = [
                self.locator.in_blob(problem, entry)
                for entry in entries
                for problem in self.composer.parsed(entry).problems
            ]
            if any(layer.refused for layer in layers):
                findings += self.snapshot.findings
            raise FindingsError(f"{self.snapshot.label}: not every document of {scope} can be read", findings=findings)
        return effective

    def scope(self, environment: str, tenant: str | None) -> Scope:
        """The scope of these names. Raises NotFoundError with the nearest name."""
        for what, name, known in (
            ("environment", environment, self.manifest.environments),
            ("tenant", tenant, self.manifest.tenants),
        ):
            if name is not None and name not in known:
                raise NotFoundError(
                    f"the manifest names no {what} {name!r}",
                    hint=did_you_mean(name, known, there_are(known)),
                )
        return Scope(environment, tenant)

    def own_layer(self, environment: str | None, tenant: str | None) -> str:
        """The folder of the layer that is an environment's, a tenant's, or both's own; `base` for neither. Raises NotFoundError."""
        self.scope(environment or next(iter(self.manifest.environments)), tenant)
        return own_layer(environment, tenant)

    def consumer(self, name: str) -> Consumer:
        for consumer in self.consumers:
            if consumer.name == name:
                return consumer
        known = [consumer.name for consumer in self.consumers]
        raise NotFoundError(f"there is no consumer {name!r}", hint=did_you_mean(name, known, there_are(known)))

    def require_consumers(self) -> None:
        """Raises FindingsError when a consumer's file cannot be read, so that its bundles would only seem to be gone."""
        unread = {
            f"{CONSUMERS}{name}" for name in self.layout.consumers.keys() - {item.name for item in self.consumers}
        }
        findings = [
            *(finding for finding in self.snapshot.findings if f"{finding.origin.file}/".startswith(CONSUMERS)),
            *(finding for finding in self.consumer_findings if finding.origin.file.rsplit(".", 1)[0] in unread),
        ]
        if findings:
            raise FindingsError(f"{self.snapshot.label}: not every consumer can be read", findings=findings)

    def schema_for(self, document: str) -> CompiledSchema | None:
        """The schema that the manifest binds to a document: the first binding that matches. None too when it does not compile."""
        if document not in self._schemas:
            bound = self.bound_schema(document)
            compiled = None if bound is None else self.compiled(bound)
            self._schemas[document] = None if isinstance(compiled, tuple) else compiled
        return self._schemas[document]

    def has_schema(self, document: str) -> bool:
        """Whether the manifest binds a schema to a document, one that compiles or not."""
        return self.bound_schema(document) is not None

    def bound_schema(self, document: str) -> str | None:
        """The file of the schema that the manifest binds to a document."""
        return next((b.schema for b in self.manifest.schemas if fnmatchcase(document, b.documents)), None)

    def compiled(self, file: str) -> CompiledSchema | tuple[Problem, ...] | None:
        """A schema of the repository, its problems if it is broken, or None if there is no such file."""
        if file not in self.layout.schemas:
            return None
        from llmcfg.pipeline.schema.kept import compiled_schema

        key = (file, tuple((path, entry.oid) for path, entry in self.layout.schemas.items()))
        if key not in self.memo.schemas:
            self.memo.schemas[key] = compiled_schema(file, self.layout.schemas, self.snapshot.read, self.memo.disk)
        return self.memo.schemas[key]

    def secret_file(self, entry: BlobEntry) -> SecretFile:
        key = (entry.path.rsplit("/", 1)[-1], entry.oid)
        if key not in self.memo.secret_files:
            self.memo.secret_files[key] = read_secret_file(entry.path, self.snapshot.read(entry.oid))
        return self.memo.secret_files[key]

    def _make_composer(self) -> Composer:
        return Composer(
            self.layout.layers,
            self.snapshot.read,
            self.merge_rules,
            self.memo.compose,
            self.memo.disk,
            lambda entry: may_be_kept(self, entry),
            self._settled,
            self.memo.progress,
        )

    def _make_effective(self, scope: Scope) -> Effective:
        folders = self.folders(scope)
        documents = self.composer.documents(folders)
        variables = variables_of(self.manifest, scope)
        secrets, overlapping = self._secrets_of(folders)
        surroundings = Surroundings(documents, variables, secrets, overlapping, self._has_all_secrets(folders))
        resolver = Resolver(surroundings, self.memo.resolve, self.memo.disk)
        over = self._resolve_over(scope, surroundings, resolver)
        if over is None:
            plain = self._plain_of(documents, resolver)
            over = _resolve_all(documents, plain, resolver), plain.linked
        self._surroundings[scope] = surroundings
        return Effective(scope, folders, *over, documents.unreadable, variables, secrets)

    def _resolve_over(
        self, scope: Scope, surroundings: Surroundings, resolver: Resolver
    ) -> tuple[Laid[Resolved], tuple[str, ...]] | None:
        """Over what an ancestor of the scope's tenant sees, where that is known: what its own layers change, and what asked for that.

        With the names of documents with references. None where no ancestor is known, and where more differs. What is settled is resolved
        only when it is asked for.
        """
        ancestor = self._known_ancestor(scope) if self._settled is None else None
        if ancestor is None:
            return None
        beneath = self._effective[ancestor]
        if ancestor not in self._asked:
            self._asked[ancestor] = Asked(self._surroundings[ancestor], self._questions_of(ancestor))
        otherwise = self._asked[ancestor].answered_otherwise(surroundings)
        if otherwise is None:
            return None
        changed, asking = otherwise
        said = {name: cast("Composed", surroundings.documents.find(name)) for name in sorted(changed | asking)}
        if not said:
            return beneath.documents, beneath.linked
        own = Made(said, lambda name: resolver.resolve(said[name]))
        return Laid(own, beneath.documents), _linked(beneath.linked, {name: said[name] for name in changed})

    def _known_ancestor(self, scope: Scope) -> Scope | None:
        """The scope of the nearest ancestor that was asked for, the one without a tenant at last."""
        chain = self.manifest.tenant_chain(scope.tenant)
        above = [tenant.name for tenant in reversed(chain[:-1])] if chain else []
        scopes = (scope._replace(tenant=tenant) for tenant in ([*above, None] if chain else ()))
        return next((each for each in scopes if each in self._surroundings), None)

    def _questions_of(self, scope: Scope) -> Iterator[tuple[str, Iterable[Question]]]:
        """What the documents with references of a scope asked."""
        outcomes = self.memo.resolve.outcomes
        for name, resolved in self._effective[scope].documents.items():
            if resolved.composed in outcomes:
                yield name, outcomes[resolved.composed].questions()

    def _plain_of(self, documents: Documents, resolver: Resolver) -> _Plain:
        known = self._plain.get(documents)
        if known is None:
            below = _Plain(Laid({}), ()) if documents.below is None else self._plain_of(documents.below, resolver)
            known = self._plain[documents] = _lay_plain(documents, below, resolver, self._settled)
        return known

    def _secrets_of(self, folders: tuple[str, ...]) -> tuple[dict[str, ScopedSecret], frozenset[str]]:
        """The secrets of these layers, the same object where they lie in the same ones, and which have a previous value."""
        existing = tuple(
            folder for folder in folders if folder in self.layout.layers and self.layout.layers[folder].secret_files
        )
        if existing not in self._secrets:
            found: dict[str, ScopedSecret] = {}
            for folder in existing:
                for entry in self.layout.layers[folder].secret_files:
                    found.update(
                        (name, ScopedSecret(secret, entry)) for name, secret in self.secret_file(entry).secrets.items()
                    )
            overlapping = frozenset(name for name, scoped in found.items() if scoped.secret.previous)
            self._secrets[existing] = found, overlapping
        return self._secrets[existing]

    def _has_all_secrets(self, folders: tuple[str, ...]) -> bool:
        layers = [self.layout.layers[folder] for folder in folders if folder in self.layout.layers]
        return all(self.secret_file(entry).is_readable for layer in layers for entry in layer.secret_files)

    def _read_manifest(self) -> tuple[Manifest, tuple[Finding, ...]]:
        entry = self.snapshot.entries.get(MANIFEST)
        if entry is None:
            refused = [finding for finding in self.snapshot.findings if finding.origin.file == MANIFEST]
            missing = Finding("manifest-missing", f"there is no {MANIFEST}", Origin(MANIFEST), "make one: llmcfg init")
            raise FindingsError(f"{self.snapshot.label} has no {MANIFEST}", findings=refused or [missing])
        parsed = self.memo.manifests.get(entry)
        if parsed is None:
            parsed = self.memo.manifests[entry] = parse_manifest(
                entry, self.snapshot.read, self.locator, self.memo.disk
            )
        if parsed.manifest is None:
            raise FindingsError(
                f"{MANIFEST} cannot be built from", findings=[*self.snapshot.findings, *parsed.findings]
            )
        return parsed.manifest, parsed.findings

    def merge_rules(self, document: str) -> tuple[str, RuleLookup]:
        """How the schema of a document says that its lists merge, and a key that names these rules."""
        schema = self.schema_for(document)
        if schema is None or not schema.has_merge_rules:
            return "", no_rules
        from llmcfg.pipeline.schema.mergerules import merge_rule_at

        return schema.digest, lambda path: merge_rule_at(schema, path)


class _Plain(NamedTuple):
    """The documents after some layers that hold without references, and the names of those with references, whose place is kept."""

    documents: Laid[Resolved | None]
    linked: tuple[str, ...]


def _lay_plain(documents: Documents, below: _Plain, resolver: Resolver, settled: Settled | None) -> _Plain:
    """What a layer changes, over what lies beneath, and without what cannot be read."""

    def plain(name: str) -> Resolved | None:
        composed = documents.own[name]
        return None if composed.needs_resolution else resolver.resolve(composed)

    own = Made(documents.own, plain)
    may_link = own if settled is None else (settled.changed | settled.linked) & own.keys()
    laid = Laid(own, below.documents)
    if any(name in laid for name in documents.unreadable):
        laid = Laid({name: resolved for name, resolved in laid.items() if name not in documents.unreadable})
    return _Plain(
        laid, tuple(name for name in sorted({*below.linked, *may_link}) if name in laid and laid[name] is None)
    )


def _linked(beneath: tuple[str, ...], changed: Mapping[str, Composed]) -> tuple[str, ...]:
    """The names of documents with references, where some changed; the same object where they stay the same."""
    linked = {name for name, composed in changed.items() if composed.needs_resolution}
    known = {*beneath}
    return beneath if linked == known & changed.keys() else tuple(sorted(known - changed.keys() | linked))


def _resolve_all(documents: Documents, plain: _Plain, resolver: Resolver) -> Laid[Resolved]:
    own: Made[Resolved | None] = Made(
        dict.fromkeys(plain.linked), lambda name: resolver.resolve(cast("Composed", documents.find(name)))
    )
    return cast("Laid[Resolved]", Laid(own, plain.documents) if plain.linked else plain.documents)

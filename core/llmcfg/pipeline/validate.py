"""Every finding of a snapshot: of its files, of every scope, of every target, each said once with its reach."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from llmcfg.errors import FindingsError
from llmcfg.model.findings import Finding, Problem, merge_findings
from llmcfg.model.suggest import closest
from llmcfg.model.target import Scope
from llmcfg.pipeline.build import start_build
from llmcfg.pipeline.configuration import Configuration, Memo, walk_leaves
from llmcfg.pipeline.plaintext import find_plaintext_secrets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from llmcfg.model.manifest import Tenant
    from llmcfg.model.target import Target
    from llmcfg.model.value import Path
    from llmcfg.pipeline.compose import Composed
    from llmcfg.pipeline.resolve import Resolved
    from llmcfg.pipeline.schema.compiled import CompiledSchema
    from llmcfg.pipeline.select import Selection
    from llmcfg.ports import Snapshot


def validate(snapshot: Snapshot, memo: Memo) -> tuple[Finding, ...]:
    """All findings, in the order of files and lines. A manifest that cannot be built from leaves only the findings up to there."""
    try:
        configuration = Configuration(snapshot, memo)
    except FindingsError as error:
        return merge_findings(error.findings)
    return validate_configuration(configuration)


def validate_configuration(
    configuration: Configuration, targets: Iterable[Target] | None = None
) -> tuple[Finding, ...]:
    """The findings of an opened snapshot. With `targets`, only these and their scopes are composed and rendered."""
    wanted = configuration.targets if targets is None else tuple(targets)
    scopes = configuration.scopes if targets is None else tuple(dict.fromkeys(target.scope for target in wanted))
    with start_build(configuration, wanted) as building:
        found = [
            *configuration.snapshot.findings,
            *configuration.layout.findings,
            *configuration.consumer_findings,
            *_file_findings(configuration),
            *_schema_file_findings(configuration),
            *_composition_findings(configuration, scopes),
            *_idle_findings(configuration, scopes),
            *_resolution_findings(configuration, scopes),
            *_overlap_findings(configuration, scopes),
            *_selection_findings(configuration, building.selections),
            *_quota_findings(configuration),
        ]
        return merge_findings([*found, *building.finish().findings])


def _file_findings(configuration: Configuration) -> Iterator[Finding]:
    """What is wrong in a file by itself, whether or not a scope uses it."""
    for layer in configuration.layout.layers.values():
        for entry in layer.documents.values():
            for problem in configuration.composer.parsed(entry).problems:
                yield configuration.locator.in_blob(problem, entry)
            for problem in find_plaintext_secrets(configuration.snapshot.read(entry.oid)):
                yield configuration.locator.in_blob(problem, entry)
        named: dict[str, str] = {}
        for entry in layer.secret_files:
            file = configuration.secret_file(entry)
            for problem in file.problems:
                yield configuration.locator.in_blob(problem, entry)
            for name, secret in file.secrets.items():
                if name in named:
                    problem = Problem("secret-duplicate", f"secret {name!r} is named in {named[name]} too",
                                      path=secret.path, hint="keep it in one of the two")  # fmt: skip
                    yield configuration.locator.in_blob(problem, entry)
                named[name] = entry.path
        yield from _orphans(configuration, layer.folder)


def _orphans(configuration: Configuration, folder: str) -> Iterator[Finding]:
    """Overlay documents beneath which nothing lies, where another name is so alike that this one is probably mistyped."""
    if folder == "base":
        return
    others = {
        name for other in configuration.layout.layers.values() if other.folder != folder for name in other.documents
    }
    layer = configuration.layout.layers[folder]
    for name, entry in layer.documents.items():
        if name in others:
            continue
        match = closest(name, others - layer.documents.keys())
        if match is not None:
            problem = Problem(
                "overlay-orphan", f"no other layer has a document {name!r}", hint=f"did you mean {match!r}?"
            )
            yield configuration.locator.in_blob(problem, entry)


def _schema_file_findings(configuration: Configuration) -> Iterator[Finding]:
    manifest = configuration.manifest
    entry = configuration.snapshot.entries["llmcfg.yaml"]
    for index, binding in enumerate(manifest.schemas):
        if binding.schema not in configuration.layout.schemas:
            problem = Problem("schema-missing", f"there is no schema {binding.schema!r}", path=("schemas", index, "schema"),
                              hint="add the file, or remove the binding")  # fmt: skip
            yield configuration.locator.in_blob(problem, entry)
    used = {binding.schema for binding in manifest.schemas} | {consumer.schema for consumer in configuration.consumers}
    for file in [*used]:
        compiled = configuration.compiled(file) if file else None
        used |= set() if compiled is None or isinstance(compiled, tuple) else compiled.files
    for file, schema_entry in configuration.layout.schemas.items():
        compiled = configuration.compiled(file)
        if isinstance(compiled, tuple):
            yield from (configuration.locator.in_blob(problem, schema_entry) for problem in compiled)
        elif compiled is not None:
            yield from (configuration.locator.in_blob(problem, schema_entry) for problem in compiled.warnings)
        if file not in used:
            problem = Problem("schema-unused", "no document, consumer or other schema uses this schema",
                              hint="bind it under schemas: in llmcfg.yaml, or remove it")  # fmt: skip
            yield configuration.locator.in_blob(problem, schema_entry)


def _composition_findings(configuration: Configuration, scopes: Iterable[Scope]) -> Iterator[Finding]:
    for composed, users in _composed_users(configuration, scopes).items():
        entries = {source.path: source for source in composed.sources}
        for file, problem in composed.problems:
            yield configuration.locator.in_blob(problem, entries[file], map(str, users))


def _idle_findings(configuration: Configuration, scopes: Iterable[Scope]) -> Iterator[Finding]:
    """A part of an overlay is idle only if it changes nothing in any scope that uses it."""
    uses: dict[str, int] = defaultdict(int)
    idle: dict[tuple[str, Path], list[Problem]] = defaultdict(list)
    entries = {}
    for composed in _composed_users(configuration, scopes):
        for source in composed.sources[1:]:
            uses[source.path] += 1
            entries[source.path] = source
        for file, problem in composed.idle:
            idle[file, problem.path or ()].append(problem)
    for (file, _path), problems in idle.items():
        if len(problems) == uses[file]:
            yield configuration.locator.in_blob(problems[0], entries[file])


def _resolution_findings(configuration: Configuration, scopes: Iterable[Scope]) -> Iterator[Finding]:
    for resolved, users in _users(configuration, scopes).items():
        schema = configuration.schema_for(resolved.name)
        problems = [*resolved.problems, *(_verdict(configuration.memo, schema, resolved) if schema else ())]
        reach = [str(scope) for scope in users]
        for problem in problems:
            yield configuration.locator.in_sources(problem, resolved.composed.sources, reach)


def _verdict(memo: Memo, schema: CompiledSchema, resolved: Resolved) -> tuple[Problem, ...]:
    from llmcfg.pipeline.schema.check import check

    key = (schema.digest, id(resolved))
    known = memo.verdicts.get(key)
    if known is None:
        known = memo.verdicts[key] = (resolved, check(schema, resolved.value))
    return known[1]


def _overlap_findings(configuration: Configuration, scopes: Iterable[Scope]) -> Iterator[Finding]:
    for scope in scopes:
        documents = configuration.effective(scope).documents
        for name, inner in documents.items():
            parts = name.split("/")
            for length in range(1, len(parts)):
                outer = documents.get("/".join(parts[:length]))
                if outer is not None and parts[length] in outer.value:
                    problem = Problem("document-overlap", f"{inner.composed.sources[-1].path} defines {'.'.join(parts[: length + 1])} too",
                                      path=(parts[length],), hint="keep the key in one of the two documents")  # fmt: skip
                    yield configuration.locator.in_sources(problem, outer.composed.sources, [str(scope)])


def _selection_findings(configuration: Configuration, selections: Mapping[Target, Selection]) -> Iterator[Finding]:
    from llmcfg.pipeline.schema.check import check

    for target, selection in selections.items():
        consumer = configuration.consumer(target.consumer)
        entry = configuration.layout.consumers[consumer.name]
        for text in selection.missing:
            problem = Problem("consumer-unknown-name", f"{text} is selected but not there",
                              path=("select", consumer.select.index(text)),
                              hint="check its spelling, or set it in a layer that this target has")  # fmt: skip
            yield configuration.locator.in_blob(problem, entry, [str(target)])
        schema = configuration.compiled(consumer.schema) if consumer.schema else None
        if schema is not None and not isinstance(schema, tuple) and selection.is_whole:
            for problem in check(schema, selection.tree()):
                yield _locate_selected(configuration, selection, problem, target)


def _locate_selected(configuration: Configuration, selection: Selection, problem: Problem, target: Target) -> Finding:
    path = problem.path or ()
    for length in range(len(path), 0, -1):
        document = selection.documents.get("/".join(str(step) for step in path[:length]))
        if document is not None:
            inner = problem._replace(path=path[length:])
            return configuration.locator.in_sources(inner, document.source.composed.sources, [str(target)])
    entry = configuration.layout.consumers[target.consumer]
    return configuration.locator.in_blob(problem._replace(path=("select",)), entry, [str(target)])


def _quota_findings(configuration: Configuration) -> Iterator[Finding]:
    entry = configuration.snapshot.entries["llmcfg.yaml"]
    for tenant in configuration.manifest.tenants.values():
        for what, limit in (
            ("keys", tenant.quota.keys),
            ("bytes", tenant.quota.bytes),
            ("secrets", tenant.quota.secrets),
        ):
            used = _usage(configuration, tenant)[what] if limit is not None else 0
            if limit is not None and used > limit:
                problem = Problem("quota-exceeded", f"tenant {tenant.name!r} has {used} {what} in its own layers, {limit} are allowed",
                                  path=("tenants", tenant.name, "quota", what), hint="remove some, or raise the quota")  # fmt: skip
                yield configuration.locator.in_blob(problem, entry)


def _usage(configuration: Configuration, tenant: Tenant) -> dict[str, int]:
    """What a tenant's own layers hold."""
    used = {"keys": 0, "bytes": 0, "secrets": 0}
    own = f"tenants/{tenant.name}"
    for folder, layer in configuration.layout.layers.items():
        if folder != own and not folder.startswith(own + "/"):
            continue
        for entry in layer.documents.values():
            used["bytes"] += entry.size
            used["keys"] += sum(1 for _ in walk_leaves(configuration.composer.parsed(entry).value or {}))
        used["secrets"] += sum(len(configuration.secret_file(entry).secrets) for entry in layer.secret_files)
    return used


def _users(configuration: Configuration, scopes: Iterable[Scope]) -> dict[Resolved, list[Scope]]:
    """Which scopes share each resolved document."""
    users: dict[Resolved, list[Scope]] = defaultdict(list)
    for scope in scopes:
        for resolved in configuration.effective(scope).documents.values():
            users[resolved].append(scope)
    return users


def _composed_users(configuration: Configuration, scopes: Iterable[Scope]) -> dict[Composed, list[Scope]]:
    """Which scopes share each composed document."""
    users: dict[Composed, list[Scope]] = defaultdict(list)
    for resolved, sharing in _users(configuration, scopes).items():
        users[resolved.composed] += sharing
    return users

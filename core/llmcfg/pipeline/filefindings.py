"""What is wrong in files by themselves, whether or not a scope uses them; and what tenants hold, against their quotas."""

from __future__ import annotations

from collections import Counter
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from llmcfg.model.findings import Problem
from llmcfg.model.suggest import closest
from llmcfg.model.value import walk_leaves
from llmcfg.pipeline.layers import MANIFEST
from llmcfg.pipeline.marks import plaintext_in
from llmcfg.secrets.drops import drop_target

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from collections.abc import Set as AbstractSet

    from llmcfg.model.findings import Finding
    from llmcfg.model.manifest import Tenant
    from llmcfg.model.snapshot import BlobEntry
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.pipeline.layers import Layer


def file_findings(configuration: Configuration) -> Iterator[Finding]:
    """Secrets in plain text in files that are no documents, and overlays that lie over nothing."""
    layout = configuration.layout
    manifest = configuration.snapshot.entries[MANIFEST]
    for entry in [manifest, *layout.consumers.values(), *layout.templates.values()]:
        for problem in plaintext_in(configuration, entry):
            yield configuration.locator.in_blob(problem, entry)
    names = Counter(name for layer in layout.layers.values() for name in layer.documents)
    for layer in layout.layers.values():
        yield from _orphans(configuration, layer, names)


def every_document(configuration: Configuration) -> list[BlobEntry]:
    """The files of all documents, in the order of layers."""
    return [entry for layer in configuration.layout.layers.values() for entry in layer.documents.values()]


def documents_named(configuration: Configuration, names: AbstractSet[str]) -> list[BlobEntry]:
    """The files of these documents, in the same order."""
    layers = configuration.layout.layers.values()
    return [layer.documents[name] for layer in layers for name in sorted(names & layer.documents.keys())]


def document_findings(configuration: Configuration, documents: Iterable[BlobEntry]) -> Iterator[Finding]:
    """What is wrong in files of documents by themselves."""
    for entry in documents:
        for problem in (*configuration.composer.parsed(entry).problems, *plaintext_in(configuration, entry)):
            yield configuration.locator.in_blob(problem, entry)


def secret_name_findings(configuration: Configuration) -> Iterator[Finding]:
    """What is wrong with secret files as far as their names are read."""
    for layer in configuration.layout.layers.values():
        yield from _secret_file_findings(configuration, layer)


def _secret_file_findings(configuration: Configuration, layer: Layer) -> Iterator[Finding]:
    named: dict[str, str] = {}
    for entry in layer.secret_files:
        file = configuration.secret_file(entry)
        for problem in file.problems:
            yield configuration.locator.in_blob(problem, entry)
        target = drop_target(entry.path)
        for name, secret in file.secrets.items():
            if target:
                problem = Problem("secret-drop", f"secret {name!r} waits here to be folded into {target}",
                                  path=secret.path, hint="whoever holds a key: llmcfg secret fold")  # fmt: skip
                yield configuration.locator.in_blob(problem, entry)
            elif name in named:
                problem = Problem("secret-duplicate", f"secret {name!r} is named in {named[name]} too",
                                  path=secret.path, hint="keep it in one of the two")  # fmt: skip
                yield configuration.locator.in_blob(problem, entry)
            named[name] = entry.path


def _orphans(configuration: Configuration, layer: Layer, names: Counter[str]) -> Iterator[Finding]:
    """Overlay documents beneath which nothing lies, where another name is so alike that this one is probably mistyped."""
    for name, entry in layer.documents.items() if layer.folder != "base" else ():
        if names[name] > 1:
            continue
        match = closest(name, names.keys() - layer.documents.keys())
        if match is not None:
            problem = Problem(
                "overlay-orphan", f"no other layer has a document {name!r}", hint=f"did you mean {match!r}?"
            )
            yield configuration.locator.in_blob(problem, entry)


def schema_file_findings(configuration: Configuration) -> Iterator[Finding]:
    manifest = configuration.manifest
    entry = configuration.snapshot.entries["llmcfg.yaml"]
    names = {name for layer in configuration.layout.layers.values() for name in layer.documents}
    for index, binding in enumerate(manifest.schemas):
        if binding.schema not in configuration.layout.schemas:
            problem = Problem("schema-missing", f"there is no schema {binding.schema!r}", path=("schemas", index, "schema"),
                              hint="add the file, or remove the binding")  # fmt: skip
            yield configuration.locator.in_blob(problem, entry)
        elif not any(fnmatchcase(name, binding.documents) for name in names):
            problem = Problem("schema-unused", f"no document matches {binding.documents!r}", path=("schemas", index, "documents"),
                              hint="a document's name is its path in the layer without .yaml")  # fmt: skip
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


def quota_findings(configuration: Configuration, among: Collection[str] | None = None) -> Iterator[Finding]:
    """With `among`, only of the tenants that it names."""
    entry = configuration.snapshot.entries["llmcfg.yaml"]
    for tenant in configuration.manifest.tenants.values():
        if among is not None and tenant.name not in among:
            continue
        quota = tenant.quota
        limits = {"keys": quota.keys, "bytes": quota.bytes, "secrets": quota.secrets}
        used = _usage(configuration, tenant) if any(limit is not None for limit in limits.values()) else {}
        for what, limit in limits.items():
            if limit is not None and used[what] > limit:
                problem = Problem("quota-exceeded", f"tenant {tenant.name!r} has {used[what]} {what} in its layers, {limit} are allowed",
                                  path=("tenants", tenant.name, "quota", what), hint="remove some, or raise the quota")  # fmt: skip
                yield configuration.locator.in_blob(problem, entry)


def _usage(configuration: Configuration, tenant: Tenant) -> dict[str, int]:
    """What a tenant's own layers hold."""
    used = {"keys": 0, "bytes": 0, "secrets": 0}
    for layer in configuration.layout.layers.values():
        if layer.tenant != tenant.name:
            continue
        for entry in layer.documents.values():
            used["bytes"] += entry.size
            used["keys"] += sum(1 for _ in walk_leaves(configuration.composer.parsed(entry).value or {}))
        used["secrets"] += len(
            {name for entry in layer.secret_files for name in configuration.secret_file(entry).secrets}
        )
    return used

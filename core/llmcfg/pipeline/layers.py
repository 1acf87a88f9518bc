"""Which file of a snapshot is what: a document or secret file of a layer, a consumer, a schema, a template (docs/spec/repository.md).

A layer is named by its folder: `base`, `environments/prod`, `tenants/acme/environments/prod`. The manifest's hierarchy says which
layers a scope has, and in which order.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from llmcfg.model.findings import Finding, Origin
from llmcfg.model.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from llmcfg.model.manifest import Manifest
    from llmcfg.model.snapshot import BlobEntry
    from llmcfg.model.target import Scope

DEFAULT_HIERARCHY: Final = (
    "base",
    "environments/{environment}",
    "tenants/{tenant}",
    "tenants/{tenant}/environments/{environment}",
)
MANIFEST: Final = "llmcfg.yaml"
CONSUMERS, SCHEMAS, TEMPLATES, PROMPTS, POLICIES = "consumers/", "schemas/", "templates/", "prompts/", "policies/"
_YAML: Final = (".yaml", ".yml")
_DIMENSION = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, slots=True)
class Layer:
    """One folder's say: its documents by name, and its secret files by path."""

    folder: str
    documents: Mapping[str, BlobEntry]
    secret_files: tuple[BlobEntry, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """A snapshot's files by what they are for."""

    layers: Mapping[str, Layer]
    consumers: Mapping[str, BlobEntry]
    schemas: Mapping[str, BlobEntry]
    templates: Mapping[str, BlobEntry]
    findings: tuple[Finding, ...]


def sort_files(entries: Mapping[str, BlobEntry], manifest: Manifest) -> Layout:
    """Every file of the configuration to its place. Files that nothing reads, and layers that no scope has, are findings."""
    patterns = _LayerPatterns(manifest)
    documents: dict[str, dict[str, BlobEntry]] = {}
    secrets: dict[str, list[BlobEntry]] = {}
    consumers: dict[str, BlobEntry] = {}
    schemas: dict[str, BlobEntry] = {}
    templates: dict[str, BlobEntry] = {}
    findings: list[Finding] = []
    for path, entry in entries.items():
        if path.startswith(CONSUMERS) and path.endswith(_YAML) and path.count("/") == 1:
            consumers[_without_suffix(path[len(CONSUMERS) :])] = entry
        elif path.startswith(SCHEMAS) and path.endswith(".json"):
            schemas[path] = entry
        elif path.startswith(TEMPLATES):
            templates[path] = entry
        elif path.startswith(PROMPTS) and path.endswith(_YAML):
            _add_document(documents.setdefault("base", {}), _without_suffix(path), entry, findings)
        elif found := patterns.place(path):
            folder, rest = found
            if rest.startswith("secrets/"):
                if rest.endswith((*_YAML, ".age")):
                    secrets.setdefault(folder, []).append(entry)
                else:
                    findings.append(_unknown(path, "secret files end in .yaml (SOPS) or .age"))
            elif rest.endswith(_YAML):
                _add_document(documents.setdefault(folder, {}), _without_suffix(rest), entry, findings)
            else:
                findings.append(_unknown(path, "documents end in .yaml"))
        elif path.startswith((CONSUMERS, SCHEMAS, POLICIES, PROMPTS)):
            findings.extend(_unread(path))
        elif finding := patterns.unknown_layer(path):
            findings.append(finding)
    layers = {
        folder: Layer(folder, documents.get(folder, {}), tuple(secrets.get(folder, ())))
        for folder in sorted({*documents, *secrets})
    }
    return Layout(layers, consumers, schemas, templates, tuple(findings))


def layer_folders(manifest: Manifest, scope: Scope) -> tuple[str, ...]:
    """The folders of a scope's layers, lowest first, whether or not they exist.

    Neighbouring patterns that hold {tenant} are gone through once for each tenant of the chain, root first; {environment} runs over the
    environment chain; a pattern whose dimension has no value for this scope is passed over.
    """
    environments = [environment.name for environment in manifest.environment_chain(scope.environment)]
    tenants = manifest.tenant_chain(scope.tenant)
    folders: list[str] = []
    for per_tenant, patterns in _groups(manifest.hierarchy):
        for tenant in tenants if per_tenant else (None,):
            for pattern in patterns:
                fixed = _fixed_dimensions(manifest, scope)
                if tenant is not None:
                    fixed["tenant"] = tenant.name
                folders.extend(_expand(pattern, fixed, environments))
    return tuple(folders)


def region_of(manifest: Manifest, scope: Scope) -> str | None:
    """The nearest tenant's region, else the variable `region` of the nearest environment."""
    for tenant in reversed(manifest.tenant_chain(scope.tenant)):
        if tenant.region is not None:
            return tenant.region
    for environment in reversed(manifest.environment_chain(scope.environment)):
        if "region" in environment.variables:
            return str(environment.variables["region"])
    return None


def _fixed_dimensions(manifest: Manifest, scope: Scope) -> dict[str, str]:
    fixed = {name: str(value) for name, value in variables_of(manifest, scope).items() if value is not None}
    region = region_of(manifest, scope)
    if region is not None:
        fixed["region"] = region
    fixed.pop("environment")
    fixed.pop("tenant", None)
    return fixed


def variables_of(manifest: Manifest, scope: Scope) -> dict[str, bool | int | float | str | None]:
    """What `{{var:…}}` sees: the manifest's variables < the environment chain's < the tenant chain's < environment and tenant."""
    variables = dict(manifest.variables)
    for environment in manifest.environment_chain(scope.environment):
        variables.update(environment.variables)
    for tenant in manifest.tenant_chain(scope.tenant):
        if tenant.region is not None:
            variables["region"] = tenant.region
        variables.update(tenant.variables)
    variables["environment"] = scope.environment
    if scope.tenant is not None:
        variables["tenant"] = scope.tenant
    return variables


def _groups(hierarchy: Sequence[str]) -> Iterator[tuple[bool, list[str]]]:
    group: list[str] = []
    for pattern in hierarchy:
        if group and ("{tenant}" in pattern) != ("{tenant}" in group[0]):
            yield "{tenant}" in group[0], group
            group = []
        group.append(pattern)
    if group:
        yield "{tenant}" in group[0], group


def _expand(pattern: str, fixed: Mapping[str, str], environments: Iterable[str]) -> Iterator[str]:
    needed = set(_DIMENSION.findall(pattern))
    if not needed <= {*fixed, "environment"}:
        return
    for environment in environments if "environment" in needed else ("",):
        yield pattern.format_map({**fixed, "environment": environment})


class _LayerPatterns:
    """Finds the layer that a path lies in: the longest pattern of the hierarchy that matches with known names wins."""

    def __init__(self, manifest: Manifest) -> None:
        self._known = {"environment": manifest.environments.keys(), "tenant": manifest.tenants.keys()}
        ordered = sorted({*manifest.hierarchy, "base"}, key=lambda pattern: -pattern.count("/"))
        self._patterns = [
            re.compile(_DIMENSION.sub(r"(?P<\1>[^/]+)", re.escape(p).replace(r"\{", "{").replace(r"\}", "}")) + "/")
            for p in ordered
        ]
        self._roots = {pattern.split("/", 1)[0] for pattern in ordered}

    def place(self, path: str) -> tuple[str, str] | None:
        """(layer folder, path in it); None when no layer holds the file."""
        for pattern in self._patterns:
            match = pattern.match(path)
            if match and all(
                name in self._known.get(dimension, (name,)) for dimension, name in match.groupdict().items()
            ):
                return match[0][:-1], path[match.end() :]
        return None

    def unknown_layer(self, path: str) -> Finding | None:
        root, _, rest = path.partition("/")
        if root not in self._roots or not rest:
            return None
        for pattern in self._patterns:
            match = pattern.match(path)
            for dimension, name in (match.groupdict() if match else {}).items():
                known = self._known.get(dimension)
                if known is not None and name not in known:
                    return Finding(
                        "layer-unknown",
                        f"the manifest names no {dimension} {name!r}",
                        Origin(path),
                        did_you_mean(name, known, f"add it under {dimension}s in {MANIFEST}, or remove the folder"),
                    )
        return _unknown(path, "it lies beside the layers, not in one")


def _add_document(documents: dict[str, BlobEntry], name: str, entry: BlobEntry, findings: list[Finding]) -> None:
    if name in documents:
        other = documents[name].path
        findings.append(
            Finding(
                "document-overlap",
                f"{entry.path} and {other} are the same document",
                Origin(entry.path),
                "keep one of them",
            )
        )
        return
    documents[name] = entry


def _unread(path: str) -> Iterator[Finding]:
    folder = path.partition("/")[0]
    if folder == "policies" and (path.endswith((".rego", ".md", ".json"))):
        return
    if path.endswith((".md", ".txt")):
        return
    wanted = {"consumers": "consumers/<name>.yaml", "schemas": "schemas/**.json", "prompts": "prompts/**.yaml"}.get(
        folder, "*.rego"
    )
    yield _unknown(path, f"this folder holds {wanted}")


def _unknown(path: str, why: str) -> Finding:
    return Finding("layout-unknown", "nothing reads this file", Origin(path), why)


def _without_suffix(path: str) -> str:
    return path.rsplit(".", 1)[0]

"""Which file of a snapshot is what: a document or secret file of a layer, a consumer, a schema, a template (docs/spec/repository.md).

A layer is named by its folder: `base`, `environments/prod`, `tenants/acme/environments/prod`. The manifest's hierarchy says which
layers a scope has, and in which order.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import groupby
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import Struct

from llmcfg.documents.screen import why_not_a_key
from llmcfg.model.findings import Finding, Origin
from llmcfg.model.scalartext import scalar_text
from llmcfg.pipeline.layerpatterns import DIMENSION, LayerPatterns, Placed
from llmcfg.prompts.file import is_prompt_file
from llmcfg.regex import regex
from llmcfg.secrets.drops import laying_order

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
READ_BY_PROMPTS: Final = (PROMPTS, "services/", "models", "routes", "providers", "llm_providers")
"""What names of documents begin with that findings about prompts depend on."""
CATALOGUE: Final = "catalogue/models.json"
"""A model catalogue of the repository's own; it counts instead of the shipped one."""
CATALOGUES: Final = "catalogue/"
_WANTED: Final = {
    "consumers": "consumers/<name>.yaml",
    "schemas": "schemas/**.json",
    "prompts": "prompts/**.yaml",
    "policies": "*.rego and *.yaml",
    "catalogue": CATALOGUE,
}
_DOCUMENT: Final = ".yaml"
_PLAIN_DOCUMENT: Final = regex(r"[A-Za-z0-9_][A-Za-z0-9_.@+=-]{0,100}\.yaml")  # of which the name is a sound key
_YAML: Final = (_DOCUMENT, ".yml")
_POLICY_FILES: Final = (".rego", *_YAML)
_KEPT_ASIDE: Final = ("README.md", "README", ".gitkeep", ".gitignore", ".gitattributes")
"""Files that may lie anywhere, for people and for Git."""


class Layer(Struct, frozen=True):
    """One folder's say: its documents by name, and its secret files, of which a later one wins. `tenant` is the one whose layer it is.

    `refused` are the names of documents, or of folders of them, that the tree reader refused; the empty name is the whole layer.
    """

    folder: str
    documents: Mapping[str, BlobEntry]
    secret_files: tuple[BlobEntry, ...]
    tenant: str | None = None
    refused: frozenset[str] = frozenset()


class Layout(Struct, frozen=True):
    """A snapshot's files by what they are for."""

    layers: Mapping[str, Layer]
    consumers: Mapping[str, BlobEntry]
    schemas: Mapping[str, BlobEntry]
    templates: Mapping[str, BlobEntry]
    policies: Mapping[str, BlobEntry]
    findings: tuple[Finding, ...]

    def document_at(self, path: str) -> str | None:
        """The name of the document that a file is a layer's say of; None for every other file."""
        documents = (item for layer in self.layers.values() for item in layer.documents.items())
        return next((name for name, entry in documents if entry.path == path), None)


def sort_files(entries: Mapping[str, BlobEntry], manifest: Manifest, refused: Iterable[str] = ()) -> Layout:
    """Every file of the configuration to its place. Files that nothing reads, and layers that no scope has, are findings.

    `refused` are paths that the tree reader refused: files, or folders with all that lies in them.
    """
    sorter = _Sorter(LayerPatterns(manifest))
    for path, entry in entries.items():
        if not sorter.add_beside(path, entry) and path.rpartition("/")[2] not in _KEPT_ASIDE:
            sorter.add(path, entry)
    for path in refused:
        sorter.add_refused(path)
    return sorter.layout()


class _Sorter:
    def __init__(self, patterns: LayerPatterns) -> None:
        self._patterns = patterns
        self._documents: dict[str, dict[str, BlobEntry]] = {}
        self._secrets: dict[str, list[BlobEntry]] = {}
        self._tenants: dict[str, str | None] = {}
        self._refused: dict[str, set[str]] = {}
        self._consumers: dict[str, BlobEntry] = {}
        self._schemas: dict[str, BlobEntry] = {}
        self._templates: dict[str, BlobEntry] = {}
        self._policies: dict[str, BlobEntry] = {}
        self._findings: list[Finding] = []
        self._beside: dict[str, tuple[dict[str, BlobEntry], str]] = {}

    def add_beside(self, path: str, entry: BlobEntry) -> bool:
        """Add a document to the folder of one that was added before, as most are. False where there is more to see."""
        around, _, file = path.rpartition("/")
        beside = self._beside.get(around)
        if beside is None or _PLAIN_DOCUMENT.fullmatch(file) is None:
            return False
        documents, prefix = beside
        name = prefix + file[: -len(_DOCUMENT)]
        if name in documents:
            return False
        documents[name] = entry
        return True

    def add(self, path: str, entry: BlobEntry) -> None:
        if path.startswith(CONSUMERS) and path.endswith(_YAML) and path.count("/") == 1:
            self._add_named(self._consumers, _without_suffix(path.removeprefix(CONSUMERS)), entry, "consumer")
        elif path.startswith(SCHEMAS) and path.endswith(".json"):
            self._schemas[path] = entry
        elif path.startswith(TEMPLATES):
            self._templates[path] = entry
        elif path.startswith(POLICIES) and path.endswith(_POLICY_FILES):
            self._policies[path] = entry
        elif path.startswith(PROMPTS) and (path.endswith(_YAML) or is_prompt_file(path)):
            self._add_document("base", _without_suffix(path), entry)
        elif path.startswith((CONSUMERS, SCHEMAS, POLICIES, PROMPTS, CATALOGUES)):
            self._findings.extend(_unread(path) if path != CATALOGUE else ())
        else:
            self._add_to_layer(path, entry)

    def add_refused(self, path: str) -> None:
        """What may have been a document, or may have held some, is one that cannot be read. Above all layers, it is everything."""
        is_prompt = f"{path}/".startswith(PROMPTS)
        placed = Placed("base", path, None) if is_prompt else self._patterns.place(f"{path}/")
        if isinstance(placed, Placed):
            folder, rest, self._tenants[placed.folder] = placed
            rest = rest.rstrip("/")
            may_be_document = PurePosixPath(rest).suffix in ("", *_YAML) or _is_version(rest)
            if not rest.startswith("secrets") and may_be_document:
                self._refused.setdefault(folder, set()).add(_without_suffix(rest))
        elif self._patterns.is_above_layers(path):
            self._refused.setdefault("base", set()).add("")

    def layout(self) -> Layout:
        layers = {
            folder: Layer(
                folder,
                self._documents.get(folder, {}),
                tuple(sorted(self._secrets.get(folder, ()), key=lambda entry: laying_order(entry.path))),
                self._tenants.get(folder),
                frozenset(self._refused.get(folder, ())),
            )
            for folder in sorted({*self._documents, *self._secrets, *self._refused})
        }
        return Layout(layers, self._consumers, self._schemas, self._templates, self._policies, tuple(self._findings))

    def _add_to_layer(self, path: str, entry: BlobEntry) -> None:
        placed = self._patterns.place(path)
        if isinstance(placed, Finding):
            self._findings.append(placed)
        elif isinstance(placed, Placed):
            folder, rest, self._tenants[placed.folder] = placed
            if not rest.startswith("secrets/"):
                if rest.endswith(_YAML) or _is_version(rest):
                    self._add_document(folder, _without_suffix(rest), entry)
                else:
                    self._findings.append(_unknown(path, "documents end in .yaml"))
            elif rest.endswith((*_YAML, ".age")):
                self._secrets.setdefault(folder, []).append(entry)
            else:
                self._findings.append(_unknown(path, "secret files end in .yaml (SOPS) or .age"))

    def _add_document(self, folder: str, name: str, entry: BlobEntry) -> None:
        for key in name.split("/"):
            why = "it begins with $" if key.startswith("$") else why_not_a_key(key)
            if why:
                message = f"the file name becomes the key {key!r}, and {why}"
                self._findings.append(Finding("key-name", message, Origin(entry.path), "rename the file"))
                return
        documents = self._documents.setdefault(folder, {})
        self._add_named(documents, name, entry, "document")
        if entry.path.endswith(f"{name}{_DOCUMENT}"):
            self._beside[entry.path.rpartition("/")[0]] = documents, name[: name.rfind("/") + 1]

    def _add_named(self, named: dict[str, BlobEntry], name: str, entry: BlobEntry, what: str) -> None:
        if name not in named:
            named[name] = entry
            return
        message = f"{entry.path} and {named[name].path} are the same {what}"
        self._findings.append(Finding("document-overlap", message, Origin(entry.path), "keep one of them"))


def own_layer(environment: str | None, tenant: str | None) -> str:
    """The folder of what is said for an environment, a tenant, or both, and for nothing else."""
    parts = [f"tenants/{tenant}"] if tenant else []
    parts += [f"environments/{environment}"] if environment else []
    return "/".join(parts) or "base"


def layer_folders(manifest: Manifest, scope: Scope) -> tuple[str, ...]:
    """The folders of a scope's layers, lowest first, whether or not they exist.

    Neighbouring patterns that hold {tenant} are gone through once for each tenant of the chain, root first; {environment} runs over the
    environment chain; a pattern whose dimension has no value for this scope is passed over.
    """
    environments = [environment.name for environment in manifest.environment_chain(scope.environment)]
    order = _order_of(manifest.hierarchy)
    dimensions = _fixed_dimensions(manifest, scope) if order.has_dimensions else {}
    folders: dict[str, None] = {}
    for per_tenant, patterns in order.groups:
        for tenant in manifest.tenant_chain(scope.tenant) if per_tenant else (None,):
            fixed = dimensions if tenant is None else {**dimensions, "tenant": tenant.name}
            for pattern in patterns:
                if pattern.needed <= fixed.keys():
                    for environment in environments if pattern.per_environment else ("",):
                        folders[pattern.text.format_map({**fixed, "environment": environment})] = None
    return tuple(folders)


class _Pattern(NamedTuple):
    """`needed` are its dimensions but the environment."""

    text: str
    needed: frozenset[str]
    per_environment: bool


class _Order(NamedTuple):
    """Neighbouring patterns that hold {tenant}, or do not, and whether any has a dimension beside environment and tenant."""

    groups: Sequence[tuple[bool, Sequence[_Pattern]]]
    has_dimensions: bool


@lru_cache(maxsize=16)  # thousands of scopes have one hierarchy
def _order_of(hierarchy: tuple[str, ...]) -> _Order:
    named = [(text, frozenset(DIMENSION.findall(text))) for text in hierarchy]
    patterns = [_Pattern(text, names - {"environment"}, "environment" in names) for text, names in named]
    groups = tuple((key, tuple(group)) for key, group in groupby(patterns, lambda pattern: "tenant" in pattern.needed))
    return _Order(groups, any(pattern.needed - {"tenant"} for pattern in patterns))


def region_of(manifest: Manifest, scope: Scope) -> str | None:
    """The nearest tenant's region, else the variable `region` of the nearest environment."""
    for tenant in reversed(manifest.tenant_chain(scope.tenant)):
        if tenant.region is not None:
            return tenant.region
    for environment in reversed(manifest.environment_chain(scope.environment)):
        region = environment.variables.get("region")
        if region is not None:
            return scalar_text(region)
    return None


def _fixed_dimensions(manifest: Manifest, scope: Scope) -> dict[str, str]:
    fixed = {name: scalar_text(value) for name, value in variables_of(manifest, scope).items() if value is not None}
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


def _is_version(rest: str) -> bool:
    """Whether a file of a layer is a version of a prompt."""
    return rest.startswith(PROMPTS) and is_prompt_file(rest)


def _unread(path: str) -> Iterator[Finding]:
    folder = path.partition("/")[0]
    if path.endswith((".md", ".txt")):
        return
    yield _unknown(path, f"this folder holds {_WANTED[folder]}")


def _unknown(path: str, why: str) -> Finding:
    return Finding("layout-unknown", "nothing reads this file", Origin(path), why)


def _without_suffix(path: str) -> str:
    return path.rsplit(".", 1)[0]

"""Reading the manifest: from YAML to a value in which every name refers to something.

Shape is checked by the shipped schema; what a schema cannot say (inheritance without cycles, paths that stay inside) is checked here.
All problems are collected; a manifest with an error is none.
"""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from llmcfg import limits
from llmcfg.documents.loader import load_document
from llmcfg.errors import FindingsError
from llmcfg.model.findings import Finding, Problem
from llmcfg.model.manifest import Environment, Manifest, Quota, SchemaBinding, SinkSpec, Tenant, Track
from llmcfg.model.names import why_not_a_name
from llmcfg.model.reference import find_malformed_reference, find_references
from llmcfg.model.rules import RULES, Severity
from llmcfg.model.snapshot import BlobEntry
from llmcfg.model.suggest import did_you_mean
from llmcfg.pipeline.layerpatterns import DIMENSION, dimension_values
from llmcfg.pipeline.layers import CATALOGUES, CONSUMERS, DEFAULT_HIERARCHY, POLICIES, PROMPTS, SCHEMAS, TEMPLATES
from llmcfg.pipeline.locate import Locator
from llmcfg.pipeline.shape import file_shape_problems, sink_problems, sinks_of, tag_problems

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from llmcfg.model.value import Path
    from llmcfg.ports import Cache

    Inheriting = TypeVar("Inheriting", Environment, Tenant)

DEFAULT_SINKS = (SinkSpec("directory", "delivered/{environment}", 3),)
_MOST_PROBLEMS: Final = 200
"""Of one kind: a manifest of ten thousand mistakes is not mended one by one."""
_OWN_FOLDERS: Final = tuple(
    folder.rstrip("/") for folder in (CONSUMERS, SCHEMAS, TEMPLATES, PROMPTS, POLICIES, CATALOGUES)
)


class Parsed(NamedTuple):
    """`manifest` is None when it cannot be built from at all; without it `findings` say why, beside it they are warnings."""

    manifest: Manifest | None
    findings: tuple[Finding, ...]


def parse_manifest(
    entry: BlobEntry, read: Callable[[str], bytes], locator: Locator, disk: Cache | None = None
) -> Parsed:
    document, problems = load_document(read(entry.oid))
    found = [*problems]
    manifest = None
    if document is not None:
        manifest, more = _parse(document.value, entry, disk)
        found += more
    if any(RULES[problem.rule].severity is Severity.ERROR for problem in found):
        manifest = None
    return Parsed(manifest, tuple(locator.in_blob(problem, entry) for problem in found))


def parse_manifest_text(content: bytes) -> Manifest:
    """The manifest of a repository that is being made. Raises FindingsError if it is not valid."""
    entry = BlobEntry("llmcfg.yaml", "", len(content))
    parsed = parse_manifest(entry, lambda _: content, Locator(lambda _: content))
    if parsed.manifest is None:
        raise FindingsError("the manifest is not valid", findings=parsed.findings)
    return parsed.manifest


def _parse(raw: dict[str, Any], entry: BlobEntry, disk: Cache | None) -> tuple[Manifest | None, list[Problem]]:
    problems = [*tag_problems(raw, "manifest-invalid")]
    problems = problems or [*file_shape_problems("manifest.schema.json", raw, "manifest-invalid", entry, disk)]
    if problems:
        return None, problems
    names = [*_name_problems(raw, "environments"), *_name_problems(raw, "tenants")]
    environments = {name: _environment(name, said or {}) for name, said in raw["environments"].items()}
    tenants = {name: _tenant(name, said or {}) for name, said in raw.get("tenants", {}).items()}
    manifest = Manifest(
        name=raw["name"],
        environments=environments,
        tenants=tenants,
        hierarchy=tuple(raw.get("hierarchy", DEFAULT_HIERARCHY)),
        variables=raw.get("variables", {}),
        schemas=tuple(SchemaBinding(said["documents"], said["schema"]) for said in raw.get("schemas", ())),
        sinks=sinks_of(raw) if "sinks" in raw else DEFAULT_SINKS,
        requires_trust=raw.get("trust") == "required",
    )
    problems = [
        *names,
        *_inheritance("environments", "inherits", environments, lambda environment: environment.inherits),
        *_inheritance("tenants", "parent", tenants, lambda tenant: tenant.parent),
        *_size_problems(manifest),
        *islice(_variable_problems(raw), _MOST_PROBLEMS),
        *islice(sink_problems(raw, "manifest-invalid"), _MOST_PROBLEMS),
        *islice(_hierarchy_problems(manifest), _MOST_PROBLEMS),
    ]
    return manifest, problems


def _environment(name: str, said: dict[str, Any]) -> Environment:
    return Environment(
        name=name,
        inherits=said.get("inherits"),
        protected=said.get("protected", False),
        track=Track(**said.get("track", {})),
        variables=said.get("variables", {}),
        description=said.get("description", ""),
    )


def _tenant(name: str, said: dict[str, Any]) -> Tenant:
    return Tenant(
        name=name,
        parent=said.get("parent"),
        region=said.get("region"),
        quota=Quota(**said.get("quota", {})),
        recipients=tuple(said.get("recipients", ())),
        variables=said.get("variables", {}),
        description=said.get("description", ""),
    )


def _name_problems(raw: dict[str, Any], section: str) -> Iterator[Problem]:
    broken = ((name, why) for name in raw.get(section, ()) if (why := why_not_a_name(name)) is not None)
    for name, why in islice(broken, _MOST_PROBLEMS):
        message = f"{section[:-1]} {_shorten(name)!r}: {why}"
        yield Problem("layout-name", message, hint="choose another name", path=(section, name))


def _inheritance(
    section: str, word: str, named: Mapping[str, Inheriting], parent_of: Callable[[Inheriting], str | None]
) -> Iterator[Problem]:
    """Each missing parent, each cycle once, and each chain that is too long where it becomes so. In linear time."""
    yield from islice(_missing_parents(section, word, named, parent_of), _MOST_PROBLEMS)
    generation: dict[str, int] = {}
    for name in named:
        line: dict[str, None] = {}
        here: str | None = name
        while here is not None and here in named and here not in generation and here not in line:
            line[here] = None
            here = parent_of(named[here])
        ahead: list[str] = list(line)
        if here is not None and here in line:
            start: str = here
            cycle = " -> ".join([*ahead[ahead.index(start) :], start])
            yield Problem("manifest-inherits", f"{section} inherit in a cycle: {_shorten(cycle)}",
                          hint=f"remove {word} from one of them", path=(section, here, word))  # fmt: skip
        age = generation.get(here, 0) if here is not None else 0
        for index, member in enumerate(reversed(ahead), 1):
            generation[member] = age + index
            if generation[member] == limits.INHERITANCE_DEPTH + 1:
                yield Problem("manifest-inherits", f"{member!r} is the end of a chain of more than {limits.INHERITANCE_DEPTH}",
                              hint="inherit from one nearer to the root", path=(section, member, word))  # fmt: skip


def _missing_parents(
    section: str, word: str, named: Mapping[str, Inheriting], parent_of: Callable[[Inheriting], str | None]
) -> Iterator[Problem]:
    for name in named:
        parent = parent_of(named[name])
        if parent is None or parent in named:
            continue
        others = sorted(set(named) - {name})
        shown = ", ".join(others[:6]) + (", …" if len(others) > 6 else "")
        otherwise = f"name one of {shown}" if others else f"remove {word}"
        yield Problem("manifest-inherits", f"{name!r} has {word} {_shorten(parent)!r}, which is not there",
                      hint=did_you_mean(parent, others, otherwise), path=(section, name, word))  # fmt: skip


def _size_problems(manifest: Manifest) -> Iterator[Problem]:
    scopes = len(manifest.environments) * (len(manifest.tenants) + 1)
    if scopes > limits.SCOPES:
        yield Problem("manifest-invalid", f"environments times tenants are {scopes}; the limit is {limits.SCOPES}",
                      hint="split the repository", path=("environments",))  # fmt: skip


def _variable_problems(raw: dict[str, Any]) -> Iterator[Problem]:
    """Variables are what references end at."""
    places: Iterable[tuple[Path, dict[str, Any]]] = chain(
        [(("variables",), raw)],
        (
            ((section, name, "variables"), said or {})
            for section in ("environments", "tenants")
            for name, said in raw.get(section, {}).items()
        ),
    )
    for path, said in places:
        for name, value in said.get("variables", {}).items():
            if isinstance(value, str) and (find_references(value) or find_malformed_reference(value) is not None):
                message = f"variable {_shorten(name)!r} holds a reference, and references in variables are not followed"
                yield Problem(
                    "manifest-invalid", message, hint="write the value itself", path=(*path, name), written="{{"
                )


def _hierarchy_problems(manifest: Manifest) -> Iterator[Problem]:
    if "base" not in manifest.hierarchy:
        yield Problem("manifest-invalid", "the hierarchy lacks base, so nobody would get what lies there",
                      hint="put base first", path=("hierarchy",))  # fmt: skip
    for index, pattern in enumerate(manifest.hierarchy):
        folder = pattern.split("/", 1)[0]
        if folder in _OWN_FOLDERS:
            yield Problem("manifest-invalid", f"{folder}/ holds {folder} and cannot hold layers",
                          hint="name the layers' folder otherwise", path=("hierarchy", index))  # fmt: skip
        for dimension in DIMENSION.findall(pattern):
            if dimension not in ("environment", "tenant", "region") and not dimension_values(manifest, dimension):
                known = {"environment", "tenant", "region", *manifest.variables}
                yield Problem("manifest-invalid", f"no environment or tenant sets {dimension!r}, so this layer is never used",
                              hint=did_you_mean(dimension, known, "set a variable of this name"), path=("hierarchy", index))  # fmt: skip


def _shorten(text: str) -> str:
    return text if len(text) <= 100 else text[:99] + "…"

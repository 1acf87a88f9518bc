"""Reading the manifest and the consumers: from YAML to values in which every name refers to something.

Shape is checked by the shipped schemas; what a schema cannot say (inheritance without cycles, names that exist) is checked here. All
problems are collected; what is broken is left out of the result, so that the rest can still be checked.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from llmcfg.documents.loader import load_document
from llmcfg.errors import FindingsError
from llmcfg.model.findings import Finding, Problem
from llmcfg.model.keypath import KeyPathError, parse_key_path
from llmcfg.model.manifest import (
    Consumer,
    Environment,
    Manifest,
    Output,
    Quota,
    SchemaBinding,
    SinkSpec,
    Tenant,
    Track,
)
from llmcfg.model.snapshot import BlobEntry
from llmcfg.model.names import why_not_a_name
from llmcfg.model.suggest import did_you_mean
from llmcfg.pipeline.layers import DEFAULT_HIERARCHY
from llmcfg.pipeline.locate import Locator
from llmcfg.resources import data_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from llmcfg.model.value import Path
    from llmcfg.pipeline.layers import Layout
    from llmcfg.pipeline.schema.compiled import CompiledSchema

    Inheriting = TypeVar("Inheriting", Environment, Tenant)

DEFAULT_SINKS = (SinkSpec("directory", "delivered/{environment}", 3),)
_FORMATS = {".yaml": "yaml", ".yml": "yaml", ".json": "json", ".toml": "toml", ".env": "env"}


class Parsed(NamedTuple):
    """`manifest` is None when it cannot be built from at all."""

    manifest: Manifest | None
    findings: tuple[Finding, ...]


def parse_manifest(entry: BlobEntry, read: Callable[[str], bytes], locator: Locator) -> Parsed:
    document, problems = load_document(read(entry.oid))
    if document is None:
        return Parsed(None, tuple(locator.in_blob(problem, entry) for problem in problems))
    raw: dict[str, Any] = document.value
    problems = (*problems, *_schema_problems("manifest.schema.json", raw, "manifest-invalid"))
    names = [*_name_problems(raw, "environments"), *_name_problems(raw, "tenants")]
    if problems or names:
        return Parsed(None, tuple(locator.in_blob(problem, entry) for problem in (*problems, *names)))
    environments = {name: _environment(name, said or {}) for name, said in raw["environments"].items()}
    tenants = {name: _tenant(name, said or {}) for name, said in raw.get("tenants", {}).items()}
    broken = [
        *_inheritance("environments", "inherits", environments, lambda environment: environment.inherits),
        *_inheritance("tenants", "parent", tenants, lambda tenant: tenant.parent),
    ]
    if broken:
        return Parsed(None, tuple(locator.in_blob(problem, entry) for problem in broken))
    manifest = Manifest(
        name=raw["name"],
        environments=environments,
        tenants=tenants,
        hierarchy=tuple(raw.get("hierarchy", DEFAULT_HIERARCHY)),
        variables=raw.get("variables", {}),
        schemas=tuple(SchemaBinding(said["documents"], said["schema"]) for said in raw.get("schemas", ())),
        sinks=_sinks(raw) or DEFAULT_SINKS,
    )
    return Parsed(manifest, ())


def parse_manifest_text(content: bytes) -> Manifest:
    """The manifest of a repository that is being made. Raises FindingsError if it is not valid."""
    entry = BlobEntry("llmcfg.yaml", "", len(content))
    parsed = parse_manifest(entry, lambda _: content, Locator(lambda _: content))
    if parsed.manifest is None:
        raise FindingsError("the manifest is not valid", findings=parsed.findings)
    return parsed.manifest


def parse_consumers(
    layout: Layout, manifest: Manifest, read: Callable[[str], bytes], locator: Locator
) -> tuple[tuple[Consumer, ...], tuple[Finding, ...]]:
    """The consumers that can be built for, by name, and what is wrong with any of them."""
    consumers: list[Consumer] = []
    findings: list[Finding] = []
    for name, entry in layout.consumers.items():
        document, problems = load_document(read(entry.oid))
        found = list(problems)
        if document is not None:
            found += _schema_problems("consumer.schema.json", document.value, "consumer-invalid")
        why = why_not_a_name(name)
        if why:
            findings.append(
                locator.in_blob(Problem("layout-name", f"consumer {name!r}: {why}", hint="rename the file"), entry)
            )
        if document is not None and not found and not why:
            consumer = _consumer(name, entry.path, document.value, manifest)
            found += _consumer_problems(consumer, document.value, layout, manifest)
            consumers.append(consumer)
        findings += [locator.in_blob(problem, entry) for problem in found]
    return tuple(sorted(consumers, key=lambda consumer: consumer.name)), tuple(findings)


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


def _sinks(said: dict[str, Any]) -> tuple[SinkSpec, ...]:
    return tuple(
        SinkSpec(kind, options["path"], options.get("keep", 3))
        for sink in said.get("sinks", ())
        for kind, options in sink.items()
    )


def _consumer(name: str, file: str, said: dict[str, Any], manifest: Manifest) -> Consumer:
    tenants = said.get("tenants", [])
    known = (
        tuple(manifest.tenants) if tenants == "*" else tuple(tenant for tenant in tenants if tenant in manifest.tenants)
    )
    environments = said.get("environments", list(manifest.environments))
    return Consumer(
        name=name,
        file=file,
        select=tuple(said["select"]),
        environments=tuple(environment for environment in manifest.environments if environment in environments),
        tenants=tuple(sorted(known)),
        shared=said.get("shared", not tenants),
        outputs=tuple(_output(output) for output in said.get("outputs", ())),
        schema=said.get("schema"),
        recipients=tuple(said.get("recipients", ())),
        sinks=_sinks(said),
        description=said.get("description", ""),
    )


def _output(said: dict[str, Any]) -> Output:
    path: str = said["path"]
    suffix = "." + path.rsplit(".", 1)[-1] if "." in path else ""
    return Output(path, said["template"], said.get("format", _FORMATS.get(suffix, "text")))


def _consumer_problems(
    consumer: Consumer, said: dict[str, Any], layout: Layout, manifest: Manifest
) -> Iterator[Problem]:
    for index, name in enumerate(said.get("environments", ())):
        if name not in manifest.environments:
            yield _unknown("environment", name, manifest.environments, ("environments", index))
    tenants = said.get("tenants", ())
    for index, name in enumerate(tenants if isinstance(tenants, list) else ()):
        if name not in manifest.tenants:
            yield _unknown("tenant", name, manifest.tenants, ("tenants", index))
    for index, output in enumerate(consumer.outputs):
        if output.template not in layout.templates:
            yield _unknown("template", output.template, layout.templates, ("outputs", index, "template"))
        if any(other.path == output.path for other in consumer.outputs[:index]):
            yield Problem("consumer-invalid", f"two outputs are written to {output.path!r}", path=("outputs", index, "path"),
                          hint="give each output a path of its own")  # fmt: skip
    if consumer.schema is not None and consumer.schema not in layout.schemas:
        yield _unknown("schema", consumer.schema, layout.schemas, ("schema",))
    for index, text in enumerate(consumer.select):
        try:
            parse_key_path(text)
        except KeyPathError as error:
            yield Problem("consumer-invalid", error.message, hint=error.hint, path=("select", index))


def _unknown(what: str, name: str, known: Iterable[str], path: Path) -> Problem:
    return Problem("consumer-unknown-name", f"there is no {what} {name!r}", hint=did_you_mean(name, known), path=path)


def _name_problems(raw: dict[str, Any], section: str) -> Iterator[Problem]:
    said = raw.get(section)
    for name in said if isinstance(said, dict) else ():
        why = why_not_a_name(name)
        if why:
            yield Problem(
                "layout-name", f"{section[:-1]} {name!r}: {why}", hint="choose another name", path=(section, name)
            )


def _inheritance(
    section: str, word: str, named: Mapping[str, Inheriting], parent_of: Callable[[Inheriting], str | None]
) -> Iterator[Problem]:
    for name in named:
        chain: list[str] = [name]
        while (parent := parent_of(named[chain[-1]])) is not None:
            if parent not in named:
                if len(chain) == 1:
                    others = sorted(set(named) - {name})
                    otherwise = f"name one of {', '.join(others)}" if others else f"remove {word}"
                    hint = did_you_mean(parent, others, otherwise)
                    yield Problem("manifest-inherits", f"{name!r} has {word} {parent!r}, which is not there", hint=hint,
                                  path=(section, name, word))  # fmt: skip
                break
            if parent in chain:
                cycle = " -> ".join([*chain, parent])
                yield Problem("manifest-inherits", f"{section} inherit in a cycle: {cycle}", hint=f"remove {word} from one of them",
                              path=(section, name, word))  # fmt: skip
                break
            chain.append(parent)


def _schema_problems(schema: str, value: dict[str, Any], rule: str) -> list[Problem]:
    """Violations of a shipped schema; unknown and missing keys keep their own rules, everything else gets `rule`."""
    from llmcfg.pipeline.schema.check import check

    return [
        problem if problem.rule in ("schema-unknown-key", "schema-required") else problem._replace(rule=rule)
        for problem in check(_shipped(schema), value)
    ]


@functools.cache
def _shipped(name: str) -> CompiledSchema:
    from llmcfg.pipeline.schema.compiled import compile_text

    compiled = compile_text((data_folder("schemas") / name).read_bytes())
    assert not isinstance(compiled, tuple), compiled
    return compiled

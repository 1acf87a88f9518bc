"""What is wrong in the documents of scopes: where layers do not fit, in references, by their schemas, and where documents overlap."""

from __future__ import annotations

from operator import methodcaller
from typing import TYPE_CHECKING, Final

from llmcfg.model.findings import Problem
from llmcfg.pipeline.known import is_sound, learn_sound, name_of_bytes
from llmcfg.pipeline.layers import PROMPTS
from llmcfg.pipeline.recordschemas import record_schema

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from datetime import date

    from llmcfg.model.findings import Finding
    from llmcfg.model.target import Scope
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.pipeline.memo import Memo
    from llmcfg.pipeline.resolve import Resolved
    from llmcfg.pipeline.schema.compiled import CompiledSchema
    from llmcfg.pipeline.sharing import Sharing
    from llmcfg.ports import Cache

_is_prompt: Final = methodcaller("startswith", PROMPTS)  # in C, for thousands of names


def composition_findings(configuration: Configuration, sharing: Sharing) -> Iterator[Finding]:
    for composed in sharing.composed:
        if composed.problems:
            entries = {source.path: source for source in composed.sources}
            reach = [str(scope) for scope in sharing.scopes_of_composed(composed)]
            for file, problem in composed.problems:
                yield configuration.locator.in_blob(problem, entries[file], reach)


def resolution_findings(configuration: Configuration, sharing: Sharing) -> Iterator[Finding]:
    for resolved in configuration.memo.progress.over("checking documents", sharing.resolved):
        schema = configuration.schema_for(resolved.name) or _record_schema(configuration, resolved.name)
        problems = [*resolved.problems, *(_verdict(configuration.memo, schema, resolved) if schema else ())]
        if not problems:
            continue
        reach = [str(scope) for scope in sharing.scopes_of(resolved)]
        rule_at = configuration.merge_rules(resolved.name)[1]
        for problem in problems:
            if not _follows(problem, resolved.problems):
                yield configuration.locator.in_sources(problem, resolved.composed.sources, reach, rule_at)


def _record_schema(configuration: Configuration, document: str) -> CompiledSchema | None:
    """The shipped schema of a record to which the manifest binds none of its own."""
    return None if configuration.has_schema(document) else record_schema(document)


def _follows(problem: Problem, causes: Iterable[Problem]) -> bool:
    """Whether a key is missing only because a pattern could not be laid."""
    if problem.rule != "schema-required":
        return False
    path = problem.path or ()
    broken = (cause.path[: cause.path.index("$extends")] for cause in causes if cause.path and "$extends" in cause.path)
    return any(path[: len(mapping)] == mapping for mapping in broken)


def _verdict(memo: Memo, schema: CompiledSchema, resolved: Resolved) -> tuple[Problem, ...]:
    key = (schema.digest, id(resolved))
    known = memo.verdicts.get(key)
    if known is None:
        known = memo.verdicts[key] = (resolved, _judge(memo.disk, schema, resolved))
    return known[1]


def _judge(disk: Cache | None, schema: CompiledSchema, resolved: Resolved) -> tuple[Problem, ...]:
    from llmcfg.pipeline.schema.check import check

    name = name_of_bytes("checked", [schema.digest.encode(), resolved.digest])
    if is_sound(disk, name, "check", resolved.name):
        return ()
    problems = check(schema, resolved.value, is_plain=not resolved.composed.needs_resolution)
    if not problems:
        learn_sound(disk, name)
    return problems


def overlap_findings(
    configuration: Configuration, scopes: Iterable[Scope], among: Collection[str] | None = None
) -> Iterator[Finding]:
    """Keys that two documents define, one of which lies in a folder of the name of the other; `among` names the outer ones to look at."""
    nested = _nested_names(configuration) if among is None else _nested_in(configuration, among)
    for scope in scopes if nested else ():
        documents = configuration.effective(scope).documents
        for around, name in nested:
            inner, outer = documents.get(name), documents.get(around)
            key = name[len(around) + 1 :].partition("/")[0]
            if inner is not None and outer is not None and key in outer.value:
                path = f"{around}/{key}".replace("/", ".")
                problem = Problem("document-overlap", f"{inner.composed.sources[-1].path} defines {path} too",
                                  path=(key,), hint="keep the key in one of the two documents")  # fmt: skip
                yield configuration.locator.in_sources(problem, outer.composed.sources, [str(scope)])


def _nested_names(configuration: Configuration) -> list[tuple[str, str]]:
    """The documents that lie in a folder of the name of another one, each after that one, in any layer."""
    names = {name for layer in configuration.layout.layers.values() for name in layer.documents}
    parts = ((name, name.split("/")) for name in sorted(names) if "/" in name)
    return [
        (around, name)
        for name, steps in parts
        for length in range(1, len(steps))
        if (around := "/".join(steps[:length])) in names
    ]


def _nested_in(configuration: Configuration, around: Collection[str]) -> list[tuple[str, str]]:
    """The same for some documents."""
    layers = configuration.layout.layers.values()
    return sorted(
        {
            (outer, name)
            for outer in around
            for layer in layers
            for name in filter(methodcaller("startswith", f"{outer}/"), layer.documents)
        }
    )


def findings_of_prompts(configuration: Configuration, scopes: Iterable[Scope], as_of: date | None) -> Iterable[Finding]:
    layers = configuration.layout.layers.values()
    if not any(any(filter(_is_prompt, layer.documents)) for layer in layers):
        return ()
    from llmcfg.pipeline.prompts import prompt_findings

    return prompt_findings(configuration, scopes, as_of)


def findings_of_policies(configuration: Configuration, scopes: Iterable[Scope]) -> tuple[Finding, ...]:
    if not configuration.layout.policies:
        return ()
    from llmcfg.pipeline.changelimits import limit_file_findings

    found = tuple(limit_file_findings(configuration))
    if not any(path.endswith(".rego") for path in configuration.layout.policies):
        return found
    from llmcfg.pipeline.policyfindings import policy_findings

    return (*found, *policy_findings(configuration, scopes))

"""Every finding of a snapshot: of its files, of every scope, of every target, each said once with its reach."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llmcfg.errors import FindingsError, UnknownKeyError
from llmcfg.model.findings import Finding, Problem, merge_findings
from llmcfg.model.keypath import parse_key_path
from llmcfg.model.reference import parse_secret_use
from llmcfg.pipeline.allowed import with_allowances
from llmcfg.pipeline.build import start_build
from llmcfg.pipeline.configuration import Configuration, Memo
from llmcfg.pipeline.endfindings import end_findings
from llmcfg.pipeline.filefindings import (
    file_findings,
    quota_findings,
    schema_file_findings,
    secret_name_findings,
)
from llmcfg.pipeline.idle import idle_findings
from llmcfg.pipeline.known import is_sound, learn_sound, name_of_bytes
from llmcfg.pipeline.layers import PROMPTS
from llmcfg.pipeline.platforms import (
    all_readable,
    change_findings,
    platform_findings,
    without_echoes,
)
from llmcfg.pipeline.recordschemas import record_schema
from llmcfg.pipeline.rotations import rotation_findings
from llmcfg.pipeline.sealed import sealed_findings
from llmcfg.pipeline.secretuse import ciphertext_in, empty_secret
from llmcfg.pipeline.select import places_of_ciphertext, places_of_use
from llmcfg.pipeline.sharing import Sharing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date

    from llmcfg.model.target import Scope, Target
    from llmcfg.pipeline.build import Built
    from llmcfg.pipeline.configuration import Effective
    from llmcfg.pipeline.resolve import Resolved
    from llmcfg.pipeline.schema.compiled import CompiledSchema
    from llmcfg.pipeline.select import SelectedDocument, Selection
    from llmcfg.ports import Cache, Snapshot


def validate(snapshot: Snapshot, memo: Memo, as_of: date | None = None) -> tuple[Finding, ...]:
    """All findings, in the order of files and lines. A manifest that cannot be built from leaves only the findings up to there."""
    try:
        configuration = Configuration(snapshot, memo)
    except FindingsError as error:
        return merge_findings(error.findings)
    return validate_configuration(configuration, as_of=as_of)


def validate_configuration(
    configuration: Configuration,
    targets: Iterable[Target] | None = None,
    *,
    as_of: date | None = None,
    since: Configuration | None = None,
) -> tuple[Finding, ...]:
    """The findings of an opened snapshot. With `targets`, only these and their scopes are composed and rendered.

    `as_of` and `since` as `examine` has them.
    """
    return examine(configuration, targets, as_of=as_of, since=since).findings


class Examined(NamedTuple):
    findings: tuple[Finding, ...]
    built: Built


def examine(
    configuration: Configuration,
    targets: Iterable[Target] | None = None,
    *,
    as_of: date | None = None,
    since: Configuration | None = None,
) -> Examined:
    """The findings of an opened snapshot and the bundles that could be built, which are built once for both.

    With `as_of`, also those of the rules about LLM platforms, which depend on the day: what is built does not. With `since`, also those
    about what changed from there.
    """
    examined = _examine(configuration, targets, as_of, since)
    if configuration.memo.disk is not None:
        configuration.memo.disk.keep()
    return examined


def _examine(
    configuration: Configuration, targets: Iterable[Target] | None, as_of: date | None, since: Configuration | None
) -> Examined:
    wanted = configuration.targets if targets is None else tuple(targets)
    scopes = configuration.scopes if targets is None else tuple(dict.fromkeys(target.scope for target in wanted))
    with start_build(configuration, wanted) as building:
        sharing = Sharing(configuration, scopes)
        found = [
            *configuration.snapshot.findings,
            *configuration.manifest_findings,
            *configuration.layout.findings,
            *configuration.consumer_findings,
            *file_findings(configuration),
            *sealed_findings(configuration),
            *rotation_findings(configuration),
            *schema_file_findings(configuration),
            *_composition_findings(configuration, sharing),
            *idle_findings(sharing.composed if targets is None else (), configuration.locator),
            *_resolution_findings(configuration, sharing),
            *_overlap_findings(configuration, scopes),
            *_selection_findings(configuration, building.selections),
            *quota_findings(configuration),
            *_prompt_findings(configuration, scopes, as_of),
            *_policy_findings(configuration, scopes),
        ]
        built = building.finish()
    found += built.findings
    if as_of is None:
        return Examined(merge_findings(found), built)
    found += platform_findings(configuration, scopes, as_of)
    found += end_findings(configuration, sharing, as_of)
    found += change_findings(since, configuration, scopes) if since is not None else ()
    is_whole = targets is None and all_readable(configuration, scopes)
    told = with_allowances(configuration, merge_findings(without_echoes(found)), as_of, is_whole=is_whole)
    return Examined(told, built)


def lint_secrets(configuration: Configuration) -> tuple[Finding, ...]:
    """The findings about secret files alone: what their names say, and everything else that needs no key."""
    return merge_findings(
        [
            *secret_name_findings(configuration),
            *sealed_findings(configuration),
            *rotation_findings(configuration),
        ]
    )


def _composition_findings(configuration: Configuration, sharing: Sharing) -> Iterator[Finding]:
    for composed in sharing.composed:
        if composed.problems:
            entries = {source.path: source for source in composed.sources}
            reach = [str(scope) for scope in sharing.scopes_of_composed(composed)]
            for file, problem in composed.problems:
                yield configuration.locator.in_blob(problem, entries[file], reach)


def _resolution_findings(configuration: Configuration, sharing: Sharing) -> Iterator[Finding]:
    for resolved in sharing.resolved:
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
    problems = check(schema, resolved.value)
    if not problems:
        learn_sound(disk, name)
    return problems


def _overlap_findings(configuration: Configuration, scopes: Iterable[Scope]) -> Iterator[Finding]:
    nested = _nested_names(configuration)
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


def _check_selected(
    disk: Cache | None, schema: CompiledSchema, selection: Selection, consumer: str
) -> tuple[Problem, ...]:
    """What the schema of a consumer says of all that it selects."""
    from llmcfg.pipeline.schema.check import check

    name = name_of_bytes("selection", [schema.digest.encode(), *(each.digest for each in selection.documents.values())])
    if is_sound(disk, name, "check", consumer):
        return ()
    problems = check(schema, selection.tree())
    if not problems:
        learn_sound(disk, name)
    return problems


def _selection_findings(configuration: Configuration, selections: Mapping[Target, Selection]) -> Iterator[Finding]:
    for target, selection in selections.items():
        consumer = configuration.consumer(target.consumer)
        entry = configuration.layout.consumers[consumer.name]
        for text in selection.missing:
            hint = _nearest_key(configuration, target, text) or "set it in a layer that this target has"
            problem = Problem("consumer-unknown-name", f"{text} is selected but not there", written=text,
                              path=("select", consumer.select.index(text)), hint=hint)  # fmt: skip
            yield configuration.locator.in_blob(problem, entry, [str(target)])
        for document, problem in _secret_problems(selection, configuration.effective(target.scope)):
            yield configuration.locator.in_sources(problem, document.source.composed.sources, [str(target)])
        schema = configuration.compiled(consumer.schema) if consumer.schema else None
        if schema is not None and not isinstance(schema, tuple) and selection.is_whole:
            for problem in _check_selected(configuration.memo.disk, schema, selection, consumer.name):
                yield _locate_selected(configuration, selection, problem, target)


def _secret_problems(selection: Selection, effective: Effective) -> Iterator[tuple[SelectedDocument, Problem]]:
    """References that take a secret without a value, and ciphertext outside of secret files."""
    for document in selection.telling:
        for use in sorted(document.secrets):
            held = effective.held(parse_secret_use(use))
            if held is not None and not held.is_set:
                yield from ((document, empty_secret(use, path)) for path in places_of_use(document.value, use))
        yield from ((document, ciphertext_in("this text", path)) for path in places_of_ciphertext(document))


def _nearest_key(configuration: Configuration, target: Target, text: str) -> str:
    """A hint for a selected key path that the target does not have."""
    try:
        configuration.effective(target.scope).value_at(parse_key_path(text))
    except UnknownKeyError as error:
        return error.hint
    return ""


def _locate_selected(configuration: Configuration, selection: Selection, problem: Problem, target: Target) -> Finding:
    path = problem.path or ()
    for length in range(len(path), 0, -1):
        document = selection.documents.get("/".join(str(step) for step in path[:length]))
        if document is not None:
            inner = problem._replace(path=path[length:])
            return configuration.locator.in_sources(inner, document.source.composed.sources, [str(target)])
    entry = configuration.layout.consumers[target.consumer]
    return configuration.locator.in_blob(problem._replace(path=("select",)), entry, [str(target)])


def _prompt_findings(configuration: Configuration, scopes: Iterable[Scope], as_of: date | None) -> Iterable[Finding]:
    layers = configuration.layout.layers.values()
    if not any(name.startswith(PROMPTS) for layer in layers for name in layer.documents):
        return ()
    from llmcfg.pipeline.prompts import prompt_findings

    return prompt_findings(configuration, scopes, as_of)


def _policy_findings(configuration: Configuration, scopes: Iterable[Scope]) -> tuple[Finding, ...]:
    if not configuration.layout.policies:
        return ()
    from llmcfg.pipeline.changelimits import limit_file_findings

    found = tuple(limit_file_findings(configuration))
    if not any(path.endswith(".rego") for path in configuration.layout.policies):
        return found
    from llmcfg.pipeline.policyfindings import policy_findings

    return (*found, *policy_findings(configuration, scopes))

"""What is wrong with what consumers select: keys that are not there, secrets without a value, and what their own schemas say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmcfg.errors import UnknownKeyError
from llmcfg.model.findings import Finding, Problem
from llmcfg.model.keypath import parse_key_path
from llmcfg.model.reference import parse_secret_use
from llmcfg.pipeline.known import is_sound, learn_sound, name_of_bytes
from llmcfg.pipeline.secretuse import ciphertext_in, empty_secret
from llmcfg.pipeline.select import places_of_ciphertext, places_of_use

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from llmcfg.model.target import Target
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.pipeline.effective import Effective
    from llmcfg.pipeline.schema.compiled import CompiledSchema
    from llmcfg.pipeline.select import SelectedDocument, Selection
    from llmcfg.ports import Cache


def selection_findings(
    configuration: Configuration, selections: Mapping[Target, Selection], among: Collection[str] | None = None
) -> Iterator[Finding]:
    """With `among`, of the documents only those of these names are looked at, and what is selected as a whole where it holds one."""
    known: dict[tuple[int, int], Sequence[Problem]] = {}  # by document and secrets, both of which are kept as long
    for target, selection in configuration.memo.progress.over("checking bundles", selections.items()):
        consumer = configuration.consumer(target.consumer)
        entry = configuration.layout.consumers[consumer.name]
        for text in selection.missing:
            hint = _nearest_key(configuration, target, text) or "set it in a layer that this target has"
            problem = Problem("consumer-unknown-name", f"{text} is selected but not there", written=text,
                              path=("select", consumer.select.index(text)), hint=hint)  # fmt: skip
            yield configuration.locator.in_blob(problem, entry, [str(target)])
        documents = selection.telling.get() if among is None else _named(selection, among)
        effective = configuration.effective(target.scope)
        for document in documents:
            key = (id(document), id(effective.secrets))
            if key not in known:
                known[key] = tuple(_secret_problems(document, effective))
            for problem in known[key]:
                yield configuration.locator.in_sources(problem, document.source.composed.sources, [str(target)])
        is_asked = among is None or bool(documents)
        schema = configuration.compiled(consumer.schema) if consumer.schema and is_asked else None
        if schema is not None and not isinstance(schema, tuple) and selection.is_whole:
            for problem in _check_selected(configuration.memo.disk, schema, selection, consumer.name):
                yield _locate_selected(configuration, selection, problem, target)


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


def _named(selection: Selection, names: Collection[str]) -> list[SelectedDocument]:
    return [selection.documents[name] for name in sorted(names) if name in selection.documents]


def _secret_problems(document: SelectedDocument, effective: Effective) -> Iterator[Problem]:
    """References that take a secret without a value, and ciphertext outside of secret files."""
    for use in sorted(document.secrets):
        held = effective.held(parse_secret_use(use))
        if held is not None and not held.is_set:
            yield from (empty_secret(use, path) for path in places_of_use(document.value, use))
    yield from (ciphertext_in("this text", path) for path in places_of_ciphertext(document))


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

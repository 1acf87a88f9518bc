"""Prompts of a configuration: found by name in a scope, and checked in all of them."""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from llmcfg.errors import NotFoundError
from llmcfg.model.findings import Problem
from llmcfg.model.suggest import did_you_mean, there_are
from llmcfg.pipeline.configuration import walk_leaves
from llmcfg.pipeline.known import found_once, name_of, name_of_bytes, text_of
from llmcfg.pipeline.layers import READ_BY_PROMPTS
from llmcfg.pipeline.platforms import ground_of, name_of_catalogue, platform_of
from llmcfg.pipeline.shape import shape_problems
from llmcfg.prompts.bindings import bound_prompt, find_binding_flaws, read_bindings
from llmcfg.prompts.braceuses import parse_handlebars, parse_mustache
from llmcfg.prompts.checks import find_flaws, find_too_long
from llmcfg.prompts.file import is_prompt_file
from llmcfg.prompts.immutable import find_edits, find_overlay_edits
from llmcfg.prompts.record import FOLDER, read_prompts
from llmcfg.prompts.tokens import Receiver

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from llmcfg.llm.platform import Platform
    from llmcfg.llm.rules.ground import Ground
    from llmcfg.model.findings import Finding
    from llmcfg.model.target import Scope
    from llmcfg.model.value import Path
    from llmcfg.pipeline.compose import Composed
    from llmcfg.pipeline.configuration import Configuration, Effective
    from llmcfg.pipeline.layers import Layer
    from llmcfg.prompts.checks import Flaw
    from llmcfg.prompts.record import Prompt, Version
    from llmcfg.prompts.syntax import Engine, Grammar, Parsed

BASE: Final = "base"
_STEP: Final = "check prompts"


def parse_jinja(text: str, types: Mapping[str, str]) -> Parsed:
    from llmcfg.pipeline.templates.prompting import parse_jinja as parse  # Jinja2 takes a while to load

    return parse(text, types)


GRAMMARS: Final[Mapping[Engine, Grammar]] = {
    "jinja": parse_jinja,
    "mustache": parse_mustache,
    "handlebars": parse_handlebars,
}


def prompts_in(effective: Effective) -> dict[str, Prompt]:
    """The prompts of a scope by name, references resolved."""
    return read_prompts({name: resolved.value for name, resolved in effective.documents.items()})


def base_prompts(configuration: Configuration) -> dict[str, Prompt]:
    """The prompts as the layer `base` says them, references unresolved: what hashes are of."""
    documents = configuration.composer.documents((BASE,))
    return read_prompts({each.name: each.value for each in documents if each.name.startswith(FOLDER)})


def find_prompt(prompts: Mapping[str, Prompt], name: str) -> Prompt:
    """By its path below `prompts/` or by its id. Raises NotFoundError with the nearest one."""
    for prompt in prompts.values():
        if name in (prompt.name, prompt.id):
            return prompt
    known = [word for prompt in prompts.values() for word in (prompt.name, prompt.id)]
    raise NotFoundError(
        f"there is no prompt {name!r}", hint=did_you_mean(name, known, "see what there is: llmcfg prompt list")
    )


def find_version(prompt: Prompt, number: str) -> Version:
    """Raises NotFoundError with the nearest one."""
    if number in prompt.versions:
        return prompt.versions[number]
    hint = did_you_mean(number, prompt.versions, there_are(prompt.versions))
    raise NotFoundError(f"{prompt.name} has no version {number or 'that is current'}", hint=hint)


def prompt_findings(configuration: Configuration, scopes: Iterable[Scope], as_of: date | None) -> Iterator[Finding]:
    """What is wrong with prompts and with how services use them; released versions that were edited.

    With a day, also prompts that are too long for the models that get them, which the catalogue of that day knows.
    """
    disk = configuration.memo.disk
    edits = _name_of_edits(configuration)
    yield from found_once(disk, edits, _STEP, BASE, lambda: _edit_findings(configuration))
    for sharing in _alike(configuration, scopes):
        effective = configuration.effective(sharing[0])
        name = _name_of_scope(configuration, effective, as_of)
        find = partial(_scope_findings, configuration, effective, sharing, as_of)
        yield from found_once(disk, name, _STEP, str(effective.scope), find)


def _name_of_edits(configuration: Configuration) -> bytes:
    """Names what is found of released versions: the prompts of all layers."""
    return name_of("edits", *(f"{folder} {name} {entry.path} {entry.oid}" for folder, layer in configuration.layout.layers.items()
                              for name, entry in layer.documents.items() if name.startswith(FOLDER)))  # fmt: skip


def _name_of_scope(configuration: Configuration, effective: Effective, as_of: date | None) -> bytes:
    """Names what is found of prompts in a scope: all that is read there, and which prompts have a schema of their own."""
    is_protected = configuration.manifest.environments[effective.scope.environment].protected
    around = name_of("around", str(is_protected), *(() if as_of is None else [name_of_catalogue(configuration)]))
    read = {name: effective.documents[name].digest for name in effective.documents if name.startswith(READ_BY_PROMPTS)}
    own = [name for name in read if name.startswith(FOLDER) and configuration.schema_for(name)]
    return name_of_bytes("prompts", [around, text_of((own, effective.unreadable)).encode(), *read.values()])


def _scope_findings(
    configuration: Configuration, effective: Effective, sharing: Sequence[Scope], as_of: date | None
) -> Iterator[Finding]:
    yield from _shape_findings(configuration, effective, sharing)
    ground = ground_of(configuration, as_of) if as_of is not None else None
    for flaw in dict.fromkeys(_scope_flaws(configuration, effective, ground)):
        composed = effective.documents[flaw.spot.document].composed
        yield _located(configuration, flaw, composed, map(str, sharing))


def _shape_findings(configuration: Configuration, effective: Effective, sharing: Iterable[Scope]) -> Iterator[Finding]:
    """Versions as files, against the shipped schema where the manifest binds none."""
    for name, resolved in effective.documents.items():
        sources = resolved.composed.sources
        if (
            name.startswith(FOLDER)
            and any(is_prompt_file(source.path) for source in sources)
            and not configuration.schema_for(name)
        ):
            for problem in shape_problems("prompt-version.schema.json", resolved.value, "prompt-file"):
                yield configuration.locator.in_sources(problem, sources, map(str, sharing))


def problem_of(flaw: Flaw) -> Problem:
    """The same in its document."""
    return Problem(flaw.rule, flaw.message, path=flaw.spot.path, hint=flaw.hint, written=flaw.written)


def _scope_flaws(configuration: Configuration, effective: Effective, ground: Ground | None) -> Iterator[Flaw]:
    documents = {
        name: resolved.value for name, resolved in effective.documents.items() if name.startswith(READ_BY_PROMPTS)
    }
    prompts = read_prompts(documents)
    is_protected = configuration.manifest.environments[effective.scope.environment].protected
    for prompt in prompts.values():
        yield from find_flaws(prompt, GRAMMARS, is_protected=is_protected)
    sent: dict[str, set[str]] = defaultdict(set)
    for binding in read_bindings(documents):
        yield from find_binding_flaws(binding, prompts)
        bound = bound_prompt(binding, prompts)
        if bound is not None and binding.route:
            sent[bound.name].add(binding.route)
    platform = platform_of(configuration, effective.scope) if ground is not None else None
    if ground is None or platform is None:
        return
    for prompt in prompts.values():
        version = prompt.versions.get(prompt.current)
        if version is not None:
            names = sorted({*version.models_tested, *sent[prompt.name]})
            yield from find_too_long(prompt, version, GRAMMARS, names, PlatformModels(platform, ground))


class PlatformModels(Struct, frozen=True):
    """The models of a platform; what a record does not say of one, the catalogue does."""

    platform: Platform
    ground: Ground

    def behind(self, name: str) -> tuple[Receiver, ...]:
        routes = [route for route in self.platform.routes if route.name == name]
        names = [name, *(fallback.to.value for route in routes for fallback in route.fallbacks)]
        found = {id(model): model for each in names for model in self.platform.answering(each)}
        return tuple(Receiver(model.name, self.ground.context(model)) for model in found.values())


def _edit_findings(configuration: Configuration) -> Iterator[Finding]:
    documents = {composed.name: composed for composed in configuration.composer.documents((BASE,))}
    prompts = base_prompts(configuration)
    for prompt in prompts.values():
        for flaw in find_edits(prompt):
            yield _located(configuration, flaw, documents[flaw.spot.document], ())
    for folder, layer in configuration.layout.layers.items():
        if folder != BASE:
            yield from _overlay_findings(configuration, layer, prompts)


def _overlay_findings(configuration: Configuration, layer: Layer, prompts: Mapping[str, Prompt]) -> Iterator[Finding]:
    for prompt in prompts.values():
        for number in prompt.released:
            version = prompt.versions.get(number)
            entry = layer.documents.get(version.spot.document) if version is not None else None
            if version is None or entry is None:
                continue
            said = configuration.composer.parsed(entry).value or {}
            paths = [path for path, _ in walk_leaves(said)]
            for flaw in find_overlay_edits(prompt, version, _inside(paths, version.spot.path)):
                yield configuration.locator.in_blob(problem_of(flaw), entry)


def _inside(paths: Iterable[Path], place: Path) -> Iterator[Path]:
    return (path[len(place) :] for path in paths if path[: len(place)] == place)


def _alike(configuration: Configuration, scopes: Iterable[Scope]) -> list[list[Scope]]:
    """The scopes whose prompts, services, models, routes and providers are the same values."""
    alike: dict[object, list[Scope]] = defaultdict(list)
    for scope in scopes:
        documents = configuration.effective(scope).documents
        read = tuple(id(documents[name]) for name in documents if name.startswith(READ_BY_PROMPTS))
        alike[configuration.manifest.environments[scope.environment].protected, read].append(scope)
    return list(alike.values())


def _located(configuration: Configuration, flaw: Flaw, composed: Composed, reach: Iterable[str]) -> Finding:
    rule_at = configuration.merge_rules(composed.name)[1]
    return configuration.locator.in_sources(problem_of(flaw), composed.sources, reach, rule_at)

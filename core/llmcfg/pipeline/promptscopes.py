"""What is wrong with the prompts of a scope, and with those of scopes that differ from it in other documents than prompts.

A prompt is read by itself. A service that uses one is read with it. Whether it fits into the models that get it depends on these, and on
who sends it where. So where services, routes, models or providers differ, only the prompts that they have to do with are looked at again.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.llm.records.links import Links
from llmcfg.model.findings import Problem
from llmcfg.pipeline.layers import READ_BY_PROMPTS
from llmcfg.pipeline.shape import shape_problems
from llmcfg.prompts.bindings import bound_prompt, find_binding_flaws, read_bindings
from llmcfg.prompts.braceuses import parse_handlebars, parse_mustache
from llmcfg.prompts.checks import find_flaws, find_too_long
from llmcfg.prompts.file import is_prompt_file
from llmcfg.prompts.record import FOLDER, read_prompts
from llmcfg.prompts.tokens import Receiver

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from llmcfg.llm.platform import Model, Platform, Route
    from llmcfg.llm.records.document import Readings
    from llmcfg.llm.rules.ground import Ground
    from llmcfg.model.later import Later
    from llmcfg.model.value import Value
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.pipeline.effective import Effective
    from llmcfg.prompts.checks import Flaw
    from llmcfg.prompts.record import Prompt
    from llmcfg.prompts.syntax import Engine, Grammar, Parsed


def parse_jinja(text: str, types: Mapping[str, str]) -> Parsed:
    from llmcfg.pipeline.templates.prompting import parse_jinja as parse  # Jinja2 takes a while to load

    return parse(text, types)


GRAMMARS: Final[Mapping[Engine, Grammar]] = {
    "jinja": parse_jinja,
    "mustache": parse_mustache,
    "handlebars": parse_handlebars,
}


class Said(NamedTuple):
    """What is wrong in a document."""

    document: str
    problem: Problem


def said_of(flaw: Flaw) -> Said:
    problem = Problem(flaw.rule, flaw.message, path=flaw.spot.path, hint=flaw.hint, written=flaw.written)
    return Said(flaw.spot.document, problem)


class _Use(NamedTuple):
    """That a service uses a prompt, and the route or model that it sends it to, if it says so."""

    prompt: str
    route: str


class PromptsOfScope:
    """Of a scope that may have a platform. With `ground`, prompts are held against its models."""

    def __init__(
        self,
        configuration: Configuration,
        effective: Effective,
        platform: Platform | None,
        ground: Ground | None,
        readings: Readings,
    ) -> None:
        self._documents = documents_read(effective)
        self._platform = platform
        self._ground = ground
        self._readings = readings
        self._prompts = read_prompts(self._documents)
        self._own = [*self._find_own(configuration, effective)]
        services = {name: value for name, value in self._documents.items() if not name.startswith(FOLDER)}
        self._bound = {name: found for name, value in services.items() if (found := self._find_bound(name, value))}

    def all(self) -> Iterator[Said]:
        yield from self._own
        yield from chain.from_iterable(found for found, _ in self._bound.values())
        yield from chain.from_iterable(self._too_long.values())

    def with_changes(
        self, changed: Mapping[str, dict[str, Value] | None], platform: Later[Platform | None]
    ) -> Iterator[Said] | None:
        """What is wrong when these documents are otherwise, none of which may be a prompt; None stands for one that is not there.

        The answer is None where it takes a look at everything: when models or routes have other names.
        """
        read = {name: self._readings.read(name, value) for name, value in changed.items() if value is not None}
        if self._links.names_in(changed) != Links(read).names_in(read):
            return None
        return self._otherwise(changed, platform)

    def _otherwise(
        self, changed: Mapping[str, dict[str, Value] | None], platform: Later[Platform | None]
    ) -> Iterator[Said]:
        bound = {name: self._find_bound(name, value) for name, value in changed.items() if value is not None}
        yield from self._own
        yield from chain.from_iterable(found for name, (found, _) in self._bound.items() if name not in changed)
        yield from chain.from_iterable(found[0] for found in bound.values() if found)
        uses = {
            name: found[1]
            for name, found in {**self._bound, **bound}.items()
            if found and (name not in changed or name in bound)
        }
        touched = {use.prompt for name in changed for use in (*self._bound.get(name, _NONE)[1], *uses.get(name, ()))}
        touched |= self._sent_to(self._links.names_reading(changed))
        yield from chain.from_iterable(found for name, found in self._too_long.items() if name not in touched)
        if touched and self._ground is not None and (there := platform.get()) is not None:
            sent, models = _sent(uses), PlatformModels(there, self._ground)
            for name in sorted(touched):
                yield from _find_too_long(self._prompts[name], sent[name], models)

    def _find_own(self, configuration: Configuration, effective: Effective) -> Iterator[Said]:
        """What is wrong with prompts by themselves. Versions as files have the shipped schema where no other is bound."""
        is_protected = configuration.manifest.environments[effective.scope.environment].protected
        for name, value in self._documents.items():
            if name.startswith(FOLDER) and not configuration.schema_for(name):
                sources = effective.documents[name].composed.sources
                if any(is_prompt_file(source.path) for source in sources):
                    problems = shape_problems("prompt-version.schema.json", value, "prompt-file")
                    yield from (Said(name, problem) for problem in problems)
        for prompt in self._prompts.values():
            yield from map(said_of, find_flaws(prompt, GRAMMARS, is_protected=is_protected))

    def _find_bound(self, name: str, value: Mapping[str, Value]) -> tuple[list[Said], list[_Use]] | None:
        """What is wrong with how a document uses prompts, and which it uses; None for one that uses none."""
        bindings = [*read_bindings({name: value})]
        if not bindings:
            return None
        found = [said_of(flaw) for binding in bindings for flaw in find_binding_flaws(binding, self._prompts)]
        uses = ((bound_prompt(binding, self._prompts), binding.route) for binding in bindings)
        return found, [_Use(prompt.name, route) for prompt, route in uses if prompt is not None]

    @cached_property
    def _too_long(self) -> Mapping[str, Sequence[Said]]:
        """By prompt."""
        if self._platform is None or self._ground is None:
            return {}
        models = PlatformModels(self._platform, self._ground)
        return {name: _find_too_long(prompt, self._sent[name], models) for name, prompt in self._prompts.items()}

    @cached_property
    def _sent(self) -> defaultdict[str, set[str]]:
        return _sent({name: uses for name, (_, uses) in self._bound.items()})

    @cached_property
    def _links(self) -> Links:
        return Links({name: self._readings.read(name, value) for name, value in self._documents.items()})

    def _sent_to(self, names: Collection[str]) -> set[str]:
        """The prompts that go to models or routes of these names, all of them where patterns are among these."""
        if "*" in names:
            return {*self._prompts}
        return {prompt for name in names for prompt in self._receiving.get(name, ())}

    @cached_property
    def _receiving(self) -> Mapping[str, list[str]]:
        """By the name of a model or route, the prompts that go there."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for name, prompt in self._prompts.items():
            for receiver in _names(prompt, self._sent[name]):
                found[receiver].append(name)
        return found


_NONE: Final[tuple[list[Said], list[_Use]]] = ([], [])


class PlatformModels:
    """The models of a platform; what a record does not say of one, the catalogue does."""

    def __init__(self, platform: Platform, ground: Ground) -> None:
        self._platform = platform
        self._ground = ground

    def behind(self, name: str) -> tuple[Receiver, ...]:
        names = [name, *(fallback.to.value for route in self._routes.get(name, ()) for fallback in route.fallbacks)]
        found: dict[int, Model] = {id(model): model for each in names for model in self._platform.answering(each)}
        return tuple(Receiver(model.name, self._ground.context(model)) for model in found.values())

    @cached_property
    def _routes(self) -> Mapping[str, list[Route]]:
        found: defaultdict[str, list[Route]] = defaultdict(list)
        for route in self._platform.routes:
            found[route.name].append(route)
        return found


def documents_read(effective: Effective) -> dict[str, dict[str, Value]]:
    """The values of the documents that findings about prompts depend on."""
    return {name: resolved.value for name, resolved in effective.documents.items() if name.startswith(READ_BY_PROMPTS)}


def _sent(uses: Mapping[str, Iterable[_Use]]) -> defaultdict[str, set[str]]:
    """By prompt, the routes and models that services send it to."""
    sent: defaultdict[str, set[str]] = defaultdict(set)
    for use in chain.from_iterable(uses.values()):
        sent[use.prompt] |= {use.route} if use.route else set()
    return sent


def _names(prompt: Prompt, sent: Collection[str]) -> list[str]:
    version = prompt.versions.get(prompt.current)
    return [] if version is None else sorted({*version.models_tested, *sent})


def _find_too_long(prompt: Prompt, sent: Collection[str], models: PlatformModels) -> list[Said]:
    version = prompt.versions.get(prompt.current)
    names = _names(prompt, sent)
    return (
        [] if version is None else [said_of(flaw) for flaw in find_too_long(prompt, version, GRAMMARS, names, models)]
    )

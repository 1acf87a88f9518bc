"""What is wrong with the prompts of a scope, and with those of scopes that differ from it in other documents than prompts.

A prompt is read by itself. A service that uses one is read with it. Whether it fits into the models that get it depends on these, and on
who sends it where. So where services, routes, models or providers differ, only the prompts that they have to do with are looked at again.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from llmcfg.llm.records.links import Links
from llmcfg.model.findings import Problem
from llmcfg.pipeline.known import is_sound, learn_sound, name_of_bytes, text_of
from llmcfg.pipeline.layers import READ_BY_PROMPTS
from llmcfg.pipeline.records import records_of
from llmcfg.pipeline.shape import shape_problems
from llmcfg.prompts.bindings import FOLDER as SERVICES
from llmcfg.prompts.bindings import bound_prompt, find_binding_flaws, read_bindings
from llmcfg.prompts.braceuses import parse_handlebars, parse_mustache
from llmcfg.prompts.checks import find_flaws, find_too_long
from llmcfg.prompts.file import is_prompt_file
from llmcfg.prompts.record import FOLDER, read_prompts
from llmcfg.prompts.tokens import Receiver

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from llmcfg.llm.platform import Model, Platform, Route
    from llmcfg.llm.rules.ground import Ground
    from llmcfg.model.later import Later
    from llmcfg.model.value import Value
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.pipeline.effective import Effective
    from llmcfg.pipeline.resolve import Resolved
    from llmcfg.prompts.checks import Flaw
    from llmcfg.prompts.record import Prompt
    from llmcfg.prompts.syntax import Engine, Grammar, Parsed


def parse_jinja(text: str, types: Mapping[str, str]) -> Parsed:
    from llmcfg.pipeline.templates.prompting import parse_jinja as parse  # Jinja2 takes a while to load

    return parse(text, types)


STEP: Final = "check prompts"
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


class _Uses(msgspec.Struct, array_like=True, frozen=True):
    """What has to be known of prompts and services in which nothing is wrong: which prompts a service uses, and the models that the current
    version of a prompt was tested with; None where it has no such version.
    """

    services: dict[str, list[_Use]]
    tested: dict[str, list[str] | None]


class _Read(NamedTuple):
    """What prompts say by themselves, and what services make of them, by document."""

    own: Sequence[Said]
    bound: Mapping[str, _Bound]
    tested: Mapping[str, Sequence[str] | None]


class _Bound(NamedTuple):
    """What is wrong with how a service uses prompts, and which it uses."""

    found: Sequence[Said]
    uses: Sequence[_Use]


_NONE: Final = _Bound((), ())
_DECODER: Final = msgspec.msgpack.Decoder(_Uses)


class PromptsOfScope:
    """Of a scope that may have a platform. With `ground`, prompts are held against its models.

    Prompts and services are read when they have to be: where they are as they were when nothing was wrong with them, what they use is
    remembered, and so is that everything they are sent to can read them.
    """

    def __init__(
        self,
        configuration: Configuration,
        effective: Effective,
        platform: Later[Platform | None],
        ground: Ground | None,
    ) -> None:
        self._configuration = configuration
        self._effective = effective
        self._memo = configuration.memo
        self._platform = platform
        self._ground = ground

    def all(self) -> Iterator[Said]:
        yield from self._read.own
        yield from chain.from_iterable(bound.found for bound in self._read.bound.values())
        yield from chain.from_iterable(self._too_long.values())

    def with_changes(
        self, changed: Mapping[str, Resolved | None], platform: Later[Platform | None]
    ) -> Iterator[Said] | None:
        """What is wrong when these documents are otherwise, none of which may be a prompt; None stands for one that is not there.

        The answer is None where it takes a look at everything: when models or routes have other names.
        """
        read = {name: records_of(resolved, self._memo) for name, resolved in changed.items() if resolved is not None}
        if self._links.names_in(changed) != Links(read).names_in(read):
            return None
        return self._otherwise(changed, platform)

    def _otherwise(self, changed: Mapping[str, Resolved | None], platform: Later[Platform | None]) -> Iterator[Said]:
        before = self._read.bound
        bound = {
            name: found
            for name, resolved in changed.items()
            if resolved is not None and name.startswith(SERVICES) and (found := self._find_bound(name, resolved.value))
        }
        yield from self._read.own
        yield from chain.from_iterable(found for name, (found, _) in before.items() if name not in changed)
        yield from chain.from_iterable(found for found, _ in bound.values())
        uses = {name: uses for name, (_, uses) in {**before, **bound}.items() if name not in changed or name in bound}
        touched = {use.prompt for name in changed for use in (*before.get(name, _NONE).uses, *uses.get(name, ()))}
        touched |= self._sent_to(self._links.names_reading(changed))
        yield from chain.from_iterable(found for name, found in self._too_long.items() if name not in touched)
        if touched and self._ground is not None and (there := platform.get()) is not None:
            sent, models = _sent(uses), PlatformModels(there, self._ground)
            for name in sorted(touched):
                yield from self._find_too_long(name, sent[name], models)

    @cached_property
    def _read(self) -> _Read:
        """Read, or remembered of the same prompts and services in which nothing was wrong."""
        disk = self._memo.disk
        stored = None if disk is None else disk.content(self._name)
        if stored is not None:
            services, tested = msgspec.structs.astuple(_DECODER.decode(stored))
            return _Read((), {name: _Bound((), uses) for name, uses in services.items()}, tested)
        services = (name for name in self._effective.documents if name.startswith(SERVICES))
        found = {name: self._find_bound(name, self._effective.documents[name].value) for name in services}
        bound = {name: each for name, each in found.items() if each is not None}
        versions = {name: prompt.versions.get(prompt.current) for name, prompt in self._prompts.items()}
        tested = {name: None if version is None else [*version.models_tested] for name, version in versions.items()}
        read = _Read([*self._find_own()], bound, tested)
        if disk is not None and not read.own and not any(each.found for each in bound.values()):
            disk.add(
                self._name, msgspec.msgpack.encode(_Uses({name: [*each.uses] for name, each in bound.items()}, tested))
            )
        return read

    @cached_property
    def _name(self) -> bytes:
        """Names what is read of prompts and services: their documents, which prompts have a schema of their own, and what holds for all."""
        prompts, services = self._values_named(FOLDER), self._values_named(SERVICES)
        own = [name for name in prompts if self._configuration.schema_for(name)]
        files = [name for name, each in prompts.items() if any(is_prompt_file(it.path) for it in each.composed.sources)]
        around = text_of((self._is_protected, own, files))
        parts = (name.encode() + b"\0" + each.digest for name, each in {**prompts, **services}.items())
        return name_of_bytes("prompt uses", [around.encode(), *parts])

    def _values_named(self, folder: str) -> dict[str, Resolved]:
        return {name: resolved for name, resolved in self._effective.documents.items() if name.startswith(folder)}

    @property
    def _is_protected(self) -> bool:
        return self._configuration.manifest.environments[self._effective.scope.environment].protected

    @cached_property
    def _prompts(self) -> dict[str, Prompt]:
        return read_prompts({name: resolved.value for name, resolved in self._values_named(FOLDER).items()})

    def _find_own(self) -> Iterator[Said]:
        """What is wrong with prompts by themselves. Versions as files have the shipped schema where no other is bound."""
        for name, resolved in self._values_named(FOLDER).items():
            is_file = any(is_prompt_file(source.path) for source in resolved.composed.sources)
            if is_file and not self._configuration.schema_for(name):
                problems = shape_problems("prompt-version.schema.json", resolved.value, "prompt-file")
                yield from (Said(name, problem) for problem in problems)
        for prompt in self._prompts.values():
            yield from map(said_of, find_flaws(prompt, GRAMMARS, is_protected=self._is_protected))

    def _find_bound(self, name: str, value: dict[str, Value]) -> _Bound | None:
        """None for a service that uses no prompt."""
        bindings = [*read_bindings({name: value})]
        if not bindings:
            return None
        found = [said_of(flaw) for binding in bindings for flaw in find_binding_flaws(binding, self._prompts)]
        uses = ((bound_prompt(binding, self._prompts), binding.route) for binding in bindings)
        return _Bound(found, [_Use(prompt.name, route) for prompt, route in uses if prompt is not None])

    @cached_property
    def _too_long(self) -> Mapping[str, Sequence[Said]]:
        """By prompt."""
        platform = self._platform.get() if self._ground is not None else None
        if platform is None or self._ground is None:
            return {}
        models, disk = PlatformModels(platform, self._ground), self._memo.disk
        sent = {
            prompt: [(name, models.behind(name)) for name in self._names(prompt, self._sent[prompt])]
            for prompt in self._read.tested
        }
        fits = b"" if disk is None else name_of_bytes("prompts fit", [self._name, text_of(sent).encode()])
        if is_sound(disk, fits, STEP, str(self._effective.scope)):
            return {}
        found = {prompt: self._find_too_long(prompt, self._sent[prompt], models) for prompt in self._read.tested}
        if not any(found.values()):
            learn_sound(disk, fits)
        return found

    def _find_too_long(self, prompt: str, sent: Collection[str], models: PlatformModels) -> list[Said]:
        there = self._prompts[prompt]
        version = there.versions.get(there.current)
        if version is None:
            return []
        return [said_of(flaw) for flaw in find_too_long(there, version, GRAMMARS, self._names(prompt, sent), models)]

    def _names(self, prompt: str, sent: Collection[str]) -> list[str]:
        """Of the models and routes that the current version goes to."""
        tested = self._read.tested[prompt]
        return [] if tested is None else sorted({*tested, *sent})

    @cached_property
    def _sent(self) -> defaultdict[str, set[str]]:
        return _sent({name: uses for name, (_, uses) in self._read.bound.items()})

    @cached_property
    def _links(self) -> Links:
        read = self._effective.documents.items()
        return Links({name: records_of(each, self._memo) for name, each in read if name.startswith(READ_BY_PROMPTS)})

    def _sent_to(self, names: Collection[str]) -> set[str]:
        """The prompts that go to models or routes of these names, all of them where patterns are among these."""
        if "*" in names:
            return {*self._read.tested}
        return {prompt for name in names for prompt in self._receiving.get(name, ())}

    @cached_property
    def _receiving(self) -> Mapping[str, list[str]]:
        """By the name of a model or route, the prompts that go there."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for prompt in self._read.tested:
            for receiver in self._names(prompt, self._sent[prompt]):
                found[receiver].append(prompt)
        return found


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


def _sent(uses: Mapping[str, Iterable[_Use]]) -> defaultdict[str, set[str]]:
    """By prompt, the routes and models that services send it to."""
    sent: defaultdict[str, set[str]] = defaultdict(set)
    for use in chain.from_iterable(uses.values()):
        sent[use.prompt] |= {use.route} if use.route else set()
    return sent

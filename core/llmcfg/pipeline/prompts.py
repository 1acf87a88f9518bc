"""Prompts of a configuration: found by name in a scope, and checked in all of them."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property, partial
from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.errors import NotFoundError
from llmcfg.model.later import Later
from llmcfg.model.suggest import did_you_mean, there_are
from llmcfg.model.value import walk_leaves
from llmcfg.pipeline.known import found_once, name_of, name_of_bytes, text_of
from llmcfg.pipeline.layers import READ_BY_PROMPTS
from llmcfg.pipeline.platforms import ground_of, is_judged, name_of_catalogue, platform_of
from llmcfg.pipeline.promptscopes import STEP, PromptsOfScope, said_of
from llmcfg.pipeline.sharing import Told, differing
from llmcfg.prompts.immutable import find_edits, find_overlay_edits
from llmcfg.prompts.record import FOLDER, read_prompts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date

    from llmcfg.llm.platform import Platform
    from llmcfg.llm.rules.ground import Ground
    from llmcfg.model.findings import Finding
    from llmcfg.model.target import Scope
    from llmcfg.model.value import Path
    from llmcfg.pipeline.compose import Composed
    from llmcfg.pipeline.configuration import Configuration
    from llmcfg.pipeline.effective import Effective
    from llmcfg.pipeline.layers import Layer
    from llmcfg.pipeline.promptscopes import Said
    from llmcfg.prompts.record import Prompt, Version

BASE: Final = "base"


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

    With a day, also prompts that are too long for the models that get them, which the catalogue of that day knows. Scopes that see the
    same are looked at once, and the others where they differ from the first that is like them.
    """
    disk = configuration.memo.disk
    edits = _name_of_edits(configuration)
    yield from found_once(disk, edits, STEP, BASE, lambda: _edit_findings(configuration))
    looking = _Looking(configuration, as_of)
    told = Told()
    for sight, sharing in looking.alike(scopes).items():
        effective = configuration.effective(sharing[0])
        name = b"" if disk is None else _name_of_scope(configuration, effective, as_of)
        found = found_once(disk, name, STEP, str(effective.scope), partial(looking.find, effective, sight))
        for said in dict.fromkeys(found):
            key = (said, id(effective.documents[said.document]))
            told.add(key, partial(_located, configuration, said, effective.documents[said.document].composed), sharing)
    yield from told.findings()


class _Kind(NamedTuple):
    """Scopes of one environment have most of their layers in common, which need not be compared."""

    environment: str
    has_platform: bool


class _Sight(NamedTuple):
    """What is seen of prompts in some scopes: the documents that differ from the first scope that is like them."""

    kind: _Kind
    differing: frozenset[tuple[str, int]]


class _Looking:
    """A look at prompts in many scopes, which keeps what was seen in the first of each kind."""

    def __init__(self, configuration: Configuration, as_of: date | None) -> None:
        self._configuration = configuration
        self._as_of = as_of
        self._firsts: dict[_Kind, Effective] = {}
        self._seen: dict[_Kind, PromptsOfScope] = {}

    def alike(self, scopes: Iterable[Scope]) -> dict[_Sight, list[Scope]]:
        """The scopes by what is seen in them."""
        alike: dict[_Sight, list[Scope]] = defaultdict(list)
        for scope in scopes:
            effective = self._configuration.effective(scope)
            kind = _Kind(scope.environment, is_judged(effective))
            first = self._firsts.setdefault(kind, effective)
            alike[_Sight(kind, differing(first, effective, _is_read))].append(scope)
        return alike

    def find(self, effective: Effective, sight: _Sight) -> Iterable[Said]:
        if sight.kind not in self._seen:
            self._seen[sight.kind] = self._look_at(self._firsts[sight.kind])
        if not sight.differing:
            return self._seen[sight.kind].all()
        documents = {name: effective.documents.get(name) for name, _ in sight.differing}
        if not any(name.startswith(FOLDER) for name in documents):
            found = self._seen[sight.kind].with_changes(documents, Later(lambda: self._platform(effective)))
            if found is not None:
                return found
        return self._look_at(effective).all()

    def _look_at(self, effective: Effective) -> PromptsOfScope:
        platform = Later(lambda: self._platform(effective))
        return PromptsOfScope(self._configuration, effective, platform, self._ground)

    def _platform(self, effective: Effective) -> Platform | None:
        return platform_of(self._configuration, effective.scope) if self._as_of is not None else None

    @cached_property
    def _ground(self) -> Ground | None:
        return ground_of(self._configuration, self._as_of) if self._as_of is not None else None


def _is_read(name: str) -> bool:
    return name.startswith(READ_BY_PROMPTS)


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


def _edit_findings(configuration: Configuration) -> Iterator[Finding]:
    documents = {composed.name: composed for composed in configuration.composer.documents((BASE,))}
    prompts = base_prompts(configuration)
    for prompt in prompts.values():
        for flaw in find_edits(prompt):
            yield _located(configuration, said_of(flaw), documents[flaw.spot.document])
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
                yield configuration.locator.in_blob(said_of(flaw).problem, entry)


def _inside(paths: Iterable[Path], place: Path) -> Iterator[Path]:
    return (path[len(place) :] for path in paths if path[: len(place)] == place)


def _located(configuration: Configuration, said: Said, composed: Composed) -> Finding:
    rule_at = configuration.merge_rules(composed.name)[1]
    return configuration.locator.in_sources(said.problem, composed.sources, (), rule_at)

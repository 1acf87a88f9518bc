"""How services say which prompts they use: `prompts: {triage: {prompt: support-triage, route: chat, variables: {…}, supplies: […]}}`.

`variables` are values that the configuration fixes, `supplies` the variables that the program fills at run time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from llmcfg.model.suggest import did_you_mean
from llmcfg.prompts.checks import ASTRAY, BROKEN, Flaw
from llmcfg.prompts.given import find_unfit
from llmcfg.prompts.record import Spot

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llmcfg.model.value import Value
    from llmcfg.prompts.record import Prompt, Version

FOLDER: Final = "services/"
DANGLING: Final = "LLM022"


class Binding(NamedTuple):
    """One prompt of one service. `route` is the route or model that it is sent to, if the service says so."""

    service: str
    prompt: str
    spot: Spot
    route: str = ""
    variables: Mapping[str, Any] = {}
    supplies: tuple[str, ...] = ()


def read_bindings(documents: Mapping[str, Mapping[str, Value]]) -> Iterator[Binding]:
    for document, value in documents.items():
        prompts = value.get("prompts") if document.startswith(FOLDER) else None
        for name, said in prompts.items() if isinstance(prompts, dict) else ():
            if isinstance(said, dict) and isinstance(prompt := said.get("prompt"), str):
                yield _binding(document, name, prompt, said, value)


def _binding(document: str, name: str, prompt: str, said: Mapping[str, Any], service: Mapping[str, Any]) -> Binding:
    route = next(
        (each for each in (said.get("route"), said.get("model"), service.get("route")) if isinstance(each, str)), ""
    )
    variables, supplies = said.get("variables"), said.get("supplies")
    return Binding(
        service=document.removeprefix(FOLDER),
        prompt=prompt,
        spot=Spot(document, ("prompts", name)),
        route=route,
        variables=variables if isinstance(variables, dict) else {},
        supplies=tuple(each for each in supplies if isinstance(each, str)) if isinstance(supplies, list) else (),
    )


def bound_prompt(binding: Binding, prompts: Mapping[str, Prompt]) -> Prompt | None:
    """The prompt that a binding names by its id or its path."""
    return prompts.get(binding.prompt) or next((each for each in prompts.values() if each.id == binding.prompt), None)


def find_binding_flaws(binding: Binding, prompts: Mapping[str, Prompt]) -> Iterator[Flaw]:
    """What the current version of the prompt asks for, against what the service gives it."""
    prompt = bound_prompt(binding, prompts)
    if prompt is None:
        known = [name for each in prompts.values() for name in (each.id, each.name)]
        yield Flaw(DANGLING, f"{binding.service} uses the prompt {binding.prompt!r}, which is not there", binding.spot.at("prompt"),
                   did_you_mean(binding.prompt, known, "see what there is: llmcfg prompt list"), binding.prompt)  # fmt: skip
        return
    version = prompt.versions.get(prompt.current)
    if version is not None:
        yield from _version_flaws(binding, f"{prompt.id} {version.number}", version)


def _version_flaws(binding: Binding, name: str, version: Version) -> Iterator[Flaw]:
    supplied = dict.fromkeys(binding.supplies)
    for index, variable in enumerate(binding.supplies):
        if variable not in version.variables:
            hint = did_you_mean(variable, version.variables, "remove it")
            yield Flaw(
                BROKEN,
                f"{binding.service} supplies {variable!r}, which {name} does not have",
                binding.spot.at("supplies", index),
                hint,
            )
    for unfit in find_unfit(version, binding.variables):
        if unfit.variable in supplied:
            continue
        if unfit.variable in binding.variables:
            spot = binding.spot.at("variables", unfit.variable)
            yield Flaw(
                BROKEN, f"{binding.service}, for {name}: {unfit.message}", spot, unfit.hint or "give a value that fits"
            )
        else:
            yield Flaw(BROKEN, f"{name} requires {unfit.variable!r}, and {binding.service} never gives it", binding.spot,
                       "name it under supplies, or give it under variables")  # fmt: skip
    for variable in binding.variables:
        if variable in version.variables and version.variables[variable].is_sensitive:
            yield Flaw(ASTRAY, f"{variable!r} of {name} is sensitive, and everyone who reads the repository reads it here",
                       binding.spot.at("variables", variable), "let the program supply it")  # fmt: skip

"""What is wrong with a prompt as it holds in a scope: its label, its versions, and what they declare against what their texts take."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llmcfg.model.reference import ReferenceKind, find_references
from llmcfg.model.suggest import did_you_mean
from llmcfg.prompts.given import why_unfit
from llmcfg.prompts.released import is_version
from llmcfg.prompts.syntax import Fault
from llmcfg.prompts.tokens import estimate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from llmcfg.prompts.record import Prompt, Spot, Version
    from llmcfg.prompts.syntax import Engine, Grammar, Parsed
    from llmcfg.prompts.tokens import Receivers

BROKEN, ASTRAY, SECRET = "LLM037", "LLM038", "secret-misplaced"


class Flaw(NamedTuple):
    """What is wrong, where; `written` is the text there that it is about."""

    rule: str
    message: str
    spot: Spot
    hint: str = ""
    written: str = ""


def find_flaws(prompt: Prompt, grammars: Mapping[Engine, Grammar], *, is_protected: bool) -> Iterator[Flaw]:
    yield from _label_flaws(prompt, is_protected=is_protected)
    for number, version in prompt.versions.items():
        if not is_version(number):
            message = f"{prompt.id}: {number!r} is no version"
            yield Flaw(BROKEN, message, version.spot, "write MAJOR.MINOR.PATCH, such as 1.2.0 or 2.0.0-rc.1")
        if version.status != "retired":
            yield from find_version_flaws(f"{prompt.id} {number}", version, grammars)


def find_too_long(
    prompt: Prompt, version: Version, grammars: Mapping[Engine, Grammar], names: Iterable[str], receivers: Receivers
) -> Iterator[Flaw]:
    """Models behind these names of models and routes that cannot read the version whole."""
    found = estimate(version, grammars)
    needed = max(found.least, found.most or version.max_tokens or 0)
    seen: set[str] = set()
    for name in names:
        for model in receivers.behind(name):
            if model.name not in seen and model.context is not None and model.context < needed:
                message = f"{prompt.id} {version.number} may come to about {needed} tokens, and {model.name} reads {model.context} at once"
                yield Flaw(
                    ASTRAY, message, version.spot, "bound its variables with max_chars, or send it to another model"
                )
            seen.add(model.name)


def _label_flaws(prompt: Prompt, *, is_protected: bool) -> Iterator[Flaw]:
    if not prompt.current:
        yield Flaw(ASTRAY, f"{prompt.id} names no current version, so no application uses it", prompt.spot,
                   f"name one: llmcfg prompt promote {prompt.name} --to ENV")  # fmt: skip
        return
    version = prompt.versions.get(prompt.current)
    spot = prompt.spot.at("current")
    if version is None:
        known = ", ".join(prompt.versions) or "none"
        hint = did_you_mean(prompt.current, prompt.versions, f"there are: {known}")
        yield Flaw(BROKEN, f"{prompt.id} has no version {prompt.current}", spot, hint, prompt.current)
    elif version.status == "retired":
        yield Flaw(
            ASTRAY, f"{prompt.id} {prompt.current} is retired, and applications use it", spot, "promote another version"
        )
    elif is_protected and version.status != "released":
        yield Flaw(BROKEN, f"{prompt.id} {prompt.current} is a {version.status}, and this environment is protected", spot,
                   f"release it: llmcfg prompt release {prompt.name} {prompt.current}")  # fmt: skip


def find_version_flaws(name: str, version: Version, grammars: Mapping[Engine, Grammar]) -> Iterator[Flaw]:
    """What is wrong with one version by itself; `name` is what messages call it."""
    used: set[str] = set()
    is_read = True
    for index, message in enumerate(version.messages):
        spot = version.spot.at("messages", index, "content")
        secrets = [each for each in find_references(message.content) if each.kind is ReferenceKind.SECRET]
        for secret in secrets:
            yield Flaw(SECRET, f"{name} sends a secret to the model", spot, "give it to the program that calls the model, not to the model",
                       message.content[secret.start : secret.end])  # fmt: skip
        parsed = () if secrets else grammars[version.engine](message.content, version.types)
        is_read = is_read and not secrets and not isinstance(parsed, Fault)
        yield from _text_flaws(name, version, message.role, spot, parsed)
        used |= set() if isinstance(parsed, Fault) else {use.name for use in parsed}
    for variable in version.variables.values():
        yield from _variable_flaws(name, version, variable.name, is_used=variable.name in used or not is_read)
    yield from _length_flaws(name, version, grammars)


def _text_flaws(name: str, version: Version, role: str, spot: Spot, parsed: Parsed) -> Iterator[Flaw]:
    if isinstance(parsed, Fault):
        message = f"{name}: the {role} message is no {version.engine} template: {parsed.message}"
        yield Flaw(BROKEN, message, spot, parsed.hint or "docs/spec/prompts.md lists what there is", parsed.written)
        return
    for use in {use.name: use for use in reversed(parsed)}.values():
        variable = version.variables.get(use.name)
        if variable is None:
            hint = did_you_mean(use.name, version.variables, "declare it under variables")
            message = f"{name}: the {role} message uses {use.name!r}, which is not declared"
            yield Flaw(BROKEN, message, spot, hint, use.written)
        elif variable.is_untrusted and role == "system":
            message = f"{name}: users fill {use.name!r}, and it stands in the system message"
            yield Flaw(ASTRAY, message, spot, "put it into a user message", use.written)


def _variable_flaws(name: str, version: Version, variable_name: str, *, is_used: bool) -> Iterator[Flaw]:
    variable = version.variables[variable_name]
    spot = version.spot.at("variables", variable_name)
    if not is_used:
        yield Flaw(ASTRAY, f"{name} declares {variable_name!r} and never uses it", spot, "remove it, or use it")
    if variable.has_default:
        unfit = why_unfit(variable, variable.default)
        if unfit is not None:
            yield Flaw(
                BROKEN,
                f"{name}: the default does not fit: {unfit.message}",
                spot.at("default"),
                unfit.hint or "give one that fits",
            )
        if variable.is_sensitive:
            yield Flaw(ASTRAY, f"{name}: {variable_name!r} is sensitive, and everyone who reads the repository reads its default",
                       spot.at("default"), "remove the default: the application gives the value")  # fmt: skip


def _length_flaws(name: str, version: Version, grammars: Mapping[Engine, Grammar]) -> Iterator[Flaw]:
    if version.max_tokens is None:
        return
    spot = version.spot.at("max_prompt_tokens")
    found = estimate(version, grammars)
    if found.least > version.max_tokens:
        yield Flaw(ASTRAY, f"{name} has about {found.least} tokens without its variables; {version.max_tokens} are allowed", spot,
                   "shorten it, or raise the limit")  # fmt: skip
    elif found.most is not None and found.most > version.max_tokens:
        yield Flaw(ASTRAY, f"{name} may come to about {found.most} tokens; {version.max_tokens} are allowed", spot,
                   "lower max_chars of its variables, or raise the limit")  # fmt: skip
    for variable in version.variables.values():
        if variable.is_untrusted and variable.type == "string" and variable.max_chars is None and not variable.enum:
            yield Flaw(ASTRAY, f"{name}: users fill {variable.name!r} and nothing bounds it, so max_prompt_tokens cannot hold",
                       version.spot.at("variables", variable.name), "bound it with max_chars")  # fmt: skip

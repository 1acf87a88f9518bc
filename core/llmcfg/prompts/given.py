"""Values for the variables of a version: are they what is declared, and what does each variable come to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from llmcfg.model.suggest import did_you_mean
from llmcfg.model.value import kind_of
from llmcfg.prompts.record import EMPTY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llmcfg.prompts.record import Variable, Version

_SHOWN: Final = 6


class Unfit(NamedTuple):
    """Why a value does not fit a variable. No value is in it: it may be a person's."""

    variable: str
    message: str
    hint: str = ""


def why_unfit(variable: Variable, value: Any) -> Unfit | None:
    """Why `value` cannot be given to the variable; None when it can."""
    if not _is_of(variable.type, value):
        article = "an" if variable.type[0] in "aeiou" else "a"
        return Unfit(variable.name, f"{variable.name} is {article} {variable.type}, and a {kind_of(value)} is given")
    if variable.enum and value not in variable.enum:
        known = ", ".join(str(each) for each in variable.enum[:_SHOWN])
        return Unfit(variable.name, f"{variable.name} is given what its enum does not hold", f"there are: {known}")
    if variable.max_chars is not None and isinstance(value, str) and len(value) > variable.max_chars:
        return Unfit(
            variable.name,
            f"{variable.name} has {len(value)} characters; {variable.max_chars} are allowed",
            "shorten it",
        )
    return None


def find_unfit(version: Version, given: Mapping[str, Any]) -> Iterator[Unfit]:
    """What is wrong with the values for a version: unknown names, wrong types, missing ones."""
    for name, value in given.items():
        variable = version.variables.get(name)
        if variable is None:
            yield Unfit(
                name,
                f"there is no variable {name!r}",
                did_you_mean(name, version.variables, "declare it under variables"),
            )
        elif (unfit := why_unfit(variable, value)) is not None:
            yield unfit
    for name, variable in version.variables.items():
        if variable.required and not variable.has_default and name not in given:
            yield Unfit(name, f"{name} is required and not given", f"give it: --var {name}=…")


def filled(version: Version, given: Mapping[str, Any]) -> dict[str, Any]:
    """A value for every declared variable: what is given, its default, or what is empty for its type."""
    return {
        name: given[name] if name in given else variable.default if variable.has_default else EMPTY.get(variable.type)
        for name, variable in version.variables.items()
    }


def _is_of(kind: str, value: Any) -> bool:
    match kind:
        case "string":
            return isinstance(value, str)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool)
        case "list":
            return isinstance(value, list)
        case "object":
            return isinstance(value, dict)
        case _:
            return True

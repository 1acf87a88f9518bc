"""What a grammar finds in the text of a message: the names that somebody has to supply, or why it cannot be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Engine: TypeAlias = Literal["jinja", "mustache", "handlebars"]
ENGINES: Final[tuple[Engine, ...]] = ("jinja", "mustache", "handlebars")


class Use(NamedTuple):
    """A variable that a text takes; `written` is the tag that takes it, as the text has it."""

    name: str
    written: str


class Fault(Struct, frozen=True):
    """Why a text is no template."""

    message: str
    written: str = ""
    hint: str = ""


Parsed: TypeAlias = "tuple[Use, ...] | Fault"

# A grammar takes the text of a message and the types of the declared variables, since a section opens up an object but not a boolean.
Grammar: TypeAlias = "Callable[[str, Mapping[str, str]], Parsed]"

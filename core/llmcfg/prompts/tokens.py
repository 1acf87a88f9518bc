"""How many tokens a prompt may come to, by four characters a token. No tokenizer is asked: one would be another download for each vendor.

English text has about that; code, other scripts and digits have more tokens, so a limit needs room.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from llmcfg.prompts.syntax import Fault

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmcfg.prompts.record import Version
    from llmcfg.prompts.syntax import Engine, Grammar

CHARACTERS: Final = 4
_A_MESSAGE: Final = 4
"""Tokens that a message costs beside its text: its role and its ends."""


class Estimate(NamedTuple):
    """`least` is the text alone. `most` counts each variable as often as it is used, at its longest; None where one has no longest."""

    least: int
    most: int | None


class Receiver(NamedTuple):
    """A model that may get a prompt, and the tokens that it reads at once, where that is known."""

    name: str
    context: int | None


class Receivers(Protocol):
    """What a platform knows of its models."""

    def behind(self, name: str) -> Sequence[Receiver]:
        """The models that answer to the name of a model or route, with all fallbacks."""
        ...


def estimate(version: Version, grammars: Mapping[Engine, Grammar]) -> Estimate:
    least = most = 0
    is_bounded = True
    for message in version.messages:
        parsed = grammars[version.engine](message.content, version.types)
        uses = () if isinstance(parsed, Fault) else parsed
        text = len(message.content) - sum(len(use.written) for use in uses)
        least += _tokens(text) + _A_MESSAGE
        longest = [_longest(version, use.name) for use in uses]
        is_bounded = is_bounded and all(length is not None for length in longest)
        most += _tokens(text + sum(length or 0 for length in longest)) + _A_MESSAGE
    return Estimate(least, most if is_bounded else None)


def tokens_of(texts: Sequence[str]) -> int:
    """Of messages as they are sent."""
    return sum(_tokens(len(text)) + _A_MESSAGE for text in texts)


def _longest(version: Version, name: str) -> int | None:
    variable = version.variables.get(name)
    if variable is None:
        return 0
    if variable.enum:
        return max(len(str(each)) for each in variable.enum)
    if variable.type in ("integer", "number", "boolean"):
        return 20
    return variable.max_chars


def _tokens(characters: int) -> int:
    return -(-max(characters, 0) // CHARACTERS)

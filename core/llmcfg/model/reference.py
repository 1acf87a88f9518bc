"""References in strings: `{{secret:name}}`, `{{config:key.path}}`, `{{var:name}}`, and `{{param:name}}` in patterns.

Any other `{{ … }}` belongs to somebody else (a prompt's own variables) and passes through untouched (docs/spec/references.md).
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.regex import regex

if TYPE_CHECKING:
    from collections.abc import Iterator


class ReferenceKind(StrEnum):
    SECRET = "secret"
    CONFIG = "config"
    VARIABLE = "var"
    PARAMETER = "param"


class Reference(NamedTuple):
    """One reference; `start` and `end` are its offsets in the string that holds it."""

    kind: ReferenceKind
    name: str
    start: int
    end: int


class Slip(NamedTuple):
    """A text that is no reference, and the one that was probably meant."""

    meant: str
    start: int
    end: int


PREVIOUS: Final = "previous"
ALL: Final = "all"
SELECTORS: Final = (PREVIOUS, ALL)


class SecretUse(NamedTuple):
    """What stands behind `secret:`: a secret, and which of its values. No selector is the current one, `all` a list of what there is."""

    name: str
    selector: str = ""

    def __str__(self) -> str:
        return f"{self.name}@{self.selector}" if self.selector else self.name


_USE = regex(r"((?:\"(?:[^\"\\]|\\.)*+\"|[^@\"])*+)@(.+)", re.DOTALL)
_PLAIN = regex(r"[A-Za-z_][A-Za-z0-9_]*")
_NOT_PLAIN = regex(r"[^A-Za-z0-9_]+")
_HEAD = regex(r"\{\{[ \t]*+(secret|config|var|param)([ \t]*+):")
# Possessive, and only looked for in a bounded window, so that no text takes quadratic time.
_NAME = regex(r"(?=[ \t]*+[^ \t}])((?:\"(?:[^\"\\]|\\.)*+\"|[^{}\"])++)\}\}")
_LONGEST_NAME = 512
_KINDS: Final = tuple(ReferenceKind)
_SLIP = regex(r"(?<!\$)\{\{[ \t]*+([A-Za-z]{3,10})[ \t]*+([:.])[ \t]*+([^\s{}|()]{1,200})[ \t]*+\}\}")


def find_references(text: str) -> list[Reference]:
    """All references in `text`, in order."""
    return [found for found in _scan(text) if isinstance(found, Reference)] if "{{" in text else []


def find_malformed_reference(text: str) -> int | None:
    """The offset of the first `{{secret:` and the like that never becomes a reference; None if all do."""
    if "{{" not in text:
        return None
    return next((found for found in _scan(text) if isinstance(found, int)), None)


def _scan(text: str) -> Iterator[Reference | int]:
    """Each reference, and the offset of each that is malformed; none begins inside another."""
    end = 0
    while (head := _HEAD.search(text, end)) is not None:
        name = None if head[2] else _NAME.match(text, head.end(), head.end() + _LONGEST_NAME)
        end = head.end() if name is None else name.end()
        yield (
            head.start() if name is None else Reference(ReferenceKind(head[1]), name[1].strip(" \t"), head.start(), end)
        )


def find_slips(text: str) -> list[Slip]:
    """What is almost a reference, in order: `{{secrets:x}}`, `{{Secret:x}}`, `{{ secret.x }}`. `${{ … }}` is another language."""
    return [
        Slip(f"{{{{{kind}:{match[3]}}}}}", match.start(), match.end())
        for match in (_SLIP.finditer(text) if "{{" in text else ())
        if (kind := _meant_kind(match[1], match[2])) is not None
    ]


def _meant_kind(word: str, mark: str) -> ReferenceKind | None:
    """The kind that was meant by a word before a colon; before a dot only a secret, since programs have variables of their own."""
    from difflib import get_close_matches  # slow to import, and seldom needed

    if word in _KINDS and mark == ":":
        return None  # it is a reference, or a malformed one
    if mark == ".":
        return ReferenceKind.SECRET if word.lower() in ("secret", "secrets") else None
    meant = get_close_matches(word.lower(), _KINDS, n=1, cutoff=0.75)
    return ReferenceKind(meant[0]) if meant else None


def is_whole(text: str, reference: Reference) -> bool:
    """Whether the string is this one reference and nothing else, so that it takes the value with its type."""
    return reference.start == 0 and reference.end == len(text)


def parse_secret_use(text: str) -> SecretUse:
    """The use that a reference's name says; its selector may be one that does not exist. An `@` in a quoted key selects nothing."""
    match = _USE.fullmatch(text)
    return SecretUse(match[1], match[2]) if match else SecretUse(text)


def secret_reference(use: SecretUse | str) -> str:
    """The canonical text of a reference to a secret."""
    return "{{secret:" + str(use) + "}}"


def environment_name(use: SecretUse) -> str:
    """The environment variable that a program reads a secret from: OPENAI_API_KEY, OPENAI_API_KEY_PREVIOUS."""
    name = f"{use.name}_{use.selector}" if use.selector else use.name
    return swap_name_case(name) if _PLAIN.fullmatch(name) else _NOT_PLAIN.sub("_", name).strip("_").upper()


def swap_name_case(name: str) -> str:
    """OPENAI_API_KEY, as an environment variable is called, for openai_api_key, as a secret is called, and the other way round.

    A name of mixed case or without letters stays, so that doing it twice gives back every name.
    """
    if name.isupper():
        return name.lower()
    return name.upper() if name.islower() else name

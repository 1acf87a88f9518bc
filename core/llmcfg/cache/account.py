"""Why a run did things although there is a cache: what was not known, by step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from llmcfg.cache.store import DiskCache

WHY: Final = {
    "compare all": "nothing is remembered of what documents ask for, or this differs from that, and is no document and no secret",
    "read": "the file is new or changed, or had findings",
    "compile": "the schema, or another file in schemas/, changed, or there were findings",
    "look for plaintext": "the file is new or changed, or had findings",
    "look through": "the file is new or changed, or holds what has to be looked at",
    "compose": "a layer of it, or how its lists merge, changed, or it had findings",
    "resolve": "it, or something that it refers to, changed, or it had findings",
    "check": "it or its schema changed, or it had findings",
    "select": "it, or what is selected of it, changed",
    "render": "what it reads changed, or it had findings",
    "judge": "its records, what they know around them, the day or the catalogue changed, or there were findings",
    "read back": "somebody else deployed it, and it was not read since; or it is not what was written",
    "build all": "no build of the environment is remembered, or this differs from it and is no document and no secret, or is wrong",
    "build": "what it may be made of changed since the last build",
    "format": "it is new or changed, or was not written as it should be",
    "check prompts": "its prompts or what they read changed, or there were findings",
}
"""Every step that a cache is asked about, in the order of a build."""


class Redone(NamedTuple):
    """A step, why it was done, and what it was about, each once and in the order in which it was met."""

    step: str
    why: str
    about: tuple[str, ...]


def redone(cache: DiskCache) -> tuple[Redone, ...]:
    found: dict[str, dict[str, None]] = {step: {} for step in WHY}
    for step, about in cache.missed:
        found[step][about] = None
    return tuple(Redone(step, WHY[step], tuple(about)) for step, about in found.items() if about)

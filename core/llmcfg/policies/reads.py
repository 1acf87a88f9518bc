"""Which parts of the input the policies can read. Scopes that are alike in these share one evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmcfg.policies.tokens import unquote

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from llmcfg.policies.modules import Module
    from llmcfg.policies.tokens import Token

EVERYTHING: Final = frozenset([()])
_DEPTH: Final = 8  # steps, which are more than names of documents have
Reads = frozenset[tuple[str, ...]]
"""Paths below `input`, as far as they are written out; the empty path is all of it."""


def reads_of(modules: Iterable[Module]) -> Reads:
    found: set[tuple[str, ...]] = set()
    for module in modules:
        if any(path[0] == "input" for path in module.imports.values()):
            return EVERYTHING
        for rule in module.rules:
            found |= {_read(rule.words, at) for at, word in enumerate(rule.words) if _is_input(rule.words, at, word)}
    return EVERYTHING if () in found else frozenset(found)


def wants(reads: Reads, *path: str) -> bool:
    """Whether a policy can see what lies at the path, in whole or in part."""
    return any(read[: len(path)] == path[: len(read)] for read in reads)


def _is_input(words: Sequence[Token], at: int, word: Token) -> bool:
    return word.text == "input" and word.kind == "name" and not (at and words[at - 1].text == ".")


def _read(words: Sequence[Token], at: int) -> tuple[str, ...]:
    path: list[str] = []
    at += 1
    while len(path) < _DEPTH and at + 1 < len(words):
        step = words[at + 1]
        if words[at].text == "." and step.kind == "name":
            path.append(step.text)
            at += 2
        elif words[at].text == "[" and step.kind == "string" and words[at + 2 : at + 3] and words[at + 2].text == "]":
            key = unquote(step.text)
            if key is None:
                break
            path.append(key)
            at += 3
        else:
            break
    return tuple(path)

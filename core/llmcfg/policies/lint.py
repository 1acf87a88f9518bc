"""What is refused before a policy runs, because the engine would take it for undefined, and a policy that is undefined denies nothing.

- A call of a function that is neither on the list nor defined in `policies/`.
- A name that is nothing: not declared with `:=`, `some`, `every` or as an argument, no import, no rule of the package.
- A `deny` or `warn` that is not a set, and names of rules that nothing asks for but look as if.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.model.findings import Problem
from llmcfg.model.suggest import did_you_mean
from llmcfg.policies.builtins import ALLOWED, REFUSED
from llmcfg.policies.modules import head_length, is_policy_name
from llmcfg.policies.tokens import KEYWORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from llmcfg.policies.modules import Module, Rule
    from llmcfg.policies.tokens import Token

_CLOSES: Final = {")": "(", "]": "[", "}": "{"}


class Known(NamedTuple):
    """What the modules define together: the rules of each package, and its functions."""

    rules: dict[tuple[str, ...], frozenset[str]]
    functions: frozenset[tuple[str, ...]]


def known_in(modules: Iterable[Module]) -> Known:
    rules: dict[tuple[str, ...], set[str]] = {}
    functions = set()
    for module in modules:
        for rule in module.rules:
            rules.setdefault(module.package, set()).add(rule.name.split(".")[0])
            if rule.is_function:
                functions.add((*module.package, *rule.name.split(".")))
    return Known({package: frozenset(names) for package, names in rules.items()}, frozenset(functions))


def lint(module: Module, known: Known) -> tuple[Problem, ...]:
    """The problems of one module, in the order of its lines."""
    found: list[Problem] = []
    for rule in module.rules:
        if is_policy_name(rule.name) and not rule.is_set and not module.is_test:
            found.append(_problem("policy-rule", f"{rule.name} is not a set", rule.words[0],
                                  f"write it as: {rule.name} contains result if {{ … }}"))  # fmt: skip
        declared = _declared(rule.words) | module.imports.keys() | known.rules.get(module.package, frozenset())
        found += _wrong_names(module, rule, declared, known)
    return tuple(sorted(found, key=lambda problem: (problem.line, problem.column)))


def _wrong_names(module: Module, rule: Rule, declared: set[str], known: Known) -> Iterator[Problem]:
    words = rule.words
    for at, word in enumerate(words):
        starts = word.kind == "name" and not (at and words[at - 1].text == ".")
        end = _reference_end(words, at)
        is_call = end < len(words) and words[end].text == "(" and words[end].line == word.line
        if not starts or (word.text in KEYWORDS and word.text != "contains" and not (is_call and word.text == "data")):
            continue
        steps = tuple(step.text for step in words[at:end:2])
        if is_call and at:
            yield from _wrong_call(module, steps, word, declared, known)
        elif word.text not in declared and word.text not in ("contains", "_"):
            yield _problem("policy-variable", f"{word.text} is not declared", word,
                           did_you_mean(word.text, declared, f"declare it: some {word.text}, or {word.text} := …"))  # fmt: skip
    yield from _computed_calls(words)


def _wrong_call(
    module: Module, steps: tuple[str, ...], word: Token, declared: set[str], known: Known
) -> Iterator[Problem]:
    name = ".".join(steps)
    head = module.imports.get(steps[0], (steps[0],))
    full = (*head, *steps[1:])
    path = full[1:] if full[0] == "data" else (*module.package, *full)
    if path in known.functions or (name in ALLOWED and steps[0] not in declared):
        return
    if name in REFUSED:
        yield _problem("policy-function", f"policies do not call {name}", word, REFUSED[name])
        return
    depth = len(module.package)
    local = {".".join(path[depth:]) for path in known.functions if path[:depth] == module.package}
    yield _problem("policy-function", f"there is no function {name} for policies", word,
                   did_you_mean(name, ALLOWED | local, "docs/policies.md lists those that there are"))  # fmt: skip


def _computed_calls(words: Sequence[Token]) -> Iterator[Problem]:
    """`http["send"](…)`: the name of what is called has to be there to be read."""
    for before, word in pairwise(words):
        touches = (before.line, before.column + len(before.text)) == (word.line, word.column)
        if before.text == "]" and word.text == "(" and touches:
            yield _problem("policy-function", "what is called here has no name", word, "write the name: a.b(…)")


def _reference_end(words: Sequence[Token], at: int) -> int:
    end = at + 1
    while end + 1 < len(words) and words[end].text == "." and words[end + 1].kind == "name":
        end += 2
    return end


def _declared(words: Sequence[Token]) -> set[str]:
    """The names that a rule declares anywhere in it."""
    found = _arguments(words)
    for at, word in enumerate(words):
        if word.text in ("some", "every"):
            found |= _names_until(words, at)
        elif word.text == ":=" and at:
            found |= _names(words[_pattern_start(words, at) : at])
    return found


def _arguments(words: Sequence[Token]) -> set[str]:
    at = head_length(words)
    if at >= len(words) or words[at].text != "(":
        return set()
    end = next((index for index in range(at + 1, len(words)) if words[index].depth <= words[at].depth), len(words))
    return _names(words[at:end])


def _names_until(words: Sequence[Token], at: int) -> set[str]:
    """The names between `some` or `every` and `in`, or the end of the expression."""
    start = words[at]
    end = at + 1
    while end < len(words):
        word = words[end]
        if word.text == "in" or word.depth < start.depth or (word.depth == start.depth and word.text in (";", "|")):
            break
        if word.is_first and word.depth == start.depth and words[end - 1].text not in (",", "some", "every"):
            break
        end += 1
    return _names(words[at + 1 : end])


def _pattern_start(words: Sequence[Token], at: int) -> int:
    """Where what stands before `:=` begins: a name, or an array or object of names."""
    last = words[at - 1]
    if last.text not in _CLOSES:
        return at - 1
    opening = _CLOSES[last.text]
    start = at - 2
    while start > 0 and not (words[start].text == opening and words[start].depth == last.depth):
        start -= 1
    return start


def _names(words: Sequence[Token]) -> set[str]:
    return {word.text for word in words if word.kind == "name" and word.text not in KEYWORDS}


def _problem(rule: str, message: str, word: Token, hint: str) -> Problem:
    return Problem(rule, message, word.line, word.column, hint=hint, length=len(word.text))

"""The policies of a repository: its modules read and checked, and the rules of them that are asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.model.findings import Problem
from llmcfg.model.rules import Rule, Severity
from llmcfg.policies.evaluate import has_engine
from llmcfg.policies.lint import known_in, lint
from llmcfg.policies.modules import is_policy_name, read_module
from llmcfg.policies.reads import Reads, reads_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from llmcfg.policies.modules import Module

RULE_PREFIX: Final = "policy/"
_WHY: Final = "This repository says so."


class Policy(NamedTuple):
    """One rule that is asked: where the engine finds it, where it stands, and the rule that its findings name."""

    entrypoint: str
    file: str
    line: int
    column: int
    rule: Rule
    hint: str


@dataclass(frozen=True, slots=True)
class Policies:
    """`problems` are by file; with any, nothing is evaluated. `modules` are those without tests, by file."""

    policies: tuple[Policy, ...]
    modules: Mapping[str, str]
    tests: Mapping[str, str]
    test_names: Mapping[str, tuple[TestRule, ...]]
    reads: Reads
    reads_by_file: Mapping[str, Reads]
    problems: Mapping[str, tuple[Problem, ...]]

    @property
    def is_sound(self) -> bool:
        return not any(self.problems.values())


class TestRule(NamedTuple):
    name: str
    entrypoint: str
    line: int
    column: int


def load_policies(files: Mapping[str, bytes]) -> Policies:
    problems: dict[str, tuple[Problem, ...]] = {}
    read: list[Module] = []
    for file, content in files.items():
        module, problems[file] = read_module(file, content)
        read += [module] if module else []
    known = known_in(read)
    for module in read:
        problems[module.file] += lint(module, known)
    first = next(iter(files), None)
    if first is not None and not has_engine():
        problems[first] = (
            Problem("policy-engine", "the engine for policies in Rego is not installed", hint="pip install 'llmcfg[policy]'"),
        )  # fmt: skip
    modules = [module for module in read if not module.is_test]
    tests = [module for module in read if module.is_test]
    return Policies(
        tuple(_policies(modules)),
        {module.file: module.text for module in modules},
        {module.file: module.text for module in tests},
        {module.file: tuple(_tests(module)) for module in tests},
        reads_of(modules),
        {module.file: reads_of([module]) for module in modules},
        problems,
    )


def _policies(modules: Iterable[Module]) -> Iterator[Policy]:
    """One for each name in a package, as its first definition with an annotation says it, or its first."""
    seen: dict[str, Policy] = {}
    annotated: set[str] = set()
    for module in modules:
        for rule in module.rules:
            entrypoint = "/".join((*module.package, rule.name))
            said = rule.annotation.is_something
            if is_policy_name(rule.name) and (entrypoint not in seen or (said and entrypoint not in annotated)):
                annotation = rule.annotation if said else module.annotation
                severity = annotation.severity or (Severity.WARNING if rule.name.startswith("warn") else Severity.ERROR)
                name = annotation.id or ".".join((*module.package, rule.name))
                title = annotation.title or f"policy {name}"
                shown = Rule(RULE_PREFIX + name, severity, title, annotation.description or annotation.title or _WHY)
                seen[entrypoint] = Policy(entrypoint, module.file, rule.line, rule.column, shown, annotation.hint)
                annotated |= {entrypoint} if said else set()
    yield from seen.values()


def _tests(module: Module) -> Iterator[TestRule]:
    for rule in module.rules:
        if rule.name.startswith("test_"):
            yield TestRule(rule.name, "/".join((*module.package, rule.name)), rule.line, rule.column)

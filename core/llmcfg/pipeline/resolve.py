"""References: from composed documents to the effective configuration of a scope (docs/spec/references.md).

First `$extends` lays the named mappings beneath the one that says so (patterns.py). Then `{{config:…}}` and `{{var:…}}` take the value
they name; a string that is one reference takes it with its type. `{{secret:…}}` stays as text, in its canonical form, after its name
is found among the scope's secret files; `@all` becomes a list of such texts.

A resolved document is remembered with what it read (reads.py), so scopes that agree on that share it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

from msgspec import Struct, field
from msgspec.structs import replace

from llmcfg import limits
from llmcfg.model.keypath import format_key_path
from llmcfg.model.later import Later
from llmcfg.model.reference import (
    ALL,
    Reference,
    ReferenceKind,
    find_malformed_reference,
    find_references,
    find_slips,
    is_whole,
    parse_secret_use,
    secret_reference,
)
from llmcfg.model.value import Path, Tagged, Value
from llmcfg.pipeline import tags
from llmcfg.pipeline.known import Outcome, find_outcome, learn_outcome, name_of_bytes
from llmcfg.pipeline.notes import Notes
from llmcfg.pipeline.patterns import Patterns, is_around
from llmcfg.pipeline.reads import MISSING, Outcomes, Question, Reads, Surroundings, answer_text
from llmcfg.pipeline.secretuse import find_use_fault, uses_of

if TYPE_CHECKING:
    from collections.abc import Hashable

    from llmcfg.model.findings import Problem
    from llmcfg.pipeline.compose import Composed
    from llmcfg.pipeline.reads import QuestionKind
    from llmcfg.ports import Cache

__all__ = ["ResolveMemo", "Resolved", "Resolver", "Surroundings", "is_around"]


class Resolved(Struct, frozen=True, eq=False):
    """One document of the effective configuration. Two of them are the same value exactly when they are the same object.

    `problems` have paths in the document. `secrets` are the uses in it, as texts: `name`, `name@previous`. `digest` names what it was
    made from; it is empty where nothing is remembered on disk.
    """

    name: str
    content: Later[dict[str, Value]]
    composed: Composed
    problems: tuple[Problem, ...] = ()
    secrets: frozenset[str] = frozenset()
    digest: bytes = b""

    @property
    def value(self) -> dict[str, Value]:
        return self.content.get()


class ResolveMemo(Struct):
    plain: dict[Composed, Resolved] = field(default_factory=dict)
    outcomes: dict[Composed, Outcomes[Resolved]] = field(default_factory=dict)


class Resolver:
    """Resolves the documents of one scope."""

    def __init__(self, surroundings: Surroundings, memo: ResolveMemo, disk: Cache | None = None) -> None:
        self._surroundings = surroundings
        self._memo = memo
        self._disk = disk

    def resolve(self, composed: Composed) -> Resolved:
        if not composed.needs_resolution:
            return self._memo.plain.get(composed) or self._memo.plain.setdefault(
                composed, Resolved(composed.name, composed.content, composed, digest=composed.digest)
            )
        outcomes = self._memo.outcomes.setdefault(composed, Outcomes())
        resolved = outcomes.find(self._surroundings)
        if resolved is None:
            reads = Reads(self._surroundings)
            resolved = self._find(composed, reads)
            if resolved is None:
                reads = Reads(self._surroundings)
                resolved = self._learn(_Resolution(reads).document(composed), reads)
            outcomes.add(reads, resolved)
        return resolved

    def _find(self, composed: Composed, reads: Reads) -> Resolved | None:
        """Along the questions that were asked on disk, as far as this scope answers them the same."""
        if self._disk is None:
            return None
        name = name_of_bytes("resolved", [composed.digest])
        outcome = find_outcome(self._disk, name, composed.name)
        while outcome is not None and outcome.kind:
            question = Question(cast("QuestionKind", outcome.kind), outcome.question)
            name = _after(name, reads.ask(question))
            outcome = find_outcome(self._disk, name, composed.name)
        if outcome is None:
            return None
        content = Later(lambda: _Resolution(Reads(self._surroundings)).document(composed).value)
        return Resolved(composed.name, content, composed, (), frozenset(outcome.secrets), name)

    def _learn(self, resolved: Resolved, reads: Reads) -> Resolved:
        if self._disk is None:
            return resolved
        steps: list[tuple[bytes, Outcome]] = []
        name = name_of_bytes("resolved", [resolved.composed.digest])
        for question, answer in reads.answers.items():
            steps.append((name, Outcome(*question)))
            name = _after(name, answer)
        if not resolved.problems:
            for place, outcome in (*steps, (name, Outcome(secrets=sorted(resolved.secrets)))):
                learn_outcome(self._disk, place, outcome)
        return replace(resolved, digest=name)


def _after(name: bytes, answer: Hashable) -> bytes:
    return name_of_bytes("answer", [name, answer_text(answer).encode("utf-8", "surrogatepass")])


class _Resolution:
    """One walk over one document.

    In it, `at` is the full key path of a value, `stack` the paths that are being resolved around it (none in the document itself), and
    `depth` how deep in the result it stands.
    """

    def __init__(self, reads: Reads) -> None:
        self._reads = reads
        self._notes = Notes()
        self._patterns = Patterns(reads, self._notes)
        self._prefix: Path = ()
        self._referred: dict[Path, Value] = {}
        self._secrets: set[str] = set()
        self._asked: set[str] = set()

    def document(self, composed: Composed) -> Resolved:
        self._prefix = tuple(composed.name.split("/"))
        value = self._value(composed.value, self._prefix, (), 0)
        assert isinstance(value, dict)
        return Resolved(composed.name, Later.of(value), composed, self._notes.problems, frozenset(self._secrets))

    def _value(self, value: Value, at: Path, stack: tuple[Path, ...], depth: int) -> Value:
        if not stack:
            self._notes.place, self._notes.written = at[len(self._prefix) :], ""
        if isinstance(value, str):
            return self._text(value, at, stack, depth) if "{{" in value else value
        if isinstance(value, Tagged):
            report = _ignore if stack else self._notes.report  # elsewhere it is that document's finding
            return self._value(tags.settle(value, report, self._notes.place), at, stack, depth)
        if not isinstance(value, dict | list):
            return value
        if depth >= limits.DOCUMENT_DEPTH:
            self._too_deep()
            return None
        if isinstance(value, list):
            items = [self._value(item, (*at, index), stack, depth + 1) for index, item in enumerate(value)]
            return value if all(new is old for new, old in zip(items, value, strict=True)) else items
        return self._mapping(value, at, stack, depth)

    def _mapping(self, value: dict[str, Value], at: Path, stack: tuple[Path, ...], depth: int) -> Value:
        expanded = self._patterns.expand(value, at)
        place = self._notes.place
        report = _ignore if stack else self._notes.report
        result: dict[str, Value] = {
            key: self._value(item, (*at, key), stack, depth + 1)
            for key, item in expanded.items()
            if not tags.deletes_nothing(item, report, (*place, key), partial(self._delete_hint, expanded, key))
        }
        return value if len(result) == len(value) and all(result[k] is value.get(k) for k in result) else result

    def _delete_hint(self, mapping: dict[str, Value], key: str) -> str:
        there = [name for name, item in mapping.items() if not tags.is_deletion(item)]
        return self._notes.suggest(key, lambda: there, tags.no_hint())

    def _text(self, text: str, at: Path, stack: tuple[Path, ...], depth: int) -> Value:
        malformed = find_malformed_reference(text)
        if malformed is not None:
            shown = _shorten(text[malformed:])
            self._point_at("{{", stack)
            self._notes.add("reference-syntax", f"cannot read the reference {shown!r}",
                            "write it as {{config:key.path}}, {{secret:name}} or {{var:name}}")  # fmt: skip
        for slip in find_slips(text):
            written = text[slip.start : slip.end]
            self._point_at(written, stack)
            self._notes.add(
                "reference-slip", f"{written} is no reference, and stays as it is", f"did you mean {slip.meant}?"
            )
        references = find_references(text)
        if not references:
            return text
        parts: list[str] = []
        end = 0
        for reference in references:
            self._point_at(text[reference.start : reference.end], stack)
            value = self._reference(reference, at, stack, depth)
            if is_whole(text, reference):
                return value
            parts += (text[end : reference.start], self._patterns.as_text(value, reference))
            end = reference.end
        parts.append(text[end:])
        return self._put_together("".join(parts), stack)

    def _point_at(self, written: str, stack: tuple[Path, ...]) -> None:
        if not stack:
            self._notes.written = written

    def _put_together(self, text: str, stack: tuple[Path, ...]) -> str:
        """A text with references replaced. It must not have become one that nobody wrote, and nobody checked."""
        for reference in find_references(text):
            if reference.kind is ReferenceKind.SECRET and reference.name not in self._asked:
                self._point_at("{{", stack)
                self._notes.add("reference-syntax", "this text becomes a reference to a secret only when its references are replaced",
                                "write the whole reference in one place")  # fmt: skip
                return text.replace("{{", "{ {")
        return text

    def _reference(self, reference: Reference, at: Path, stack: tuple[Path, ...], depth: int) -> Value:
        match reference.kind:
            case ReferenceKind.SECRET:
                return self._secret(reference.name, depth)
            case ReferenceKind.VARIABLE:
                return self._variable(reference.name)
            case ReferenceKind.CONFIG:
                return self._config(reference.name, at, stack, depth)
            case ReferenceKind.PARAMETER:
                # A pattern's own document holds unfilled parameters; they are filled where it is extended.
                return "{{param:" + reference.name + "}}"

    def _secret(self, text: str, depth: int) -> Value:
        use = parse_secret_use(text)
        self._asked.add(str(use))
        fault = find_use_fault(use, self._reads)
        if fault is not None:
            known = (self._reads.secret_names() if fault.suggests else None) or frozenset()
            self._notes.add(fault.rule, fault.message, self._notes.suggest(use.name, known.copy, fault.hint))
            return secret_reference(use)
        uses = uses_of(use, self._reads)
        texts = {str(each) for each in uses}
        self._asked |= texts
        if self._reads.has_secret(use.name):
            self._secrets |= texts
        if use.selector != ALL:
            return secret_reference(use)
        if depth >= limits.DOCUMENT_DEPTH:
            self._too_deep()
            return None
        return [secret_reference(each) for each in uses]

    def _variable(self, name: str) -> Value:
        value = self._reads.variable(name)
        if value is not MISSING:
            return value
        self._notes.add("variable-missing", f"no variable {name!r}",
                        self._notes.suggest(name, self._reads.variables, "set it under variables in llmcfg.yaml"))  # fmt: skip
        return "{{var:" + name + "}}"

    def _config(self, name: str, at: Path, stack: tuple[Path, ...], depth: int) -> Value:
        unresolved = "{{config:" + name + "}}"
        path = self._patterns.parse(name)
        if path is None or self._notes.is_spent:
            return unresolved
        if path not in self._referred:
            around = stack or (at,)
            if any(step[: len(path)] == path for step in around):
                cycle = " -> ".join(format_key_path(step) for step in (*around, path))
                self._notes.add(
                    "reference-cycle", f"references in a cycle: {cycle}", "give one of them a value of its own"
                )
                return unresolved
            if len(around) > limits.EXTENDS_DEPTH:
                self._notes.add("reference-limit", f"references follow one another more than {limits.EXTENDS_DEPTH} times",
                                "refer to the value itself")  # fmt: skip
                return unresolved
            broken = len(self._notes)
            found = self._patterns.find(path)
            if found is MISSING:
                if not self._patterns.is_excused:
                    self._notes.add(
                        "reference-missing", f"no key {format_key_path(path)}", self._patterns.suggest(path)
                    )
                return unresolved
            value = self._value(found, path, (*around, path), depth)
            if len(self._notes) > broken:
                return value
            self._referred[path] = value
        return self._referred[path] if self._fits(self._referred[path], name, depth) else unresolved

    def _fits(self, value: Value, name: str, depth: int) -> bool:
        if not self._notes.spend(value, name):
            return False
        if depth + self._notes.measure(value)[1] > limits.DOCUMENT_DEPTH:
            self._too_deep()
            return False
        return True

    def _too_deep(self) -> None:
        self._notes.add("reference-limit", f"references and patterns nest deeper than {limits.DOCUMENT_DEPTH} levels",
                        "refer to smaller parts")  # fmt: skip


def _ignore(_problem: Problem) -> None:
    """For what another document says."""


def _shorten(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "…"

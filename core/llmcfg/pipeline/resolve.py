"""Patterns and references: from composed documents to the effective configuration of a scope (docs/spec/references.md).

First `$extends` lays the named mappings beneath the one that says so, with `$with` filling their `{{param:…}}`. Then `{{config:…}}`
and `{{var:…}}` take the value they name; a string that is one reference takes it with its type. `{{secret:…}}` stays as text, in its
canonical form, after its name is found among the scope's secret files.

A resolved document is remembered with what it read (documents, variables, secret names), so scopes that agree on those share it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from llmcfg import limits
from llmcfg.model.findings import Problem
from llmcfg.model.keypath import KeyPathError, format_key_path, parse_key_path
from llmcfg.model.reference import (
    Reference,
    ReferenceKind,
    find_malformed_reference,
    find_references,
    is_whole,
    secret_reference,
)
from llmcfg.model.suggest import did_you_mean
from llmcfg.model.value import Path, Scalar, Tagged, Value, kind_of
from llmcfg.pipeline import merge, tags

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

    from llmcfg.pipeline.compose import Composed, Documents

_MISSING = object()


@dataclass(frozen=True, slots=True, eq=False)
class Resolved:
    """One document of the effective configuration. Two of them are the same value exactly when they are the same object.

    `problems` have paths in the document. `secrets` are the names that it refers to. `reads` are the names of the documents that its
    references and patterns went through.
    """

    name: str
    value: dict[str, Value]
    composed: Composed
    problems: tuple[Problem, ...] = ()
    secrets: frozenset[str] = frozenset()
    reads: frozenset[str] = frozenset()


class _Trace(NamedTuple):
    """What a resolution read, and its outcome: it holds wherever these still read the same."""

    documents: tuple[tuple[str, Composed | None], ...]
    variables: tuple[tuple[str, object], ...]
    secrets: tuple[tuple[str, bool], ...]
    resolved: Resolved


@dataclass(slots=True)
class ResolveMemo:
    plain: dict[Composed, Resolved] = field(default_factory=dict)
    traces: dict[Composed, list[_Trace]] = field(default_factory=dict)


class Resolver:
    """Resolves the documents of one scope, each once."""

    def __init__(
        self,
        documents: Documents,
        variables: Mapping[str, Scalar],
        secrets: Container[str],
        secret_names: Iterable[str],
        memo: ResolveMemo,
    ) -> None:
        self._documents = documents
        self._variables = variables
        self._secrets = secrets
        self._secret_names = secret_names
        self._memo = memo

    def resolve(self, composed: Composed) -> Resolved:
        if not composed.needs_resolution:
            return self._memo.plain.get(composed) or self._memo.plain.setdefault(
                composed, Resolved(composed.name, composed.value, composed)
            )
        traces = self._memo.traces.setdefault(composed, [])
        for trace in traces:
            if self._still_holds(trace):
                return trace.resolved
        run = _Resolution(self._documents, self._variables, self._secrets, self._secret_names)
        resolved = run.document(composed)
        if not run.is_partial:
            traces.append(run.trace(resolved))
        return resolved

    def _still_holds(self, trace: _Trace) -> bool:
        return (
            all(self._documents.find(name) is composed for name, composed in trace.documents)
            and all(self._variables.get(name, _MISSING) == value for name, value in trace.variables)
            and all((name in self._secrets) is there for name, there in trace.secrets)
        )


class _Resolution:
    """One walk over one document; it notes all that it reads."""

    def __init__(
        self,
        documents: Documents,
        variables: Mapping[str, Scalar],
        secrets: Container[str],
        secret_names: Iterable[str],
    ) -> None:
        self._documents = documents
        self._variables = variables
        self._secrets = secrets
        self._secret_names = secret_names
        self._read_documents: dict[str, Composed | None] = {}
        self._read_variables: dict[str, object] = {}
        self._read_secrets: dict[str, bool] = {}
        self._problems: dict[tuple[Path, str, str], Problem] = {}
        self._place: Path = ()
        self._prefix: Path = ()
        self._budget = limits.RESOLVED_BYTES
        self._referred: dict[Path, Value] = {}
        self.is_partial = False

    def document(self, composed: Composed) -> Resolved:
        self._prefix = tuple(composed.name.split("/"))
        value = self._value(composed.value, self._prefix, ())
        assert isinstance(value, dict)
        return Resolved(
            composed.name,
            value,
            composed,
            tuple(self._problems.values()),
            frozenset(name for name, there in self._read_secrets.items() if there),
            frozenset(self._read_documents),
        )

    def trace(self, resolved: Resolved) -> _Trace:
        return _Trace(
            tuple(self._read_documents.items()),
            tuple(self._read_variables.items()),
            tuple(self._read_secrets.items()),
            resolved,
        )

    # -- values: `at` is the full key path of the value, `stack` the paths that are being resolved around it

    def _value(self, value: Value, at: Path, stack: tuple[Path, ...]) -> Value:
        """Inside the document itself, the place of problems follows the walk; inside what it refers to, it stays at the reference."""
        self._place = self._place_of(at, stack)
        if isinstance(value, dict):
            expanded = self._expand(value, at, ())
            result: dict[str, Value] = {
                key: self._value(item, (*at, key), stack)
                for key, item in expanded.items()
                if not tags.deletes_nothing(item, self._add, (*self._place_of(at, stack), key))
            }
            return value if len(result) == len(value) and all(result[k] is value.get(k) for k in result) else result
        if isinstance(value, list):
            items = [self._value(item, (*at, index), stack) for index, item in enumerate(value)]
            return value if all(new is old for new, old in zip(items, value, strict=True)) else items
        if isinstance(value, str) and "{{" in value:
            return self._text(value, at, stack)
        if isinstance(value, Tagged):
            return self._value(tags.settle(value, self._add, self._place), at, stack)
        return value

    def _place_of(self, at: Path, stack: tuple[Path, ...]) -> Path:
        return self._place if stack else at[len(self._prefix) :]

    def _text(self, text: str, at: Path, stack: tuple[Path, ...]) -> Value:
        malformed = find_malformed_reference(text)
        if malformed is not None:
            self._problem("reference-syntax", f"cannot read the reference {_shorten(text[malformed:])!r}",
                          "write it as {{config:key.path}}, {{secret:name}} or {{var:name}}")  # fmt: skip
        references = find_references(text)
        if not references:
            return text
        parts: list[str] = []
        end = 0
        for reference in references:
            value = self._reference(reference, at, stack)
            if is_whole(text, reference):
                return value
            parts += (text[end : reference.start], self._as_text(value, reference))
            end = reference.end
        parts.append(text[end:])
        return "".join(parts)

    def _reference(self, reference: Reference, at: Path, stack: tuple[Path, ...]) -> Value:
        match reference.kind:
            case ReferenceKind.SECRET:
                return self._secret(reference.name)
            case ReferenceKind.VARIABLE:
                return self._variable(reference.name)
            case ReferenceKind.CONFIG:
                return self._config(reference.name, at, stack)
            case ReferenceKind.PARAMETER:
                # A pattern's own document holds unfilled parameters; they are filled where it is extended.
                return "{{param:" + reference.name + "}}"

    def _secret(self, name: str) -> str:
        there = self._read_secrets[name] = name in self._secrets
        if not there:
            self._problem("secret-missing", f"no secret {name!r} in the secret files of these layers",
                          did_you_mean(name, self._secret_names, "add it to a file under secrets/ of one of the layers"))  # fmt: skip
        return secret_reference(name)

    def _variable(self, name: str) -> Value:
        value = self._read_variables[name] = self._variables.get(name, _MISSING)
        if value is _MISSING:
            self._problem("variable-missing", f"no variable {name!r}",
                          did_you_mean(name, self._variables, "set it under variables in llmcfg.yaml"))  # fmt: skip
            return "{{var:" + name + "}}"
        return value  # type: ignore[return-value]

    def _config(self, name: str, at: Path, stack: tuple[Path, ...]) -> Value:
        path = self._parse(name)
        if path is None or self._budget < 0:
            return "{{config:" + name + "}}"
        if path in self._referred:
            return self._spend(self._referred[path], name)
        around = stack or (at,)
        if path in around or any(step[: len(path)] == path for step in around):
            cycle = " -> ".join(format_key_path(step) for step in (*around, path))
            self._problem("reference-cycle", f"references in a cycle: {cycle}", "give one of them a value of its own")
            return "{{config:" + name + "}}"
        found = self._find(path)
        if found is _MISSING and self._is_unreadable(path):
            return "{{config:" + name + "}}"
        if found is _MISSING:
            self._problem("reference-missing", f"no key {format_key_path(path)}", self._suggest(path))
            return "{{config:" + name + "}}"
        before = len(self._problems)
        value = self._value(found, path, (*around, path))  # type: ignore[arg-type]
        if len(self._problems) == before:
            self._referred[path] = value
        return self._spend(value, name)

    def _as_text(self, value: Value, reference: Reference) -> str:
        if isinstance(value, dict | list):
            self._problem("reference-kind", f"{reference.name!r} is a {kind_of(value)} and cannot be part of a text",
                          "refer to one of its values, or make the reference the whole string")  # fmt: skip
            return ""
        if value is None or isinstance(value, bool):
            return {None: "null", True: "true", False: "false"}[value]
        return str(value)

    def _spend(self, value: Value, name: str) -> Value:
        """Counts what a reference adds, so that references to references cannot expand without bound."""
        self._budget -= _weight(value)
        if self._budget < 0:
            self._problem("reference-limit", f"references expand past {limits.RESOLVED_BYTES >> 20} MiB at {name!r}",
                          "refer to smaller parts, or split the document")  # fmt: skip
        return value

    # -- finding values by key path, through patterns

    def _find(self, path: Path) -> object:
        """The unresolved value at a full key path, patterns laid beneath on the way; _MISSING if there is none."""
        owner, rest = self._owner(path)
        if owner is None:
            return self._folder(path)
        value: Value = owner.value
        here = path[: len(path) - len(rest)]
        for step in rest:
            if isinstance(value, Tagged):
                value = value.value
            if isinstance(value, dict) and isinstance(step, str):
                value = self._expand(value, here, ())
                if step not in value:
                    return _MISSING
                value = value[step]
            elif isinstance(value, list) and isinstance(step, int) and step < len(value):
                value = value[step]
            else:
                return _MISSING
            here = (*here, step)
        return value

    def _owner(self, path: Path) -> tuple[Composed | None, Path]:
        """The document that holds a key path: the longest prefix of it that names one."""
        steps = [step for step in path if isinstance(step, str)]
        for length in range(len(steps), 0, -1):
            if all(isinstance(step, str) and "/" not in step for step in path[:length]):
                name = "/".join(steps[:length])
                composed = self._documents.find(name)
                if composed is not None:
                    self._read_documents[name] = composed
                    return composed, path[length:]
                self._read_documents[name] = None
        return None, path

    def _folder(self, path: Path) -> object:
        """A path that names a folder of documents stands for the mapping of them."""
        start = "/".join(str(step) for step in path) + "/"
        below = [name for name in self._documents.names() if name.startswith(start)]
        if not below:
            return _MISSING
        tree: dict[str, Value] = {}
        for name in below:
            composed = self._read_documents[name] = self._documents.find(name)
            assert composed is not None
            here = tree
            *folders, last = name[len(start) :].split("/")
            for folder in folders:
                here = here.setdefault(folder, {})  # type: ignore[assignment]
            here[last] = composed.value
        return tree

    def _is_unreadable(self, path: Path) -> bool:
        """Whether a document that cannot be read may hold the key; its own findings say enough."""
        around = any(is_around(name, path) for name in self._documents.unreadable)
        self.is_partial |= around
        return around

    def _suggest(self, path: Path) -> str:
        for length in range(len(path) - 1, -1, -1):
            found = self._find(path[:length]) if length else self._folder_names()
            if isinstance(found, dict):
                known = [format_key_path((*path[:length], key)) for key in found if not key.startswith("$")]
                return did_you_mean(format_key_path(path[: length + 1]), known, _known_keys(known))
        return ""

    def _folder_names(self) -> dict[str, Value]:
        return dict.fromkeys(name.split("/")[0] for name in self._documents.names())

    def _parse(self, name: str) -> Path | None:
        try:
            return parse_key_path(name)
        except KeyPathError as error:
            self._problem("reference-syntax", error.message, error.hint)
            return None

    # -- patterns

    def _expand(self, mapping: dict[str, Value], at: Path, chain: tuple[Path, ...]) -> dict[str, Value]:
        """The mapping with its `$extends` laid beneath it and without the reserved keys."""
        if "$extends" not in mapping and "$with" not in mapping:
            return mapping
        own: dict[str, Value] = {key: value for key, value in mapping.items() if key not in ("$extends", "$with")}
        if "$extends" not in mapping:
            return own
        given = mapping.get("$with", {})
        parameters = given if isinstance(given, dict) else {}
        used: set[str] = set()
        beneath: dict[str, Value] = {}
        for name in self._extended(mapping["$extends"]):
            pattern = self._pattern(name, at, chain, parameters, used)
            beneath = merge.merge(beneath, pattern, _ignore) if beneath else pattern
        if not chain:
            for name in parameters:
                if name not in used:
                    self._problem("param-unused", f"no pattern here has a parameter {name!r}",
                                  did_you_mean(name, used, "remove it"))  # fmt: skip
        return merge.merge(beneath, own, self._only_kind_changes) if own else beneath

    def _extended(self, names: Value) -> list[str]:
        items = names if isinstance(names, list) else [names]
        texts = [item for item in items if isinstance(item, str)]
        if len(texts) != len(items) or not items:
            self._problem(
                "extends-kind", "$extends takes a key path or a list of key paths", "for example patterns.chat-model"
            )
        return texts

    def _pattern(
        self, name: str, at: Path, chain: tuple[Path, ...], parameters: dict[str, Value], used: set[str]
    ) -> dict[str, Value]:
        path = self._parse(name)
        if path is None:
            return {}
        if path in chain or path == at[: len(path)] or len(chain) > limits.EXTENDS_DEPTH:
            cycle = " -> ".join(format_key_path(step) for step in (*(chain or (at,)), path))
            self._problem("extends-cycle", f"$extends in a cycle: {cycle}", "take one of them out of the cycle")
            return {}
        found = self._find(path)
        if found is _MISSING and self._is_unreadable(path):
            return {}
        if found is _MISSING:
            self._problem(
                "extends-missing", f"$extends names {format_key_path(path)}, which is not there", self._suggest(path)
            )
            return {}
        if not isinstance(found, dict):
            self._problem("extends-kind", f"{format_key_path(path)} is a {kind_of(found)}, not a mapping",  # type: ignore[arg-type]
                          "name a mapping")  # fmt: skip
            return {}
        defaults = found.get("$with")
        values = {**(defaults if isinstance(defaults, dict) and "$extends" not in found else {}), **parameters}
        filled = self._fill(found, values, used, path)
        assert isinstance(filled, dict)
        return self._expand(filled, path, (*(chain or (at,)), path))

    def _fill(self, value: Value, values: Mapping[str, Value], used: set[str], pattern: Path) -> Value:
        """The pattern with its parameters replaced, in `$with` of a pattern that extends another too."""
        if isinstance(value, dict):
            return {key: self._fill(item, values, used, pattern) for key, item in value.items()}
        if isinstance(value, list):
            return [self._fill(item, values, used, pattern) for item in value]
        if isinstance(value, Tagged):
            return Tagged(value.tag, self._fill(value.value, values, used, pattern))
        if not isinstance(value, str) or "{{" not in value:
            return value
        parts: list[str] = []
        end = 0
        for reference in find_references(value):
            if reference.kind is not ReferenceKind.PARAMETER:
                continue
            used.add(reference.name)
            if reference.name not in values:
                self._problem("param-missing", f"pattern {format_key_path(pattern)} needs a parameter {reference.name!r}",
                              did_you_mean(reference.name, values, f"add $with: {{{reference.name}: …}}"))  # fmt: skip
                continue
            filled = values[reference.name]
            if is_whole(value, reference):
                return filled
            parts += (value[end : reference.start], self._as_text(filled, reference))
            end = reference.end
        return "".join(parts) + value[end:]

    # -- problems

    def _problem(self, rule: str, message: str, hint: str = "") -> None:
        self._add(Problem(rule, message, hint=hint, path=self._place))

    def _add(self, problem: Problem) -> None:
        self._problems.setdefault((problem.path or (), problem.rule, problem.message), problem)

    def _only_kind_changes(self, problem: Problem) -> None:
        if problem.rule == "merge-kind":
            self._problem(problem.rule, problem.message, problem.hint)


def is_around(document: str, path: Path) -> bool:
    """Whether a document's keys lie at, above or below a key path."""
    return all(part == step for part, step in zip(document.split("/"), path, strict=False))


def _ignore(_problem: Problem) -> None:
    """Patterns may repeat one another."""


def _weight(value: Value) -> int:
    """About how many bytes a value takes when written."""
    if isinstance(value, dict):
        return sum(len(key) + _weight(item) for key, item in value.items()) + 2
    if isinstance(value, list):
        return sum(_weight(item) for item in value) + 2
    return len(value) if isinstance(value, str) else 4


def _known_keys(known: list[str]) -> str:
    shown = ", ".join(known[:5])
    return f"there are: {shown}{', …' if len(known) > 5 else ''}" if known else ""


def _shorten(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "…"

"""Finding unresolved values by key path, and laying patterns (`$extends`) beneath the mappings on the way (docs/spec/references.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmcfg import limits
from llmcfg.model.keypath import KeyPathError, format_key_path, parse_key_path
from llmcfg.model.reference import Reference, ReferenceKind, find_references, is_whole
from llmcfg.model.scalartext import scalar_text
from llmcfg.model.value import Path, Tagged, Value, kind_of
from llmcfg.pipeline import merge
from llmcfg.pipeline.reads import MISSING, Missing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llmcfg.model.findings import Problem
    from llmcfg.pipeline.notes import Notes
    from llmcfg.pipeline.reads import Reads


class Patterns:
    """`find` says MISSING and sets `is_excused` where a key may be in something that cannot be read, which has findings of its own."""

    def __init__(self, reads: Reads, notes: Notes) -> None:
        self._reads = reads
        self._notes = notes
        self._expanding: list[Path] = []
        self._expanded: dict[Path, dict[str, Value]] = {}
        self.is_excused = False

    def find(self, path: Path) -> Value | Missing:
        """The unresolved value at a full key path, patterns laid beneath on the way, of whichever documents lie there."""
        self.is_excused = False
        broken = len(self._notes)
        found = self._in_documents(path)
        if found is MISSING:
            self.is_excused = len(self._notes) > broken or any(
                is_around(name, path) for name in self._reads.unreadable()
            )
        return found

    def parse(self, name: str) -> Path | None:
        try:
            return parse_key_path(name)
        except KeyPathError as error:
            self._notes.add("reference-syntax", error.message, error.hint)
            return None

    def suggest(self, path: Path) -> str:
        """The key most like the first one of the path that is not there."""
        if not self._notes.has_suggestions:
            return ""
        for length in range(len(path) - 1, -1, -1):
            found = self._in_documents(path[:length]) if length else dict.fromkeys(self._roots())
            if isinstance(found, dict):
                return self._suggest_below(path[:length], str(path[length]), [*found])
        return ""

    def _suggest_below(self, around: Path, step: str, found: list[str]) -> str:
        def full(key: str) -> str:
            return format_key_path((*around, key))

        known = [key for key in found if not key.startswith("$")]
        shown = f"there are: {', '.join(map(full, known[:5]))}{', …' if len(known) > 5 else ''}" if known else ""
        return self._notes.suggest(step, known.copy, shown, write=full)

    # -- documents

    def _in_documents(self, path: Path) -> Value | Missing:
        below = self._folder(path)
        for name, rest in _owners(path):
            composed = self._reads.document(name)
            found = MISSING if composed is None else self._walk(composed.value, path[: len(path) - len(rest)], rest)
            if isinstance(found, dict) and isinstance(below, dict):
                return {**below, **found}
            if found is not MISSING:
                return found
        return below

    def _walk(self, value: Value, here: Path, rest: Path) -> Value | Missing:
        for step in rest:
            if isinstance(value, Tagged):
                value = value.value
            if isinstance(value, dict) and isinstance(step, str):
                value = self._expand_once(value, here)
                if step not in value:
                    return MISSING
                value = value[step]
            elif isinstance(value, list) and isinstance(step, int) and step < len(value):
                value = value[step]
            else:
                return MISSING
            here = (*here, step)
        return value

    def _folder(self, path: Path) -> Value | Missing:
        """A path that names a folder of documents stands for the mapping of them."""
        if not path or not all(isinstance(step, str) and "/" not in step for step in path):
            return MISSING
        prefix = "/".join(str(step) for step in path) + "/"
        tree: dict[str, Value] = {}
        for name in self._reads.folder(prefix):
            composed = self._reads.document(name)
            assert composed is not None
            here = tree
            *folders, last = name.removeprefix(prefix).split("/")
            for folder in folders:
                child = here.get(folder)
                here[folder] = child = dict(child) if isinstance(child, dict) else {}
                here = child
            there = here.get(last)
            here[last] = {**there, **composed.value} if isinstance(there, dict) else composed.value
        return tree or MISSING

    def _roots(self) -> list[str]:
        return [name.split("/")[0] for name in self._reads.folder("")]

    # -- patterns

    def expand(self, mapping: dict[str, Value], at: Path) -> dict[str, Value]:
        """The mapping with its `$extends` laid beneath it and without the reserved keys."""
        if "$extends" not in mapping and "$with" not in mapping:
            return mapping
        own: dict[str, Value] = {key: value for key, value in mapping.items() if key not in ("$extends", "$with")}
        if "$extends" not in mapping:
            return own
        if at in self._expanding:
            self._cycle(at)
            return own
        self._expanding.append(at)
        beneath = self._laid(mapping, at)
        self._expanding.pop()
        return merge.merge(beneath, own, self._only_kind_changes) if own else beneath

    def _expand_once(self, mapping: dict[str, Value], at: Path) -> dict[str, Value]:
        """The same for mappings on the way to something, remembered."""
        if "$extends" not in mapping and "$with" not in mapping:
            return mapping
        known = self._expanded.get(at)
        if known is None:
            broken = len(self._notes)
            known = self.expand(mapping, at)
            if len(self._notes) == broken:
                self._expanded[at] = known
        return known

    def _laid(self, mapping: dict[str, Value], at: Path) -> dict[str, Value]:
        """The patterns that a mapping extends, laid together."""
        said = _untagged(mapping.get("$with"))
        parameters: dict[str, Value] = said if isinstance(said, dict) else {}
        used: set[str] = set()
        beneath: dict[str, Value] = {}
        broken = len(self._notes)
        place, written = self._notes.place, self._notes.written
        is_here = len(self._expanding) == 1 and not written  # else problems stay at what led to this mapping
        for step, name in self._extended(_untagged(mapping["$extends"])):
            if is_here:
                self._notes.place, self._notes.written = (*place, "$extends", *step), name
            pattern = self._pattern(name, at, parameters, used)
            beneath = merge.merge(beneath, pattern, _ignore) if beneath else pattern
        for name in parameters if len(self._notes) == broken else ():
            if name not in used:
                if is_here:
                    self._notes.place, self._notes.written = (*place, "$with", name), ""
                self._notes.add("param-unused", f"no pattern here has a parameter {name!r}",
                                self._notes.suggest(name, used.copy, "remove it"))  # fmt: skip
        self._notes.place, self._notes.written = place, written
        return beneath

    def _extended(self, names: Value) -> Iterator[tuple[Path, str]]:
        items = names if isinstance(names, list) else [names]
        if not items or not all(isinstance(item, str) for item in items):
            self._notes.add(
                "extends-kind", "$extends takes a key path or a list of key paths", "for example patterns.chat-model"
            )
        for index, item in enumerate(items):
            if isinstance(item, str):
                yield ((index,) if isinstance(names, list) else ()), item

    def _pattern(self, name: str, at: Path, parameters: dict[str, Value], used: set[str]) -> dict[str, Value]:
        path = self.parse(name)
        if path is None or not self._notes.spend_expansion():
            return {}
        if path in self._expanding or path == at[: len(path)]:
            self._cycle(path)
            return {}
        if len(self._expanding) > limits.EXTENDS_DEPTH:
            message = f"patterns extend one another more than {limits.EXTENDS_DEPTH} times"
            self._notes.add("reference-limit", message, "extend the pattern itself")
            return {}
        found = self.find(path)
        if found is MISSING:
            if not self.is_excused:
                message = f"$extends names {format_key_path(path)}, which is not there"
                self._notes.add("extends-missing", message, self.suggest(path))
            return {}
        found = _untagged(found)
        if not isinstance(found, dict):
            message = f"{format_key_path(path)} is a {kind_of(found)}, not a mapping"
            self._notes.add("extends-kind", message, "name a mapping")
            return {}
        defaults = _untagged(found.get("$with"))
        values = {**(defaults if isinstance(defaults, dict) and "$extends" not in found else {}), **parameters}
        filled = self._fill(found, values, used, path)
        assert isinstance(filled, dict)
        return self.expand(filled, path)

    def _cycle(self, path: Path) -> None:
        chain = " -> ".join(format_key_path(step) for step in (*self._expanding, path))
        self._notes.add("extends-cycle", f"$extends in a cycle: {chain}", "take one of them out of the cycle")

    def _fill(self, value: Value, values: Mapping[str, Value], used: set[str], pattern: Path) -> Value:
        """The pattern with its parameters replaced, in `$with` of a pattern that extends another too; itself if it has none."""
        if isinstance(value, dict):
            filled: dict[str, Value] = {key: self._fill(item, values, used, pattern) for key, item in value.items()}
            return value if all(filled[key] is item for key, item in value.items()) else filled
        if isinstance(value, list):
            items = [self._fill(item, values, used, pattern) for item in value]
            return value if all(new is old for new, old in zip(items, value, strict=True)) else items
        if isinstance(value, Tagged):
            return Tagged(value.tag, self._fill(value.value, values, used, pattern))
        return self._fill_text(value, values, used, pattern) if isinstance(value, str) and "{{" in value else value

    def _fill_text(self, text: str, values: Mapping[str, Value], used: set[str], pattern: Path) -> Value:
        parts: list[str] = []
        end = 0
        for reference in find_references(text):
            if reference.kind is not ReferenceKind.PARAMETER:
                continue
            used.add(reference.name)
            if reference.name not in values:
                self._notes.add("param-missing", f"pattern {format_key_path(pattern)} needs a parameter {reference.name!r}",
                                self._notes.suggest(reference.name, lambda: values, f"add $with: {{{reference.name}: …}}"))  # fmt: skip
                continue
            value = values[reference.name]
            if is_whole(text, reference):
                return value
            parts += (text[end : reference.start], self.as_text(value, reference))
            end = reference.end
        return "".join(parts) + text[end:] if end else text

    def as_text(self, value: Value, reference: Reference) -> str:
        """A scalar as part of a text."""
        if isinstance(value, dict | list | Tagged):
            self._notes.add("reference-kind", f"{reference.name!r} is a {kind_of(value)} and cannot be part of a text",
                            "refer to one of its values, or make the reference the whole string")  # fmt: skip
            return ""
        return scalar_text(value)

    def _only_kind_changes(self, problem: Problem) -> None:
        if problem.rule == "merge-kind":
            path = self._notes.place if self._notes.written else (*self._notes.place, *(problem.path or ()))
            self._notes.report(problem._replace(path=path))


def is_around(document: str, path: Path) -> bool:
    """Whether a document's keys lie at, above or below a key path; without a name it stands for all documents."""
    return not document or all(part == step for part, step in zip(document.split("/"), path, strict=False))


def _owners(path: Path) -> Iterator[tuple[str, Path]]:
    """The names that a document holding the key path may have, the longest first, and the path inside it."""
    for length in range(len(path), 0, -1):
        if all(isinstance(step, str) and "/" not in step for step in path[:length]):
            yield "/".join(str(step) for step in path[:length]), path[length:]


def _untagged(value: Value) -> Value:
    return value.value if isinstance(value, Tagged) else value


def _ignore(_problem: Problem) -> None:
    """Patterns may repeat one another."""

"""From a path inside a value to file:line:column, and the source line that goes with it."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from llmcfg.documents.positions import find_places, nearest_place
from llmcfg.model.findings import Finding, Origin, Problem, finding_from
from llmcfg.pipeline.merge import no_rules
from llmcfg.prompts.file import SUFFIX, find_prompt_places, is_prompt_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from llmcfg.documents.positions import Place
    from llmcfg.model.snapshot import BlobEntry
    from llmcfg.model.value import Path
    from llmcfg.pipeline.merge import RuleLookup


class Locator:
    """Finds places in blobs; the places and lines of a blob are read when first asked for."""

    def __init__(self, read: Callable[[str], bytes]) -> None:
        self._read = read
        self._places: dict[str, Mapping[Path, Place]] = {}
        self._lines: dict[str, list[str]] = {}

    def places(self, entry: BlobEntry) -> Mapping[Path, Place]:
        is_prompt = is_prompt_file(entry.path)
        key = f"{entry.oid}{SUFFIX}" if is_prompt else entry.oid
        if key not in self._places:
            content = self._read(entry.oid)
            self._places[key] = find_prompt_places(content) if is_prompt else find_places(content)
        return self._places[key]

    def source_line(self, oid: str, line: int) -> str:
        """The text of a line (from 1), without its end; empty where there is none."""
        lines = self._source(oid)
        return lines[line - 1] if 0 < line <= len(lines) else ""

    def in_blob(self, problem: Problem, entry: BlobEntry, reach: Iterable[str] = ()) -> Finding:
        """The finding for a problem in this file, by its line or else by its path."""
        if not problem.line and problem.path is not None:
            places = self.places(entry)
            place = nearest_place(places, problem.path)
            if problem.written and problem.path in places:
                problem = self._at_text(problem, place, entry.oid)
            else:
                problem = problem._replace(line=place.line, column=place.column)
        return finding_from(problem, entry.path, self.source_line(entry.oid, problem.line), reach)

    def in_sources(
        self, problem: Problem, sources: Sequence[BlobEntry], reach: Iterable[str] = (), rule_at: RuleLookup = no_rules
    ) -> Finding:
        """The finding for a problem of a composed value: in the highest layer that sets the value, or most of the way to it."""
        entry, path = self._in_own_list(sources, problem.path or (), rule_at)
        return self.in_blob(problem._replace(path=path), entry, reach)

    def setter(self, sources: Sequence[BlobEntry], path: Path) -> BlobEntry:
        """The highest of the sources that says something about the path, or about the nearest thing around it."""
        for length in range(len(path), 0, -1):
            for entry in reversed(sources):
                if path[:length] in self.places(entry):
                    return entry
        return sources[-1]

    def origin(self, entry: BlobEntry, path: Path) -> Origin:
        place = nearest_place(self.places(entry), path)
        return Origin(entry.path, place.line, place.column)

    def _source(self, oid: str) -> list[str]:
        if oid not in self._lines:
            text = self._read(oid).decode("utf-8", "replace").removeprefix("\ufeff")
            self._lines[oid] = [line.removesuffix("\r") for line in text.split("\n")]
        return self._lines[oid]

    def _at_text(self, problem: Problem, place: Place, oid: str) -> Problem:
        """At the text that the problem is about, where it stands in the value as written; else at the value."""
        for line in range(place.value_line, place.end_line + 1):
            start = place.value_column - 1 if line == place.value_line else 0
            column = self.source_line(oid, line).find(problem.written, start)
            if column >= 0:
                return problem._replace(line=line, column=column + 1, length=len(problem.written))
        return problem._replace(line=place.value_line, column=place.value_column)

    def _in_own_list(self, sources: Sequence[BlobEntry], path: Path, rule_at: RuleLookup) -> tuple[BlobEntry, Path]:
        """The source that sets the value, and its own path to it: layers that add to a list move each other's items."""
        length = next((index for index, step in enumerate(path) if isinstance(step, int)), len(path))
        saying = [entry for entry in sources if path[:length] in self.places(entry)]
        if length == len(path) or len(saying) < 2:
            return self.setter(sources, path), path
        rule = rule_at(path[:length])
        items: list[tuple[BlobEntry, int]] = []
        for entry in saying:
            places = self.places(entry)
            own = [(entry, index) for index in range(_length(places, path[:length]))]
            place = places[path[:length]]
            written = self.source_line(entry.oid, place.value_line)[place.value_column - 1 :]
            if written.startswith("!append") or (rule is not None and rule.kind == "append"):
                items += own
            elif written.startswith("!prepend"):
                items = own + items
            elif rule is not None and rule.kind != "replace" and not written.startswith("!"):
                return saying[-1], path[:length]
            else:
                items = own
        index = path[length]
        if not isinstance(index, int) or index >= len(items):
            return saying[-1], path[:length]
        entry, index = items[index]
        return entry, (*path[:length], index, *path[length + 1 :])


def _length(places: Mapping[Path, Place], path: Path) -> int:
    """How many items a list has, as written."""
    return next(index for index in count() if (*path, index) not in places)

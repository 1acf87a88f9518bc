"""From a path inside a value to file:line:column, and the source line that goes with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmcfg.documents.positions import find_places, nearest_place
from llmcfg.model.findings import Finding, Origin, Problem, finding_from

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from llmcfg.documents.positions import Place
    from llmcfg.model.snapshot import BlobEntry
    from llmcfg.model.value import Path


class Locator:
    """Finds places in blobs; the places of a blob are read when first asked for."""

    def __init__(self, read: Callable[[str], bytes]) -> None:
        self._read = read
        self._places: dict[str, Mapping[Path, Place]] = {}

    def places(self, oid: str) -> Mapping[Path, Place]:
        if oid not in self._places:
            self._places[oid] = find_places(self._read(oid))
        return self._places[oid]

    def source_line(self, oid: str, line: int) -> str:
        return source_line(self._read(oid), line)

    def in_blob(self, problem: Problem, entry: BlobEntry, reach: Iterable[str] = ()) -> Finding:
        """The finding for a problem in this file, by its line or else by its path."""
        if not problem.line and problem.path is not None:
            place = nearest_place(self.places(entry.oid), problem.path)
            problem = problem._replace(line=place.line, column=place.column)
        return finding_from(problem, entry.path, self.source_line(entry.oid, problem.line), reach)

    def in_sources(self, problem: Problem, sources: Sequence[BlobEntry], reach: Iterable[str] = ()) -> Finding:
        """The finding for a problem of a composed value: in the highest layer that sets the value, or most of the way to it."""
        return self.in_blob(problem, self.setter(sources, problem.path or ()), reach)

    def setter(self, sources: Sequence[BlobEntry], path: Path) -> BlobEntry:
        """The highest of the sources that says something about the path, or about the nearest thing around it."""
        for length in range(len(path), 0, -1):
            for entry in reversed(sources):
                if path[:length] in self.places(entry.oid):
                    return entry
        return sources[-1]

    def origin(self, entry: BlobEntry, path: Path) -> Origin:
        place = nearest_place(self.places(entry.oid), path)
        return Origin(entry.path, place.line, place.column)


def source_line(content: bytes, line: int) -> str:
    """The text of a line (from 1), without its end; empty where there is none."""
    if line < 1:
        return ""
    lines = content.split(b"\n", line)
    return lines[line - 1].rstrip(b"\r").decode("utf-8", "replace") if len(lines) >= line else ""

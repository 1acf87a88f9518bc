"""The schema files of one snapshot, and what a `$ref` in one of them means.

A reference leads to a place in the same file, in another file of the snapshot (by relative path) or to a schema of the snapshot by
its `$id`. Nothing else exists: no file outside the snapshot and no network is ever asked.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import unquote, urldefrag, urljoin

from llmcfg.model.findings import Problem
from llmcfg.model.suggest import did_you_mean
from llmcfg.pipeline.schema.jsontext import JsonText, parse_json
from llmcfg.pipeline.schema.keywords import walk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmcfg.model.value import Path

_HERE: Final = "https://snapshot.invalid/"
"""Stands for the configuration root, so that relative references resolve by the rules for URIs (RFC 3986) and never leave it."""


class Spot(NamedTuple):
    """A schema: its file and the path to it inside."""

    file: str
    path: Path = ()


class Unresolved(NamedTuple):
    """Why a reference leads nowhere, and the next step."""

    why: str
    hint: str


class _Index(NamedTuple):
    ids: Mapping[str, Path]
    anchors: Mapping[tuple[Path, str], Path]
    bases: Mapping[Path, str]


class SchemaFiles:
    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = files

    def text(self, file: str) -> JsonText | None:
        """The parsed file; None when it is not there or not strict JSON."""
        parsed = parse_json(self.files[file]) if file in self.files else None
        return parsed if isinstance(parsed, JsonText) else None

    def schema(self, spot: Spot) -> Any:
        """The schema at a spot that `resolve` gave."""
        text = self.text(spot.file)
        assert text is not None
        return _descend(text.value, spot.path)

    def resolve(self, spot: Spot, reference: str) -> Spot | Unresolved:
        """What `reference`, written in the schema at `spot`, means."""
        target, fragment = urldefrag(reference)
        resource = self._resource(spot, target)
        if resource is None:
            return self._nowhere(reference, target)
        path = self._fragment(resource, unquote(fragment))
        text = self.text(resource.file)
        if text is None:
            return Unresolved(f"{resource.file} cannot be read as JSON", "mend that file first")
        if path is None or not isinstance(_descend(text.value, path), dict | bool):
            return Unresolved(f"$ref {reference!r} points at nothing", _nearby(text.value, reference))
        return Spot(resource.file, path)

    def duplicates(self, file: str) -> list[Problem]:
        """The `$id`s of `file` that another file has too."""
        problems: list[Problem] = []
        text = self.text(file)
        for uri, path in self._index(file).ids.items():
            others = [other for other in sorted(self.files) if other != file and uri in self._index(other).ids]
            if others and text is not None:
                message = f"$id {uri!r} is also the $id of {others[0]}"
                hint = "give each schema an $id of its own"
                problems.append(Problem("schema-duplicate", message, *text.place((*path, "$id")), hint))
        return problems

    def _resource(self, spot: Spot, target: str) -> Spot | None:
        """The schema resource that the part before `#` names: the nearest around `spot` when that part is empty."""
        root, base = self._base(spot)
        if not target:
            return Spot(spot.file, root)
        wanted = urljoin(base, target)
        for candidate in (wanted, target):
            for file in sorted(self.files):
                if candidate in self._index(file).ids:
                    return Spot(file, self._index(file).ids[candidate])
        for uri in (wanted, urljoin(_HERE + spot.file, target)):
            if uri.startswith(_HERE) and unquote(uri[len(_HERE) :]) in self.files:
                return Spot(unquote(uri[len(_HERE) :]))
        return None

    def _base(self, spot: Spot) -> tuple[Path, str]:
        bases = self._index(spot.file).bases
        for length in range(len(spot.path), -1, -1):
            if spot.path[:length] in bases:
                return spot.path[:length], bases[spot.path[:length]]
        return (), _HERE + spot.file

    def _fragment(self, resource: Spot, fragment: str) -> Path | None:
        if not fragment:
            return resource.path
        if not fragment.startswith("/"):
            return self._index(resource.file).anchors.get((resource.path, fragment))
        text = self.text(resource.file)
        path = resource.path
        value = _descend(text.value, path) if text else None
        for step in fragment[1:].split("/"):
            name = step.replace("~1", "/").replace("~0", "~")
            key: str | int = int(name) if isinstance(value, list) and name.isascii() and name.isdigit() else name
            value = _descend(value, (key,))
            path = (*path, key)
        return None if value is None else path

    def _index(self, file: str) -> _Index:
        content = self.files.get(file)
        return _index(content, _HERE + file) if content is not None else _Index({}, {}, {})

    def _nowhere(self, reference: str, target: str) -> Unresolved:
        if "://" in target or target.startswith(("/", "file:", "jar:")) or ".." in target:
            return Unresolved(
                f"$ref {reference!r} leads outside the schemas of this repository",
                "copy that schema into schemas/ and refer to it by relative path",
            )
        names = [file.rsplit("/", 1)[-1] for file in self.files]
        return Unresolved(
            f"$ref {reference!r} names no schema of this repository",
            did_you_mean(target, names, "refer to a file in schemas/ by relative path"),
        )


@functools.lru_cache(maxsize=512)
def _index(content: bytes, uri: str) -> _Index:
    parsed = parse_json(content)
    if not isinstance(parsed, JsonText):
        return _Index({}, {}, {})
    ids: dict[str, Path] = {}
    anchors: dict[tuple[Path, str], Path] = {}
    bases: dict[Path, str] = {(): uri}
    for path, schema in walk(parsed.value):
        if not isinstance(schema, dict):
            continue
        root = max((base for base in bases if path[: len(base)] == base), key=len)
        identifier = schema.get("$id")
        if isinstance(identifier, str) and identifier.startswith("#"):  # draft-07 writes anchors so
            anchors[root, identifier[1:]] = path
        elif isinstance(identifier, str) and identifier:
            bases[path] = urldefrag(urljoin(bases[root], identifier))[0]
            ids[bases[path]] = root = path
        for keyword in ("$anchor", "$dynamicAnchor"):
            if isinstance(schema.get(keyword), str):
                anchors[root, schema[keyword]] = path
    return _Index(ids, anchors, bases)


def _descend(value: Any, path: Path) -> Any:
    """The part at `path`; None where there is none."""
    for step in path:
        if isinstance(value, dict) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def _nearby(root: Any, reference: str) -> str:
    if not isinstance(root, dict):
        return "look at the file that it leads to"
    known = [f"#/{section}/{name}" for section in ("$defs", "definitions") for name in root.get(section, ())]
    return did_you_mean("#" + urldefrag(reference)[1], known, "add it under $defs")

"""Edits by ruamel.yaml's round trip: for layouts that no splice fits. Used only where it writes the untouched text back unchanged."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

from llmcfg.documents.paths import has_path
from llmcfg.documents.positions import find_places_in, nearest_place
from llmcfg.documents.writer import is_plain
from llmcfg.model.value import Tagged

if TYPE_CHECKING:
    from llmcfg.model.value import Path, Value


def round_trip_value(text: str, path: Path, value: Value) -> str | None:
    """The text with `value` at `path`; None where the round trip would change other bytes."""
    opened = _open_exact(text)
    if opened is None or not path or isinstance(value, Tagged):
        return None
    yaml, root = opened
    size = max(size for size in range(len(path)) if has_path(root, path[:size]))
    for later in reversed(path[size + 1 :]):
        value = [value] if isinstance(later, int) else {later: value}
    parent = _at(root, path[:size])
    if path[size] == len(parent) and isinstance(path[size], int):
        parent.append(_round_tripped(value))
    else:
        parent[path[size]] = _round_tripped(value)
    return _if_kept(text, _dumped(yaml, root), path)


def round_trip_deletion(text: str, path: Path) -> str | None:
    """The text without what is at `path`; None where the round trip would change other bytes."""
    opened = _open_exact(text)
    if opened is None:
        return None
    yaml, root = opened
    parent = _at(root, path[:-1])
    del parent[path[-1]]
    return _if_kept(text, _dumped(yaml, root), path[:-1])


def _if_kept(text: str, edited: str, path: Path) -> str | None:
    """`edited` if every line before and after what stands at `path`, or at its nearest ancestor, is as it was."""
    place = nearest_place(find_places_in(text), path)
    lines = text.splitlines(keepends=True)
    kept = edited.startswith("".join(lines[: place.line - 1])) and edited.endswith("".join(lines[place.end_line :]))
    return edited if kept else None


def _at(root: Any, path: Path) -> Any:
    for step in path:
        root = root[step]
    return root


def _open_exact(text: str) -> tuple[Any, Any] | None:
    """A writer whose layout reproduces `text`, and its round-trip value."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    for mapping, sequence, offset in _LAYOUTS:
        yaml = YAML(typ="rt")
        yaml.preserve_quotes = True
        yaml.width = 1 << 20
        yaml.indent(mapping=mapping, sequence=sequence, offset=offset)
        try:
            root = yaml.load(text)
            if _dumped(yaml, root) == text:
                return yaml, root
        except YAMLError:
            return None
    return None


def _dumped(yaml: Any, root: Any) -> str:
    stream = io.StringIO()
    yaml.dump(root, stream)
    return stream.getvalue()


def _round_tripped(value: Value) -> Any:
    """As ruamel.yaml writes it: text that is not plain to every reader in double quotes."""
    from ruamel.yaml.comments import CommentedMap, CommentedSeq
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString

    if isinstance(value, dict):
        return CommentedMap((_round_tripped(key), _round_tripped(child)) for key, child in value.items())
    if isinstance(value, list):
        return CommentedSeq(_round_tripped(child) for child in value)
    if isinstance(value, str) and not is_plain(value):
        return DoubleQuotedScalarString(value)
    return value


_LAYOUTS: Final = ((2, 4, 2), (2, 2, 0), (4, 4, 2), (4, 4, 0), (4, 6, 4))

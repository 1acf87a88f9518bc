"""What a composed document takes from other keys, as it is written: its references and its patterns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from llmcfg.documents.paths import untagged
from llmcfg.model.keypath import KeyPathError, parse_key_path
from llmcfg.model.reference import ReferenceKind, find_references, is_whole
from llmcfg.model.value import MergeTag, Tagged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.model.value import Path, Value


@dataclass(frozen=True, slots=True, eq=False)
class Use:
    """`at` is where the taken value comes to stand, in the document; `written` is what names `key`, and where.

    `beneath` is the mapping that a pattern is laid beneath; of a reference it is None. `is_whole` is false for a reference inside a text.
    """

    kind: Literal["config", "extends"]
    at: Path
    key: Path
    written: str
    written_at: Path
    beneath: Value = None
    is_whole: bool = True

    def taken(self, key: Path) -> Path | None:
        """Where what lies at `key` comes to stand, in the document; None if this takes nothing of it."""
        if key[: len(self.key)] != self.key:
            return self.at if self.key[: len(key)] == key else None
        rest = key[len(self.key) :]
        if self.kind == "extends" and _masks(self.beneath, rest):
            return None
        return (*self.at, *rest) if self.is_whole else self.at


def find_uses(value: Value, at: Path = ()) -> Iterator[Use]:
    """Every `{{config:…}}` and `$extends` in a value, in the order written. What names no key path has a finding of its own."""
    value = untagged(value)
    if isinstance(value, dict):
        yield from _patterns(value, at)
        for key, item in value.items():
            if key != "$extends":
                yield from find_uses(item, (*at, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from find_uses(item, (*at, index))
    elif isinstance(value, str):
        yield from _references(value, at)


def _patterns(mapping: dict[str, Value], at: Path) -> Iterator[Use]:
    names = untagged(mapping.get("$extends"))
    for index, name in enumerate(names if isinstance(names, list) else [names]):
        key = _key(name) if isinstance(name, str) else None
        if key is not None:
            place = (*at, "$extends", *((index,) if isinstance(names, list) else ()))
            yield Use("extends", at, key, str(name), place, mapping)


def _references(text: str, at: Path) -> Iterator[Use]:
    for reference in find_references(text):
        key = _key(reference.name) if reference.kind is ReferenceKind.CONFIG else None
        if key is not None:
            yield Use("config", at, key, reference.name, at, is_whole=is_whole(text, reference))


def _key(name: str) -> Path | None:
    try:
        return parse_key_path(name)
    except KeyPathError:
        return None


def _masks(own: Value, path: Path) -> bool:
    """Whether a mapping's own say at a path leaves nothing of a pattern's."""
    for step in path:
        if not isinstance(own, dict):
            break
        if step not in own:
            return False
        own = own[str(step)]
    if isinstance(own, Tagged):
        return own.tag in (MergeTag.REPLACE, MergeTag.DELETE)
    return not isinstance(own, dict)

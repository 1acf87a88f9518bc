"""The documents of a bundle, each parsed when it is first needed, and the value at a key path.

A document's name is the beginning of its keys, so a value lies in the document with the longest name that leads to it, or is put
together from the documents below it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from llmcfg.bundlefile.bundle import read_leaf
from llmcfg.errors import IntegrityError
from llmcfg.model.assembly import assemble
from llmcfg.model.change import ABSENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from llmcfg.bundlefile.nodes import Leaf
    from llmcfg.bundlefile.tree import LeafChange, Tree
    from llmcfg.model.value import Path

_FOLDER: Final = "config/"
_SUFFIX: Final = ".json"


class Found(NamedTuple):
    """A value, ABSENT where there is none; the documents that it was read from, and whether others could become part of it."""

    value: Any
    documents: tuple[str, ...]
    may_grow: bool


class Documents:
    """Values are as the bundle holds them: shared, with typed references to secrets in them."""

    __slots__ = ("_parsed", "_tree")

    def __init__(self, tree: Tree, parsed: dict[str, Any] | None = None) -> None:
        self._tree = tree
        self._parsed: dict[str, Any] = {} if parsed is None else parsed

    def following(self, tree: Tree, changed: Iterable[str]) -> Documents:
        """Those of another tree, in which these documents changed and nothing else did."""
        parsed = dict(self._parsed)
        for name in changed:
            parsed.pop(name, None)
        return Documents(tree, parsed)

    def find(self, name: str) -> Any:
        """The value of a document; ABSENT where there is none. Raises IntegrityError for a damaged one."""
        value = self._parsed.get(name, ABSENT)
        if value is ABSENT:
            leaf = self._tree.find(f"{_FOLDER}{name}{_SUFFIX}")
            if leaf is not None:
                value = self._parsed[name] = parse_document(leaf, name)
        return value

    def below(self, folder: str = "") -> Iterator[str]:
        """The names of the documents in a folder and in those inside it, sorted."""
        for part, _ in self._tree.below(f"{_FOLDER}{folder}"):
            name = document_name(part)
            if name is not None:
                yield name

    def around(self, path: Path) -> Iterator[str]:
        """The names of the documents that may hold something at or below a path."""
        texts = [str(step) for step in path]
        above = ("/".join(texts[:length]) for length in range(1, len(texts) + 1))
        yield from (name for name in above if self.find(name) is not ABSENT)
        yield from self.below("/".join(texts) + "/" if texts else "")

    def value_at(self, path: Path) -> Found:
        owner, value = self._owner(path)
        if (value is not ABSENT and not isinstance(value, dict)) or any(isinstance(step, int) for step in path):
            return Found(value, owner, may_grow=False)
        place = "/".join(str(step) for step in path)
        names = tuple(self.below(f"{place}/" if place else ""))
        if not names:
            return Found(value, owner, may_grow=True)
        inner = [] if value is ABSENT else [(f"all/{place}" if place else "all", value)]
        whole: Any = assemble([*inner, *((f"all/{name}", self.find(name)) for name in names)])["all"]
        return Found(descend(whole, path), (*owner, *names), may_grow=True)

    def _owner(self, path: Path) -> tuple[tuple[str, ...], Any]:
        """The document that holds the path, as a tuple of none or one, and the value there."""
        texts = [step for step in path if isinstance(step, str)]
        for length in range(len(texts), 0, -1):
            if path[:length] == tuple(texts[:length]):
                name = "/".join(texts[:length])
                value = descend(self.find(name), path[length:])
                if value is not ABSENT:
                    return (name,), value
        return (), ABSENT


def document_name(part: str) -> str | None:
    """`llm_providers/openai` for the part `config/llm_providers/openai.json`; None for a part that is no document."""
    is_document = part.startswith(_FOLDER) and part.endswith(_SUFFIX)
    return part[len(_FOLDER) : -len(_SUFFIX)] if is_document else None


def changed_documents(changes: Sequence[LeafChange]) -> Iterator[tuple[str, LeafChange]]:
    """The documents among the parts that differ between two trees."""
    for change in changes:
        name = document_name(change.name)
        if name is not None:
            yield name, change


def parse_document(leaf: Leaf, name: str) -> Any:
    content = read_leaf(leaf, f"{_FOLDER}{name}{_SUFFIX}")
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise IntegrityError(f"{name} in the bundle is no JSON", hint="deliver it again: llmcfg apply") from None


def descend(value: Any, path: Path) -> Any:
    """The value at a path inside another; ABSENT where there is none."""
    for step in path:
        if isinstance(step, str):
            value = value.get(step, ABSENT) if isinstance(value, dict) else ABSENT
        else:
            value = value[step] if isinstance(value, list) and step < len(value) else ABSENT
    return value

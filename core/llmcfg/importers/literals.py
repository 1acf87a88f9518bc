"""Secrets that stand in the clear in a file that is imported: which scalars they are, what to call them, and where comments hold some."""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING, Final, NamedTuple

import yaml

from llmcfg.secrets.plaintext import find_secrets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llmcfg.importers.source import Source

_ITEM_NAME: Final = re.compile(r"(?:.*_)?(?:name|id|label)")
_VARIABLES: Final = "environment_variables"


class Literal(NamedTuple):
    """A scalar that looks like a secret, or has one in it. `name` is what the secret is called; equal values have one name."""

    what: str
    name: str


class Span(NamedTuple):
    """Characters of the source's text that look like a secret."""

    what: str
    start: int
    end: int


class Literals(NamedTuple):
    """`scalars` by the id of their node; `elsewhere` are the spans that are in no value, such as those of comments."""

    scalars: dict[int, Literal]
    elsewhere: tuple[Span, ...]


def find_literals(source: Source, program: str, used: Iterable[str]) -> Literals:
    """What looks like a secret in a file.

    `program` begins the names of those that belong to no item with a name of its own; names in `used` are other secrets' already.
    """
    spans = list(_spans(source.text))
    if not spans:
        return Literals({}, ())
    starts = [span.start for span in spans]
    scalars: dict[int, Literal] = {}
    names: dict[str, str] = {}
    used = set(used)
    taken = set[int]()
    for scalar in _scalars(source.root, program):
        node = scalar.node
        held = range(bisect_left(starts, node.start_mark.index), bisect_left(starts, node.end_mark.index))
        if held:
            name = names.get(node.value) or _free_name(scalar, used)
            names[node.value] = name
            used.add(name)
            scalars[id(node)] = Literal(spans[held[0]].what, name)
            taken.update(held)
    return Literals(scalars, tuple(span for number, span in enumerate(spans) if number not in taken))


def without(text: str, spans: Iterable[Span]) -> str:
    """The text with rows of x in place of the spans, so that everything else stays where it was."""
    for span in spans:
        text = text[: span.start] + re.sub(r"[^\s#]", "x", text[span.start : span.end]) + text[span.end :]
    return text


def _spans(text: str) -> Iterator[Span]:
    content = text.encode("utf-8", "surrogatepass")
    at = characters = 0
    for found in find_secrets(content, by_name=True):
        characters += len(content[at : found.start].decode("utf-8", "surrogatepass"))
        length = len(content[found.start : found.end].decode("utf-8", "surrogatepass"))
        yield Span(found.what, characters, characters + length)
        at, characters = found.end, characters + length


class _Entry(NamedTuple):
    """`owner` is the name that the item around it has, or else the program's; `key` is the key above it."""

    node: yaml.Node
    owner: str
    key: str = ""

    def below(self) -> list[_Entry]:
        """What is in it, if it is a collection."""
        if isinstance(self.node, yaml.SequenceNode):
            return [self._replace(node=item) for item in self.node.value]
        if not isinstance(self.node, yaml.MappingNode):
            return []
        owner = "" if self.key == _VARIABLES else _item_name(self.node) or self.owner
        return [_Entry(value, owner, str(key.value)) for key, value in self.node.value]


def _scalars(root: yaml.Node, program: str) -> Iterator[_Entry]:
    """The values of a file in its order, each once."""
    waiting, seen = [_Entry(root, program)], set[int]()
    while waiting:
        current = waiting.pop()
        if id(current.node) in seen:
            continue
        seen.add(id(current.node))
        if isinstance(current.node, yaml.ScalarNode):
            yield current
        waiting += reversed(current.below())


def _item_name(node: yaml.MappingNode) -> str:
    names = (value.value for key, value in node.value if _ITEM_NAME.fullmatch(str(key.value)))
    return next((name for name in names if isinstance(name, str)), "")


def _free_name(held: _Entry, taken: set[str]) -> str:
    key = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", held.key)
    stem = re.sub(r"[^a-z0-9]+", "_", f"{held.owner}_{key}".lower()).strip("_")[:80]
    stem = stem if stem[:1].isalpha() else f"secret_{stem}"
    return next(
        name for name in (stem, *(f"{stem}_{count}" for count in range(2, len(taken) + 3))) if name not in taken
    )

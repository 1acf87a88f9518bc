"""Writing one change into the text of a file, and nothing else: hand formatting, comments, anchors and order stay.

`complete` is the document as parsed from the text, with spans and with its metadata; the node to write is sealed already. What a place
cannot take in this way is refused by the check that `edit` makes of every result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from llmcfg.errors import UsageError
from llmcfg.secrets.sops.change import find_node, new_node
from llmcfg.secrets.sops.model import METADATA, Comment, FileType, Item, Leaf, Mapping, Null, Sequence, Span

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Sequence as AnySequence

    from llmcfg.secrets.sops.change import Place
    from llmcfg.secrets.sops.model import Node


class Splice(NamedTuple):
    """Replace `span` by `text`."""

    span: Span
    text: str


class _Store(Protocol):
    """How one format takes changes that are more than another scalar."""

    def insert(
        self, text: str, parent: Mapping | Sequence, step: str | int, node: Node, comments: AnySequence[Comment], /
    ) -> Splice: ...

    def remove(self, text: str, parent: Mapping | Sequence, position: int, /) -> Splice: ...

    def replace(self, text: str, parent: Mapping | Sequence, position: int, node: Node, /) -> Splice: ...


def apply_splices(text: str, splices: Iterable[Splice]) -> str:
    """The text with all of them made: of several at one place, the first is first. They do not overlap."""
    parts: list[str] = []
    at = 0
    for span, replacement in sorted(splices, key=lambda splice: splice.span):
        parts += (text[at : span.start], replacement)
        at = span.end
    return "".join((*parts, text[at:]))


def replace_leaf(text: str, complete: Mapping, place: Place, leaf: Leaf | Null, file_type: FileType) -> Splice:
    """Another scalar where one is written. A quoted one stays quoted."""
    node = find_node(complete, place.positions)
    span = trimmed(text, span_of(node))
    match file_type:
        case FileType.DOTENV:
            from llmcfg.secrets.sops.dotenvstore import flat_text

            return Splice(span, flat_text(leaf))
        case FileType.YAML:
            from llmcfg.secrets.sops.yamlsplice import write_in_place

            in_flow = any(
                container_at(complete, place.positions[:length]).is_flow for length in range(len(place.positions))
            )
            return Splice(span, write_in_place(text, span, leaf, in_flow=in_flow))
        case FileType.INI:
            raise UsageError("INI files are read and not written", hint="write the file as YAML, JSON or dotenv")
        case _:
            from llmcfg.secrets.sops.jsonstore import write_json_value

            return Splice(span, write_json_value(leaf, 0))


def write_change(
    text: str,
    complete: Mapping,
    place: Place,
    node: Node | None,
    file_type: FileType,
    comments: AnySequence[Comment] = (),
) -> Splice:
    """A node where none is, where a container is, or (None) the removal of what is there. `comments` stand before a new entry."""
    if file_type is FileType.DOTENV:
        return _dotenv(text, complete, place, node, comments)
    store = _store(file_type)
    if place.missing:
        if node is None:
            raise UsageError("there is nothing to remove", hint="name another key")
        parent = container_at(complete, place.positions)
        return store.insert(text, parent, place.missing[0], new_node(place.missing, node), comments)
    parent = container_at(complete, place.positions[:-1])
    if node is None:
        return store.remove(text, parent, place.positions[-1])
    return store.replace(text, parent, place.positions[-1], node)


def container_at(complete: Mapping, positions: tuple[int, ...]) -> Mapping | Sequence:
    found = find_node(complete, positions)
    if not isinstance(found, Mapping | Sequence):
        raise cannot_splice()
    return found


def trimmed(text: str, span: Span) -> Span:
    """Without the line breaks behind a block scalar."""
    written = text[span.start : span.end]
    return Span(span.start, span.start + len(written.rstrip(" \r\n"))) if written[:1] in "|>" and written else span


def span_of(item: Item | Node | Comment) -> Span:
    """Where a value is written."""
    span = item.value.span if isinstance(item, Item) else item.span
    if span is None:
        raise cannot_splice()
    return span


def key_span(item: Item | Node | Comment) -> Span:
    if not isinstance(item, Item) or item.key_span is None:
        raise cannot_splice()
    return item.key_span


def real_entries(parent: Mapping) -> list[Item]:
    return [item for item in parent.entries() if item.key != METADATA]


def cannot_splice() -> UsageError:
    return UsageError(
        "this place cannot be changed without writing the file anew",
        hint="decrypt it, change it, and encrypt it; or edit it with llmcfg secret edit",
    )


def _store(file_type: FileType) -> _Store:
    if file_type is FileType.YAML:
        from llmcfg.secrets.sops import yamlsplice

        return yamlsplice
    if file_type is FileType.JSON:
        from llmcfg.secrets.sops import jsonsplice

        return jsonsplice
    raise UsageError("a file of this type holds one value, and has no keys", hint="set it whole")


def _dotenv(text: str, complete: Mapping, place: Place, node: Node | None, comments: AnySequence[Comment]) -> Splice:
    from llmcfg.secrets.sops.dotenvstore import write_dotenv

    if node is None:
        item = complete.items[place.positions[0]]
        return Splice(Span(key_span(item).start, min(span_of(item).end + 1, len(text))), "")
    if len(place.missing) != 1 or not isinstance(node, Leaf | Null):
        raise UsageError("a dotenv file holds plain names and values only", hint="use one name")
    entries = real_entries(complete)
    at = span_of(entries[-1]).end if entries else -1
    lines = write_dotenv(Mapping([*comments, Item(str(place.missing[0]), node)]))
    return Splice(Span(at + 1, at + 1), lines)

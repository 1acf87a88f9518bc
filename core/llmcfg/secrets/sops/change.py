"""Changes to a plaintext tree, as values: a path gets a node, or goes. The tree that is given is not changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from llmcfg.errors import UnknownKeyError, UsageError
from llmcfg.model.keypath import format_key_path
from llmcfg.model.value import Tagged
from llmcfg.secrets.sops.model import METADATA, Comment, Item, Leaf, Mapping, Null, Sequence
from llmcfg.secrets.sops.numbers import INT64_MAX, INT64_MIN, format_float

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Sequence as AnySequence

    from llmcfg.model.value import Path, Value
    from llmcfg.secrets.sops.model import Documents, Node

    Amendment: TypeAlias = Callable[[Documents], AnySequence["Change"]]


class Change(NamedTuple):
    """`node` None removes what is at the path. `comments` stand before a key that is new.

    `document` is the one that is meant of several; None is the one that has most of the path.
    """

    path: Path
    node: Node | None
    document: int | None = None
    comments: tuple[Comment, ...] = ()


class Place(NamedTuple):
    """Where a path leads in one document: the containers on the way, and the steps that are not there yet."""

    document: int
    positions: tuple[int, ...]  # in `items`, of each step that is there
    missing: Path


def node_of(value: Value) -> Node:
    """A configuration value as a node. Raises UsageError for an integer that is too large for SOPS."""
    match value:
        case None:
            return Null()
        case bool():
            return Leaf("bool", b"True" if value else b"False")
        case int():
            if not INT64_MIN <= value <= INT64_MAX:
                raise UsageError("an integer beyond 64 bits cannot be in a SOPS file", hint="write it as a string")
            return Leaf("int", b"%d" % value)
        case float():
            return Leaf("float", format_float(value).encode())
        case str():
            return Leaf("str", value.encode("utf-8", "surrogateescape"))
        case Tagged():
            raise UsageError("a merge tag cannot be in a SOPS file", hint="write the value itself")
        case dict():
            return Mapping([Item(key, node_of(item)) for key, item in value.items()])
        case _:
            return Sequence([node_of(item) for item in value])


def find_place(documents: Documents, path: Path, document: int | None = None) -> Place:
    """The place of a path in that document, or in the one that has most of it. Raises UsageError for one that leads into a value."""
    if not path or path[0] == METADATA:
        raise UsageError("this is not the path of a value", hint="write it as openai.api_key")
    if document is not None:
        return _place(documents[document], document, path)
    places = [_place(one, number, path) for number, one in enumerate(documents)]
    return max(places, key=lambda place: len(place.positions))


def find_node(document: Mapping, positions: tuple[int, ...]) -> Node | Comment:
    """What stands at positions, as `Place` has them, in a tree of the same shape."""
    at: Node | Comment = document
    for position in positions:
        if isinstance(at, Mapping):
            item = at.items[position]
            at = item.value if isinstance(item, Item) else item
        elif isinstance(at, Sequence):
            at = at.items[position]
    return at


def apply(documents: Documents, change: Change) -> Documents:
    """The documents after a change. Raises UnknownKeyError for a removal of what is not there."""
    place = find_place(documents, change.path, change.document)
    if change.node is None and place.missing:
        raise UnknownKeyError(f"there is no {format_key_path(change.path)} in this file", hint="see llmcfg secret list")
    document = _changed(documents[place.document], place.positions, place.missing, change)
    if not isinstance(document, Mapping):
        raise UsageError("a document has to be a mapping", hint="name a key")
    return [document if number == place.document else other for number, other in enumerate(documents)]


def changes_between(old: Documents, new: Documents) -> list[Change] | None:
    """What was set and removed; None where the order of keys or a comment differs too, or one of several documents."""
    if [(without_comments(one), comments_of(one)) for one in old] == [
        (without_comments(one), comments_of(one)) for one in new
    ]:
        return []
    if len(old) != 1 or len(new) != 1 or comments_of(old[0]) != comments_of(new[0]):
        return None
    return _differences(old[0], new[0], ())


def new_node(missing: Path, node: Node) -> Node:
    """The node with mappings around it for the steps that were missing behind the first."""
    for step in reversed(missing[1:]):
        if isinstance(step, int):
            raise UsageError("a list cannot be made by naming its element", hint="set the list itself")
        node = Mapping([Item(step, node)])
    return node


def without_comments(node: Node) -> Node:
    if isinstance(node, Mapping):
        return Mapping([Item(item.key, without_comments(item.value)) for item in node.entries()])
    if isinstance(node, Sequence):
        return Sequence([without_comments(item) for item in node.nodes()])
    return node


def comments_of(node: Node) -> list[bytes]:
    """The texts of all comments, in order."""
    if isinstance(node, Leaf | Null):
        return []
    found: list[bytes] = []
    for item in node.items:
        if isinstance(item, Comment):
            found.append(item.text)
        else:
            found += comments_of(item.value if isinstance(item, Item) else item)
    return found


def _place(document: Mapping, number: int, path: Path) -> Place:
    at: Node = document
    positions: list[int] = []
    for depth, step in enumerate(path):
        found = _position(at, step)
        if found is None:
            _check_can_take(at, path, depth)
            return Place(number, tuple(positions), path[depth:])
        positions.append(found)
        below = find_node(document, tuple(positions))
        if isinstance(below, Comment):
            break
        at = below
    return Place(number, tuple(positions), ())


def _position(at: Node, step: str | int) -> int | None:
    if isinstance(at, Mapping):
        return next((n for n, item in enumerate(at.items) if isinstance(item, Item) and item.key == step), None)
    if isinstance(at, Sequence) and isinstance(step, int):
        nodes = [n for n, item in enumerate(at.items) if not isinstance(item, Comment)]
        return nodes[step] if step < len(nodes) else None
    return None


def _check_can_take(at: Node, path: Path, depth: int) -> None:
    step = path[depth]
    if isinstance(at, Mapping) and isinstance(step, str):
        return
    if isinstance(at, Sequence) and step == len(list(at.nodes())):
        return
    raise UsageError(
        f"{format_key_path(path[:depth])} cannot hold {format_key_path(path[depth:])}",
        hint="name another key, or unset this one",
    )


def _changed(at: Node | Comment, positions: tuple[int, ...], missing: Path, change: Change) -> Node | Comment | None:
    """The container at a place, or what replaces it."""
    node = change.node
    if not positions and not missing:
        return node
    if isinstance(at, Mapping):
        items = list(at.items)
        if not positions and node is not None:
            items += [*change.comments, Item(str(missing[0]), new_node(missing, node))]
        elif positions:
            old = items[positions[0]]
            below = _changed(old.value if isinstance(old, Item) else old, positions[1:], missing, change)
            kept = (
                [Item(old.key, below)]
                if isinstance(old, Item) and below is not None and not isinstance(below, Comment)
                else []
            )
            items[positions[0] : positions[0] + 1] = kept
        return Mapping(items, at.span, at.is_flow)
    if isinstance(at, Sequence):
        elements = list(at.items)
        if not positions and node is not None:
            elements.append(new_node(missing, node))
        elif positions:
            below = _changed(elements[positions[0]], positions[1:], missing, change)
            elements[positions[0] : positions[0] + 1] = [below] if below is not None else []
        return Sequence(elements, at.span, at.is_flow)
    return at


def _differences(old: Node, new: Node, path: Path) -> list[Change] | None:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        before = {item.key: item.value for item in old.entries()}
        after = {item.key: item.value for item in new.entries()}
        common = [key for key in before if key in after]
        if list(after)[: len(common)] != common or len(before) != len(list(old.entries())):
            return None
        changes: list[Change] = [Change((*path, key), None) for key in before if key not in after]
        for key, value in after.items():
            found = _differences(before[key], value, (*path, key)) if key in before else [Change((*path, key), value)]
            if found is None:
                return None
            changes += found
        return changes
    if isinstance(old, Sequence) and isinstance(new, Sequence):
        pairs = list(zip(old.nodes(), new.nodes(), strict=False))
        if len(pairs) == len(list(old.nodes())) == len(list(new.nodes())):
            parts = [_differences(*pair, (*path, number)) for number, pair in enumerate(pairs)]
            return None if None in parts else [change for part in parts for change in part or ()]
    return [] if without_comments(old) == without_comments(new) else [Change(path, new)]

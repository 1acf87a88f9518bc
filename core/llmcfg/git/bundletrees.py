"""Trees of bundles that share most of what they hold: folders that a bundle does not touch are those of the layer beneath it.

So a thousand bundles cost what they say themselves, and one look at what they share.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llmcfg.errors import UsageError
from llmcfg.git.newobjects import NewObject, new_object, place_in_bundles, refuse_large, refuse_names
from llmcfg.git.trees import TreeEntry, format_tree
from llmcfg.model.laid import OfLayers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llmcfg.model.files import Content, InLayers


class Node(NamedTuple):
    """A folder: the contents of its files with their ids, and its folders, by name. `oid` and `whole` are those of its tree."""

    files: Mapping[str, tuple[str, bytes]]
    folders: Mapping[str, Node]
    oid: str
    whole: bytes


_EMPTY = Node({}, {}, "", b"")


class BundleTrees:
    """Adds trees to `objects`, by their ids."""

    def __init__(self, objects: dict[str, NewObject]) -> None:
        self._objects = objects
        self._layers: OfLayers[Content | None, Node] = OfLayers(_lay_parts, _EMPTY)

    def add(self, path: str, folder: InLayers, cut: Callable[[str, bytes], Mapping[str, bytes]]) -> str:
        """The id of the tree of the bundle at `path`, with everything below it. `cut` says as what a single file is stored.

        Raises UsageError for names that cannot be stored, and for a file where a folder is.
        """
        single: dict[str, bytes] = {}
        for name, content in folder.single.items():
            refuse_large(content)
            single |= {place[len(path) + 1 :]: piece for place, piece in cut(f"{path}/{name}", content).items()}
        node = _lay(single, self._layers.of(folder.laid))
        self._collect(node, place_in_bundles(path))
        return node.oid

    def _collect(self, node: Node, place: str) -> None:
        """What is there already is there with all below it."""
        if node.oid in self._objects:
            return
        self._objects[node.oid] = NewObject(node.oid, node.whole, place)
        for name, (oid, content) in node.files.items():
            if oid not in self._objects:
                self._objects[oid] = new_object(b"blob", content, f"{place}/{name}")
        for name, below in node.folders.items():
            self._collect(below, f"{place}/{name}")


def _lay_parts(own: Mapping[str, Content | None], below: Node) -> Node:
    return _lay({path: part.content for path, part in own.items() if part is not None}, below)


def _lay(own: Mapping[str, bytes], below: Node) -> Node:
    """The folder beneath with these files in it. What it does not touch is shared."""
    for path in own:
        refuse_names(path)
    return _put(own, below)


def _put(own: Mapping[str, bytes], below: Node) -> Node:
    files, folders = dict(below.files), dict(below.folders)
    inner: dict[str, dict[str, bytes]] = {}
    for path, content in own.items():
        name, _, rest = path.partition("/")
        if rest:
            inner.setdefault(name, {})[rest] = content
        else:
            refuse_large(content)
            files[name] = new_object(b"blob", content).oid, content
    for name, of_it in inner.items():
        folders[name] = _put(of_it, folders.get(name, _EMPTY))
    for name in files.keys() & folders.keys():
        raise UsageError(f"{name!r} is a file and a directory", hint="choose another output path")
    entries = [TreeEntry(name, is_tree=False, oid=oid) for name, (oid, _) in files.items()]
    entries += [TreeEntry(name, is_tree=True, oid=folder.oid) for name, folder in folders.items()]
    made = new_object(b"tree", format_tree(entries))
    return Node(files, folders, made.oid, made.whole)

"""Writing bundle files: the same head and parts give the same bytes, from any machine with the same zlib.

Frames of parts that stayed the same are taken over as they are packed in the file that the bundle was made from.
"""

from __future__ import annotations

import hashlib
import zlib
from typing import TYPE_CHECKING, Final

from llmcfg import limits
from llmcfg.bundlefile.bundle import read_leaf
from llmcfg.bundlefile.frames import pack_frame
from llmcfg.bundlefile.head import encode_head
from llmcfg.bundlefile.layout import MAGIC, Footer, encode_end, encode_places
from llmcfg.bundlefile.nodes import Branch
from llmcfg.bundlefile.tree import leaves_below, name_of
from llmcfg.errors import UsageError

if TYPE_CHECKING:
    from llmcfg.bundlefile.bundle import Bundle
    from llmcfg.bundlefile.nodes import Leaf, Node
    from llmcfg.bundlefile.tree import Tree

_DICTIONARY_BYTES: Final = 8 << 10
_DICTIONARY_DOCUMENTS: Final = 16
_WORTH_IT: Final = 64  # documents; in a smaller bundle a dictionary costs more than it saves


def pack_bundle(bundle: Bundle) -> bytes:
    """The whole file; as it is, for a bundle that is one. Raises IntegrityError when a part that it is made from is damaged."""
    if bundle.packed is not None:
        return bytes(bundle.packed)
    root = bundle.tree.root
    dictionary = choose_dictionary(bundle.tree)
    packing = _Packing(dictionary)
    packing.add_frames(root)
    place, covered = packing.add_node(root)
    head = encode_head(bundle.head)
    footer = Footer(place, covered, len(dictionary), len(head), hashlib.sha256(packing.written).digest())
    return b"".join([packing.written, encode_end(footer, dictionary, head)])


def choose_dictionary(tree: Tree) -> bytes:
    """What frames are packed with: documents chosen by their names alone, so that it seldom changes when a document does."""
    documents = sorted((zlib.crc32(name.encode()), name, leaf) for name, leaf in tree.below("config/"))
    if len(documents) < _WORTH_IT:
        return b""
    chosen = (read_leaf(leaf, name) for _, name, leaf in documents[:_DICTIONARY_DOCUMENTS])
    return b"".join(chosen)[:_DICTIONARY_BYTES]


class _Packing:
    """A file as far as it is written."""

    def __init__(self, dictionary: bytes) -> None:
        self.written = bytearray(MAGIC)
        self._dictionary = dictionary
        self._frames: dict[bytes, tuple[int, int]] = {}

    def add_frames(self, root: Node) -> None:
        """All frames, in the order of their names, before the first node, so that nodes lie close together."""
        for key, leaf in leaves_below(root):
            frame = self._frame(key, leaf)
            self._frames[key] = (len(self.written), len(frame))
            self.written += frame

    def add_node(self, node: Node, depth: int = 0) -> tuple[int, int]:
        """The offset of a node and the length of its covered bytes, once it is written after all that hang below it."""
        if depth > limits.BUNDLE_DEPTH:
            raise UsageError(
                f"the names of a bundle's files begin one another more than {limits.BUNDLE_DEPTH} times over",
                hint="spread them over folders",
            )
        if isinstance(node, Branch):
            children = [node.child(byte) for byte in [*node.children]]
            places = [self.add_node(child, depth + 1) for child in children if child is not None]
        else:
            places = [self._frames[key] for key in node.leaves]
        covered = node.covered()
        offset = len(self.written)
        self.written += covered + encode_places(places)
        return offset, len(covered)

    def _frame(self, key: bytes, leaf: Leaf) -> bytes:
        place = leaf.place
        packed = None if isinstance(place, bytes) else place.file.packed_frame(place, self._dictionary)
        return pack_frame(read_leaf(leaf, name_of(key)), self._dictionary) if packed is None else packed

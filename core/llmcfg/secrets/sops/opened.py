"""A SOPS file that was opened and verified, as edits and rotations start from it."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from llmcfg.secrets.sops import stores
from llmcfg.secrets.sops.cipher import Cipher, additional_data, is_token
from llmcfg.secrets.sops.files import check_mac, read_metadata
from llmcfg.secrets.sops.keys import AgeKeys, find_data_key
from llmcfg.secrets.sops.model import METADATA, Comment, Item, Leaf, Mapping, Sequence
from llmcfg.secrets.sops.walk import decrypt_tree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Sequence as AnySequence

    from llmcfg.secrets.age import Identity
    from llmcfg.secrets.sops.keys import KeyService
    from llmcfg.secrets.sops.metadata import Metadata
    from llmcfg.secrets.sops.model import Documents, FileType, Node
    from llmcfg.secrets.sops.stores import Parsed


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """`plain` has the shape of `parsed.documents`; `aligned` that of `parsed.complete`, with the metadata among the items.

    `lenders` are other files under the same data key: a value that one of them has at the same keys takes its ciphertext from there.
    """

    file_type: FileType
    parsed: Parsed = field(repr=False)
    metadata: Metadata
    plain: Documents = field(repr=False)
    mac: str = field(repr=False)
    data_key: bytes = field(repr=False)
    lenders: tuple[OpenedFile, ...] = field(default=(), repr=False)

    @property
    def aligned(self) -> Documents:
        return [_aligned(plain, complete) for plain, complete in zip(self.plain, self.parsed.complete, strict=True)]


def open_file(
    content: bytes, file_type: FileType, identities: AnySequence[Identity], services: AnySequence[KeyService] = ()
) -> OpenedFile:
    """Raises as `files.decrypt_file`."""
    parsed = stores.parse_encrypted(content, file_type)
    metadata = read_metadata(parsed, file_type)
    return _opened(parsed, metadata, file_type, find_data_key(metadata, (AgeKeys(identities), *services)))


def open_with_key(content: bytes, file_type: FileType, data_key: bytes) -> OpenedFile:
    """The same with a data key that is known. Raises IntegrityError when it is not the one of this file."""
    parsed = stores.parse_encrypted(content, file_type)
    return _opened(parsed, read_metadata(parsed, file_type), file_type, data_key)


def _opened(parsed: Parsed, metadata: Metadata, file_type: FileType, data_key: bytes) -> OpenedFile:
    plain, mac = decrypt_tree(
        parsed.documents, Cipher(data_key), metadata.rule, mac_only_encrypted=metadata.mac_only_encrypted
    )
    check_mac(metadata, mac, data_key)
    return OpenedFile(file_type, parsed, metadata, plain, mac, data_key)


class KeepingSealer:
    """Seals as the file and its lenders did: a value that is at the same keys keeps its token, in the order of the file, and each once."""

    def __init__(self, file: OpenedFile) -> None:
        self._cipher = Cipher(file.data_key)
        self._tokens: defaultdict[tuple[bytes, Leaf], deque[bytes]] = defaultdict(deque)
        known: set[bytes] = set()
        for source in (file, *file.lenders):
            for sealed, plain in zip(source.parsed.documents, source.plain, strict=True):
                for additional, leaf, token in _pairs(sealed, plain, ()):
                    if source is file or token not in known:
                        self._tokens[additional, leaf].append(token)
                    known.add(token)

    def seal(self, leaf: Leaf, additional: bytes) -> bytes:
        kept = self._tokens.get((additional, leaf))
        return kept.popleft() if kept else self._cipher.seal(leaf, additional)


def _pairs(sealed: Node | Comment, plain: Node | Comment, path: tuple[str, ...]) -> Iterator[tuple[bytes, Leaf, bytes]]:
    """Additional data, plaintext and token of all that is sealed."""
    if isinstance(sealed, Mapping) and isinstance(plain, Mapping):
        for item, opened in zip(sealed.items, plain.items, strict=True):
            if isinstance(item, Item) and isinstance(opened, Item):
                yield from _pairs(item.value, opened.value, (*path, item.key))
            elif isinstance(item, Comment) and isinstance(opened, Comment):
                yield from _pairs(item, opened, path)
    elif isinstance(sealed, Sequence) and isinstance(plain, Sequence):
        for element, opened_element in zip(sealed.items, plain.items, strict=True):
            yield from _pairs(element, opened_element, path)
    elif isinstance(sealed, Leaf | Comment) and isinstance(plain, Leaf | Comment):
        token = sealed.reveal() if isinstance(sealed, Leaf) else sealed.text
        leaf = plain if isinstance(plain, Leaf) else Leaf("comment", plain.text)
        if is_token(token) and token != leaf.reveal():
            yield additional_data(path), leaf, token


def _aligned(plain: Mapping, complete: Mapping) -> Mapping:
    items = list(plain.items)
    for position, item in enumerate(complete.items):
        if isinstance(item, Item) and item.key == METADATA:
            items.insert(position, item)
    return Mapping(items, plain.span, plain.is_flow)

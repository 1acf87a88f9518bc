"""What was found to be right when bundles were read back, or was written by who knew it, so that the next look reads what came since.

A folder is known by its id and all that the head says of it. A file is known by the id of its blob, with its digest: of a bundle that is
new to this machine only those files are read that no other bundle has. Both are facts about contents, and Git holds each content to its id.
Nothing of it says who made a bundle, which is for signatures to settle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from llmcfg.bundlefile.files import ENVELOPE
from llmcfg.canonical import digest
from llmcfg.model.files import StoredFolder
from llmcfg.pipeline.bundle import MANIFEST, BundleFiles
from llmcfg.pipeline.known import is_sound, learn_sound, name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from llmcfg.model.files import Files
    from llmcfg.model.laid import Laid
    from llmcfg.pipeline.bundle import Part
    from llmcfg.pipeline.memo import Memo
    from llmcfg.pipeline.stored import Head

_MOST: Final = 200_000  # files
_DIGEST_BYTES: Final = 32
_TABLE: Final = name_of("files read back")
_DECODER: Final = msgspec.msgpack.Decoder(dict[bytes, bytes])


class Checked:
    """One look at the bundles of an environment. `memo` and its cache remember what it finds."""

    def __init__(self, memo: Memo | None) -> None:
        self._memo = memo
        self._disk = memo.disk if memo is not None else None
        self._digests: dict[str, str] = memo.file_digests if memo is not None else {}  # by the id of a blob
        self._documents: set[str] = memo.documents_read if memo is not None else set()  # by digest
        self._names: set[bytes] = set()
        self._is_new = False

    def look_at(self, head: Head, files: Files, check: Callable[[str], None]) -> None:
        """Have every bundle checked that is not known to be right. What `check` raises is raised, and then nothing is remembered."""
        before = self._memo.checked.get(head.environment, frozenset()) if self._memo is not None else frozenset()
        unknown = []
        for folder in sorted(head.bundles):
            name = _name_of(head, folder, files.folders.get(folder))
            if name is None or not (name in before or is_sound(self._disk, name, "read back", folder)):
                unknown.append(folder)
            if name is not None:
                self._names.add(name)
        for folder in self._memo.progress.over("reading bundles back", unknown) if self._memo else unknown:
            check(folder)
        self._remember(head.environment, before)

    def digests(self, folder: Mapping[str, bytes], beside: Collection[str]) -> Mapping[str, str]:
        """The digests of all files of a bundle, by path, but of those that lie `beside` its parts and are no other bundle's."""
        if not isinstance(folder, StoredFolder) or folder.own:
            return {path: digest(content) for path, content in folder.items() if path not in beside}
        self._load()
        known = self._digests
        found: dict[str, str] = {}
        for path, oid in folder.blobs.items():
            if path in beside:
                continue
            said = known.get(oid)
            if said is None:
                said = known[oid] = folder.store.digest(oid)
                self._is_new = True
            found[path] = said
        return found

    def is_document(self, sha256: str) -> bool:
        """Whether a content was read as a document before."""
        return sha256 in self._documents

    def learn_document(self, sha256: str) -> None:
        self._documents.add(sha256)

    def _load(self) -> None:
        content = self._disk.content(_TABLE) if self._disk is not None and not self._digests else None
        for oid, said in _DECODER.decode(content).items() if content is not None else ():
            sha256 = said[:_DIGEST_BYTES].hex()
            self._digests.setdefault(oid.hex(), sha256)
            if len(said) > _DIGEST_BYTES:
                self._documents.add(sha256)

    def _remember(self, environment: str, before: Iterable[bytes]) -> None:
        if self._memo is not None:
            self._memo.checked[environment] = frozenset(self._names)
        if self._disk is None or not self._names.difference(before):
            return
        for name in self._names:
            learn_sound(self._disk, name)
        if self._is_new:
            self._disk.add(_TABLE, msgspec.msgpack.encode(self._table()))
        self._disk.keep()

    def _table(self) -> dict[bytes, bytes]:
        """The newest, and whether each is a document."""
        newest = list(self._digests.items())[-_MOST:]
        return {bytes.fromhex(oid): bytes.fromhex(said) + b"d" * (said in self._documents) for oid, said in newest}


def learn_written(head: Head, files: Files, stored: Files, memo: Memo) -> None:
    """Of bundles that were put together here and were `stored` just now: those that hold what is said of them need no look.

    What was stored before was checked before it was stored again.
    """
    right: dict[int, Laid[Part | None]] = {}
    names = set[bytes]()
    for folder, inner in files.folders.items():
        name = _name_of(head, folder, stored.folders.get(folder))
        is_right = _was_checked(inner) if isinstance(inner, StoredFolder) else _holds(inner, right)
        if name is not None and is_right:
            names.add(name)
            learn_sound(memo.disk, name)
    memo.checked[head.environment] = frozenset(names)
    if memo.disk is not None:
        memo.disk.keep()


class _Digest(msgspec.Struct):
    sha256: str


class _Listed(msgspec.Struct):
    parts: dict[str, _Digest]


_LISTED: Final = msgspec.json.Decoder(_Listed)


def _was_checked(folder: StoredFolder) -> bool:
    """But for the envelope, which is none of what is checked; and what was put into it is what its new list says, which says the same of
    all else as the old one.
    """
    if folder.own.keys() <= {ENVELOPE}:
        return True
    listed, said = folder.own.get(MANIFEST), _parts(StoredFolder(folder.store, folder.id)[MANIFEST])
    now = {} if listed is None else _parts(listed)
    for path in folder.own.keys() & {*said, *now}:
        content = folder.own[path]
        said.pop(path, None)
        if content is not None:
            said[path] = digest(content)
    return said == now


def _parts(manifest: bytes) -> dict[str, str]:
    return {path: part.sha256 for path, part in _LISTED.decode(manifest).parts.items()}


def _holds(files: Mapping[str, bytes], right: dict[int, Laid[Part | None]]) -> bool:
    """Whether parts are what their digests say, which may have been remembered. `right` are layers of parts that are."""
    if not isinstance(files, BundleFiles):
        return False
    for layer in files.laid.layers():
        if id(layer) in right:
            return True
        if any(part is not None and digest(part.content) != part.sha256 for part in layer.own.values()):
            return False
        right[id(layer)] = layer
    return True


def _name_of(head: Head, folder: str, files: Mapping[str, bytes] | None) -> bytes | None:
    """What it is remembered under that a folder holds what is said of it; None where only reading it can tell."""
    if not isinstance(files, StoredFolder) or files.own:
        return None
    sealed = None if head.sealed is None else sorted((head.sealed.get(folder) or {}).items())
    return name_of("stored", head.environment, folder, files.id, head.bundles[folder], repr(sealed))

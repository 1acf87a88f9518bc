"""The files of an environment's bundles, by path, as they hang together: a folder for each bundle, and a few files beside these.

A folder may be one that is stored. It says which, so that whoever compares it, or writes it again, need not look into it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

from llmcfg.canonical import digest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmcfg.model.laid import Laid


class Entry(NamedTuple):
    """One name in a stored folder. A file `in_pieces` is stored as a folder, and is a file all the same."""

    oid: str
    is_folder: bool
    in_pieces: bool = False


class Store(Protocol):
    """Where folders are stored, by id. Each raises IntegrityError for what is missing, damaged or not ours."""

    def entries(self, folder: str) -> Mapping[str, Entry]:
        """What lies right in a folder, by name."""
        ...

    def files(self, folder: str) -> Mapping[str, str]:
        """The ids of all files at and below it, by path, sorted."""
        ...

    def read_blob(self, oid: str) -> bytes:
        """The content of a file."""
        ...

    def digest(self, oid: str) -> str:
        """The SHA-256 of a file's content; it is read for that once."""
        ...


@runtime_checkable
class Digested(Protocol):
    """Files that know their digests."""

    def digests(self) -> dict[str, str]: ...


class Content(Protocol):
    """One file, made when it is asked for."""

    @property
    def content(self) -> bytes: ...


@runtime_checkable
class InLayers(Protocol):
    """Files of which most lie in layers that others share."""

    @property
    def laid(self) -> Laid[Content | None]:
        """Those in layers, by path. None stands for what a layer above says."""
        ...

    @property
    def single(self) -> Mapping[str, bytes]:
        """All others."""
        ...


class StoredFolder(Mapping[str, bytes]):
    """The files of the folder that is stored as `id`, but for what is put into it, or taken out (None), by path: `own`."""

    __slots__ = ("_blobs", "id", "own", "store")

    def __init__(self, store: Store, folder: str, own: Mapping[str, bytes | None] | None = None) -> None:
        self.store = store
        self.id = folder
        self.own = own or {}
        self._blobs: Mapping[str, str] | None = None

    def __getitem__(self, path: str) -> bytes:
        content = self.own.get(path)
        if content is not None:
            return content
        if path in self.own:
            raise KeyError(path)
        return self.store.read_blob(self._find(path) if self._blobs is None else self._blobs[path])

    def _find(self, path: str) -> str:
        """The id of one file, for which only the folders on the way to it are read."""
        at, segments = self.id, path.split("/")
        for depth, segment in enumerate(segments):
            entry = self.store.entries(at)[segment]
            is_folder = entry.is_folder or (entry.in_pieces and depth > 0)  # only what lies right in it is a list
            if is_folder != (depth < len(segments) - 1):
                raise KeyError(path)
            at = entry.oid
        return at

    def __contains__(self, path: object) -> bool:
        if path in self.own:
            return self.own[str(path)] is not None
        if self._blobs is None and "/" not in str(path):  # which the folder itself tells
            entry = self.store.entries(self.id).get(str(path))
            return entry is not None and not entry.is_folder
        return path in self.blobs

    def __iter__(self) -> Iterator[str]:
        here = {*self.blobs, *self.own}
        return iter(sorted(path for path in here if self.own.get(path, b"") is not None))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @property
    def blobs(self) -> Mapping[str, str]:
        """The ids of what is stored, by path."""
        if self._blobs is None:
            self._blobs = self.store.files(self.id)
        return self._blobs

    def digests(self) -> dict[str, str]:
        """The SHA-256 of each file's content, by path."""
        digests = {path: self.store.digest(oid) for path, oid in self.blobs.items() if path not in self.own}
        return digests | {path: digest(content) for path, content in self.own.items() if content is not None}

    def put(self, name: str, content: bytes | None) -> StoredFolder:
        """With another file right in it, or without it. The same folder, where there is none to take out."""
        if content is None and name not in self.own and name not in self.store.entries(self.id):
            return self
        return StoredFolder(self.store, self.id, {**self.own, name: content})

    def amended(self, own: Mapping[str, bytes | None]) -> StoredFolder:
        """With other files at these paths, or without them."""
        return StoredFolder(self.store, self.id, {**self.own, **own})


class Files(Mapping[str, bytes]):
    """By path, in the order of paths. `top` are those that lie in no bundle, `folders` those of each bundle by `<tenant>/<consumer>`."""

    __slots__ = ("folders", "top")

    def __init__(self, top: Mapping[str, bytes], folders: Mapping[str, Mapping[str, bytes]]) -> None:
        self.top = top
        self.folders = folders

    def __getitem__(self, path: str) -> bytes:
        folder, inner = split_path(path)
        return self.folders[folder][inner] if folder in self.folders else self.top[path]

    def __contains__(self, path: object) -> bool:
        folder, inner = split_path(str(path))
        return inner in self.folders[folder] if folder in self.folders else path in self.top

    def __iter__(self) -> Iterator[str]:
        for name in sorted({*self.top, *(f"{folder}/" for folder in self.folders)}):
            if name.endswith("/"):
                yield from (name + inner for inner in sorted(self.folders[name[:-1]]))
            else:
                yield name

    def __len__(self) -> int:
        return len(self.top) + sum(map(len, self.folders.values()))

    def __bool__(self) -> bool:
        """Whether there is a file or a folder of a bundle. Looks into none."""
        return bool(self.top or self.folders)

    def digests(self) -> dict[str, str]:
        """The SHA-256 of each file's content, by path. What a folder knows of itself is not read for it."""
        digests = {path: digest(content) for path, content in self.top.items()}
        for folder, inner in self.folders.items():
            known = inner.digests() if isinstance(inner, Digested) else {path: digest(it) for path, it in inner.items()}
            digests.update((f"{folder}/{path}", said) for path, said in known.items())
        return digests


def split_path(path: str) -> tuple[str, str]:
    """The folder of the bundle that a path lies in, and the rest of it."""
    tenant, _, rest = path.partition("/")
    consumer, _, inner = rest.partition("/")
    return f"{tenant}/{consumer}", inner


def put_together(files: Mapping[str, bytes]) -> Files:
    """Files that are only known by their paths. What is not in a folder two names deep lies in no bundle."""
    if isinstance(files, Files):
        return files
    top: dict[str, bytes] = {}
    folders: dict[str, dict[str, bytes]] = {}
    for path, content in files.items():
        folder, inner = split_path(path)
        if inner:
            folders.setdefault(folder, {})[inner] = content
        else:
            top[path] = content
    return Files(top, folders)

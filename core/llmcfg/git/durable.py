"""Writing objects: blobs, trees that share what did not change, commits and tags.

Few are written loose, each in a file of its own, and many as one pack (packs.py), as Git does with what it receives. A file gets its name
once its content is flushed, so an object is whole or not there. All objects of a tree are written before the ref that makes them reachable,
so a crash leaves at most unreachable objects.
"""

from __future__ import annotations

import os
import re
import time
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from llmcfg.disk import make_folders, side_by_side, storage_errors, sync_folder, write_new
from llmcfg.errors import StorageError, UsageError
from llmcfg.failpoints import failpoint
from llmcfg.git.bundletrees import BundleTrees
from llmcfg.git.filenames import why_not_a_file_name
from llmcfg.git.libgit2 import pygit2
from llmcfg.git.newobjects import new_object, place_in_bundles, refuse_large, refuse_names
from llmcfg.git.packs import make_pack
from llmcfg.git.pieces import LISTS, stored_as, stored_whole
from llmcfg.git.trees import TreeEntry, format_tree
from llmcfg.limits import COMMIT_MESSAGE_BYTES
from llmcfg.model.files import Files, InLayers, StoredFolder
from llmcfg.model.progress import UNWATCHED

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from llmcfg.git.newobjects import NewObject
    from llmcfg.git.packs import Pack
    from llmcfg.model.files import Store
    from llmcfg.model.progress import Progress

_FALLBACK_IDENTITY = "llmcfg <llmcfg@localhost>"
_PACKED_FROM: Final = 100  # objects, as Git's transfer.unpackLimit
_MOST_PACKED: Final = 1 << 30  # bytes


class _TreeId(NamedTuple):
    """A folder that is stored as it is to be."""

    oid: str


_Folder = dict[str, "str | _TreeId | _Folder"]
_Cut: TypeAlias = "Callable[[str, bytes], Mapping[str, bytes]]"


def tag_ref(name: str) -> str:
    """The full ref name of a tag. Raises UsageError for names that Git refuses or that could be taken for something else."""
    ref = f"refs/tags/{name}"
    is_misleading = name in ("HEAD", "@") or name.startswith("-") or re.fullmatch(r"[0-9a-f]{40}", name)
    if is_misleading or not name.isascii() or not pygit2.reference_is_valid_name(ref):
        raise UsageError(f"{name!r} cannot name a tag", hint="write it as v1.2.0 or prod-2025-03-31")
    return ref


def branch_ref(ref: str) -> str:
    """The full ref name of a branch, as given. Raises UsageError for anything else."""
    if not ref.startswith("refs/heads/") or not ref.isascii() or not pygit2.reference_is_valid_name(ref):
        raise UsageError(f"{ref!r} is no branch that can be written", hint="write it as refs/heads/deployed/prod")
    return ref


def own_ref(ref: str) -> str:
    """The full name of a ref that is llmcfg's own and no branch, as given. Raises UsageError for anything else."""
    if not ref.startswith("refs/llmcfg/") or not pygit2.reference_is_valid_name(ref):
        raise UsageError(f"{ref!r} is no ref of llmcfg", hint="write it as refs/llmcfg/audit")
    return ref


class ObjectWriter:
    """Writes objects of one repository, whose own folder is `git_dir`, also when `git` is one of its linked work trees."""

    def __init__(self, git: pygit2.Repository, git_dir: Path) -> None:
        self._git = git
        self._folder = git_dir / "objects"

    def write_tree(
        self,
        files: Mapping[str, bytes],
        present: Collection[str] = (),
        store: Store | None = None,
        *,
        in_pieces: bool = False,
        progress: Progress = UNWATCHED,
    ) -> str:
        """A tree of `files` by path, with large lists `in_pieces` or plain.

        Objects in `present` are known to be stored and are not written again. Neither are the folders of bundles that are stored already,
        if `store` is what they are stored in: that of this repository.
        """
        top: _Folder = {}
        objects: dict[str, NewObject] = {}
        cut = stored_as if in_pieces else stored_whole
        for path, content in _single_files(files, store):
            refuse_large(content)
            for place, piece in cut(path, content).items():
                _place(top, place, _add(objects, b"blob", piece, place))
        bundles = BundleTrees(objects)
        for path, layered in progress.over("storing bundles", [*_folders_in_layers(files)]):
            _place(top, path, _TreeId(bundles.add(path, layered, cut)))
        for path, folder in stored_folders(files, store):
            _place(top, path, _as_it_is(objects, folder, path, cut))
        tree = _add_folder(objects, top)
        self._write_all([made for oid, made in objects.items() if oid not in present], progress)
        return tree

    def graft(self, tree: str | None, path: str, below: str) -> str:
        """The tree with `below` at `path`, everything else as it is. None is an empty tree. Raises UsageError if a file is in the way."""
        name, _, rest = path.partition("/")
        reason = why_not_a_file_name(name.encode())
        if reason:
            raise UsageError(f"cannot store a folder at {path!r}: {reason}", hint="choose another path")
        try:
            builder = self._git.TreeBuilder(tree) if tree else self._git.TreeBuilder()
            inner = builder.get(name)
            if inner is not None and inner.type != pygit2.enums.ObjectType.TREE:
                raise UsageError(f"{name!r} is a file there, and a folder is to be written", hint="choose another path")
            if rest:
                below = self.graft(str(inner.id) if inner is not None else None, rest, below)
            builder.insert(name, below, pygit2.enums.FileMode.TREE)
            return str(builder.write())
        except (pygit2.GitError, KeyError, ValueError) as error:
            raise StorageError(f"cannot write to {self._git.path}: {error}", hint="see git fsck there") from error

    def write_commit(self, tree: str, parents: tuple[str, ...], message: str) -> str:
        who = f"{self.identity()} {int(time.time())} +0000"
        lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents), f"author {who}", f"committer {who}"]
        return self._write(b"commit", _with_message(lines, message))

    def write_tag(self, name: str, commit: str, message: str, sign: Callable[[bytes], bytes] | None = None) -> str:
        who = f"{self.identity()} {int(time.time())} +0000"
        lines = [f"object {commit}", "type commit", f"tag {name}", f"tagger {who}"]
        content = _with_message(lines, message)
        return self._write(b"tag", content + sign(content) if sign else content)

    def _write(self, word: bytes, content: bytes) -> str:
        made = new_object(word, content)
        self._write_all([made])
        return made.oid

    def _write_all(self, objects: Sequence[NewObject], progress: Progress = UNWATCHED) -> None:
        """One that is there already is written again, which mends a damaged one."""
        with storage_errors("write to", self._folder.parent):
            if len(objects) >= _PACKED_FROM and sum(len(made.whole) for made in objects) <= _MOST_PACKED:
                _write_pack(self._folder / "pack", make_pack(objects, progress))
                return
            folders = sorted({self._folder / made.oid[:2] for made in objects})
            for folder in folders:
                make_folders(folder)
            done = progress.counter("writing objects", len(objects))
            side_by_side(
                lambda made: _write_loose(self._folder / made.oid[:2] / made.oid[2:], made.whole), objects, done
            )
            side_by_side(sync_folder, folders)

    def identity(self) -> str:
        """`name <mail>` of the Git configuration, or a stand-in."""
        return self.configured_identity() or _FALLBACK_IDENTITY

    def configured_identity(self) -> str | None:
        try:
            signature = self._git.default_signature
        except (KeyError, pygit2.GitError, ValueError):
            return None
        return f"{_plain(signature.name)} <{_plain(signature.email)}>"


def stored_folders(files: Mapping[str, bytes], store: Store | None) -> Iterator[tuple[str, StoredFolder]]:
    """The folders of bundles that lie in this store already, by path."""
    for path, folder in files.folders.items() if isinstance(files, Files) else ():
        if isinstance(folder, StoredFolder) and folder.store == store:
            yield path, folder


def _folders_in_layers(files: Mapping[str, bytes]) -> Iterator[tuple[str, InLayers]]:
    """The folders of bundles that share layers, by path."""
    for path, folder in sorted(files.folders.items()) if isinstance(files, Files) else ():
        if isinstance(folder, InLayers):
            yield path, folder


def _single_files(files: Mapping[str, bytes], store: Store | None) -> Iterator[tuple[str, bytes]]:
    """All others, sorted."""
    if not isinstance(files, Files):
        yield from sorted(files.items())
        return
    yield from sorted(files.top.items())
    stored = {path for path, _ in stored_folders(files, store)}
    for path, folder in sorted(files.folders.items()):
        if path not in stored and not isinstance(folder, InLayers):
            yield from ((f"{path}/{inner}", content) for inner, content in sorted(folder.items()))


def _as_it_is(objects: dict[str, NewObject], folder: StoredFolder, path: str, cut: _Cut) -> _TreeId | _Folder:
    """The folder, with what was put into it or taken out of it. Of its folders only those are opened that something lies in."""
    if not folder.own:
        return _TreeId(folder.id)
    inside = _opened(folder.store, folder.id)
    for name in folder.own:
        if name in LISTS:
            inside.pop(name, None)  # also in pieces
        _take_out(inside, name.split("/"), folder.store)
    for name, content in folder.own.items():
        for place, piece in cut(f"{path}/{name}", content).items() if content is not None else ():
            _place(inside, place[len(path) + 1 :], _add(objects, b"blob", piece, place))
    return inside


def _opened(store: Store, folder: str) -> _Folder:
    return {
        name: _TreeId(entry.oid) if entry.is_folder or entry.in_pieces else entry.oid
        for name, entry in store.entries(folder).items()
    }


def _take_out(top: _Folder, steps: Sequence[str], store: Store) -> None:
    """The file at a path, if one is there, and folders that hold nothing then. Opens the folders on the way to it."""
    name, rest = steps[0], steps[1:]
    below = top.get(name)
    if not rest:
        if isinstance(below, str):
            del top[name]
    elif below is not None and not isinstance(below, str):
        inner = top[name] = _opened(store, below.oid) if isinstance(below, _TreeId) else below
        _take_out(inner, rest, store)
        if not inner:
            del top[name]


def _add(objects: dict[str, NewObject], word: bytes, content: bytes, path: str) -> str:
    """The id of an object, which is among `objects` from now on."""
    refuse_large(content)
    made = new_object(word, content, place_in_bundles(path))
    objects[made.oid] = made
    return made.oid


def _add_folder(objects: dict[str, NewObject], folder: _Folder, path: str = "") -> str:
    entries = []
    for name, below in folder.items():
        if isinstance(below, str):
            entries.append(TreeEntry(name, is_tree=False, oid=below))
        else:
            inner = f"{path}/{name}" if path else name
            oid = below.oid if isinstance(below, _TreeId) else _add_folder(objects, below, inner)
            entries.append(TreeEntry(name, is_tree=True, oid=oid))
    return _add(objects, b"tree", format_tree(entries), path)


def _place(top: _Folder, path: str, placed: str | _TreeId | _Folder) -> None:
    refuse_names(path)
    *folders, name = path.split("/")
    at = top
    for segment in folders:
        below = at.setdefault(segment, {})
        if not isinstance(below, dict):
            raise UsageError(f"{path!r} lies below another file", hint="choose another output path")
        at = below
    if name in at:
        raise UsageError(f"{path!r} is a file and a directory", hint="choose another output path")
    at[name] = placed


def _write_loose(path: Path, whole: bytes) -> None:
    """The name is flushed by who writes the last one. What a crash leaves is named so that `git gc` removes it."""
    aside = path.with_name(f"tmp_obj_{os.urandom(6).hex()}")
    try:
        write_new(aside, zlib.compress(whole), mode=0o444)
        aside.rename(path)
    except BaseException:
        with suppress(OSError):
            aside.unlink()
        raise


def _write_pack(folder: Path, pack: Pack) -> None:
    """The index gets its name last, since readers look for it. A crash leaves a pack that nobody reads, or what `git gc` removes."""
    make_folders(folder)
    asides = {kind: folder / f"tmp_{kind}_{os.urandom(6).hex()}" for kind in ("pack", "idx")}
    try:
        write_new(asides["pack"], pack.content, mode=0o444)
        write_new(asides["idx"], pack.idx, mode=0o444)
        asides["pack"].rename(folder / f"pack-{pack.name}.pack")
        sync_folder(folder)
        failpoint("objects.pack_placed")
        asides["idx"].rename(folder / f"pack-{pack.name}.idx")
        sync_folder(folder)
    except BaseException:
        for aside in asides.values():
            with suppress(OSError):
                aside.unlink()
        raise


def _with_message(lines: list[str], message: str) -> bytes:
    text = message.encode("utf-8", "replace")
    if b"\0" in text or len(text) > COMMIT_MESSAGE_BYTES:
        raise UsageError("the message holds a NUL or is over 1 MiB", hint="write a shorter message")
    return "\n".join(lines).encode() + b"\n\n" + text.rstrip(b"\n") + b"\n"


def _plain(text: str) -> str:
    return "".join(char for char in text if char not in "<>\n\0").strip()

"""A disk that forgets. What a piece of code does to a folder is written down, and every state that a crash could leave is made from that.

A crash may come after any operation. What was flushed by then is there; of everything else any part may be: names in any combination,
whatever their order, and content that is whole, cut or missing. A rename is one operation, as on every file system that matters.

Written down is what goes through `os`. A recording that is replayed to its end has to give what really lies there, which finds code that
writes by another way.
"""

from __future__ import annotations

import itertools
import os
import random
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

_MOST_PENDING: Final = 7  # of so many names every combination is tried, of more only some
_SAMPLES: Final = 40
_CONTENTS: Final = ("kept", "cut", "lost")


class Node:
    """A file, folder or link. A file's content is that at the end of the recording; its states are replayed from the operations."""

    def __init__(self, kind: str, content: bytes = b"") -> None:
        self.kind = kind
        self.first = content  # before the recording, and of a link its target
        self.content = bytearray(content)
        self.entries: dict[str, Node] = {}


class Operation(NamedTuple):
    """`folder` and `name` are where a name comes to be or goes; a rename goes from `source` as well."""

    verb: str
    node: Node | None = None
    folder: Node | None = None
    name: str = ""
    source: tuple[Node, str] | None = None
    content: bytes = b""
    offset: int = 0


@dataclass
class Recording:
    root: Node
    first: dict[int, dict[str, Node]]
    operations: list[Operation] = field(default_factory=list)

    def acknowledge(self, what: str) -> None:
        """From here on `what` was promised to somebody."""
        self.operations.append(Operation("acknowledge", name=what))

    def states(self, most: int | None = None, seed: int = 0) -> Iterator[State]:
        """Each state that a crash can leave, once. With `most` only so many, from moments that are drawn by the seed."""
        moments = list(range(len(self.operations) + 1))
        if most is None:
            yield from self._states_at(moments)
            return
        drawn = random.Random(seed)
        drawn.shuffle(moments)
        for moment in moments[:most]:
            found = list(self._states_at([moment]))
            yield from drawn.sample(found, min(len(found), -(-most // len(moments))))

    def last(self) -> State:
        """What is there when everything was written."""
        done = len(self.operations)
        return State(self._names(done, set(range(done))), self._contents(done, "kept"), self._promised(done), "the end")

    def _states_at(self, moments: list[int]) -> Iterator[State]:
        seen = set()
        for done in moments:
            for state in self._states_after(done):
                key = state.key()
                if key not in seen:
                    seen.add(key)
                    yield state

    def _states_after(self, done: int) -> Iterator[State]:
        flushed, pending = self._flushed(done)
        promised = self._promised(done)
        for chosen in _combinations(pending, done):
            names = self._names(done, flushed | chosen)
            for how in _CONTENTS:
                where = f"after {done} operations, with {len(chosen)} of {len(pending)} names and content {how}"
                yield State(names, self._contents(done, how), promised, where)

    def _flushed(self, done: int) -> tuple[set[int], list[int]]:
        """The operations on names that are on the disk for sure, and those that may be."""
        flushed, pending = set(), list[int]()
        for number, operation in enumerate(self.operations[:done]):
            if operation.verb == "flush":
                now = {at for at in pending if self.operations[at].folder is operation.node}
                flushed |= now
                pending = [at for at in pending if at not in now]
            elif operation.folder is not None:
                pending.append(number)
        return flushed, pending

    def _names(self, done: int, chosen: set[int]) -> Folder:
        entries = {node: dict(names) for node, names in self.first.items()}
        for number, operation in enumerate(self.operations[:done]):
            if number not in chosen or operation.folder is None or operation.node is None:
                continue
            names = entries.setdefault(id(operation.folder), {})
            if operation.verb == "remove":
                if names.get(operation.name) is operation.node:
                    del names[operation.name]
                continue
            if operation.source is not None:
                before = entries.setdefault(id(operation.source[0]), {})
                if before.get(operation.source[1]) is operation.node:
                    del before[operation.source[1]]
            names[operation.name] = operation.node
        return Folder(self.root, entries)

    def _contents(self, done: int, how: str) -> dict[int, bytes]:
        """The content of every file that was written to."""
        now: dict[int, bytearray] = {}
        safe: dict[int, bytes] = {}
        for operation in self.operations[:done]:
            node = operation.node
            if node is None or node.kind != "file":
                continue
            content = now.setdefault(id(node), bytearray(node.first))
            safe.setdefault(id(node), node.first)
            if operation.verb == "write":
                content[operation.offset : operation.offset + len(operation.content)] = operation.content
            elif operation.verb == "empty":
                content.clear()
            elif operation.verb == "flush":
                safe[id(node)] = bytes(content)
        return {key: _surviving(bytes(content), safe[key], how) for key, content in now.items()}

    def _promised(self, done: int) -> frozenset[str]:
        return frozenset(one.name for one in self.operations[:done] if one.verb == "acknowledge")


class Folder(NamedTuple):
    root: Node
    entries: dict[int, dict[str, Node]]

    def paths(self) -> Iterator[tuple[str, Node]]:
        pending = [("", self.root)]
        while pending:
            at, folder = pending.pop()
            for name, node in sorted(self.entries.get(id(folder), {}).items()):
                path = f"{at}{name}"
                yield path, node
                if node.kind == "folder":
                    pending.append((f"{path}/", node))


class State(NamedTuple):
    """What lies there after a crash. `promised` is what somebody had been told by then."""

    names: Folder
    contents: dict[int, bytes]
    promised: frozenset[str]
    where: str

    def key(self) -> object:
        found = [
            (path, node.kind, id(node) if node.kind == "file" else 0, self._content(node))
            for path, node in self.names.paths()
        ]
        return tuple(sorted(found)), self.promised

    def write(self, folder: Path) -> None:
        """Make it, in a folder that is not there yet."""
        folder.mkdir(mode=0o700)
        made: dict[int, Path] = {}
        for path, node in self.names.paths():
            target = folder / path
            if node.kind == "folder":
                target.mkdir(mode=0o700)
            elif node.kind == "link":
                target.symlink_to(node.first.decode())
            elif id(node) in made:
                target.hardlink_to(made[id(node)])
            else:
                target.write_bytes(self._content(node))
                target.chmod(0o600)
                made[id(node)] = target

    def _content(self, node: Node) -> bytes:
        return self.contents.get(id(node), node.first)


def _surviving(content: bytes, safe: bytes, how: str) -> bytes:
    if content == safe or how == "kept":
        return content
    return safe if how == "lost" else content[: len(safe) + (len(content) - len(safe)) // 2]


def _combinations(pending: list[int], seed: int) -> Iterator[set[int]]:
    if len(pending) <= _MOST_PENDING:
        for count in range(len(pending) + 1):
            yield from map(set, itertools.combinations(pending, count))
        return
    everything = set(pending)
    yield from (set(pending[:end]) for end in range(len(pending) + 1))
    yield from (everything - {one} for one in pending)
    yield from ({one} for one in pending)
    drawn = random.Random(seed)
    yield from ({one for one in pending if drawn.random() < 0.5} for _ in range(_SAMPLES))


@contextmanager
def recording(root: Path) -> Iterator[Recording]:
    """Write down what happens below `root`, a folder. Nothing is flushed for real meanwhile, which nobody can tell."""
    recorder = _Recorder(root)
    real = {name: getattr(os, name) for name in _PATCHED}
    for name in _PATCHED:
        setattr(os, name, recorder.instead_of(name, real[name]))
    try:
        yield recorder.recording
    finally:
        for name, function in real.items():
            setattr(os, name, function)


@contextmanager
def unflushed() -> Iterator[None]:
    """Nothing is flushed: for looking at many states, none of which is meant to last."""
    real = os.fsync
    os.fsync = lambda descriptor: None
    try:
        yield
    finally:
        os.fsync = real


def copy_of(root: Path) -> dict[str, object]:
    """What lies below a folder, to be compared. Empty lock files are left out: what is in them never matters."""
    found: dict[str, object] = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_symlink():
            found[name] = path.readlink()
        elif not path.is_file():
            found[name] = None
        elif path.name != "lock" and path.suffix not in (".lock", ".lease"):
            found[name] = path.read_bytes()
    return found


_PATCHED: Final = (
    "open",
    "write",
    "fsync",
    "close",
    "rename",
    "replace",
    "unlink",
    "remove",
    "rmdir",
    "mkdir",
    "symlink",
    "link",
)


def _absolute(path: str) -> str:
    return os.path.normpath(Path.cwd() / path)


class _Recorder:
    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        self._lock = threading.RLock()
        self._opened: dict[int, tuple[Node, str]] = {}
        self._at: dict[int, int] = {}
        top = Node("folder")
        first: dict[int, dict[str, Node]] = {}
        self._load(self._root, top, first, {})
        self.recording = Recording(top, first)

    def _load(self, path: Path, node: Node, first: dict[int, dict[str, Node]], files: dict[int, Node]) -> None:
        for entry in sorted(path.iterdir()):
            facts = entry.lstat()
            if stat.S_ISLNK(facts.st_mode):
                inner = Node("link", os.fsencode(entry.readlink()))
            elif stat.S_ISDIR(facts.st_mode):
                inner = Node("folder")
                self._load(entry, inner, first, files)
            else:
                inner = files.setdefault(facts.st_ino, Node("file", entry.read_bytes()))
            node.entries[entry.name] = inner
        first[id(node)] = dict(node.entries)

    def instead_of(self, name: str, real: Callable[..., object]) -> Callable[..., object]:
        own = getattr(self, f"_do_{name}")

        def instead(*arguments: object, **options: object) -> object:
            with self._lock:
                return own(real, *arguments, **options)

        return instead

    # finding the place of a path

    def _place(self, path: object, dir_fd: object = None) -> tuple[Node, str] | None:
        """The folder and the last name; None outside of what is recorded."""
        text = os.fsdecode(path)
        if isinstance(dir_fd, int):
            if dir_fd not in self._opened:
                return None
            text = f"{self._opened[dir_fd][1]}/{text}"
        full = _absolute(text)
        inside = os.path.relpath(full, self._root)
        if inside == "." or inside.startswith(".."):
            return None
        *above, last = inside.split("/")
        node: Node | None = self.recording.root
        for part in above:
            node = node.entries.get(part) if node is not None else None
        return (node, last) if node is not None else None

    def _find(self, path: object, dir_fd: object = None) -> Node | None:
        if _absolute(os.fsdecode(path)) == str(self._root):
            return self.recording.root
        place = self._place(path, dir_fd)
        return place[0].entries.get(place[1]) if place else None

    # in place of the functions of `os`

    def _do_open(self, real, path, flags, mode=0o777, *, dir_fd=None):
        node = self._find(path, dir_fd)
        descriptor = real(path, flags, mode, dir_fd=dir_fd)
        place = self._place(path, dir_fd)
        if node is None and flags & os.O_CREAT and place is not None:
            node = Node("file")
            self._add("create", place, node)
        elif node is not None and flags & os.O_TRUNC:
            node.content.clear()
            self.recording.operations.append(Operation("empty", node))
        if node is not None:
            full = _absolute(os.fsdecode(path)) if dir_fd is None else f"{self._opened[dir_fd][1]}/{os.fsdecode(path)}"
            self._opened[descriptor] = (node, full)
            self._at[descriptor] = len(node.content) if flags & os.O_APPEND else 0
        return descriptor

    def _do_write(self, real, descriptor, content):
        count = real(descriptor, content)
        if descriptor in self._opened:
            node, at = self._opened[descriptor][0], self._at[descriptor]
            written = bytes(content[:count])
            node.content[at : at + count] = written
            self._at[descriptor] += count
            self.recording.operations.append(Operation("write", node, content=written, offset=at))
        return count

    def _do_fsync(self, real, descriptor):
        if descriptor in self._opened:
            self.recording.operations.append(Operation("flush", self._opened[descriptor][0]))
        else:
            real(descriptor)

    def _do_close(self, real, descriptor):
        self._opened.pop(descriptor, None)
        self._at.pop(descriptor, None)
        real(descriptor)

    def _do_rename(self, real, source, target):
        node = self._find(source)
        real(source, target)
        here, there = self._place(source), self._place(target)
        if here is None or there is None:
            return
        assert node is not None, f"{source} was written by a way that is not recorded"
        del here[0].entries[here[1]]
        self._add("rename", there, node, source=here)

    _do_replace = _do_rename

    def _do_unlink(self, real, path, *, dir_fd=None):
        node, place = self._find(path, dir_fd), self._place(path, dir_fd)
        real(path, dir_fd=dir_fd)
        if node is not None and place is not None:
            del place[0].entries[place[1]]
            self.recording.operations.append(Operation("remove", node, *place))

    _do_remove = _do_rmdir = _do_unlink

    def _do_mkdir(self, real, path, mode=0o777, *, dir_fd=None):
        real(path, mode, dir_fd=dir_fd)
        self._add_at(path, Node("folder"))

    def _do_symlink(self, real, target, path, target_is_directory=False, *, dir_fd=None):
        real(target, path, target_is_directory, dir_fd=dir_fd)
        self._add_at(path, Node("link", os.fsencode(target)))

    def _do_link(self, real, source, path, **options):
        real(source, path, **options)
        node = self._find(source)
        assert node is not None, f"{source} was written by a way that is not recorded"
        self._add_at(path, node)

    def _add_at(self, path, node):
        place = self._place(path)
        if place is not None:
            self._add("create", place, node)

    def _add(self, verb, place, node, **more):
        folder, name = place
        folder.entries[name] = node
        self.recording.operations.append(Operation(verb, node, folder, name, **more))

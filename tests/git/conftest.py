"""Real Git repositories for the tests of the Git adapter, and ways to write objects that no Git program would."""

from __future__ import annotations

import os
import shutil
import subprocess
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from llmcfg.git.newobjects import object_id
from llmcfg.git.repository import GitRepository, open_repository
from support.children import run_in_child, run_in_children

_ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "HOME": "/nonexistent",
    "LC_ALL": "C.UTF-8",
}


class Workspace:
    """A Git repository with a work tree at `path`; every commit is one minute later than the one before."""

    def __init__(self, path: Path, *init: str) -> None:
        self.path = path
        self._clock = 1_700_000_000
        if path.exists():
            return
        path.mkdir(parents=True)
        self.git("init", "-q", "--template=", "-b", "main", *init)
        with (path / ".git/config").open("a") as config:
            config.write("[user]\n\tname = Ada Writer\n\temail = ada@example.org\n[gc]\n\tauto = 0\n")

    def git(self, *arguments: str, stdin: bytes = b"", **environment: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.path, input=stdin, capture_output=True, env={**_ENVIRONMENT, **environment}
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().strip()

    def write(self, path: str, text: str) -> None:
        (self.path / path).parent.mkdir(parents=True, exist_ok=True)
        (self.path / path).write_text(text)

    def commit(self, message: str = "change", **files: str) -> str:
        for path, text in files.items():
            self.write(path, text)
        self._clock += 60
        date = f"{self._clock} +0000"
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message, GIT_AUTHOR_DATE=date, GIT_COMMITTER_DATE=date)
        return self.git("rev-parse", "HEAD")

    def commit_files(self, files: dict[str, str], message: str = "change") -> str:
        for path, text in files.items():
            self.write(path, text)
        return self.commit(message)

    def blob(self, content: bytes = b"a: 1\n") -> str:
        return self.git("hash-object", "-w", "--stdin", stdin=content)

    def tree(self, *entries: tuple[bytes, bytes, str]) -> str:
        """A tree object of (mode, name, oid), byte for byte as given."""
        raw = b"".join(mode + b" " + name + b"\0" + bytes.fromhex(oid) for mode, name, oid in entries)
        return self.raw_object("tree", raw)

    def raw_object(self, kind: str, raw: bytes) -> str:
        return self.git("hash-object", "-t", kind, "--literally", "-w", "--stdin", stdin=raw)

    def loose(self, kind: bytes, content: bytes) -> str:
        """A loose object whose content may be larger than anyone wants to pipe."""
        oid = object_id(kind, content)
        self.loose_file(oid).parent.mkdir(exist_ok=True)
        self.loose_file(oid).write_bytes(zlib.compress(kind + b" %d\0" % len(content) + content, 1))
        return oid

    def loose_file(self, oid: str) -> Path:
        return self.path / ".git" / "objects" / oid[:2] / oid[2:]

    def commit_of_tree(self, tree: str, *parents: str) -> str:
        """A commit of a tree object that git commit-tree would look into."""
        who = b"Eve <eve@example.org> 1700000000 +0000"
        lines = [b"tree " + tree.encode(), *(b"parent " + parent.encode() for parent in parents)]
        return self.raw_object("commit", b"\n".join([*lines, b"author " + who, b"committer " + who, b"", b"hostile\n"]))

    def base_of(self, *entries: tuple[bytes, bytes, str]) -> str:
        """A commit whose folder `base` has these entries."""
        return self.commit_of_tree(self.tree((b"40000", b"base", self.tree(*entries))))

    def open(self) -> GitRepository:
        return open_repository(self.path)


@pytest.fixture(scope="session")
def first_commit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a manifest and one document, committed once; copied for each test, since that is quicker."""
    made = Workspace(tmp_path_factory.mktemp("template") / "repository")
    made.commit_files({"llmcfg.yaml": "name: meridian\n", "base/routing.yaml": "a: 1\nb: 2\n"}, "first")
    return made.path


@pytest.fixture
def workspace(tmp_path: Path, first_commit: Path) -> Workspace:
    shutil.copytree(first_commit, tmp_path / "repository")
    made = Workspace(tmp_path / "repository")
    made._clock += 60
    return made


@pytest.fixture
def make_workspace(tmp_path: Path) -> Callable[..., Workspace]:
    return lambda name, *init: Workspace(tmp_path / name, *init)


@pytest.fixture
def in_child() -> Callable[[Callable[[], object]], int]:
    return run_in_child


@pytest.fixture
def in_children() -> Callable[[Iterable[Callable[[], object]]], list[int]]:
    return run_in_children

"""Configuration written in a test: as a snapshot in memory, and as a real Git repository in a folder."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections import Counter
from pathlib import Path
from textwrap import dedent

from llmcfg.model.snapshot import BlobEntry
from llmcfg.pipeline.configuration import Configuration
from llmcfg.pipeline.memo import Memo
from llmcfg.wiring import Workspace

MANIFEST = """
apiVersion: llmcfg.dev/v1
kind: Repository
name: test
environments: {dev: {}, prod: {}}
"""
CONSUMER = "apiVersion: llmcfg.dev/v1\nkind: Consumer\nselect: [.]\n"


class WrittenSnapshot:
    """Files given as text, by path; `reads` counts how often each blob was asked for."""

    revision = None
    label = "test"
    findings = ()

    def __init__(self, files: dict[str, str | bytes]) -> None:
        self._contents: dict[str, bytes] = {}
        self.reads: Counter[str] = Counter()
        self.entries: dict[str, BlobEntry] = {}
        for path, text in sorted(files.items()):
            content = text if isinstance(text, bytes) else dedent(text).lstrip("\n").encode()
            oid = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
            self._contents[oid] = content
            self.entries[path] = BlobEntry(path, oid, len(content))

    def read(self, oid: str) -> bytes:
        self.reads[oid] += 1
        return self._contents[oid]


def opened(files: dict[str, str | bytes], memo: Memo | None = None) -> Configuration:
    """The files with a manifest for dev and prod where they have none of their own."""
    return Configuration(WrittenSnapshot({"llmcfg.yaml": MANIFEST, **files}), memo or Memo())


class WrittenRepository:
    """A real Git repository whose commits are one minute apart, the first at 2023-11-14T22:14:20Z."""

    def __init__(self, path: Path, files: dict[str, str] | None = None) -> None:
        self.path = path
        self._clock = 1_700_000_000
        path.mkdir(parents=True, exist_ok=True)
        self.git("init", "-q", "--template=", "-b", "main")
        with (path / ".git/config").open("a") as config:
            config.write("[user]\n\tname = Ada Writer\n\temail = ada@example.org\n[gc]\n\tauto = 0\n")
        (path / ".git/info").mkdir(exist_ok=True)
        (path / ".git/info/exclude").write_text("/delivered/\n/out/\n")
        if files is not None:
            self.commit({"llmcfg.yaml": MANIFEST, **files})

    def git(self, *arguments: str, stdin: str = "", check: bool = True, **environment: str) -> str:
        base = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "HOME": "/x"}
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.path,
            input=stdin,
            capture_output=True,
            text=True,
            env={**base, **environment},
        )
        assert done.returncode == 0 or not check, done.stderr
        return done.stdout.strip()

    def commit(self, files: dict[str, str | None] | None = None, message: str = "change") -> str:
        """Write, or remove what is None, and commit; the new commit."""
        for path, text in (files or {}).items():
            if text is None:
                (self.path / path).unlink()
            else:
                (self.path / path).parent.mkdir(parents=True, exist_ok=True)
                (self.path / path).write_text(dedent(text).lstrip("\n"))
        self._clock += 60
        date = f"{self._clock} +0000"
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message, GIT_AUTHOR_DATE=date, GIT_COMMITTER_DATE=date)
        return self._head()

    def _head(self) -> str:
        """Read from the files: tests make thousands of commits."""
        head = (self.path / ".git/HEAD").read_text().strip()
        branch = self.path / ".git" / head.removeprefix("ref: ")
        return branch.read_text().strip() if branch.is_file() else self.git("rev-parse", "HEAD")

    def workspace(self) -> Workspace:
        return Workspace(self.path)

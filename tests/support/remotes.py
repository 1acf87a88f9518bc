"""A real remote: a bare repository with clones that push to it, and machines that follow it, each opened anew as a process would."""

from __future__ import annotations

import os
import random
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from llmcfg.daemon.passes import Request, make_pass
from llmcfg.daemon.session import open_session, pass_once
from llmcfg.daemon.state import StateFolder
from llmcfg.model.remoteurl import parse_remote_url
from llmcfg.model.settings import Access, Remote, Settings
from llmcfg.secrets.held import read_with
from llmcfg.sync.records import EnvironmentRecord, PassRecord, StatusRecord
from llmcfg.wiring import Surroundings
from support.written import CONSUMER, WrittenRepository

TRACKING = """
apiVersion: llmcfg.dev/v1
kind: Repository
name: test
environments:
  dev: {track: {branch: main}}
  prod: {track: {tag: "v*"}}
"""
FILES = {"llmcfg.yaml": TRACKING, "base/limits.yaml": "rpm: 10\n", "consumers/api.yaml": CONSUMER}
KEYLESS = read_with(tuple)
SURROUNDINGS = Surroundings(os.environ["PATH"], environment={"PATH": os.environ["PATH"]})


class Origin:
    """A bare repository at `url`, and a clone to write in."""

    def __init__(self, folder: Path, files: dict[str, str] | None = None) -> None:
        self.bare = folder / "remote.git"
        self.written = WrittenRepository(folder / "clone", {**FILES, **(files or {})})
        self.commit = self.written.commit
        self.git = self.written.git
        self.git("clone", "-q", "--bare", ".", str(self.bare))
        self.git("remote", "add", "origin", str(self.bare))

    def push(self, files: dict[str, str | None] | None = None, *refs: str, force: bool = False) -> str:
        """Commit, if there is something to, and push; the new commit."""
        commit = self.commit(files) if files is not None else self.git("rev-parse", "HEAD")
        self.git("push", "-q", *(["--force"] if force else []), "origin", *(refs or ("main",)))
        return commit

    def release(self, tag: str, *, force: bool = False) -> None:
        self.git("tag", *(["-f"] if force else []), "-a", "-m", tag, tag)
        self.push(None, f"refs/tags/{tag}", force=force)

    def at(self, ref: str) -> str:
        """What a ref of the remote names."""
        done = subprocess.run(
            ["git", "rev-parse", "-q", "--verify", ref], cwd=self.bare, capture_output=True, text=True, check=False
        )
        return done.stdout.strip()

    def run(self, *arguments: str) -> str:
        """Git in the bare repository."""
        done = subprocess.run(["git", *arguments], cwd=self.bare, capture_output=True, text=True, check=True)
        return done.stdout.strip()


class Machine:
    """A machine that follows a remote. Every pass opens everything anew."""

    def __init__(self, folder: Path, remote: str | Path, **settings: object) -> None:
        self.folder = folder
        followed = Remote(Access(parse_remote_url(str(remote))))
        remote_fields = {
            name: settings.pop(name) for name in ("branch", "deployed", "budget", "signers") if name in settings
        }
        self.settings = replace(
            Settings(remote=replace(followed, **remote_fields), state=folder / "state", deliver_to=folder), **settings
        )
        self.state = StateFolder(folder / "state")
        self.clock = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
        self.steps: list[tuple[str, str]] = []

    def session(self):
        self.state.root.mkdir(parents=True, exist_ok=True)
        return open_session(self.folder, self.settings, self.state, SURROUNDINGS, lambda: self.clock)

    def look(self, **request: object) -> PassRecord:
        """One pass, without writing down what came of it."""
        session = self.session()
        asked = Request(**{"environments": self.settings.environments, **request})
        workspace = session.workspace
        return make_pass(workspace, session.upstream, workspace.sink, KEYLESS, asked, self._tell, session.audit)

    def sync(self, seconds: float = 60) -> StatusRecord:
        """One pass, as `--once` makes it, so many seconds later."""
        return self.sync_and_tell(seconds)[0]

    def sync_and_tell(self, seconds: float = 60):
        self.clock += timedelta(seconds=seconds)
        session = self.session()
        self.steps = []
        return pass_once(session, session.workspace.sink, KEYLESS, self._tell, lambda: self.clock, random.Random(0), 1)

    def _tell(self, step: str, environment: str) -> None:
        self.steps.append((str(step), environment))

    def delivered(self, environment: str = "dev", consumer: str = "_shared/api") -> dict[str, bytes]:
        folder = self.folder / "delivered" / environment / "current" / consumer / "config"
        return {path.stem: path.read_bytes() for path in sorted(folder.glob("*.json"))}

    def at(self, ref: str) -> str | None:
        return self.session().workspace.repository.target(ref)


def of(found: PassRecord | StatusRecord, name: str) -> EnvironmentRecord:
    return next(record for record in found.environments if record.environment == name)

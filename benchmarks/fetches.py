"""What the private repository of a daemon is like after many fetches: packs, loose objects, bytes, open files, and what tidying took.

    .venv/bin/python -P benchmarks/fetches.py               # 2,000 fetches, each of one changed key

Every pass fetches one commit from a bare remote on this machine, deploys it and delivers it to a directory, as the builder of a daemon
does.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from llmcfg.clock import now
from llmcfg.daemon.session import Session, open_session, pass_once
from llmcfg.daemon.state import StateFolder
from llmcfg.daemon.upstream import PRIVATE
from llmcfg.model.remoteurl import parse_remote_url
from llmcfg.model.settings import Access, Remote, Settings
from llmcfg.opensinks import Surroundings
from llmcfg.secrets.held import read_with

MANIFEST = """
apiVersion: llmcfg.dev/v1
kind: Repository
name: fetched
environments: {prod: {track: {branch: main}}}
"""
CONSUMER = "apiVersion: llmcfg.dev/v1\nkind: Consumer\nselect: [.]\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fetches", type=int, default=2000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), options.fetches)


def measure(folder: Path, fetches: int) -> None:
    clone = make_remote(folder)
    session = open_daemon(folder)
    private = session.state.root / PRIVATE
    passes, most = [], 0
    for number in range(1, fetches + 1):
        push(clone, number)
        began = time.perf_counter()
        pass_once(session, session.workspace.sink, read_with(tuple), lambda *_: None, now, random.Random(), os.getpid())
        passes.append(time.perf_counter() - began)
        most = max(most, len(list(private.glob("objects/pack/*.pack"))))
        if number % (fetches // 10 or 1) == 0:
            print(facts(private, number), flush=True)
    ordered = sorted(passes)
    print(
        f"a pass: median {statistics.median(ordered) * 1000:.0f} ms, p99 {ordered[len(ordered) * 99 // 100] * 1000:.0f} ms, "
        f"longest {ordered[-1] * 1000:.0f} ms; packs at most: {most}"
    )


def facts(private: Path, number: int) -> str:
    packs = len(list(private.glob("objects/pack/*.pack")))
    loose = len(list(private.glob("objects/??/*")))
    size = sum(path.stat().st_size for path in private.glob("objects/**/*") if path.is_file())
    opened = len(list(Path("/proc/self/fd").iterdir()))
    return f"{number:>6} fetches: {packs:>4} packs, {loose:>5} loose objects, {size / 1024:>7.0f} KiB, {opened:>4} open files"


def make_remote(folder: Path) -> Path:
    """A clone to push from, of a bare remote beside it."""
    clone = folder / "clone"
    (clone / "base").mkdir(parents=True)
    (clone / "consumers").mkdir()
    (clone / "llmcfg.yaml").write_text(MANIFEST)
    (clone / "consumers/api.yaml").write_text(CONSUMER)
    git(clone, "init", "-q", "-b", "main")
    push(clone, 0, "clone", "-q", "--bare", ".", str(folder / "remote.git"))
    git(clone, "remote", "add", "origin", str(folder / "remote.git"))
    return clone


def push(clone: Path, number: int, *how: str) -> None:
    (clone / "base/limits.yaml").write_text(f"rpm: {number}\n")
    git(clone, "add", "-A")
    git(clone, "-c", "user.name=Ada", "-c", "user.email=ada@example.org", "commit", "-q", "-m", "change")
    git(clone, *(how or ("push", "-q", "origin", "main")))


def open_daemon(folder: Path) -> Session:
    state = StateFolder(folder / "state")
    state.root.mkdir()
    remote = Remote(Access(parse_remote_url(str(folder / "remote.git"))))
    settings = Settings(remote=remote, state=state.root, deliver_to=folder)
    return open_session(folder, settings, state, Surroundings(os.environ["PATH"]))


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


if __name__ == "__main__":
    main()

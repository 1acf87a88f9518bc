"""How long it takes from `git push` to the switched directory, with a running daemon and a bare remote on this machine.

    .venv/bin/python benchmarks/sync.py                     # sample-repo, 200 pushes
    .venv/bin/python benchmarks/sync.py --keys 100000       # a generated repository
    .venv/bin/python benchmarks/sync.py --readers 2         # while others read what is delivered

Each push changes one key. Prints the distribution of the times from before the push to `current` naming another delivery, and of the
time that the push itself took, which is part of it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
KEYS_PER_DOCUMENT = 100
MANIFEST = "apiVersion: llmcfg.dev/v1\nkind: Repository\nname: large\nenvironments: {prod: {track: {branch: main}}}\n"
CONSUMER = "apiVersion: llmcfg.dev/v1\nkind: Consumer\nselect: [.]\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pushes", type=int, default=200)
    parser.add_argument("--keys", type=int, default=0, help="keys of a generated repository; sample-repo without it")
    parser.add_argument("--readers", type=int, default=0, help="threads that read the delivered files all the time")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        changed = make_clone(folder, options.keys)
        daemon = start_daemon(folder)
        try:
            whole, pushing = measure(folder, changed, options.pushes, options.readers)
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(30)
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} processors, {options.keys or 'sample'} keys\n")
    print("| | p50 ms | p90 ms | p99 ms | worst ms |\n|---|---:|---:|---:|---:|")
    for name, taken in (("push to `current`", whole), ("of that, git push", pushing)):
        print(f"| {name} | {' | '.join(f'{value * 1000:.0f}' for value in distribution(taken))} |")


class Change(NamedTuple):
    """One key that each push gives another value: the file, and what is written there, before a number and with it."""

    file: Path
    written: str
    with_number: str


def make_clone(folder: Path, keys: int) -> Change:
    """A clone with a bare remote beside it."""
    clone = folder / "clone"
    if keys:
        write_large(clone, keys)
        changed = Change(clone / "base/d0000.yaml", "counter: 0\n", "counter: {}\n")
    else:
        shutil.copytree(ROOT / "sample-repo", clone)
        changed = Change(clone / "environments/prod/limits.yaml", "{rpm: 1500, tpm", "{{rpm: {}, tpm")
    git(clone, "init", "-q", "-b", "main")
    git(clone, "add", "-A")
    git(clone, "commit", "-q", "-m", "start")
    git(folder, "clone", "-q", "--bare", str(clone), str(folder / "remote.git"))
    git(clone, "remote", "add", "origin", str(folder / "remote.git"))
    return changed


def write_large(clone: Path, keys: int) -> None:
    (clone / "base").mkdir(parents=True)
    (clone / "consumers").mkdir()
    (clone / "llmcfg.yaml").write_text(MANIFEST)
    (clone / "consumers/reader.yaml").write_text(CONSUMER)
    for number in range(keys // KEYS_PER_DOCUMENT):
        lines = [f"key_{key:03}: value of key {key} in document {number}\n" for key in range(KEYS_PER_DOCUMENT - 1)]
        (clone / f"base/d{number:04}.yaml").write_text("counter: 0\n" + "".join(lines))


def start_daemon(folder: Path) -> subprocess.Popen[bytes]:
    arguments = ["--remote", str(folder / "remote.git"), "--state", str(folder / "state"), "-q"]
    daemon = subprocess.Popen([sys.executable, "-m", "llmcfg_cli", "sync", *arguments], cwd=folder)
    link = current(folder)
    while not link.is_symlink():
        time.sleep(0.05)
        assert daemon.poll() is None, "the daemon ended"
    time.sleep(2)
    return daemon


def measure(folder: Path, changed: Change, pushes: int, readers: int) -> tuple[list[float], list[float]]:
    whole, pushing, done = [], [], threading.Event()
    threads = [threading.Thread(target=read_on, args=(current(folder), done)) for _ in range(readers)]
    for thread in threads:
        thread.start()
    text = changed.file.read_text()
    assert changed.written in text
    for number in range(1, pushes + 1):
        changed.file.write_text(text.replace(changed.written, changed.with_number.format(number)))
        git(folder / "clone", "commit", "-q", "-a", "-m", f"change {number}")
        before, start = current(folder).readlink(), time.perf_counter()
        git(folder / "clone", "push", "-q", "origin", "main")
        pushing.append(time.perf_counter() - start)
        while current(folder).readlink() == before:
            time.sleep(0.001)
            assert time.perf_counter() - start < 60, "the change did not arrive within a minute"
        whole.append(time.perf_counter() - start)
    done.set()
    for thread in threads:
        thread.join()
    return whole, pushing


def read_on(link: Path, done: threading.Event) -> None:
    while not done.is_set():
        folder = link.resolve()
        for path in folder.rglob("*.json"):
            try:
                path.read_bytes()
            except FileNotFoundError:
                break
            if done.is_set():
                break


def current(folder: Path) -> Path:
    return folder / "state/delivered/prod/current"


def distribution(taken: list[float]) -> tuple[float, float, float, float]:
    ordered = sorted(taken)

    def at(part: float) -> float:
        return ordered[min(int(len(ordered) * part), len(ordered) - 1)]

    return statistics.median(ordered), at(0.9), at(0.99), ordered[-1]


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=Benchmark", "-c", "user.email=benchmark@example.com", "-c", "gc.auto=0"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()

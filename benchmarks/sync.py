"""How long it takes from `git push` to `on_change` in a program, with a running daemon and a bare remote on this machine.

    .venv/bin/python benchmarks/sync.py                     # sample-repo, 200 pushes
    .venv/bin/python benchmarks/sync.py --keys 100000       # a generated repository
    .venv/bin/python benchmarks/sync.py --readers 0         # without reads in the program

Each push changes one key. The program is a process of its own that follows the delivered directory with `llmcfg.client` and reads all the
time, in threads. Prints the distribution of the times from before the push to the callback, of what the push itself took, which is part of
it, and how many reads the program made and how many of them were torn: of a value that no push wrote, of an older one than a read before,
or not the one that all of the snapshot says. Prints what memory the daemon holds afterwards.
"""

from __future__ import annotations

import argparse
import json
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
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
KEYS_PER_DOCUMENT = 100
MOST_SECONDS = 60
MANIFEST = """
apiVersion: llmcfg.dev/v1
kind: Repository
name: large
environments: {prod: {track: {branch: main}}}
sinks: [{directory: {path: "delivered/{environment}"}}]
"""
CONSUMER = "apiVersion: llmcfg.dev/v1\nkind: Consumer\nselect: [.]\n"


class Change(NamedTuple):
    """One key that each push gives another value: the file and what is written there, and who reads it by which path."""

    file: Path
    written: str
    with_number: str
    first: int
    bundle: str
    key: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pushes", type=int, default=200)
    parser.add_argument("--keys", type=int, default=0, help="keys of a generated repository; sample-repo without it")
    parser.add_argument("--readers", type=int, default=1, help="threads of the program that read all the time")
    parser.add_argument("--reads", type=int, default=1_000_000, help="the least number of reads that are made")
    parser.add_argument("--follow", nargs=4, metavar="TEXT", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.follow:
        follow(*options.follow, readers=options.readers, reads=options.reads)
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        changed = make_clone(folder, options.keys)
        load = os.getloadavg()[0]
        daemon = start_daemon(folder)
        program = start_program(folder, changed, options.readers, options.reads)
        try:
            whole, pushing, said = measure(folder, changed, options.pushes, program)
            held = memory(daemon.pid)
        finally:
            program.kill()
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(MOST_SECONDS)
    machine = f"Python {sys.version.split()[0]}, {os.cpu_count()} processors"
    print(f"{machine}, load {load:.1f} at the start and {os.getloadavg()[0]:.1f} at the end")
    print(f"{options.keys or 'sample'} keys, {len(whole)} pushes, {said['reads']:,} reads, {said['torn']} torn")
    print(f"memory of the daemon after them, all of its processes: {held:.0f} MiB\n")
    print("| | p50 ms | p90 ms | p99 ms | worst ms |\n|---|---:|---:|---:|---:|")
    for name, taken in (("push to `on_change`", whole), ("of that, git push", pushing)):
        print(f"| {name} | {' | '.join(f'{value * 1000:.0f}' for value in distribution(taken))} |")


def make_clone(folder: Path, keys: int) -> Change:
    """A clone with a bare remote beside it."""
    clone = folder / "clone"
    if keys:
        write_large(clone, keys)
        changed = Change(
            clone / "base/d0000.yaml", "counter: 0\n", "counter: {}\n", 0, "_shared/reader", "d0000.counter"
        )
    else:
        shutil.copytree(ROOT / "sample-repo", clone)
        limits, key = clone / "tenants/meridian/environments/prod/limits.yaml", "limits.services.support-bot.rpm"
        changed = Change(limits, "{rpm: 2400", "{{rpm: {}", 2400, "meridian/support-bot", key)
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
    key = ROOT / "sample-repo/demo-identity.txt"
    daemon = subprocess.Popen(
        [sys.executable, "-m", "llmcfg_cli", "sync", *arguments],
        cwd=folder,
        env={**os.environ, "LLMCFG_AGE_KEY_FILE": str(key)},
    )
    wait(lambda: (delivered(folder) / "current").is_symlink(), "the first delivery")
    time.sleep(2)
    return daemon


def start_program(folder: Path, changed: Change, readers: int, reads: int) -> subprocess.Popen[str]:
    """The program that follows, once it has read the first value."""
    told = [str(delivered(folder)), changed.bundle, changed.key, str(changed.first)]
    program = subprocess.Popen(
        [sys.executable, __file__, "--readers", str(readers), "--reads", str(reads), "--follow", *told],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert program.stdout is not None
    assert program.stdout.readline() == "ready\n"
    return program


def measure(
    folder: Path, changed: Change, pushes: int, program: subprocess.Popen[str]
) -> tuple[list[float], list[float], dict[str, int]]:
    """The time of each push to its callback, of each push, and what the program says of its reads."""
    assert program.stdin is not None
    assert program.stdout is not None
    whole, pushing = [], []
    text = changed.file.read_text()
    assert changed.written in text
    for number in range(changed.first + 1, changed.first + pushes + 1):
        changed.file.write_text(text.replace(changed.written, changed.with_number.format(number)))
        git(folder / "clone", "commit", "-q", "-a", "-m", f"change {number}")
        start = time.monotonic()
        git(folder / "clone", "push", "-q", "origin", "main")
        pushing.append(time.monotonic() - start)
        value, moment = program.stdout.readline().split()
        assert int(value) == number, f"{value} came in place of {number}"
        whole.append(float(moment) - start)
    program.stdin.close()
    return whole, pushing, json.loads(program.stdout.readline())


def follow(folder: str, bundle: str, key: str, first: str, *, readers: int, reads: int) -> None:
    """The program: tells each new value and when it came, and when its stdin ends, how many reads were made and were torn."""
    import llmcfg.client

    tenant, consumer = bundle.split("/")
    config = llmcfg.client.open(Path(folder), consumer=consumer, tenant=None if tenant == "_shared" else tenant)

    @config.on_change(key)
    def _told(update: Any) -> None:
        print(update.new, time.monotonic(), flush=True)

    done, counts = threading.Event(), list[tuple[int, int]]()
    threads = [
        threading.Thread(target=read_on, args=(config, key, int(first), reads // readers, done, counts))
        for _ in range(readers)
    ]
    for thread in threads:
        thread.start()
    print("ready", flush=True)
    sys.stdin.read()
    done.set()
    for thread in threads:
        thread.join()
    print(json.dumps({"reads": sum(made for made, _ in counts), "torn": sum(torn for _, torn in counts)}), flush=True)
    config.close()


def read_on(
    config: Any, key: str, first: int, least: int, done: threading.Event, counts: list[tuple[int, int]]
) -> None:
    made, torn, last = 0, 0, first
    *above, name = key.split(".")
    while made < least or not done.is_set():
        for _ in range(1000):
            snapshot = config.snapshot()
            value, beside, again = snapshot[key], snapshot[".".join(above)][name], config[key]
            torn += not (last <= value <= again and beside == value)
            last = again
        made += 3000
    counts.append((made, torn))


def memory(process: int) -> float:
    """MiB of a process and of all that it started. A page that several of them share counts once (PSS)."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text("ascii").splitlines()
    own = next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
    return own + sum(map(memory, map(int, Path(f"/proc/{process}/task/{process}/children").read_text().split())))


def delivered(folder: Path) -> Path:
    return folder / "state/delivered/prod"


def wait(is_so: Any, what: str) -> None:
    end = time.monotonic() + MOST_SECONDS
    while not is_so():
        assert time.monotonic() < end, f"{what} did not come within {MOST_SECONDS} s"
        time.sleep(0.01)


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

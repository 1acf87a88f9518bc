"""Whole-process times of the daily verbs on a copy of sample-repo, interleaved, as a Markdown table of medians.

The first row is the bare interpreter, which every other row includes; the last column is the ratio to it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VERBS: dict[str, list[str]] = {
    "python -c pass": ["-c", "pass"],
    "llmcfg --version": ["-m", "llmcfg_cli", "--version"],
    "llmcfg --help": ["-m", "llmcfg_cli", "--help"],
    "llmcfg get KEY": ["-m", "llmcfg_cli", "get", "routes.chat", "-e", "prod"],
    "llmcfg explain KEY": ["-m", "llmcfg_cli", "explain", "routes.chat.description", "-e", "prod"],
    "llmcfg validate": ["-m", "llmcfg_cli", "validate"],
    "llmcfg diff": ["-m", "llmcfg_cli", "diff"],
    "llmcfg plan": ["-m", "llmcfg_cli", "plan", "-e", "prod"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=11, help="counted runs of each verb, after one warm-up")
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        repository = make_repository(Path(folder) / "sample-repo")
        times: dict[str, list[float]] = {name: [] for name in VERBS}
        for turn in range(runs + 1):
            for name, arguments in VERBS.items():
                took = run(arguments, repository)
                if turn:
                    times[name].append(took)
    print(table(times))


def make_repository(folder: Path) -> Path:
    shutil.copytree(ROOT / "sample-repo", folder)
    identity = ["-c", "user.name=Benchmark", "-c", "user.email=benchmark@example.com"]
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "sample"]):
        subprocess.run(["git", *identity, *command], cwd=folder, check=True)
    return folder


def run(arguments: list[str], folder: Path) -> float:
    """Seconds that one process takes; it must succeed. Bytecode may be written, as in a real installation."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return time.perf_counter() - start


def table(times: dict[str, list[float]]) -> str:
    base = statistics.median(times["python -c pass"])
    lines = [
        f"Python {sys.version.split()[0]}, {os.cpu_count()} processors",
        "",
        "| process | median ms | min ms | ratio |",
        "|---|---:|---:|---:|",
    ]
    for name, taken in times.items():
        median = statistics.median(taken)
        lines.append(f"| {name} | {median * 1000:.0f} | {min(taken) * 1000:.0f} | {median / base:.1f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()

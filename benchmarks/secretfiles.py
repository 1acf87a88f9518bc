"""Secret files beside the sops program, in one run: whole processes that decrypt one file, and calls in this process.

Without `sops` on the path its rows are left out. Both print the same bytes, which is checked. Medians of interleaved runs.
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
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from llmcfg.secrets.age import Identity, generate_identity
from llmcfg.secrets.sops.edit import edit_values
from llmcfg.secrets.sops.files import decrypt_file, encrypt_file
from llmcfg.secrets.sops.model import FileType

if TYPE_CHECKING:
    from collections.abc import Callable

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--values", type=int, default=10_000, help="values of the large file")
    parser.add_argument("--runs", type=int, default=7, help="counted runs, after one warm-up")
    asked = parser.parse_args()
    identity = generate_identity()
    large, small = make_file(asked.values, identity), make_file(10, identity)
    print("| what | median ms | ratio to sops |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        compare_processes(Path(folder), large, identity, asked.runs)
    calls: dict[str, Callable[[], object]] = {
        "decrypt 10 values, in process": lambda: decrypt_file(small, FileType.YAML, [identity]),
        f"decrypt {asked.values} values, in process": lambda: decrypt_file(large, FileType.YAML, [identity]),
        f"change one of {asked.values} values, in process": lambda: edit_values(
            large, FileType.YAML, [identity], {("key_00001",): "changed"}, MOMENT
        ),
    }
    for what, call in calls.items():
        print(f"| {what} | {median(call, asked.runs):.2f} | |")


def make_file(values: int, identity: Identity) -> bytes:
    plain = "".join(f"key_{number:05d}: value-{number}-abcdefghijklmnopqrstuvwxyz\n" for number in range(values))
    return encrypt_file(plain.encode(), FileType.YAML, [identity.recipient.text], MOMENT)


def compare_processes(folder: Path, content: bytes, identity: Identity, runs: int) -> None:
    file, key = folder / "large.yaml", folder / "key.txt"
    file.write_bytes(content)
    key.write_text(f"{identity.reveal()}\n")
    key.chmod(0o600)
    environment = {**os.environ, "SOPS_AGE_KEY_FILE": str(key)}
    commands = {"llmcfg secret decrypt": [sys.executable, "-m", "llmcfg_cli", "secret", "decrypt", str(file)]}
    if sops := shutil.which("sops"):
        commands["sops -d"] = [sops, "-d", str(file)]
    times: dict[str, list[float]] = {name: [] for name in commands}
    printed: set[bytes] = set()
    for turn in range(runs + 1):
        for name, command in commands.items():
            start = time.perf_counter()
            done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE)
            if turn:
                times[name].append(1000 * (time.perf_counter() - start))
            printed.add(done.stdout)
    if len(printed) != 1:
        sys.exit("the programs do not print the same bytes")
    for name, took in times.items():
        ratio = f"{statistics.median(took) / statistics.median(times['sops -d']):.2f}" if sops else ""
        print(f"| {name}, whole process | {statistics.median(took):.0f} | {ratio} |")


def median(call: Callable[[], object], runs: int) -> float:
    times = []
    for turn in range(runs + 1):
        start = time.perf_counter()
        call()
        if turn:
            times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times)


if __name__ == "__main__":
    main()

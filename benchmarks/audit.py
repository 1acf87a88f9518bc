"""What an audit log costs: durable entries a second, one by one and in groups, what an act costs whole, and how fast a log is verified.

A row with a bare write and flush of as many bytes, in the same folder and run, says what of it is the disk's.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from llmcfg.audit.entry import Said, Who
from llmcfg.audit.log import Log
from llmcfg.audit.verify import check_log
from llmcfg.audit.writer import append
from llmcfg.model.act import Act

if TYPE_CHECKING:
    from collections.abc import Callable

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
WHO = Who("Ada Example <ada@example.com>", "ada")
SAID = Said(Act("secret.get", "openai.api_key", environment="prod", facts={"reason": "incident 42"}), "done", "0" * 16)
GROUPS = (1, 10, 100, 1000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--folder", type=Path, default=Path(tempfile.gettempdir()), help="a folder of the disk to measure"
    )
    parser.add_argument("--runs", type=int, default=31, help="counted runs, after one warm-up")
    asked = parser.parse_args()
    print("| what | median ms | entries/s |\n|---|---:|---:|")
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        log = Log(Path(folder) / "platform", "platform")
        append(log, [SAID], WHO, MOMENT, timedelta(days=365))
        for count in GROUPS:
            measure_group(Path(folder) / "bare", log, count, asked.runs)
        size = check_log(log, ()).size
        show(f"verify {size:,} entries", size, measure(lambda: check_log(log, ()), 3))


def measure_group(bare: Path, log: Log, count: int, runs: int) -> None:
    content = log.segments()[0].path.read_bytes()[:350] * count
    show(f"write and flush of {count} lines", count, measure(lambda: write(bare, content), runs))
    group = [SAID] * count
    show(
        f"{count} entries in one go", count, measure(lambda: append(log, group, WHO, MOMENT, timedelta(days=365)), runs)
    )


def write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def measure(act: Callable[[], object], runs: int) -> float:
    """The median of the seconds that it takes."""
    taken = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        act()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken[1:])


def show(what: str, count: int, seconds: float) -> None:
    print(f"| {what} | {seconds * 1e3:.2f} | {count / seconds:,.0f} |")


if __name__ == "__main__":
    main()

"""The benchmarks of the report: in which order, how long each may take, and with which arguments in the quick and in the full tier."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from figures import Columns, read_columns
from peerinstall import DIFFERS

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE: Final = Path(__file__).resolve().parent
MOST_SECONDS: Final = 3 * 3600  # of one benchmark: what hangs is ended, and the others go on


class Benchmark(NamedTuple):
    """Whether it draws figures over size as an SVG, and what has to be there."""

    title: str
    quick: Sequence[str] = ()
    full: Sequence[str] = ()
    draws: bool = False
    script: str = ""  # where it is not that of its own name
    needs: Path = HERE


class Outcome(NamedTuple):
    """What it printed and measured, and of which revision; or why it did not."""

    markdown: str
    columns: Columns
    revision: str = ""
    why_not: str = ""


def keys(*counts: int) -> tuple[str, ...]:
    return tuple(argument for count in counts for argument in ("--keys", str(count)))


_SMALL: Final = (1_000, 10_000, 100_000)
BENCHMARKS: Final = {
    "daily": Benchmark("Daily verbs on sample-repo", ("--runs", "7"), ("--runs", "21")),
    "startup": Benchmark(
        "What did not change, and looking at a work tree", (*keys(*_SMALL), "--runs", "9"), keys(*_SMALL, 1_000_000)
    ),
    "scale": Benchmark(
        "Growth with keys", (*keys(*_SMALL), "--runs", "3"), (*keys(*_SMALL, 1_000_000), "--runs", "3"), draws=True
    ),
    "platform": Benchmark(
        "Typed records, prompts and secrets",
        ("--platform", *keys(1_000, 10_000), "--tenants", "10", "--runs", "3"),
        ("--platform", *keys(*_SMALL), "--tenants", "10"),
        script="scale",
    ),
    "tenants": Benchmark("Growth with tenants", ("--runs", "1"), ("--runs", "5"), draws=True),
    "platform-tenants": Benchmark(
        "Typed records with tenants",
        ("--platform", "--tenants", "10", "--tenants", "100", "--runs", "1"),
        ("--platform", "--runs", "3"),
        script="tenants",
    ),
    "inside": Benchmark(
        "One changed key, in a process that runs already", keys(*_SMALL), keys(*_SMALL, 1_000_000)
    ),
    "deployed": Benchmark(
        "Deploying to many tenants", ("--runs", "2"), (*keys(1_000_000), "--tenants", "1000", "--runs", "3")
    ),
    "loading": Benchmark("Reading YAML", ("--runs", "5"), ("--documents", "500")),
    "differing": Benchmark("Semantic diff", ("--runs", "3"), (), needs=DIFFERS),
    "peers": Benchmark(
        "Beside others",
        (*keys(*_SMALL), "--runs", "3", "--once", "2", "--limit", "30"),
        (*keys(*_SMALL), "--runs", "5", "--limit", "600"),
        draws=True,
    ),
    "physical": Benchmark("What the machine can do", (), ("--runs", "21")),
}  # fmt: skip


def run_benchmark(name: str, folder: Path, *, full: bool) -> Outcome:
    """In a process of its own, with its Markdown, JSON and SVG below `folder`."""
    benchmark = BENCHMARKS[name]
    if not benchmark.needs.exists():
        return Outcome("", {}, why_not="what it is measured beside is not installed: see peerinstall.py")
    files = ["--json", str(folder / f"{name}.json")]
    files += ["--svg", str(folder / f"{name}.svg")] if benchmark.draws else []
    command = [sys.executable, str(HERE / f"{benchmark.script or name}.py"), *files]
    try:
        ran = subprocess.run(
            [*command, *(benchmark.full if full else benchmark.quick)],
            capture_output=True,
            text=True,
            check=True,
            timeout=MOST_SECONDS,
        )
    except subprocess.CalledProcessError as error:
        return Outcome("", {}, why_not=f"it ended with {error.returncode}: {error.stderr.strip()[-300:]}")
    except subprocess.TimeoutExpired:
        return Outcome("", {}, why_not=f"it took more than {MOST_SECONDS} s")
    (folder / f"{name}.md").write_text(ran.stdout)
    return read_outcome(name, folder)


def read_outcome(name: str, folder: Path) -> Outcome:
    """Of the last time that it ran."""
    figures, markdown = folder / f"{name}.json", folder / f"{name}.md"
    if not (figures.exists() and markdown.exists()):
        return Outcome("", {}, why_not="it did not run")
    columns, revision = read_columns(figures)
    return Outcome(markdown.read_text().strip(), columns, revision)

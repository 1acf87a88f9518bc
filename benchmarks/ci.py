"""How long `llmcfg ci` takes for a repository of a thousand targets, and how much memory, each time as a process of its own.

    .venv/bin/python benchmarks/ci.py                       # 1,000 targets, 5 runs each
    .venv/bin/python benchmarks/ci.py --tenants 1000        # more of them
    .venv/bin/python benchmarks/ci.py --kustomize kustomize # beside a build of both sides and a diff by other programs

The repository has two environments, tenants of which each overrides one document, and five consumers with a rendered file each. Two
changes are looked at: of one key of one tenant, and of one key in `base/` that reaches every target. Both sides are built, checked and
compared, and every form of the report is written: cold, without the cache on disk, and warm, with what a run before remembered. Prints
medians of the time that passed and of the processors' time, which says what an idle machine would take, and the most memory that any run
took.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from processes import Run, llmcfg, of_cache, run
from repositories import git

CONSUMERS = ("gateway", "bot", "chat", "indexer", "eval")
DOCUMENTS = 40
KEYS = 50
TEMPLATE = "rpm={{ config.shared.limits0.key0 }}\nown={{ config.shared.limits0.key2 }}\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tenants", type=int, default=100)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--kustomize", metavar="PROGRAM", help="compare with this program's build of both sides")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "repository")
        write_repository(root, options.tenants)
        print(
            f"{2 * options.tenants * len(CONSUMERS)} targets, {DOCUMENTS * KEYS} keys each, load {os.getloadavg()[0]:.1f}"
        )
        for name, file, before, after in (
            ("one key of one tenant", "tenants/t0/shared/limits0.yaml", "key0: 7\n", "key0: 8\n"),
            ("one key of base", "base/shared/limits0.yaml", "key2: 0\n", "key2: 1\n"),
        ):
            git(root, "checkout", "-q", "-B", "topic", "main")
            place = root / file
            place.write_text(place.read_text().replace(before, after, 1))
            git(root, "commit", "-q", "-a", "-m", name)
            out, cache = Path(folder, "out"), Path(folder, "cache")
            report(f"{name}, cold", [review(root, out) for _ in range(options.runs)])
            review(root, out, cache)
            report(f"{name}, warm", [review(root, out, cache) for _ in range(options.runs)])
            if options.kustomize:
                report(f"{name}, {options.kustomize}", kustomize(root, Path(folder, "k"), options))


def report(name: str, runs: list[Run]) -> None:
    seconds, processors = ([run[at] for run in runs] for at in (0, 1))
    print(
        f"{name:<40} median {statistics.median(seconds):6.2f} s   processors {statistics.median(processors):6.2f} s   "
        f"{max(run.memory for run in runs) >> 10} MiB"
    )


def review(root: Path, out: Path, cache: Path | None = None) -> Run:
    shutil.rmtree(out, ignore_errors=True)
    return run(llmcfg("ci", "-C", str(root), "--out", str(out), "-q"), root, of_cache(cache))


def kustomize(root: Path, folder: Path, options: argparse.Namespace) -> list[Run]:
    """The same content as ConfigMaps, one overlay a tenant: built on both sides, and compared by `diff`."""
    program = shutil.which(options.kustomize) or sys.exit(f"there is no {options.kustomize}")
    shutil.rmtree(folder, ignore_errors=True)
    for side in ("main", "topic"):
        git(root, "checkout", "-q", side)
        write_kustomization(root, folder / side, options.tenants)
    found = []
    for _ in range(max(1, options.runs // 2)):
        started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        for side in ("main", "topic"):
            for tenant in range(options.tenants):
                subprocess.run(
                    [program, "build", str(folder / side / f"t{tenant}"), "-o", str(folder / f"{side}-{tenant}.yaml")],
                    check=True,
                )
        for tenant in range(options.tenants):
            names = [str(folder / f"{side}-{tenant}.yaml") for side in ("main", "topic")]
            subprocess.run(["diff", "-u", *names], check=False, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        found.append(Run(time.perf_counter() - started, spent, after.ru_maxrss))
    return found


def write_kustomization(root: Path, folder: Path, tenants: int) -> None:
    base = folder / "base"
    base.mkdir(parents=True)
    lines = []
    for file in sorted((root / "base/shared").iterdir()):
        values = "".join(f"  {line}\n" for line in quoted(file))
        text = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {file.stem}}}\ndata:\n{values}"
        (base / file.name).write_text(text)
        lines.append(f"- {file.name}\n")
    (base / "kustomization.yaml").write_text(f"resources:\n{''.join(lines)}")
    for tenant in range(tenants):
        place = folder / f"t{tenant}"
        place.mkdir()
        own = root / f"tenants/t{tenant}/shared/limits0.yaml"
        values = "".join(f"  {line}\n" for line in quoted(own))
        (place / "own.yaml").write_text(
            f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: limits0}}\ndata:\n{values}"
        )
        (place / "kustomization.yaml").write_text("resources: [../base]\npatches: [{path: own.yaml}]\n")


def quoted(file: Path) -> list[str]:
    pairs = (line.split(": ") for line in file.read_text().splitlines())
    return [f'{key}: "{value}"' for key, value in pairs]


def write_repository(root: Path, tenants: int) -> None:
    names = ", ".join(f"t{number}: {{}}" for number in range(tenants))
    files = {
        "llmcfg.yaml": "apiVersion: llmcfg.dev/v1\nkind: Repository\nname: large\n"
        f"environments: {{staging: {{}}, prod: {{protected: true}}}}\ntenants: {{{names}}}\n",
        "templates/env.j2": TEMPLATE,
        **{f"base/shared/limits{number}.yaml": document(number) for number in range(DOCUMENTS)},
        **{f"consumers/{name}.yaml": consumer(name) for name in CONSUMERS},
        **{f"tenants/t{number}/shared/limits0.yaml": f"key0: 7\nkey1: {number + 1000}\n" for number in range(tenants)},
    }
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    git(root, "init", "-q", "-b", "main")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "main")


def document(number: int) -> str:
    return "".join(f"key{key}: {number * key}\n" for key in range(KEYS))


def consumer(name: str) -> str:
    return (
        'apiVersion: llmcfg.dev/v1\nkind: Consumer\nselect: [.]\ntenants: "*"\n'
        f"outputs: [{{template: templates/env.j2, path: {name}.env}}]\n"
    )


if __name__ == "__main__":
    main()

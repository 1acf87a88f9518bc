"""What deploying costs in a repository with many tenants: whole processes, and the bytes that a commit adds to the repository.

    .venv/bin/python benchmarks/deployed.py                                  # 10,000 keys, 100 tenants
    .venv/bin/python benchmarks/deployed.py --keys 1000000 --tenants 1000    # the most that is promised

One of four environments is deployed, with a bundle for each tenant, to the deployed branch alone. *cold* builds the bundles of all four
in one process without a cache, *first* deploys one; then in each round one key of a tenant changes in a commit, which is deployed, looked
at, and rolled back; and at last one key of that environment's overlay, which reaches every bundle. What is kept on disk of earlier
commands is on.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Final

from figures import Column, column, of_keys, of_tenants, table, write_columns
from machine import headline
from processes import Run, apart, llmcfg, of_cache, run
from repositories import commit_change, first_document, git, write_repository

ENVIRONMENT: Final = "dev"
PLANS, FIRST = "plan of all environments, cold", "apply, first"
OF_TENANT, APPLY = "apply, one key of a tenant", "apply, one key"
READS: Final = {
    "status": ("status", "-q", "-e", ENVIRONMENT),
    "history of deployments": ("history", "--deployed", "-e", ENVIRONMENT),
}
ROLLBACK = "rollback"
NAMES = (PLANS, FIRST, OF_TENANT, APPLY, *READS, ROLLBACK)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=int, default=10_000)
    parser.add_argument("--tenants", type=int, default=100)
    parser.add_argument("--runs", type=int, default=5, help="rounds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), options.keys, options.tenants, options.runs)
    columns = {f"{of_keys(options.keys)}, {of_tenants(options.tenants)}": found}
    print("\n".join([headline(), "", *table(columns), "", *grown(found)]))
    if options.json:
        write_columns(options.json, columns)


def measure(folder: Path, keys: int, tenants: int, rounds: int) -> Column:
    root, cache = folder / "repository", folder / "cache"
    apart(write_repository, root, keys, tenants)
    deliver_nowhere(root)
    overlay, of_tenant = first_document(root / "environments" / ENVIRONMENT), first_document(root / "tenants")
    found = column(NAMES)
    found.runs[PLANS].append(verb(root, None, "plan", "-q"))
    found.runs[FIRST].append(apply(root, cache))
    for turn in range(rounds):
        commit_change(root, of_tenant, turn)
        found.runs[OF_TENANT].append(apply(root, cache))
        for name, arguments in READS.items():
            found.runs[name].append(verb(root, cache, *arguments))
        found.runs[ROLLBACK].append(verb(root, cache, "rollback", "-q", "-e", ENVIRONMENT, "--yes"))
    for turn in range(rounds):
        commit_change(root, overlay, turn)
        found.runs[APPLY].append(apply(root, cache))
    return found


def deliver_nowhere(root: Path) -> None:
    with (root / "llmcfg.yaml").open("a") as manifest:
        manifest.write("sinks: []\n")
    git(root, "commit", "-q", "-a", "-m", "deliver nowhere")


def apply(root: Path, cache: Path) -> Run:
    """With the bytes that it adds to the repository."""
    before = stored(root)
    ran = verb(root, cache, "apply", "-q", "-e", ENVIRONMENT, "--yes")
    return ran._replace(grown=stored(root) - before)


def stored(root: Path) -> int:
    return sum(path.stat().st_size for path in (root / ".git/objects").rglob("*") if path.is_file())


def verb(root: Path, cache: Path | None, name: str, *arguments: str) -> Run:
    return run(llmcfg(name, *arguments), root, of_cache(cache))


def grown(found: Column) -> list[str]:
    return [
        f"- `{name}` adds {max(run.grown for run in found.runs[name]) / 1e3:,.1f} KB at most to the repository."
        for name in (FIRST, OF_TENANT, APPLY)
    ]


if __name__ == "__main__":
    main()

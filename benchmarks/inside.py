"""What a commit of one changed key costs a process that runs already, as the daemon does: to validate it, and to say what changed.

    .venv/bin/python benchmarks/inside.py                    # 10,000 and 100,000 keys
    .venv/bin/python benchmarks/inside.py --keys 1000000 --runs 5

Each round commits another value of one key of an overlay. Reading what Git stored, composing, checking and comparing all environments
counts; making the commit does not.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from figures import Column, column, of_keys, table, write_columns
from llmcfg.clock import now
from llmcfg.pipeline.build import build
from llmcfg.pipeline.diff import State, compare, state_of
from llmcfg.pipeline.validate import validate_configuration
from llmcfg.wiring import Workspace, choose_targets
from machine import headline
from processes import Run, apart, timed
from repositories import commit_change, first_document, write_repository

if TYPE_CHECKING:
    from llmcfg.model.snapshot import Revision

VALIDATE, BUILD, COMPARE = "open and validate", "build all bundles", "compare with those before"
NAMES = (VALIDATE, BUILD, COMPARE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=int, action="append", help="how many; default 10,000 and 100,000")
    parser.add_argument("--runs", type=int, default=9, help="rounds, after one that does not count")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    options = parser.parse_args()
    columns = {}
    for keys in options.keys or [10_000, 100_000]:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder, "repository")
            apart(write_repository, root, keys)
            columns[of_keys(keys)] = apart(measure, root, options.runs)
    print("\n".join([headline(), "", *table(columns)]))
    if options.json:
        write_columns(options.json, columns)


def measure(root: Path, rounds: int) -> Column:
    overlay = first_document(root / "environments/dev")
    workspace, found = Workspace(root), column(NAMES)
    before = built(workspace, workspace.resolve("HEAD"))
    for turn in range(rounds + 1):
        commit_change(root, overlay, turn)
        taken, before = take_turn(workspace, before)
        for name, once in taken.items() if turn else ():
            found.runs[name].append(once)
    return found


def take_turn(workspace: Workspace, before: State) -> tuple[dict[str, Run], State]:
    revision, after = workspace.resolve("HEAD"), list[State]()
    taken = {
        VALIDATE: timed(lambda: validate(workspace, revision)),
        BUILD: timed(lambda: after.append(built(workspace, revision))),
        COMPARE: timed(lambda: compare(before, after[0])),
    }
    return taken, after[0]


def validate(workspace: Workspace, revision: Revision) -> None:
    if validate_configuration(workspace.configuration_at(revision), as_of=now().date()):
        raise SystemExit("the generated repository has findings")


def built(workspace: Workspace, revision: Revision) -> State:
    configuration = workspace.configuration_at(revision)
    return state_of(configuration, build(configuration, choose_targets(configuration, (), ())))


if __name__ == "__main__":
    main()

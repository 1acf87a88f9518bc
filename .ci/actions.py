#!/usr/bin/env python3
"""Looks through the actions, the workflows, and the workflows that docs/ci.md shows: .ci/actions.py [LINTER...]

Each LINTER is a command that is run in a copy of them, which is a repository as linters expect: `.ci/actions.py "zizmor --offline ."
actionlint`. Without one, only what every workflow must hold is looked at.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"^( *)```yaml\n\1# (\.github/workflows/[\w-]+\.yml)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
USES = re.compile(r"^\s*(?:- )?uses: (\S+)", re.MULTILINE)
PINNED = re.compile(r"\./|[\w.-]+/[\w./-]+@[0-9a-f]{40}$")


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        shutil.copytree(PROJECT / ".github", copy / ".github")
        for name, text in shown_workflows().items():
            (copy / name).write_text(text, encoding="utf-8")
        loose = [f"{file.relative_to(copy)}: {uses}" for file in sorted(copy.rglob("*.yml")) for uses in unpinned(file)]
        print("\n".join(f"not pinned to a commit: {one}" for one in loose), end="\n" if loose else "")
        subprocess.run(["git", "init", "--quiet"], cwd=copy, check=True)
        codes = [subprocess.run(shlex.split(linter), cwd=copy, check=False).returncode for linter in sys.argv[1:]]
    return 1 if loose or any(codes) else 0


def shown_workflows() -> dict[str, str]:
    """The workflows of docs/ci.md, by the path that their first line names."""
    text = (PROJECT / "docs" / "ci.md").read_text(encoding="utf-8")
    return {name: re.sub(f"^{indent}", "", body, flags=re.MULTILINE) for indent, name, body in BLOCK.findall(text)}


def unpinned(file: Path) -> list[str]:
    return [uses for uses in USES.findall(file.read_text(encoding="utf-8")) if not PINNED.match(uses)]


if __name__ == "__main__":
    sys.exit(main())

"""The catalogue in docs/spec/faults.md, and the tests that name its rows. `python -m tests.faults.catalogue` writes its last column.

A row is shown by the tests that are marked with it. One that no test shows says so in its text, which then begins with "Not".
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

PROJECT: Final = Path(__file__).resolve().parent.parent.parent
PAGE: Final = PROJECT / "docs/spec/faults.md"
_ROW: Final = re.compile(r"\| `([A-Z]\d\d)` \| (.+?) \| (.+?) \| (.*?) \|")
_NOWHERE: Final = "-"


class Row(NamedTuple):
    name: str
    fault: str
    outcome: str
    shown: str

    @property
    def is_open(self) -> bool:
        """Whether it says that nothing shows it."""
        return self.outcome.startswith("Not ")


def rows() -> list[Row]:
    return [
        Row(*match.groups()) for match in map(_ROW.fullmatch, PAGE.read_text(encoding="utf-8").splitlines()) if match
    ]


@cache
def marked() -> Mapping[str, list[str]]:
    """The files of tests by the rows that they show, each with its path from the project."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted((PROJECT / "tests").rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        for name in sorted(set(_marks(ast.parse(text)))) if "mark.fault(" in text else ():
            found[name].append(path.relative_to(PROJECT).as_posix())
    return found


def shown_in(paths: list[str]) -> str:
    """The last cell of a row."""
    return ", ".join(f"`{path.removeprefix('tests/')}`" for path in paths) or _NOWHERE


def _marks(tree: ast.Module) -> Iterator[str]:
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.fault":
            yield from (argument.value for argument in call.args if isinstance(argument, ast.Constant))


def main() -> None:
    found = marked()
    lines = PAGE.read_text(encoding="utf-8").split("\n")
    for at, line in enumerate(lines):
        match = _ROW.fullmatch(line)
        if match:
            name, fault, outcome, _ = match.groups()
            lines[at] = f"| `{name}` | {fault} | {outcome} | {shown_in(found.get(name, []))} |"
    PAGE.write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()

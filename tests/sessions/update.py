"""Write down what sessions answer now: `python -m tests.sessions.update [FILE...]`. Look at the difference before you commit it."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from .runner import PROJECT, documentation_files, session_files, update_file


def main(names: list[str]) -> None:
    for path in [Path(name).resolve() for name in names] or [*session_files(), *documentation_files()]:
        with tempfile.TemporaryDirectory() as scratch:
            if update_file(path, Path(scratch)):
                print(f"updated {path.relative_to(PROJECT)}")


if __name__ == "__main__":
    main(sys.argv[1:])

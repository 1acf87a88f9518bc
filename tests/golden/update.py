"""Write the golden bundles anew: `python -m tests.golden.update`. Look at the difference before you commit it."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from golden.builtins import FILES, builtin_files
from golden.bundles import GOLDEN, REPOSITORIES, build_files


def main() -> None:
    for name, repository in REPOSITORIES.items():
        shutil.rmtree(GOLDEN / name, ignore_errors=True)
        for path, content in build_files(repository).items():
            (GOLDEN / name / path).parent.mkdir(parents=True, exist_ok=True)
            (GOLDEN / name / path).write_bytes(content)
    shutil.rmtree(FILES, ignore_errors=True)
    FILES.mkdir()
    for path, content in builtin_files().items():
        (FILES / path).write_bytes(content)


if __name__ == "__main__":
    main()

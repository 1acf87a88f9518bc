"""The bundles of the repositories that lie in this project, as `llmcfg render` writes them from the work tree: no commit, no time."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from llmcfg.pipeline.build import build
from llmcfg.pipeline.bundle import environment_files
from llmcfg.pipeline.configuration import Configuration
from llmcfg.pipeline.memo import Memo
from support.written import WrittenSnapshot

GOLDEN: Final = Path(__file__).resolve().parent
PROJECT: Final = GOLDEN.parent.parent
REPOSITORIES: Final = {"sample-repo": PROJECT / "sample-repo", "seed": PROJECT / "tests/repositories/seed"}


def build_files(repository: Path, memo: Memo | None = None) -> dict[str, bytes]:
    """Every file of every environment's bundles, by path below the environment's name."""
    configuration = Configuration(WrittenSnapshot(read_folder(repository)), memo or Memo())
    files: dict[str, bytes] = {}
    for environment in configuration.manifest.environments:
        targets = [target for target in configuration.targets if target.environment == environment]
        built = build(configuration, targets)
        assert len(built.bundles) == len(targets), built.findings
        files |= {
            f"{environment}/{path}": it for path, it in environment_files(environment, built.bundles, None).items()
        }
    return files


def read_folder(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }

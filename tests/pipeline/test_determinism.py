"""The same files give the same bytes, whatever the process, the zone, the language and the order of files."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from support.written import WrittenRepository

SAMPLE = Path(__file__).parent.parent.parent / "sample-repo"
BUILD = """
import hashlib, json, sys
from pathlib import Path
from llmcfg.pipeline.build import build
from llmcfg.pipeline.bundle import environment_files
from llmcfg.pipeline.validate import validate_configuration
from llmcfg.wiring import Workspace

configuration = Workspace(Path(sys.argv[1])).configuration(sys.argv[2] or None)
targets = list(configuration.targets)
if sys.argv[3] == "backwards":
    targets.reverse()
built = build(configuration, targets)
for environment in configuration.manifest.environments:
    bundles = {t: built.bundles[t] for t in configuration.targets if t.environment == environment}
    for path, content in environment_files(environment, bundles, None).items():
        print(environment, path, hashlib.sha256(content).hexdigest(), len(content))
for finding in validate_configuration(configuration):
    print(finding)
"""


def sample_files(chance: random.Random) -> list[Path]:
    paths = [path for path in sorted(SAMPLE.rglob("*")) if path.is_file() and "delivered" not in path.parts]
    chance.shuffle(paths)
    return paths


def repository(at: Path, seed: int) -> Path:
    """The sample as a repository whose files were written in an order of their own."""
    written = WrittenRepository(at)
    for path in sample_files(random.Random(seed)):
        target = at / path.relative_to(SAMPLE)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    written.commit()
    return at


def built(at: Path, revision: str, order: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(at), revision, order],
        capture_output=True,
        text=True,
        env={**{name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}, **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    at = repository(tmp_path_factory.mktemp("one") / "repository", seed=1)
    return built(at, "", "forwards", PYTHONHASHSEED="0", TZ="UTC", LC_ALL="C.UTF-8", HOME="/nonexistent")


@pytest.mark.fault("T09")
@pytest.mark.parametrize(
    ("revision", "order", "environment"),
    [
        ("", "forwards", {"PYTHONHASHSEED": "4242", "TZ": "Pacific/Chatham", "LC_ALL": "C", "PYTHONUTF8": "0"}),
        ("HEAD", "backwards", {"PYTHONHASHSEED": "7", "TZ": "America/St_Johns", "LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"}),
    ],
)  # fmt: skip
def test_another_process_builds_the_same_bytes(tmp_path, expected, revision, order, environment):
    assert expected.count("\n") > 50
    assert built(repository(tmp_path / "other", seed=2), revision, order, **environment) == expected

"""What other programs say of their files: the schemas and loaders that they come with take every one that llmcfg writes."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from builtin_renderers.platform import platform, rendered
from golden.bundles import GOLDEN

LIBRECHAT = """
const {configSchema} = require('librechat-data-provider');
const text = require('fs').readFileSync(process.argv[1], 'utf8');
const parsed = configSchema.strict().safeParse(JSON.parse(text));
console.log(parsed.success ? 'valid' : JSON.stringify(parsed.error.issues));
"""
NEMO = """
import sys
from nemoguardrails import RailsConfig
config = RailsConfig.from_path(sys.argv[1])
print(*config.rails.input.flows, sep=',')
"""


@pytest.fixture(scope="module")
def node() -> str:
    found = shutil.which("node")
    if found is None:
        pytest.skip("node is not on this machine")
    return found


@pytest.mark.parametrize("opened", [False, True])
def test_continue_takes_its_config(opened: bool, node: str, node_modules: Path, tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(rendered("builtin:continue", opened=opened))

    done = subprocess.run(
        [node, node_modules / "@continuedev/config-yaml/dist/cli.js", file], capture_output=True, text=True
    )

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "path", sorted(GOLDEN.rglob("librechat*.yaml")), ids=lambda path: str(path.relative_to(GOLDEN))
)
def test_librechat_takes_its_config(path: Path, node: str, node_modules: Path, tmp_path: Path) -> None:
    file = tmp_path / "librechat.json"
    file.write_text(json.dumps(yaml.safe_load(path.read_text())))

    done = subprocess.run([node, "-e", LIBRECHAT, file], capture_output=True, text=True, cwd=node_modules.parent)

    assert done.stdout == "valid\n", done.stdout + done.stderr


def test_nemo_loads_its_folder_and_its_library_has_every_flow(python_of_consumers: Path, tmp_path: Path) -> None:
    (tmp_path / "config.yml").write_text(rendered("builtin:nemo-guardrails", platform(model="gpt-6-luna")))

    done = subprocess.run([python_of_consumers, "-c", NEMO, tmp_path], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    flows = done.stdout.strip().split(",")
    assert flows == ["mask sensitive data on input", "self check input"]
    library = next((python_of_consumers.parent.parent / "lib").glob("python*/site-packages/nemoguardrails/library"))
    defined = "".join(file.read_text() for file in library.rglob("*.co"))
    assert [flow for flow in [*flows, "regex check output"] if f"flow {flow}" not in defined] == []

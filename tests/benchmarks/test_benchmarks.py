"""The benchmarks run, and what they measure is the same each time."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

FOLDER = Path(__file__).parents[2] / "benchmarks"


def load(name):
    spec = importlib.util.spec_from_file_location(f"benchmarks_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def contents(root):
    return {path.relative_to(root): path.read_bytes() for path in root.rglob("*.yaml")}


def test_the_same_arguments_make_the_same_repository(tmp_path):
    write_repository = load("repositories").write_repository
    for name in ("one", "other"):
        write_repository(tmp_path / name, 500, tenants=3)
    write_repository(tmp_path / "third", 500, tenants=3, seed=2)
    assert contents(tmp_path / "one") == contents(tmp_path / "other") != contents(tmp_path / "third")


def test_growth_is_measured_beside_the_plain_way_and_drawn(tmp_path):
    files = ["--json", tmp_path / "report.json", "--svg", tmp_path / "report.svg"]
    command = [sys.executable, FOLDER / "scale.py", "--keys", "100", "--keys", "300", "--runs", "1", *files]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "| validate, one key of an overlay |" in ran.stdout
    report = json.loads((tmp_path / "report.json").read_text())
    assert {"validate, again", "the plain script"} <= report["keys"]["300"].keys()
    assert "the plain script" in "".join(ElementTree.parse(tmp_path / "report.svg").getroot().itertext())

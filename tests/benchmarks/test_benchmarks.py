"""The benchmarks run, and what they measure is the same each time."""

from __future__ import annotations

import importlib.util
import json
import shutil
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


def test_a_peer_has_figures_only_when_it_comes_to_the_same_values(tmp_path):
    report = compare_plain_script(tmp_path, PROGRAM)
    assert report["without"] == {} and len(report["runs"]["plain PyYAML script"]) == 1
    report = compare_plain_script(tmp_path, PROGRAM.replace("merge(documents.get(path, {}), value)", "value"))
    assert report["without"] == {"plain PyYAML script": "has other values in dev"}


def test_a_peer_that_fails_or_is_not_there_has_no_figures_and_says_why(tmp_path):
    report = compare_plain_script(tmp_path, "import sys; sys.exit('no such thing')")
    assert "no such thing" in report["without"]["plain PyYAML script"]
    report = compare_plain_script(tmp_path, PROGRAM, "--peer", "helm")
    assert report["without"] == {"helm": "is not installed"}


def test_a_peer_that_takes_too_long_is_ended(tmp_path):
    report = compare_plain_script(tmp_path, "import time; time.sleep(60)", "--limit", "1")
    assert "took more than 1 s" in report["without"]["plain PyYAML script"]


def test_what_did_not_change_is_measured_beside_a_bare_interpreter_and_git(tmp_path):
    report = tmp_path / "report.json"
    command = [sys.executable, FOLDER / "startup.py", "--keys", "300", "--runs", "1", "--json", report]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    names = [*json.loads(report.read_text())]
    assert names[:3] == ["python -c pass", "--version", "validate, nothing changed, 300 keys"]
    assert [name.partition(",")[0] for name in names[3:]] == ["git status", "work tree", "work tree"]
    assert all(f"| {name} |" in ran.stdout for name in names)


PROGRAM = (FOLDER / "programs" / "plain_merge.py").read_text()


def compare_plain_script(tmp_path, program, *options):
    """The comparison from a copy of the folder, in which no peer is installed, with this in place of the plain script."""
    copy = tmp_path / "benchmarks"
    shutil.copytree(FOLDER, copy, dirs_exist_ok=True)
    (copy / "programs" / "plain_merge.py").write_text(program)
    command = [sys.executable, copy / "peers.py", "--keys", "2200", "--runs", "1", "--json", tmp_path / "report.json"]
    subprocess.run([*command, "--peer", "plain PyYAML script", *options], capture_output=True, check=True)
    return json.loads((tmp_path / "report.json").read_text())["keys"]["2200"]

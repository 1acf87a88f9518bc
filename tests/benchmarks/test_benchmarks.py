"""The benchmarks run, and what they measure is the same each time."""

from __future__ import annotations

import cProfile
import json
import re
import shutil
import subprocess
import sys
from itertools import count
from pathlib import Path
from xml.etree import ElementTree

import pytest

from llmcfg.documents.loader import load_document
from support.benchmarks import FOLDER, load


def contents(root):
    return {
        path.relative_to(root): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and ".git/" not in str(path)
    }


def test_the_same_arguments_make_the_same_repository(tmp_path):
    write_repository = load("repositories").write_repository
    for name in ("one", "other"):
        write_repository(tmp_path / name, 500, tenants=3)
    write_repository(tmp_path / "third", 500, tenants=3, seed=2)
    assert contents(tmp_path / "one") == contents(tmp_path / "other") != contents(tmp_path / "third")


def test_a_platform_has_the_same_documents_each_time_and_nothing_to_find(tmp_path):
    """But for its secret file, which never has the same bytes; what is encrypted there is named the same."""
    write_platform, secrets = load("platforms").write_platform, Path("base/secrets/vendors.yaml")
    for name in ("one", "other"):
        write_platform(tmp_path / name, 300, tenants=2)
    one, other = (contents(tmp_path / name) for name in ("one", "other"))
    assert re.findall(b"(?m)^[a-z_0-9]+", one.pop(secrets)) == re.findall(b"(?m)^[a-z_0-9]+", other.pop(secrets))
    assert one == other and {path.parts[1] for path in one if path.parts[0] == "base"} >= {
        "llm_providers",
        "models",
        "routes",
    }
    ran = subprocess.run(
        [sys.executable, "-m", "llmcfg_cli", "-C", tmp_path / "one", "validate"], capture_output=True, text=True
    )
    assert (ran.returncode, ran.stdout) == (0, "")


def test_a_profile_is_by_part_of_the_program_and_what_is_built_in_counts_as_its_callers(tmp_path):
    profiles, profile = load("profiles"), cProfile.Profile(count().__next__, 1.0)  # a clock that always goes on
    profile.runcall(load_document, b"a: [1, 2]\n" * 100)
    profile.dump_stats(tmp_path / "profile")
    parts = profiles.by_part(tmp_path / "profile")
    assert parts["llmcfg.documents"] > 0 and "~" not in parts
    assert [
        profiles.part_of(place)
        for place in (
            ("/x/llmcfg/core/llmcfg/documents/loader.py", 1, "f"),
            ("/x/llmcfg/cli/llmcfg_cli/app.py", 1, "f"),
            ("/x/site-packages/llmcfg/model/laid.py", 1, "f"),
            ("/x/llmcfg/.venv/lib/site-packages/typer/core.py", 1, "f"),
            ("~", 0, "<built-in method marshal.loads>"),
        )
    ] == ["llmcfg.documents", "llmcfg_cli.app", "llmcfg.model", "typer", "imports"]


def test_growth_is_measured_beside_the_plain_way_and_drawn(tmp_path):
    files = ["--json", tmp_path / "report.json", "--svg", tmp_path / "report.svg"]
    command = [sys.executable, FOLDER / "scale.py", "--keys", "100", "--keys", "300", "--runs", "1", *files]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "| validate, one key of an overlay |" in ran.stdout
    columns = json.loads((tmp_path / "report.json").read_text())["columns"]
    assert all(len(columns["300 keys"]["runs"][name]) == 1 for name in load("scale").NAMES)
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
    report = compare_plain_script(tmp_path, "while True: pass", "--limit", "1")
    assert report["without"] == {"plain PyYAML script": "took more than 1 s"} and report["given_up"] == {
        "plain PyYAML script": 1
    }


def test_what_did_not_change_is_measured_beside_a_bare_interpreter_and_git(tmp_path):
    report = tmp_path / "report.json"
    command = [sys.executable, FOLDER / "startup.py", "--keys", "300", "--runs", "1", "--json", report]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    names = load("startup").NAMES
    assert [*json.loads(report.read_text())["columns"]["300 keys"]["runs"]] == [*names]
    assert all(f"| {name} |" in ran.stdout for name in names)


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("name", "options", "size"),
    [
        ("tenants", ["--tenants", "2"], "2 tenants"),
        ("deployed", ["--tenants", "1"], "300 keys, 1 tenant"),
        ("inside", [], "300 keys"),
    ],
)
def test_what_tenants_deployments_and_a_running_process_cost_is_measured(name, options, size, tmp_path):
    report = tmp_path / f"{name}.json"
    command = [sys.executable, FOLDER / f"{name}.py", "--keys", "300", "--runs", "1", "--json", report, *options]
    subprocess.run(command, capture_output=True, check=True)
    runs = json.loads(report.read_text())["columns"][size]["runs"]
    assert [*runs] == [*load(name).NAMES] and all(runs.values())
    assert name != "deployed" or runs["apply, one key"][0]["grown"] > 0


PROGRAM = (FOLDER / "programs" / "plain_merge.py").read_text()


def compare_plain_script(tmp_path, program, *options):
    """The comparison from a copy of the folder, in which no peer is installed, with this in place of the plain script."""
    copy = tmp_path / "benchmarks"
    shutil.copytree(FOLDER, copy, dirs_exist_ok=True)
    (copy / "programs" / "plain_merge.py").write_text(program)
    command = [sys.executable, copy / "peers.py", "--keys", "220", "--runs", "1", "--json", tmp_path / "report.json"]
    subprocess.run([*command, "--peer", "plain PyYAML script", *options], capture_output=True, check=True)
    return json.loads((tmp_path / "report.json").read_text())["columns"]["220 keys"]

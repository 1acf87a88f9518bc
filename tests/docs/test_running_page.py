"""What docs/sync.md gives to supervisors and container engines: checked by systemd itself, and against what the program takes."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from .pages import PROJECT

PAGE = (PROJECT / "docs/sync.md").read_text(encoding="utf-8")
FIRST_WITH_RELOAD = 253  # as the page says


def block(start):
    """The fenced text of the page that begins with this line."""
    match = re.search(rf"```\w+\n({re.escape(start)}.*?)```", PAGE, re.DOTALL)
    assert match is not None, start
    return match[1]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze here")
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path):
    version = subprocess.run(["systemd-analyze", "--version"], capture_output=True, text=True, check=True).stdout
    unit = block("[Unit]").replace("/opt/llmcfg/bin/llmcfg", str(Path(sys.executable).with_name("llmcfg")))
    if int(version.split()[1]) < FIRST_WITH_RELOAD:
        assert "write `Type=notify` and `ExecReload=kill -HUP $MAINPID`" in PAGE
        unit = unit.replace("Type=notify-reload", "Type=notify\nExecReload=kill -HUP $MAINPID")
    (tmp_path / "llmcfg-sync.service").write_text(unit)
    done = subprocess.run(
        ["systemd-analyze", "verify", str(tmp_path / "llmcfg-sync.service")], capture_output=True, text=True
    )
    told = [line for line in done.stderr.splitlines() if "llmcfg" in line]  # others may be wrong with the machine
    assert told == []


def test_the_container_runs_a_command_that_there_is_on_a_python_that_it_takes(tmp_path):
    lines = block("FROM ").replace("\\\n", " ").splitlines()
    said = dict(line.split(maxsplit=1) for line in lines)
    settings = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    project, wheel = settings["project"], settings["tool"]["hatch"]["build"]["targets"]["wheel"]
    version = re.fullmatch(r"python:3\.(\d+)-slim", said["FROM"])
    least = re.fullmatch(r">=3\.(\d+)", project["requires-python"])
    assert int(version[1]) >= int(least[1])
    assert re.search(r"pip install --no-cache-dir (\S+)", said["RUN"])[1] == project["name"]
    assert f"--uid {said['USER']} " in said["RUN"]

    program, *arguments = json.loads(said["ENTRYPOINT"]) + json.loads(said["CMD"])
    assert program in wheel["shared-scripts"].values()
    assert arguments[-1] == "/etc/llmcfg/sync.yaml"
    done = subprocess.run(
        [Path(sys.executable).with_name(program), *arguments[:-1], str(tmp_path / "sync.yaml")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode in (2, 7), done.stderr
    assert "sync.yaml" in done.stderr, "it looks for its settings, and finds none"


def test_what_the_unit_and_the_container_keep_is_where_the_settings_put_it():
    settings, unit, volumes = block("# /etc/llmcfg/sync.yaml"), block("[Unit]"), block("FROM ")
    for folder in ("/var/lib/llmcfg", "/srv/config"):
        assert folder in settings
        assert folder in volumes
    assert "StateDirectory=llmcfg\n" in unit, "which is /var/lib/llmcfg"
    assert "ReadWritePaths=/srv/config\n" in unit
    for name in re.findall(r"/run/credentials/llmcfg-sync.service/(\w+)", settings):
        assert f"LoadCredential={name}:" in unit

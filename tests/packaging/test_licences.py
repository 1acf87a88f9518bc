"""The licence gate accepts what it knows, refuses what it does not, and names the package."""

from __future__ import annotations

import importlib.util
import sys
from importlib.metadata import PathDistribution
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def gate(checkout: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("licences", checkout / ".ci" / "licences.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def package(folder: Path, name: str, *lines: str, licence_text: str = "") -> PathDistribution:
    """An installed package that says this of itself."""
    home = folder / f"{name}-1.0.dist-info"
    home.mkdir(parents=True)
    (home / "METADATA").write_text(
        "\n".join(["Metadata-Version: 2.4", f"Name: {name}", "Version: 1.0", *lines, "", ""])
    )
    if licence_text:
        (home / "LICENSE").write_text(licence_text)
        (home / "RECORD").write_text(f"{home.name}/LICENSE,,\n")
    return PathDistribution(home)


MIT_TEXT = (
    "Copyright me\n\nPermission is hereby granted, free of charge, to any\nperson obtaining a copy of this software"
)


@pytest.mark.parametrize(
    "line",
    [
        "License-Expression: MIT",
        "License-Expression: Apache-2.0 OR BSD-3-Clause",
        "License-Expression: MIT OR GPL-3.0-only",
        "Classifier: License :: OSI Approved :: MIT License",
        "License: Apache-2.0",
    ],
)
def test_known_licence_is_accepted_wherever_it_is_said(gate: ModuleType, tmp_path: Path, line: str) -> None:
    assert gate.judge(package(tmp_path, "kind", line)).accepted


@pytest.mark.parametrize("line", ["Summary: says nothing", "License: "])
def test_licence_text_counts_where_the_metadata_says_nothing(gate: ModuleType, tmp_path: Path, line: str) -> None:
    verdict = gate.judge(package(tmp_path, "terse", line, licence_text=MIT_TEXT))
    assert (verdict.licence, verdict.source, verdict.accepted) == ("MIT", "LICENSE", True)


@pytest.mark.parametrize(
    "line",
    [
        "License-Expression: GPL-3.0-only",
        "License-Expression: MIT AND MPL-2.0",
        "License-Expression: MIT WITH Something",
        "Classifier: License :: OSI Approved :: GNU Lesser General Public License v3 (LGPLv3)",
        "License: see the site",
        "Summary: says nothing",
    ],
)
def test_any_other_licence_is_refused(gate: ModuleType, tmp_path: Path, line: str) -> None:
    assert not gate.judge(package(tmp_path, "other", line)).accepted


def test_text_with_the_words_of_two_licences_is_left_to_a_person(gate: ModuleType) -> None:
    assert gate.recognise(MIT_TEXT + " Redistribution and use in source and binary forms, with or without") == ""


def test_listed_exception_holds_only_while_its_licence_is_the_one_that_was_listed(
    gate: ModuleType, tmp_path: Path
) -> None:
    listed = package(tmp_path / "as-listed", "pygit2", "License: GPLv2 with linking exception")
    changed = package(tmp_path / "changed", "pygit2", "License: GPLv3")
    assert [gate.judge(each).accepted for each in (listed, changed)] == [True, False]


def test_dependencies_of_dependencies_are_followed_but_not_those_of_unused_extras(
    gate: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package(tmp_path, "top", "Requires-Dist: mid[fast]", 'Requires-Dist: absent; extra == "docs"')
    package(tmp_path, "mid", 'Requires-Dist: leaf; extra == "fast"', 'Requires-Dist: absent; python_version < "3"')
    package(tmp_path, "leaf")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert [found.metadata["Name"] for found in gate.closure("top")] == ["leaf", "mid", "top"]


def test_gate_fails_and_names_the_package(
    gate: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    package(tmp_path, "top", "License-Expression: MIT", "Requires-Dist: shady")
    package(tmp_path, "shady")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert gate.main("top") == 1
    output = capsys.readouterr()
    assert "REFUSED shady 1.0" in output.out
    assert "refused: shady;" in output.err


def test_everything_that_is_installed_with_the_project_is_accepted(gate: ModuleType) -> None:
    assert gate.main("llmcfg") == 0

"""Every rule about LLM platforms finds what its bad example shows, and nothing in its good one; the page in docs says the same."""

from __future__ import annotations

import re
import subprocess
from datetime import date
from typing import TYPE_CHECKING

import pytest
from tests.docs.llm_rules_page import FOLDER, HEAD, made

from llmcfg.llm.catalogue.shipped import shipped_catalogue
from llmcfg.llm.explained import explain
from llmcfg.llm.lint import lint
from llmcfg.llm.rules.engine import CHECKS, OF_READERS
from llmcfg.llm.rules.ground import Ground
from llmcfg.model.llmrules import LLM_RULES
from llmcfg.pipeline.validate import validate_configuration
from llmcfg.wiring import Workspace

if TYPE_CHECKING:
    from pathlib import Path

AS_OF = date(2026, 11, 25)
FILE = re.compile(r"^# ([\w.-]+(?:/[\w.-]+)*\.\w+)$", re.MULTILINE)
[BASE] = [block for block in re.findall(r"```yaml\n(.*?)```", HEAD, re.DOTALL) if "llmcfg.yaml" in block]
OF_CHANGES = {"LLM031"}  # two revisions are compared


def files_of(example: str) -> dict[str, str]:
    parts = FILE.split(example)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def write(folder: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text.lstrip("\n"), encoding="utf-8")


def rules_found(folder: Path, example: str) -> set[str]:
    files = files_of(example)
    if "config.yaml" in files:
        found = lint(files["config.yaml"].encode(), "config.yaml", Ground(AS_OF, shipped_catalogue()))
    else:
        write(folder, files_of(BASE))
        subprocess.run(["git", "init", "-q", "-b", "main", str(folder)], check=True)
        before = Workspace(folder).configuration()
        write(folder, files)
        found = validate_configuration(Workspace(folder).configuration(), as_of=AS_OF, since=before)
    return {finding.rule_id for finding in found if finding.rule_id.startswith("LLM")}


@pytest.mark.parametrize("rule", [rule.id for rule in LLM_RULES])
def test_bad_example_has_the_finding_and_the_good_one_has_none(rule: str, tmp_path: Path) -> None:
    explained = explain(rule)
    assert rule in rules_found(tmp_path / "bad", explained.bad)
    assert rule not in rules_found(tmp_path / "good", explained.good)


@pytest.mark.parametrize("rule", [rule.id for rule in LLM_RULES])
def test_good_example_is_good_in_every_other_way(rule: str, tmp_path: Path) -> None:
    # A small gateway has no second model, no budget and, where keys are shown, no master key: these are not what is shown.
    assert rules_found(tmp_path, explain(rule).good) <= {"LLM026", "LLM029", "LLM035"}


def test_repository_of_the_examples_is_sound(tmp_path: Path) -> None:
    assert rules_found(tmp_path, "") == set()


def test_every_rule_is_checked_in_one_place_and_says_how_it_is_mended() -> None:
    assert sorted([check.rule for check in CHECKS] + [*OF_CHANGES, *OF_READERS]) == [rule.id for rule in LLM_RULES]
    assert all("Mend: " in explain(rule.id).text for rule in LLM_RULES)


def test_pages_are_made_from_the_rules() -> None:
    written = {place: place.read_text(encoding="utf-8") for place in made() if place.is_file()}
    assert written == made(), "write them anew: python -m tests.docs.llm_rules_page"
    assert {*FOLDER.iterdir()} <= made().keys()

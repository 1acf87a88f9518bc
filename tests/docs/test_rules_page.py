"""docs/spec/rules.md has every rule, as it is, and its examples have the finding that they stand under."""

from __future__ import annotations

import subprocess
from datetime import date
from typing import TYPE_CHECKING

import pytest

from llmcfg.model.llmrules import LLM_RULES
from llmcfg.model.rules import RULES as ALL
from llmcfg.pipeline.validate import validate
from llmcfg.wiring import Workspace

from .pages import SPEC, Section, files_of, sections

if TYPE_CHECKING:
    from pathlib import Path

PAGE = SPEC / "rules.md"
RULES = {name: rule for name, rule in ALL.items() if rule not in LLM_RULES}  # those have a page of their own
RULE_SECTIONS = {found.title.strip("`"): found for found in sections(PAGE) if found.level == 3}
AS_OF = date(2026, 11, 25)
# What no small example can show: Git objects and sizes, and the files that other programs wrote.
WITHOUT_EXAMPLE = {
    "tree-mode", "tree-type", "tree-order", "tree-count", "blob-size", "blob-encoding", "object-missing", "object-corrupt",
    "yaml-depth", "yaml-size", "yaml-problems", "yaml-direction", "yaml-disagree", "manifest-missing", "reference-limit", "schema-limit",
    "template-limit", "template-timeout", "template-worker", "import-duplicate", "import-left-out", "import-rewritten", "import-reference",
    "import-secret", "import-section",
    "value-expires", "policy-limit", "policy-test", "policy-engine", "change-step", "change-owner", "change-approval", "change-freeze",
    "commit-trust",
}  # fmt: skip


def test_every_rule_has_a_section_in_the_order_of_the_code() -> None:
    assert list(RULE_SECTIONS) == list(RULES)


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_section_says_severity_title_and_how_to_mend_it(rule) -> None:
    text = " ".join(RULE_SECTIONS[rule.id].text.split())
    assert text.startswith(f"**{rule.severity}: {rule.title}.**")
    assert "Mend: " in text


def test_rules_without_an_example_are_the_ones_that_cannot_have_one() -> None:
    assert {name for name, found in RULE_SECTIONS.items() if not found.blocks} == WITHOUT_EXAMPLE


def test_repository_of_the_examples_is_sound(tmp_path: Path) -> None:
    assert _rules_found(tmp_path) == set()


@pytest.mark.parametrize("name", [name for name, found in RULE_SECTIONS.items() if found.blocks])
def test_example_has_the_finding(name: str, tmp_path: Path) -> None:
    assert name in _rules_found(tmp_path, RULE_SECTIONS[name])


def _rules_found(folder: Path, example: Section | None = None) -> set[str]:
    files = files_of(sections(PAGE)[1].blocks[0])
    if example:
        files |= files_of(example.blocks[0])
    for path, text in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    subprocess.run(["git", "init", "-q", "-b", "main", str(folder)], check=True)
    workspace = Workspace(folder)
    return {finding.rule_id for finding in validate(workspace.snapshot(None), workspace.memo, AS_OF)}

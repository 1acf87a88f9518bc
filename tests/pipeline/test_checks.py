"""A check that is in the list is asked in every look at a configuration, and no look has checks of its own."""

from __future__ import annotations

import inspect

import pytest

from cache.test_still_sound import BASE, TODAY, cache, is_told_by_what_changed, opened  # noqa: F401
from llmcfg.model.findings import Finding, Origin
from llmcfg.pipeline import checks, examine, stillsound
from llmcfg.pipeline.checks import OF_FILES, Check

CHANGED = {**BASE, "base/plain.yaml": "k: 2\n"}


@pytest.fixture
def asked(monkeypatch):
    """What each look asks a new check of."""
    looks = []

    def find(look):
        looks.append(look)
        return [Finding("reference-missing", "new", Origin("base/plain.yaml", 1))]

    monkeypatch.setattr(checks, "CHECKS", (*checks.CHECKS, Check("document", find)))
    return looks


def test_a_new_check_is_asked_when_everything_is_looked_at(asked):
    found = examine.examine(opened(CHANGED, None), as_of=TODAY).findings
    assert [finding.message for finding in found] == ["new"]
    assert {entry.path for entry in asked[0].documents} > {"base/plain.yaml", "base/other.yaml"}


def test_a_new_check_is_asked_when_what_changed_is_looked_at(cache, asked):  # noqa: F811
    assert not is_told_by_what_changed(CHANGED, cache)
    assert [entry.path for entry in asked[0].documents] == ["base/plain.yaml"]


def test_what_is_said_of_other_files_is_not_asked_where_only_documents_changed(cache, monkeypatch):  # noqa: F811
    def fail(look):
        raise AssertionError("asked")

    of_files = tuple(Check(check.per, fail) if check.per in OF_FILES else check for check in checks.CHECKS)
    monkeypatch.setattr(checks, "CHECKS", of_files)
    assert is_told_by_what_changed(CHANGED, cache)
    with pytest.raises(AssertionError, match="asked"):
        examine.examine(opened(CHANGED, None), as_of=TODAY)


@pytest.mark.parametrize("look", [examine, stillsound])
def test_no_look_names_checks_of_its_own(look):
    named = {name for name, value in vars(look).items() if inspect.isfunction(value) and "findings" in name}
    assert named <= {"merge_findings", "_findings"}


def test_every_look_that_needs_no_key_is_one_of_the_list(monkeypatch):
    seen = []
    one = Check("secret file", lambda look: seen.append(look) or ())
    monkeypatch.setattr(examine, "CHECKS", (one,))
    assert examine.lint_secrets(opened(BASE, None)) == ()
    assert len(seen) == 1

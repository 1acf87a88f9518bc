"""Released versions are never edited: by whom it is noticed, and what may still change."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcfg.errors import ConflictError, FindingsError, NotFoundError
from llmcfg.pipeline.promptedits import begin, promote, release
from llmcfg.prompts.released import next_version, sorted_versions, version_hash
from support.looked_at import findings
from support.written import MANIFEST, opened

PROTECTED = MANIFEST.replace("prod: {}", "prod: {protected: true}")
INDEX = 'id: greet\ncurrent: "1.0.0"\n'
FILE = "---\nstatus: draft\nvariables:\n  name: {type: string, required: true}\n---\nHi {{ name }} of {{var:environment}}\n"
PLACE = "prompts/greet/versions/1.0.0.md"
INLINE = 'id: greet\ncurrent: "1.0.0"\nversions:\n  "1.0.0": # the first\n    status: draft\n    messages: [{role: user, content: Hi}]\n'


def changed(files, change):
    return {**files, **{path: content.decode() for path, content in change.files.items()}}


def released(number=None):
    files = {"llmcfg.yaml": PROTECTED, "prompts/greet.yaml": INDEX, PLACE: FILE}
    return changed(files, release(opened(files), "greet", number))


def messages(files):
    return [(each.rule_id, each.message, each.origin.file) for each in findings(files)]


def test_a_release_records_the_hash_and_sets_the_status():
    files = released()
    assert "status: released" in files[PLACE]
    assert files["prompts/greet.yaml"].startswith(INDEX + "released:\n  1.0.0: sha256:")
    assert messages(files) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Hi", "Hello"),
        ("required: true", "required: false"),
        ("variables:", "engine: mustache\nvariables:"),
        ("name: {", "other: {type: string}\n  name: {"),
    ],
)
def test_an_edit_of_a_released_version_is_found_in_its_file(before, after):
    files = released()
    files[PLACE] = files[PLACE].replace(before, after)
    assert ("LLM037", "greet 1.0.0 was released and is edited since", PLACE) in messages(files)


def test_status_tests_and_changelog_may_change_later():
    files = released()
    files[PLACE] = files[PLACE].replace(
        "status: released",
        "status: released\nchangelog: First.\nmodels_tested: [chat]\ntests: [{variables: {name: x}}]",
    )
    assert messages(files) == []


def test_a_released_version_that_is_gone_is_found():
    files = released()
    del files[PLACE]
    assert "greet 1.0.0 was released and is gone" in [
        message for _, message, _ in messages({**files, "prompts/greet/versions/2.0.0.md": FILE})
    ]


def test_an_overlay_may_change_defaults_and_nothing_else_of_a_released_version():
    files = released()
    overlay = "environments/dev/prompts/greet/versions/1.0.0.yaml"
    assert messages({**files, overlay: "variables: {name: {default: Ada}}\n"}) == []
    found = messages({**files, overlay: "variables: {name: {required: false}}\n"})
    assert found == [("LLM037", "greet 1.0.0 was released, and this layer changes its variables", overlay)]


def test_a_status_alone_releases_nothing():
    files = {"llmcfg.yaml": PROTECTED, "prompts/greet.yaml": INDEX, PLACE: FILE.replace("draft", "released")}
    assert messages(files) == [("LLM037", "greet 1.0.0 is called released, and no hash of it is recorded", PLACE)]


def test_inline_versions_are_released_in_place_and_comments_stay():
    files = {"prompts/greet.yaml": INLINE}
    text = changed(files, release(opened(files), "greet", None))["prompts/greet.yaml"]
    assert "# the first\n    status: released" in text
    assert "released:\n  1.0.0: sha256:" in text


def test_a_candidate_becomes_the_final_version_of_the_same_text():
    place = "prompts/greet/versions/1.1.0-rc.1.md"
    files = released()
    files = changed(
        files | {place: FILE.replace("draft", "candidate")}, release(opened(files | {place: FILE}), "greet", None)
    )
    assert files["prompts/greet/versions/1.1.0.md"].endswith("Hi {{ name }} of {{var:environment}}\n")
    assert messages(files) == []


def test_what_is_released_is_not_released_again_and_what_is_broken_is_not_released():
    files = released()
    with pytest.raises(ConflictError, match="released already"):
        release(opened(files), "greet", "1.0.0")
    with pytest.raises(NotFoundError, match="every version of greet is released"):
        release(opened(files), "greet", None)
    broken = {"prompts/greet.yaml": INDEX, PLACE: FILE.replace("name: {", "nam: {")}
    with pytest.raises(FindingsError) as caught:
        release(opened(broken), "greet", None)
    assert [str(each.origin) for each in caught.value.findings] == [f"{PLACE}:6:4"]
    failing = {
        "prompts/greet.yaml": INDEX,
        PLACE: FILE.replace("variables:", "tests: [{variables: {name: x}, contains: [Bye]}]\nvariables:"),
    }
    with pytest.raises(FindingsError, match="its test 'test 1' fails: 'Bye' is not in it"):
        release(opened(failing), "greet", None)


def test_promoting_is_one_line_in_the_overlay_of_an_environment():
    files = released() | {"prompts/greet/versions/2.0.0.md": FILE}
    with pytest.raises(ConflictError, match="prod is protected"):
        promote(opened(files), "greet", "2.0.0", "prod", None)
    files = changed(files, release(opened(files), "greet", None))
    change = promote(opened(files), "greet", None, "prod", None)
    assert change.files == {"environments/prod/prompts/greet.yaml": b"current: 2.0.0\n"}
    files = changed(files, change)
    assert promote(opened(files), "greet", None, "prod", None).files == {}
    back = promote(opened(files), "greet", "1.0.0", "prod", None)
    assert back.files == {"environments/prod/prompts/greet.yaml": b"current: 1.0.0\n"}
    assert messages(files) == []


def test_a_new_version_begins_with_the_text_of_the_newest():
    files = released()
    change = begin(opened(files), "greet", None, "minor")
    assert change.number == "1.1.0"
    assert messages(changed(files, change)) == []
    with pytest.raises(ConflictError, match=r"has a version 1\.0\.0"):
        begin(opened(files), "greet", "1.0.0", "minor")


def test_a_hash_depends_on_values_and_not_on_how_they_are_written():
    assert version_hash({"a": 1, "b": 2.0}) == version_hash({"b": 2, "a": 1, "status": "draft"})
    assert version_hash({"a": 1}) != version_hash({"a": "1"})


def test_versions_are_in_the_order_of_semantic_versioning():
    ordered = [
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0",
        "1.10.0",
    ]
    assert sorted_versions(reversed(ordered)) == ordered
    assert [next_version(ordered, part) for part in ("major", "minor", "patch")] == ["2.0.0", "1.11.0", "1.10.1"]


@given(st.lists(st.from_regex(r"\A[0-9]{1,2}\.[0-9]\.[0-9](-[a-z0-9]{1,2})?\Z"), unique=True))
def test_the_order_does_not_depend_on_the_order_given(numbers):
    assert sorted_versions(numbers) == sorted_versions(reversed(numbers))

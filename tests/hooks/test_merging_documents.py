"""What Git does with branches that both changed a document, once the drivers are set: merges by key, and conflicts that name keys."""

from __future__ import annotations

import json

import pytest

FILE = "base/routing.yaml"
START = """\
# routes of the gateway
strategy: priority
retry:
  max: 2  # per request
  wait: 1
models:
  - name: fast
    weight: 1
  - name: cheap
    weight: 2
"""
MANIFEST = """\
apiVersion: llmcfg.dev/v1
kind: Repository
name: shop
environments: {dev: {}, prod: {}}
schemas: [{documents: routing, schema: schemas/routing.json}]
"""
SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "additionalProperties": True,
    "properties": {"models": {"type": "array", "x-llmcfg-merge": {"by": "name"}}},
}


@pytest.fixture
def shop(ready_clone):
    ready_clone.write("llmcfg.yaml", MANIFEST)
    ready_clone.write("schemas/routing.json", json.dumps(SCHEMA))
    ready_clone.write(FILE, START)
    ready_clone.commit("start")
    return ready_clone


def diverge(clone, ours, theirs, path=FILE):
    """`main`, where we are, has ours, and `topic` has theirs."""
    clone.git("checkout", "-q", "-b", "topic")
    clone.write(path, theirs)
    clone.commit("topic")
    clone.git("checkout", "-q", "main")
    clone.write(path, ours)
    clone.commit("main")


def changed(*pairs):
    text = START
    for before, after in pairs:
        assert text.count(before) == 1
        text = text.replace(before, after)
    return text


def text_of(clone, path=FILE):
    return (clone.root / path).read_text()


NEXT_TO_EACH_OTHER = changed(("max: 2", "max: 3")), changed(("wait: 1", "wait: 5  # seconds"))
BOTH = changed(("max: 2", "max: 3"), ("wait: 1", "wait: 5  # seconds"))


def test_changes_of_neighbouring_keys_merge_which_lines_do_not(shop):
    diverge(shop, *NEXT_TO_EACH_OTHER)
    shop.git("-c", "merge.llmcfg.driver=git merge-file %A %O %B", "merge", "topic", code=1)
    shop.git("merge", "--abort")
    shop.git("merge", "-q", "topic")
    assert text_of(shop) == BOTH
    assert shop.git("status", "--porcelain") == ""


@pytest.mark.parametrize("command", [("rebase", "-q", "main"), ("cherry-pick", "main")])
def test_the_same_holds_when_commits_are_moved(shop, command):
    diverge(shop, *NEXT_TO_EACH_OTHER)
    shop.git("checkout", "-q", "topic")
    shop.git(*command)
    assert text_of(shop) == BOTH


def test_a_rebase_of_several_commits_keeps_every_one(shop):
    diverge(shop, *NEXT_TO_EACH_OTHER)
    shop.git("checkout", "-q", "topic")
    for number in range(3):
        shop.write(FILE, text_of(shop).replace("models:", f"more{number}: {number}\nmodels:"))
        shop.commit(f"more {number}")
    shop.git("rebase", "-q", "main")
    assert text_of(shop) == BOTH.replace("models:", "more0: 0\nmore1: 1\nmore2: 2\nmodels:")


def test_a_conflict_is_about_one_key_and_says_both_values(shop):
    diverge(shop, changed(("max: 2", "max: 3")), changed(("max: 2", "max: 4"), ("priority", "weighted")))
    said = shop.git("merge", "topic", code=1)
    assert f"{FILE}: conflict at retry.max: ours 3, theirs 4" in said
    assert f"CONFLICT (content): Merge conflict in {FILE}" in said
    marked = "<<<<<<< ours\n  max: 3  # per request\n=======\n  max: 4  # per request\n>>>>>>> theirs\n"
    assert text_of(shop) == changed(("  max: 2  # per request\n", marked), ("priority", "weighted"))


def test_a_key_that_one_side_removed_is_said_to_be_removed(shop):
    diverge(shop, changed(("  wait: 1\n", "")), changed(("wait: 1", "wait: 2")))
    assert f"{FILE}: conflict at retry.wait: ours removed, theirs 2" in shop.git("merge", "topic", code=1)


def test_a_list_merges_by_the_key_that_its_schema_names(shop):
    end = "  - name: cheap\n    weight: 2\n"
    diverge(shop, changed((end, f"{end}  - name: ours\n")), changed((end, f"{end}  - name: theirs\n")))
    shop.git("merge", "-q", "topic")
    assert text_of(shop) == changed((end, f"{end}  - name: ours\n  - name: theirs\n"))


def test_a_list_without_a_schema_is_one_value(shop):
    shop.write("llmcfg.yaml", MANIFEST.replace("schemas: [{documents: routing, schema: schemas/routing.json}]\n", ""))
    shop.commit("no schema")
    end = "  - name: cheap\n    weight: 2\n"
    diverge(shop, changed((end, f"{end}  - name: ours\n")), changed((end, f"{end}  - name: theirs\n")))
    assert f"{FILE}: conflict at models: ours [" in shop.git("merge", "topic", code=1)


def test_a_document_that_both_sides_added_is_merged(shop):
    diverge(shop, "# budgets\n\na: 1\n", "# budgets\n\nb: 2\n", "base/budgets.yaml")
    shop.git("merge", "-q", "topic")
    assert text_of(shop, "base/budgets.yaml") == "# budgets\n\na: 1\nb: 2\n"


def test_a_file_that_another_program_reads_is_merged_by_lines_where_it_is_no_sound_document(shop):
    diverge(shop, "on: push\njobs: {}\nx: 1\n", "on: push\njobs: {}\nx: 2\n", ".github/workflows/ci.yml")
    said = shop.git("merge", "topic", code=1)
    assert ".github/workflows/ci.yml: merged by lines, since our version is no sound YAML, line 1: " in said
    assert "<<<<<<<" in text_of(shop, ".github/workflows/ci.yml")


def test_a_secret_file_outside_of_the_folders_for_them_is_merged_by_value(shop):
    shop.seal("a: first\n", "base/keys.yaml")
    shop.commit("keys")
    shop.git("checkout", "-q", "-b", "topic")
    shop.edit({"b": "canary-theirs"}, "base/keys.yaml")
    shop.commit("topic")
    shop.git("checkout", "-q", "main")
    shop.edit({"c": "canary-ours"}, "base/keys.yaml")
    shop.commit("main")
    assert "canary" not in shop.git("merge", "topic")
    assert shop.plain("base/keys.yaml") == "a: first\nc: canary-ours\nb: canary-theirs\n"


def test_a_conflict_in_a_secret_file_names_keys_and_no_values(shop):
    shop.seal("a: first\n", "base/keys.yaml")
    shop.commit("keys")
    shop.git("checkout", "-q", "-b", "topic")
    shop.edit({"a": "canary-theirs"}, "base/keys.yaml")
    shop.commit("topic")
    shop.git("checkout", "-q", "main")
    shop.edit({"a": "canary-ours"}, "base/keys.yaml")
    shop.commit("main")
    said = shop.git("merge", "topic", code=1)
    assert "base/keys.yaml: conflict at a: both sides changed it" in said
    assert "canary" not in said


def test_text_of_a_branch_cannot_steer_the_terminal(shop):
    diverge(shop, 'a: "\u202etxt"\n', 'a: "x\\n::error::y"\n', "base/text.yaml")
    said = shop.git("merge", "topic", code=1)
    assert "conflict at a: ours" in said
    assert "\u202e" not in said
    assert "\n::error" not in said

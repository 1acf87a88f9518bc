"""Whatever a result depends on is noticed when it alone changes, however much was remembered before."""

from __future__ import annotations

from datetime import date

import pytest

from cache.random_repositories import run
from llmcfg.cache.account import WHY, redone
from llmcfg.cache.store import DiskCache
from llmcfg.pipeline.memo import Memo

OPEN = '"type": "object", "additionalProperties": true'
FILES = {
    "llmcfg.yaml": "apiVersion: llmcfg.dev/v1\nkind: Repository\nname: x\n"
    "environments: {dev: {}, prod: {inherits: dev, protected: true}}\nvariables: {one: 1}\n"
    "tenants: {acme: {variables: {region: eu}}, beta: {}}\n"
    "schemas: [{documents: lists, schema: schemas/lists.json}, {documents: plain, schema: schemas/plain.json}]\n",
    "base/plain.yaml": "k: 1\n",
    "base/other.yaml": "k: 7\nm: {x: 1}\n",
    "base/uses.yaml": "one: '{{var:one}}'\nfrom: '{{config:other.k}}'\nall: '{{config:folder}}'\n",
    "base/pattern.yaml": "p: {$extends: other.m, why: 2}\n",
    "base/folder/in.yaml": "k: 1\n",
    "base/lists.yaml": "l: [1]\n",
    "base/models/main.yaml": "provider: openai\nmodel: gpt-4o\n",
    "base/llm_providers/openai.yaml": "base_url: https://api.openai.com/v1\nresidency: [us]\ntimeouts: {request_seconds: 120}\n",
    "base/budgets.yaml": "tenant: {amount: 100}\n",
    "environments/prod/lists.yaml": "l: [2]\n",
    "tenants/acme/other.yaml": "k: 8\n",
    "schemas/lists.json": "{" + OPEN + ', "properties": {"l": {"type": "array"}}}',
    "schemas/plain.json": "{" + OPEN + ', "required": ["k"], "properties": {"k": {"type": "integer"}}}',
    "templates/t.j2": "{{ config.plain.k }} {{ variables.one }}\n",
    "consumers/app.yaml": "apiVersion: llmcfg.dev/v1\nkind: Consumer\nselect: [.]\ntenants: '*'\nshared: true\n"
    "schema: schemas/lists.json\noutputs: [{template: templates/t.j2, path: t.txt}]\n",
    "consumers/part.yaml": "apiVersion: llmcfg.dev/v1\nkind: Consumer\nselect: [other.k, lists]\n",
}
CHANGES = {
    "a value": {"base/plain.yaml": "k: 2\n"},
    "the type of a value": {"base/plain.yaml": "k: true\n"},
    "the type of a variable": {"llmcfg.yaml": FILES["llmcfg.yaml"].replace("one: 1", "one: true")},
    "a variable of one tenant": {"llmcfg.yaml": FILES["llmcfg.yaml"].replace("region: eu", "one: 5")},
    "the parent of a tenant": {"llmcfg.yaml": FILES["llmcfg.yaml"].replace("beta: {}", "beta: {parent: acme}")},
    "a quota": {"llmcfg.yaml": FILES["llmcfg.yaml"].replace("region: eu}", "region: eu}, quota: {keys: 0}")},
    "which schema holds": {"llmcfg.yaml": FILES["llmcfg.yaml"].replace("documents: plain", "documents: uses")},
    "what a schema asks for": {"schemas/plain.json": FILES["schemas/plain.json"].replace("integer", "string")},
    "how lists merge": {
        "schemas/lists.json": FILES["schemas/lists.json"].replace('"array"', '"array", "x-llmcfg-merge": "append"')
    },
    "an end of a value": {
        "schemas/lists.json": "{" + OPEN + ', "properties": {"l": {"x-llmcfg-expires": "2026-12-01"}}}'
    },
    "what a reference reads": {"base/other.yaml": "k: 9\nm: {x: 1}\n"},
    "what a pattern lays": {"base/other.yaml": "k: 7\nm: {x: 3}\n"},
    "what an overlay of a reference reads": {"tenants/acme/other.yaml": "k: 10\n"},
    "a document that a folder gains": {"base/folder/more.yaml": "k: 1\n"},
    "a document that is gone": {"base/folder/in.yaml": None},
    "a layer that is gone": {"environments/prod/lists.yaml": None},
    "a layer that comes": {"tenants/beta/plain.yaml": "k: 3\n"},
    "a document that cannot be read": {"base/other.yaml": "k: [\n"},
    "an overlay that does nothing": {"tenants/acme/other.yaml": "k: 7\n"},
    "plaintext": {"base/plain.yaml": "k: 1\ns: AKIAQYLPMN5HFIQR7XYA\n"},
    "a comment that allows": {"base/plain.yaml": "k: 1 # llmcfg: allow LLM001 until 2020-01-01 because of tests\n"},
    "a sealed file in a wrong place": {"base/plain.yaml": "k: 1\nsops: {mac: 'ENC[AES256_GCM,data:x]'}\n"},
    "what a consumer selects": {"consumers/part.yaml": FILES["consumers/part.yaml"].replace("other.k", "other.m")},
    "a template": {"templates/t.j2": "{{ config.plain.k }}\n"},
    "a secret that a document asks for": {"base/plain.yaml": "k: 1\ns: '{{secret:key}}'\n"},
    "a model of no provider": {"base/models/main.yaml": "provider: nowhere\nmodel: gpt-4o\n"},
    "a schema of a prompt": {
        "prompts/t.yaml": "id: t\ncurrent: 1.0.0\nversions:\n  1.0.0: {template: Hello}\n",
        "llmcfg.yaml": FILES["llmcfg.yaml"].replace("documents: plain", "documents: prompts/t"),
    },
    "a budget": {"base/budgets.yaml": "tenant: {amount: lots}\n"},
    "a region that providers must be in": {
        "llmcfg.yaml": FILES["llmcfg.yaml"].replace("region: eu", "region: eu, residency: eu")
    },
    "a prompt": {"prompts/t.yaml": "id: t\ncurrent: 2.0.0\nversions:\n  1.0.0: {template: 'Say {{ name }}'}\n"},
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_changed_is_noticed(change, tmp_path):
    def remembered(files):
        cache = DiskCache(tmp_path / "c.sqlite")
        try:
            return run(files, Memo(cache))
        finally:
            cache.close()

    changed = {path: text for path, text in {**FILES, **CHANGES[change]}.items() if text is not None}
    before, after = run(FILES, Memo()), run(changed, Memo())
    assert before != after, "this change must show, or it tests nothing"
    assert [remembered(files) for files in (FILES, FILES, changed, changed, FILES)] == [
        before, before, after, after, before
    ]  # fmt: skip


OLD = "provider: openai\nmodel: gpt-4\n"
ALLOWED = f"# llmcfg: allow LLM012 until 2027-01-31 because it moves\n\n{OLD}"


@pytest.mark.parametrize(
    ("text", "day", "rules"),
    [
        (ALLOWED, date(2026, 11, 25), set()),
        (OLD, date(2026, 11, 25), {"LLM012"}),
        (ALLOWED.replace("LLM012", "LLM013"), date(2026, 11, 25), {"LLM012", "allow-unused"}),
        (ALLOWED.replace("gpt-4", "gpt-6-luna"), date(2026, 11, 25), {"allow-unused"}),
        (ALLOWED, date(2027, 2, 1), {"LLM012", "allow-expired"}),
    ],
)
def test_what_a_comment_allowed_is_remembered_as_long_as_it_does(text, day, rules, tmp_path):
    files = {**FILES, "base/models/main.yaml": ALLOWED}
    for changed, as_of in ((files, date(2026, 11, 25)), ({**files, "base/models/main.yaml": text}, day)) * 2:
        cache = DiskCache(tmp_path / "c.sqlite")
        found = run(changed, Memo(cache), as_of)
        cache.close()
        assert found == run(changed, Memo(), as_of)
    said = {finding.rule_id for finding in found.findings if finding.origin.file == "base/models/main.yaml"}
    assert {rule for rule in said if rule.startswith(("LLM012", "allow"))} == rules
    assert ("judge" in {step for step, _ in cache.missed}) == ("LLM012" in rules)


def test_another_day_is_noticed(tmp_path):
    files = {**FILES, **CHANGES["an end of a value"]}
    for day in (date(2020, 1, 1), date(2026, 11, 25), date(2099, 1, 1), date(2020, 1, 1)):
        cache = DiskCache(tmp_path / "c.sqlite")
        assert run(files, Memo(cache), day) == run(files, Memo(), day)
        cache.close()
    assert run(files, Memo(), date(2099, 1, 1)).findings != run(files, Memo(), date(2020, 1, 1)).findings


def test_what_did_not_change_is_not_done_again(tmp_path):
    for _ in range(2):
        cache = DiskCache(tmp_path / "c.sqlite")
        run(FILES, Memo(cache))
        cache.close()
    assert cache.missed == []
    cache = DiskCache(tmp_path / "c.sqlite")
    run({**FILES, "tenants/acme/other.yaml": "k: 10\n"}, Memo(cache))
    assert {about.rsplit("/", 1)[-1].removesuffix(".yaml") for _, about in cache.missed} <= {
        "other",
        "uses",
        "pattern",
        "app",
        "t.j2",
    }


_OTHERS = (
    "compare all",
    "read back",
    "build",
    "build all",
    "format",
)  # of comparisons, of what was deployed, and of `fmt`


def test_every_step_that_is_done_has_a_reason(tmp_path):
    cache = DiskCache(tmp_path / "c.sqlite")
    run({**FILES, **{path: text for path, text in CHANGES["a prompt"].items() if text}}, Memo(cache))
    steps = [step for step in WHY if step not in _OTHERS]
    assert {step for step, _ in cache.missed} == {*steps}
    assert [each.step for each in redone(cache)] == steps


def test_what_was_done_again_is_said_once_for_each_thing_with_the_reason(tmp_path):
    for files in (FILES, {**FILES, "base/plain.yaml": "k: 2\n"}):
        cache = DiskCache(tmp_path / "c.sqlite")
        run(files, Memo(cache))
        cache.close()
    said = {each.step: each.about for each in redone(cache)}
    assert said["read"] == ("base/plain.yaml",)
    assert said["check"] == ("plain", "app")
    assert said["render"] == ("templates/t.j2",)
    assert said.keys().isdisjoint({"resolve", "judge", "compose"})

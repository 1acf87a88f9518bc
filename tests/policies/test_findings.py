"""Policies of a repository: their findings lie at the keys that they are about, in validation, in comparison and before a deployment."""

from __future__ import annotations

import json

import pytest

from llmcfg.model.findings import has_blocking
from llmcfg.model.rules import Severity
from llmcfg.model.target import Scope
from llmcfg.pipeline.gates import gate_findings, proposal_between
from llmcfg.pipeline.memo import Memo
from llmcfg.pipeline.policyfindings import policies_of, run_policy_tests
from llmcfg.pipeline.policyinput import questions
from llmcfg_cli.app import run
from llmcfg_cli.views.findings import VIEWS, view_findings
from support.looked_at import findings, only, said
from support.written import MANIFEST, WrittenRepository, opened

BUDGET = """
package policies.budgets

# METADATA
# title: budget over its cap
# description: Money that nobody approved is spent before anybody notices.
# custom:
#   id: budget-cap
#   hint: ask finance
deny contains result if {
	input.environment.protected
	input.config.budgets.usd > 1000
	result := {"message": sprintf("%v USD are over the cap", [input.config.budgets.usd]), "key": "budgets.usd"}
}

warn contains "there is no currency" if not input.config.budgets.currency
"""
BUDGET = BUDGET.replace(" if not input.config.budgets.currency", " if {\n\tnot input.config.budgets.currency\n}")
STEP = """
package policies.steps

deny_large_step contains result if {
	some key in input.change.keys
	key.after > key.before * 2
	result := {"message": sprintf("%s more than doubles", [key.key]), "key": key.path}
}
"""
PROTECTED = MANIFEST.replace("prod: {}", "prod: {protected: true}")
FILES = {
    "llmcfg.yaml": PROTECTED,
    "base/budgets.yaml": "currency: USD\nusd: 500\n",
    "environments/prod/budgets.yaml": "usd: 2000\n",
    "policies/budgets.rego": BUDGET,
}


def test_finding_has_the_policys_own_words_and_lies_at_the_key():
    found = only(FILES)
    assert (found.rule_id, found.severity, str(found.origin)) == (
        "policy/budget-cap", Severity.ERROR, "environments/prod/budgets.yaml:1:1",
    )  # fmt: skip
    assert (found.message, found.hint, found.reach) == ("2000 USD are over the cap", "ask finance", ("prod",))
    assert found.rule.title == "budget over its cap"
    assert [str(origin) for origin in found.related] == ["policies/budgets.rego:9:1"]


@pytest.mark.parametrize("form", VIEWS)
def test_every_form_of_output_shows_a_policys_own_rule(form: str):
    hostile = BUDGET.replace("ask finance", "ask [x](http://y)").replace("over the cap", "over \\u001b[31m\\n::error::")
    (found,) = findings({**FILES, "policies/budgets.rego": hostile})
    text = view_findings([found], form)
    assert "policy/budget-cap" in text
    assert "\x1b" not in text
    assert "\n::error::" not in text


def test_a_policys_own_words_are_no_markdown_in_sarif():
    (rule,) = json.loads(view_findings([only(FILES)], "sarif"))["runs"][0]["tool"]["driver"]["rules"]
    assert rule["shortDescription"] == {"text": "budget over its cap"}
    assert rule["help"] == {"text": "budget over its cap. Money that nobody approved is spent before anybody notices."}


def test_text_without_a_key_lies_at_its_policy_and_says_where_it_holds():
    found = only({**FILES, "base/budgets.yaml": "usd: 5\n", "environments/prod/budgets.yaml": "usd: 6\n"})
    assert (found.severity, str(found.origin), found.reach) == (
        Severity.WARNING,
        "policies/budgets.rego:15:1",
        ("dev", "prod"),
    )


@pytest.mark.parametrize(
    ("gives", "place"),
    [
        ('{"message": "m", "key": "budgets.gone.further"}', "base/budgets.yaml:1:1"),
        ('{"message": "m", "key": ["budgets", "usd"]}', "base/budgets.yaml:1:1"),
        ('{"message": "m", "key": "budgets..usd"}', "policies/p.rego:3:1"),
        ('{"message": "m", "key": "nothing"}', "policies/p.rego:3:1"),
        ('{"msg": "m"}', "policies/p.rego:3:1"),
    ],
)  # fmt: skip
def test_nearest_place_is_found_for_any_key(gives: str, place: str):
    assert said({"base/budgets.yaml": "usd: 5\n", "policies/p.rego": f"package p\n\ndeny contains {gives}\n"}) == [
        f"policy/p.deny {place}"
    ]


@pytest.mark.parametrize("gives", ["3", "{}", '{"message": 3}', "[]", "null"])
def test_result_that_is_not_understood_is_a_violation_all_the_same(gives: str):
    assert has_blocking(findings({"policies/p.rego": f"package p\n\ndeny contains {gives}\n"}))


def test_broken_policy_is_a_finding_and_the_others_are_not_taken_as_silent():
    assert said({**FILES, "policies/x.rego": "package x\n\ndeny contains 1 if y > 2\n"}) == [
        "policy-variable policies/x.rego:3:20"
    ]


@pytest.mark.parametrize(
    ("body", "rule"),
    [("x := 1 / input.config.a.zero", "policy-failed"), ("some x in numbers.range(1, 30000000)", "policy-limit")],
)
def test_policy_that_does_not_get_to_its_end_blocks(body: str, rule: str):
    found = findings({"base/a.yaml": "zero: 0\n", "policies/p.rego": f"package p\n\ndeny contains x if {{ {body} }}\n"})
    assert {finding.rule_id for finding in found} == {rule}
    assert has_blocking(found)


def test_missing_engine_blocks(monkeypatch):
    monkeypatch.setattr("llmcfg.policies.loading.has_engine", lambda: False)
    assert said(FILES) == ["policy-engine policies/budgets.rego"]


def test_scopes_that_are_alike_in_what_is_read_are_asked_about_once():
    tenants = "tenants: {" + ", ".join(f"t{number}: {{}}" for number in range(50)) + "}\n"
    files = {**FILES, "llmcfg.yaml": PROTECTED + tenants, "tenants/t7/budgets.yaml": "usd: 9000\n"}
    configuration = opened(files)
    asked = questions(configuration, configuration.scopes, policies_of(configuration).reads)
    assert sorted(len(question.scopes) for question in asked) == [1, 1, 50, 50]
    assert {finding.message: len(finding.reach) for finding in findings(files)} == {
        "2000 USD are over the cap": 50, "9000 USD are over the cap": 1,
    }  # fmt: skip


def test_tenants_that_are_alike_in_the_fields_that_are_read_are_asked_about_once():
    tenants = "tenants: {" + ", ".join(f"t{at}: {{region: {'eu' if at % 2 else 'us'}}}" for at in range(20)) + "}\n"
    policy = "package p\n\ndeny contains `not in the EU` if {\n\tinput.tenant.region == `eu`\n\tinput.config.a.place != `eu`\n}\n"
    files = {"llmcfg.yaml": MANIFEST + tenants, "base/a.yaml": "place: us\n", "policies/p.rego": policy}
    configuration = opened(files)
    asked = questions(configuration, configuration.scopes, policies_of(configuration).reads)
    assert sorted(len(question.scopes) for question in asked) == [2, 20, 20]
    (found,) = findings(files)
    assert len(found.reach) == 20


def test_what_was_said_is_remembered_as_long_as_nothing_that_is_read_changes():
    memo = Memo()
    first = findings(FILES, memo)
    asked = dict(memo.policies)
    assert findings({**FILES, "base/other.yaml": "a: 1\n"}, memo) == first
    assert memo.policies == asked


def gates(before: dict[str, str], after: dict[str, str]) -> list[str]:
    memo = Memo()
    old, new = opened(before, memo), opened(after, memo)
    return [
        f"{each.rule_id} {each.origin} {each.reach}"
        for each in gate_findings(new, proposal_between(old, new), new.scopes)
    ]


def test_policy_about_a_change_sees_what_it_does_in_each_scope():
    files = {"base/limits.yaml": "rpm: 10\ntpm: 10\n", "policies/steps.rego": STEP}
    assert gates(files, files | {"base/limits.yaml": "rpm: 30\ntpm: 15\n"}) == [
        "policy/policies.steps.deny_large_step base/limits.yaml:1:1 ('dev', 'prod')"
    ]
    assert gates(files, files | {"environments/prod/limits.yaml": "rpm: 30\n"}) == [
        "policy/policies.steps.deny_large_step environments/prod/limits.yaml:1:1 ('prod',)"
    ]


def test_findings_that_are_there_without_the_change_are_not_its_own():
    files = {**FILES, "policies/steps.rego": STEP}
    assert gates(files, files | {"environments/prod/budgets.yaml": "usd: 2001\n"}) == []


def test_input_holds_what_is_read_and_the_change():
    files = {"base/limits.yaml": "rpm: 10\n", "base/other.yaml": "a: 1\n", "policies/s.rego": STEP}
    old, new = opened(files), opened(files | {"base/limits.yaml": "tpm: 1\n"})
    (asked,) = questions(
        new, [Scope("prod", None)], policies_of(new).reads, proposal_between(old, new, "ada@example.org")
    )
    assert asked.text == (
        '{"config": {}, "change": {"keys": ['
        '{"key": "limits.rpm", "kind": "removed", "before": 10, "path": ["limits", "rpm"], "targets": 0}, '
        '{"key": "limits.tpm", "kind": "added", "after": 1, "path": ["limits", "tpm"], "targets": 0}], '
        '"author": "ada@example.org", "signer": null, "targets": 0}}'
    )


TEST = """
package policies.budgets_test

import data.policies.budgets

test_protected if {
	count(budgets.deny) == 1 with input as {"environment": {"protected": true}, "config": {"budgets": {"usd": 5000}}}
}

test_two_layers if {
	count(budgets.deny) == 0 with input.environment.protected as false with input.config.budgets.usd as 5000
}

test_that_fails if {
	count(budgets.deny) == 1 with input as {"environment": {"protected": false}}
}

test_that_breaks if {
	1 / count([]) == 1
}
"""


def test_tests_of_policies_run_and_what_is_not_true_has_failed():
    report = run_policy_tests(opened({**FILES, "policies/budgets_test.rego": TEST}))
    assert report.total == 4
    assert [(str(found.origin), found.message) for found in report.findings] == [
        ("policies/budgets_test.rego:13:1", "test_that_fails failed: it is not true"),
        ("policies/budgets_test.rego:17:1", "test_that_breaks failed: a function in it failed"),
    ]


def test_a_policy_that_cannot_be_read_is_refused_also_where_there_are_no_tests():
    report = run_policy_tests(
        opened({**FILES, "policies/broken.rego": "package policies.broken\n\ndeny contains `x` if {"})
    )
    assert {(found.rule_id, found.origin.file) for found in report.findings} == {
        ("policy-syntax", "policies/broken.rego")
    }
    assert run_policy_tests(opened(FILES)) == (0, ())


def test_a_policy_that_has_no_answer_ends_its_evaluation_with_4(tmp_path, capsys):
    endless = "package policies.endless\n\ndeny contains `x` if {\n\t1 / count([]) == 1\n}\n"
    made = WrittenRepository(tmp_path, {**FILES, "policies/endless.rego": endless})
    assert run(["policy", "eval", "-e", "prod", "-C", str(made.path)]) == 4
    assert "a function in it failed" in capsys.readouterr().out


def test_tests_are_no_policies():
    assert len(findings({**FILES, "policies/budgets_test.rego": TEST + "\ndeny contains `never`\n"})) == 1

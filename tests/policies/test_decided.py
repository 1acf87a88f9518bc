"""What is decided beside values, and what judges changes: limits and policies see it, in a review and where it is deployed."""

from __future__ import annotations

import json

import pytest

from llmcfg.model.target import Scope
from llmcfg.pipeline.gates import gate_findings, proposal_between
from llmcfg.pipeline.memo import Memo
from llmcfg.pipeline.policyfindings import policies_of
from llmcfg.pipeline.policyinput import questions
from support.looked_at import said
from support.written import CONSUMER, opened

HEAD = "apiVersion: llmcfg.dev/v1\nkind: ChangeLimits\n"
MANIFEST = """\
apiVersion: llmcfg.dev/v1
kind: Repository
name: test
environments:
  dev: {}
  prod:
    protected: true
tenants:
  acme: {quota: {keys: 10}}
"""
LIMITS = (
    HEAD
    + """\
roles: {platform: ["*@platform.example.org"]}
steps:
  - {decisions: ["tenants.*.quota"], factor: 2}
owned:
  - {decisions: ["environments.*.protected"], environments: [prod], roles: [platform]}
approvals:
  - {decisions: [sinks, consumers.*.sinks], roles: [platform]}
  - {guards: [policies, "**/.sops.yaml"], roles: [platform], count: 2}
"""
)
BEFORE = {
    "llmcfg.yaml": MANIFEST,
    "policies/limits.yaml": LIMITS,
    "base/a.yaml": "x: 1\n",
    "consumers/app.yaml": CONSUMER,
}
LIFTED = MANIFEST.replace("    protected: true\n", "    track: {branch: main}\n")


def gates(
    changed: dict[str, str | None], author: str = "eve", approvals: set[str] = frozenset(), before: dict | None = None
) -> list[str]:
    before = before or BEFORE
    memo = Memo()
    after = {path: text for path, text in {**before, **changed}.items() if text is not None}
    old, new = opened(before, memo), opened(after, memo)
    found = gate_findings(new, proposal_between(old, new, author, frozenset(approvals)), new.scopes, old)
    return [f"{each.rule_id} {each.origin} {each.message} in {', '.join(each.reach)}" for each in found]


# limits


def test_protection_is_lifted_by_its_owner_alone():
    assert gates({"llmcfg.yaml": LIFTED}) == [
        "change-owner llmcfg.yaml:6:3 eve may not change environments.prod.protected; platform may in prod"
    ]
    assert gates({"llmcfg.yaml": LIFTED}, "ada@platform.example.org") == []
    assert gates({"llmcfg.yaml": MANIFEST.replace("dev: {}", "dev: {protected: true}")}) == []


def test_environment_that_ends_is_not_protected_any_more():
    (found,) = gates({"llmcfg.yaml": MANIFEST.replace("  prod:\n    protected: true\n", "")})[:1]
    assert found == "change-owner llmcfg.yaml:4:1 eve may not change environments.prod.protected; platform may in prod"


def test_new_sink_takes_an_approval_wherever_it_is_written():
    sink = "sinks:\n  - directory: {path: elsewhere}\n"
    (found,) = gates({"llmcfg.yaml": MANIFEST + sink})
    assert found == (
        "change-approval llmcfg.yaml:11:5 a change of sinks[0].path takes the approval of 1 of platform, and has 0 in dev, prod"
    )
    places = {" ".join(found.split(" ")[:2]) for found in gates({"consumers/app.yaml": CONSUMER + sink})}
    assert places == {"change-approval consumers/app.yaml:4:1"}
    assert gates({"llmcfg.yaml": MANIFEST + sink}, approvals={"ada@platform.example.org"}) == []


def test_quota_grows_in_steps():
    grown = {"llmcfg.yaml": MANIFEST.replace("keys: 10", "keys: 21")}
    assert gates(grown) == [
        "change-step llmcfg.yaml:9:18 tenants.acme.quota.keys goes from 10 to 21; "
        "a step is at most 2 times as much or as little in dev, prod"
    ]
    assert gates({"llmcfg.yaml": MANIFEST.replace("keys: 10", "keys: 20")}) == []


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"policies/limits.yaml": LIMITS.replace("count: 2", "count: 1")}, "policies/limits.yaml:1:1"),
        ({"policies/limits.yaml": None}, "llmcfg.yaml:1:1"),
        ({"policies/more.rego": "package more\n"}, "policies/more.rego:1:1"),
        ({".sops.yaml": "creation_rules: []\n"}, ".sops.yaml:1:1"),
    ],
)
def test_what_judges_changes_takes_the_approvals_that_it_took_before(change, place):
    (path,) = change
    two = {"ada@platform.example.org", "ben@platform.example.org"}
    assert [found for found in gates(change, approvals={"ada@platform.example.org"}) if "has 1" in found] == [
        f"change-approval {place} a change of {path} takes the approval of 2 of platform, and has 1 in dev, prod"
    ]
    assert gates(change, approvals=two) == []


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        ("steps: [{by: 1}]", "schema-required policies/limits.yaml:3:9"),
        ("owned: [{roles: [a]}]", "schema-required policies/limits.yaml:3:9"),
        ("steps: [{guards: [a], by: 1}]", "schema-required policies/limits.yaml:3:9"),
        ("steps: [{decisions: [tenant.acme.quota], by: 1}]", "limits-invalid policies/limits.yaml:3:22"),
        ("steps: [{decisions: [a..b], by: 1}]", "limits-invalid policies/limits.yaml:3:9"),
        ('steps: [{decisions: ["**.quota"], by: 1}]', None),
    ],
)
def test_limit_on_nothing_that_is_ever_decided_is_an_error(limit, expected):
    assert said({"policies/limits.yaml": f"{HEAD}{limit}\n"})[:1] == ([expected] if expected else [])


# policies

POLICY = """
package decided

deny contains result if {
	some decision in input.change.decisions
	decision.path[2] == "protected"
	decision.before == true
	not decision.after
	result := {"message": sprintf("%s lifts %s", [input.change.author, decision.key]), "decision": decision.path}
}

deny contains result if {
	some guard in input.change.guards
	result := {"message": sprintf("%s is %s", [guard.file, guard.change]), "file": guard.file}
}
"""
HELD = {**BEFORE, "policies/decided.rego": POLICY, "policies/limits.yaml": HEAD}


def test_policy_sees_decisions_once_for_the_environment_that_they_are_about():
    assert gates({"llmcfg.yaml": LIFTED}, before=HELD) == [
        "policy/decided.deny llmcfg.yaml:6:3 eve lifts environments.prod.protected in prod"
    ]
    assert gates({"llmcfg.yaml": LIFTED.replace("prod", "live")}, before=HELD) == [
        "policy/decided.deny llmcfg.yaml:4:1 eve lifts environments.prod.protected in dev, live"
    ]


def test_policy_sees_what_judges_changes():
    assert gates({"schemas/a.json": "{}\n"}, before=HELD) == [
        "policy/decided.deny schemas/a.json:1:1 schemas/a.json is added in dev, prod"
    ]
    assert gates({"base/a.yaml": "x: 2\n"}, before=HELD) == []


@pytest.mark.parametrize("policy", [None, "package decided\n"])
def test_policy_that_goes_judges_its_own_end(policy):
    change = "removed" if policy is None else "changed"
    (found,) = gates({"policies/decided.rego": policy}, before=HELD)
    assert found.endswith(f"policies/decided.rego is {change} in dev, prod")


def test_input_says_them_as_the_review_does_and_nothing_of_them_where_nobody_reads_it():
    memo = Memo()
    old, new = opened(HELD, memo), opened({**HELD, "llmcfg.yaml": LIFTED, "schemas/a.json": "{}\n"}, memo)
    proposal = proposal_between(old, new)
    prod, acme = (
        json.loads(questions(new, [Scope("prod", tenant)], policies_of(new).reads, proposal)[0].text)["change"]
        for tenant in (None, "acme")
    )
    key, branch = "environments.prod.protected", "environments.prod.track.branch"
    assert prod["decisions"] == [
        {"key": key, "kind": "changed", "before": True, "after": False, "path": key.split(".")},
        {"key": branch, "kind": "added", "after": "main", "path": branch.split(".")},
    ]
    assert prod["guards"] == [{"file": "schemas/a.json", "change": "added"}]
    assert (acme["decisions"], acme["guards"]) == ([], [])
    (asked,) = questions(new, [Scope("prod", None)], frozenset([("change", "author")]), proposal)
    assert json.loads(asked.text)["change"].keys() == {"keys", "author", "signer", "targets"}

"""Limits on changes without Rego: steps, owners and approvals, each a finding at the key, with the limit beside it."""

from __future__ import annotations

import pytest

from llmcfg.errors import UsageError
from llmcfg.model.keypath import parse_key_path
from llmcfg.pipeline.gates import gate_findings, proposal_between
from llmcfg.pipeline.memo import Memo
from llmcfg.policies.keypatterns import covers, parse_key_pattern
from support.looked_at import said
from support.written import opened

HEAD = "apiVersion: llmcfg.dev/v1\nkind: ChangeLimits\n"
LIMITS = (
    HEAD
    + """\
roles:
  platform: ["*@platform.example.org"]
  security: [eve@example.org, mallory@example.org]
steps:
  - {keys: [limits.**], environments: [prod], factor: 2}
  - {keys: ["budgets.*.usd"], by: 100}
owned:
  - {keys: [routes], roles: [platform]}
approvals:
  - {keys: ["providers.*.base_url"], environments: [prod], roles: [security], count: 2}
"""
)
BEFORE = {
    "policies/limits.yaml": LIMITS,
    "base/limits.yaml": "rpm: 10\nmodels: [{tpm: 8}]\nname: a\n",
    "base/budgets.yaml": "chat: {usd: 500, days: 30}\n",
    "base/routes.yaml": "chat: {model: small}\n",
    "base/providers.yaml": "openai: {base_url: https://api.openai.com}\n",
}


def gates(changed: dict[str, str], author: str | None = None, approvals: set[str] | None = None) -> list[str]:
    memo = Memo()
    old, new = opened(BEFORE, memo), opened(BEFORE | changed, memo)
    agreed = None if approvals is None else frozenset(approvals)
    found = gate_findings(new, proposal_between(old, new, author, agreed), new.scopes)
    assert all(finding.hint and str(finding.related[0]).startswith("policies/limits.yaml:") for finding in found)
    return [f"{each.rule_id} {each.origin} {each.message} in {', '.join(each.reach)}" for each in found]


def test_sound_limits_have_no_findings():
    assert said(BEFORE) == []


def test_step_over_a_factor_is_found_only_where_the_limit_holds():
    assert gates({"base/limits.yaml": "rpm: 21\nmodels: [{tpm: 3}]\nname: b\n"}) == [
        "change-step base/limits.yaml:1:1 limits.rpm goes from 10 to 21; a step is at most 2 times as much or as little in prod",
        "change-step base/limits.yaml:2:11 limits.models[0].tpm goes from 8 to 3; a step is at most 2 times as much or as little in prod",
    ]
    assert gates({"environments/dev/limits.yaml": "rpm: 1000\n"}) == []


def test_change_does_not_loosen_a_limit_and_make_use_of_it():
    after = BEFORE | {"policies/limits.yaml": HEAD, "base/limits.yaml": "rpm: 30\nmodels: [{tpm: 8}]\nname: a\n"}
    memo = Memo()
    old, new = opened(BEFORE, memo), opened(after, memo)
    proposal = proposal_between(old, new)
    assert [found.rule_id for found in gate_findings(new, proposal, new.scopes, old)] == ["change-step"]
    assert gate_findings(new, proposal, new.scopes) == ()


@pytest.mark.parametrize(("usd", "count"), [(600, 0), (400, 0), (601, 1), (399, 1), (-500, 1), (0, 1)])
def test_step_over_an_amount_is_found_up_and_down(usd: int, count: int):
    assert len(gates({"base/budgets.yaml": f"chat: {{usd: {usd}, days: 90}}\n"})) == count


@pytest.mark.parametrize(
    ("rpm", "count"), [(20, 0), (5, 0), (10, 0), (20.1, 1), (4.9, 1), (0, 1), (-10, 1), ("many", 0), ("null", 0)]
)
def test_factor_holds_up_and_down_and_a_change_of_sign_is_no_small_step(rpm: object, count: int):
    assert len(gates({"base/limits.yaml": f"rpm: {rpm}\nmodels: [{{tpm: 8}}]\nname: a\n"})) == count


def test_key_with_an_owner_is_changed_by_the_owner_alone():
    changed = {"base/routes.yaml": "chat: {model: large}\n"}
    assert gates(changed, "ada@example.org", set()) == [
        "change-owner base/routes.yaml:1:8 ada@example.org may not change routes.chat.model; platform may in dev, prod"
    ]
    assert gates(changed, "ada@platform.example.org", set()) == []
    assert gates(changed) == []


def test_owner_of_a_key_is_asked_when_it_is_taken_away_too():
    (found,) = gates({"base/routes.yaml": "{}\n"}, "ada@example.org", set())
    assert found.startswith("change-owner base/routes.yaml:1:1 ada@example.org may not change routes.chat.model")


def test_approvals_count_people_of_the_role_beside_the_author():
    changed = {"base/providers.yaml": "openai: {base_url: https://proxy.example.org}\n"}
    both = {"eve@example.org", "mallory@example.org"}
    assert gates(changed, "ada", both) == []
    assert gates(changed, "ada", {"eve@example.org", "bob"}) == [
        "change-approval base/providers.yaml:1:10 a change of providers.openai.base_url takes the approval of 2 of security, "
        "and has 1 in prod"
    ]
    assert len(gates(changed, "eve@example.org", both)) == 1
    assert len(gates(changed, "ada", set())) == 1
    assert gates(changed) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (HEAD + "step: []\n", "schema-unknown-key policies/limits.yaml:3:1"),
        (HEAD + "steps: [{keys: [a]}]\n", "schema-required policies/limits.yaml:3:9"),
        (HEAD + "steps: [{keys: [a..b], by: 1}]\n", "limits-invalid policies/limits.yaml:3:9"),
        (HEAD + "steps: [{keys: [a], by: 1, environments: [prdo]}]\n", "limits-invalid policies/limits.yaml:3:28"),
        (HEAD + "owned: [{keys: [a], roles: [nobody]}]\n", "limits-invalid policies/limits.yaml:3:21"),
        (HEAD + "freezes: [{name: x, weekly: {from: fri 25:00, until: mon 08:00}}]\n", "limits-invalid policies/limits.yaml:3:11"),
        (HEAD + 'freezes: [{name: x, from: "2026-02-30T00:00", until: "2026-03-01T00:00"}]\n', "limits-invalid policies/limits.yaml:3:11"),
        (HEAD + 'freezes: [{name: x, from: "2026-03-02T00:00", until: "2026-03-01T00:00"}]\n', "limits-invalid policies/limits.yaml:3:11"),
        (HEAD + "freezes: [{name: x, timezone: Mars/Base, weekly: {from: fri 16:00, until: mon 08:00}}]\n",
         "limits-invalid policies/limits.yaml:3:11"),
        ("a: [\n", "yaml-syntax policies/limits.yaml:2:1"),
    ],
)  # fmt: skip
def test_limit_that_means_nothing_is_an_error_at_its_place(text: str, expected: str):
    assert said({"policies/limits.yaml": text}) == [expected]


@pytest.mark.parametrize(
    ("pattern", "path", "is_covered"),
    [
        ("budgets", "budgets.a.b", True),
        ("budgets", "budget", False),
        ("budgets.*.usd", "budgets.a.usd", True),
        ("budgets.*.usd", "budgets.usd", False),
        ("budgets.*.usd", "budgets.a.b.usd", False),
        ("**.usd", "usd", True),
        ("**.usd", "a.b.usd.c", True),
        ("a.**.b.**.c", "a.x.b.c", True),
        ("a.**.b.**.c", "a.c.b", False),
        ('models."gpt-4.1".rpm', 'models."gpt-4.1".rpm', True),
        ('models."*".rpm', "models.x.rpm", False),
        ("models.gpt-*.rpm", 'models."gpt-4.1".rpm', True),
        ("list.*.a", "list[3].a", True),
        ("list.3", "list[3]", True),
    ],
)
def test_patterns_mean_a_key_and_all_that_is_in_it(pattern: str, path: str, is_covered: bool):
    assert covers(parse_key_pattern(pattern), parse_key_path(path)) is is_covered


@pytest.mark.parametrize("text", ["", ".", "a.", ".a", "a..b", 'a"b"', "a b", 'a."', "a[0]"])
def test_text_that_is_no_pattern_is_refused(text: str):
    with pytest.raises(UsageError):
        parse_key_pattern(text)

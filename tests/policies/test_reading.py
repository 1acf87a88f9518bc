"""Modules in Rego before they run: what would be undefined and so never fire is found, at its place, and nothing else is."""

from __future__ import annotations

import json

import pytest

from llmcfg.pipeline.policyinput import questions
from llmcfg.policies.lint import known_in, lint
from llmcfg.policies.modules import read_module
from llmcfg.policies.reads import EVERYTHING, reads_of, wants
from support.written import opened


def module(text: str, file: str = "policies/a.rego"):
    found, problems = read_module(file, text.encode())
    assert found is not None, problems
    return found


def wrong(text: str, *others: str) -> list[str]:
    modules = [module(other, f"policies/{at}.rego") for at, other in enumerate(others)]
    read = module(text)
    return [f"{each.rule} {each.line}:{each.column} {each.message}" for each in lint(read, known_in([read, *modules]))]


SOUND = """package policies.a

import data.lib.names as n
import rego.v1

# METADATA
# title: T
# custom: {id: some-id, severity: warning, hint: do it}
deny contains result if {
	some name, provider in input.config.llm_providers
	not is_known(provider.kind)
	every model in provider.models { model.rpm > 0 }
	[first, _] := split(name, "-")
	{"a": held} := {"a": 1}
	total := sum([x | some x in [held, 2]])
	n.is_short(first)
	data.lib.names.is_short(first)
	contains(name, "x")
	limit := {"prod": 5}[input.environment.name]
	total > limit
	result := {"message": sprintf("%s: %d", [name, total]), "key": ["llm_providers", name]}
}

default allowed := false

allowed if input.x
	== 3

is_known(kind) if kind in {"openai", `azure`}

is_known(kind) := true if {
	startswith(kind, "custom-")
} else := false
"""
LIBRARY = "package lib.names\n\nis_short(text) if count(text) < 3\n"


def test_sound_module_has_no_problems():
    assert wrong(SOUND, LIBRARY) == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("net.cidr_contains(`10.0.0.0/8`, input.ip)", "policy-function 4:2 there is no function net.cidr_contains for policies"),
        ("not http.send({})", "policy-function 4:6 policies do not call http.send"),
        ("x := opa.runtime()", "policy-function 4:7 policies do not call opa.runtime"),
        ("time.now_ns () > 3", "policy-function 4:2 policies do not call time.now_ns"),
        ("lib.f(3)", "policy-function 4:2 there is no function lib.f for policies"),
        ("data.lib.g(3)", "policy-function 4:2 there is no function data.lib.g for policies"),
        ('http["send"]({})', "policy-variable 4:2 http is not declared"),
        ("not x == 1", "policy-variable 4:6 x is not declared"),
        ("input.items[i] == 1", "policy-variable 4:14 i is not declared"),
        ("y = 3", "policy-variable 4:2 y is not declared"),
        ("count(input.items) with time.now_ns as opa.runtime", "policy-variable 4:26 time is not declared"),
    ],
)  # fmt: skip
def test_what_the_engine_would_take_for_undefined_is_found(line: str, expected: str):
    found = wrong(f'package a\n\ndeny contains "x" if {{\n\t{line}\n}}\n', "package lib\n\nf(x) := x\n")
    assert found[0] == expected


def test_shadowing_a_namespace_does_not_bring_back_its_functions():
    found = wrong("package a\n\ndeny contains x if { opa := {}; x := opa.runtime() }\n")
    assert found == ["policy-function 3:38 policies do not call opa.runtime"]


@pytest.mark.parametrize("head", ["deny := true", "deny[msg]", "warn_budget", 'deny["x"] := 1', "deny(x) := x"])
def test_policy_that_is_no_set_is_found(head: str):
    assert [each for each in wrong(f"package a\n\n{head} if true\n") if "is not a set" in each]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("deny contains 1 if true\n", "1:1 it names no package"),
        ("package a\n\nx := 'text'\n", "3:6 no word of Rego begins like this"),
        ("package a\n# METADATA\n# title: [\nx := 1\n", "4:3 did not find expected node content"),
        ("package a\n# METADATA\n# custom: {severity: fatal}\nx := 1\n", "2:1 the severity 'fatal' is none of"),
        ("package a\n# METADATA\n# custom: {id: No Good}\nx := 1\n", "2:1 the id 'No Good' is not of"),
        ("package a\n# METADATA\n# title: 3\nx := 1\n", "2:1 title is a text"),
    ],
)
def test_unreadable_module_or_annotation_is_a_problem_at_its_place(text: str, expected: str):
    (problem, *_) = read_module("policies/a.rego", text.encode()).problems
    assert f"{problem.line}:{problem.column} {problem.message}".startswith(expected)


def test_annotation_belongs_to_the_rule_below_it():
    read = module(SOUND)
    said = {rule.name: rule.annotation for rule in read.rules}
    assert (said["deny"].id, said["deny"].title, said["deny"].severity, said["deny"].hint) == (
        "some-id", "T", "warning", "do it",
    )  # fmt: skip
    assert not said["allowed"].is_something


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("input.config.budgets.usd > 3", {("config", "budgets", "usd")}),
        ("input.config.services[name].rpm > 3", {("config", "services")}),
        ('input["config"]["llm providers"].x', {("config", "llm providers", "x")}),
        ("input.environment.name == `prod`", {("environment", "name")}),
        ("some x in input.config; x", {("config",)}),
        ("x := input; x.y", {()}),
        ("input[`co\\u006efig`]", {("co\\u006efig",)}),
        ('input["co\\u006efig"]', {()}),
    ],
)
def test_what_is_read_of_the_input_is_known(body: str, expected: set[tuple[str, ...]]):
    assert reads_of([module(f"package a\n\ndeny contains `x` if {{ {body} }}\n")]) == frozenset(expected)


def test_import_of_the_input_reads_everything():
    assert reads_of([module("package a\nimport input.config as c\ndeny contains 1 if c.x\n")]) == EVERYTHING


def test_part_is_wanted_by_who_reads_it_or_something_around_or_in_it():
    reads = frozenset([("config", "budgets"), ("environment", "name")])
    assert wants(reads, "config", "budgets")
    assert not wants(reads, "config", "models")
    assert wants(reads, "environment")
    assert not wants(reads, "tenant")
    assert wants(EVERYTHING, "tenant", "x")


def test_only_the_documents_that_policies_name_are_put_in():
    configuration = opened(
        {"base/services/a.yaml": "rpm: 1\n", "base/services/b.yaml": "rpm: 2\n", "base/models.yaml": "x: 1\n"}
    )
    for path, config in (
        (("config", "services", "a", "rpm"), {"services": {"a": {"rpm": 1}}}),
        (("config", "services"), {"services": {"a": {"rpm": 1}, "b": {"rpm": 2}}}),
        (("config", "models", "x", "deeper"), {"models": {"x": 1}}),
    ):
        (question,) = questions(configuration, configuration.scopes, frozenset([path]))
        assert json.loads(question.text) == {"config": config}

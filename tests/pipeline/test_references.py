"""References and patterns: what they give, and what is said when they cannot."""

from __future__ import annotations

import sys
from textwrap import dedent

import pytest

from llmcfg.model.target import Scope
from llmcfg.pipeline.reads import MISSING
from support.looked_at import effective, findings, only, said
from support.sealed import sealed
from support.written import MANIFEST, opened

SECRETS = {"base/secrets/keys.yaml": sealed("openai_api_key: abc\nnested:\n  key: x\n")}


def values(text, **files):
    """Document `a` with this text."""
    return effective({"base/a.yaml": text, **{f"base/{name}.yaml": content for name, content in files.items()}})["a"]


def highlighted(finding):
    """The part of the source line that the finding points at."""
    return finding.source_line[finding.origin.column - 1 :][: finding.length]


# values


@pytest.mark.parametrize("value", ["1", "0.5", "true", "null", '"text"', "[1, {b: 2}]", "{b: {c: []}}"])
def test_a_whole_reference_takes_the_value_with_its_type(value):
    found = values('x: "{{config:b.v}}"\nyy: "{{ config:b.v }}"\n', b=f"v: {value}\n")
    there = effective({"base/b.yaml": f"v: {value}\n"})["b"]["v"]
    assert found == {"x": there, "yy": there}
    assert type(found["x"]) is type(there)


@pytest.mark.parametrize(
    ("value", "text"),
    [("1", "1"), ("2.0", "2"), ("0.0000001", "0.0000001"), ("true", "true"), ("null", "null"), ('"a b"', "a b")],
)
def test_a_reference_in_a_text_becomes_part_of_it(value, text):
    found = values('x: "<{{config:b.v}}> {{config:b.v}}"\n', b=f"v: {value}\n")
    assert found == {"x": f"<{text}> {text}"}


def test_references_are_followed_through_references():
    found = values('x: "{{config:a.yy}}"\nyy: "{{config:b.z}}"\n', b='z: "{{config:b.w}}!"\nw: "{{var:environment}}"\n')
    assert found == {"x": "dev!", "yy": "dev!"}


def test_references_reach_into_lists_and_folders_of_documents():
    files = {
        "base/a.yaml": 'first: "{{config:b.list[0].name}}"\nall: "{{config:p}}"\nwhole: "{{config:p.x}}"\n',
        "base/b.yaml": "list: [{name: one}, {name: two}]\n",
        "base/p/x.yaml": "k: 1\n",
        "base/p/yy/z.yaml": 'k: "{{var:environment}}"\n',
    }
    assert effective(files)["a"] == {
        "first": "one",
        "all": {"x": {"k": 1}, "yy": {"z": {"k": "dev"}}},
        "whole": {"k": 1},
    }


def test_a_document_and_a_folder_of_one_name_are_one_mapping():
    files = {"base/a.yaml": 'all: "{{config:p}}"\n', "base/p.yaml": "own: 1\n", "base/p/x.yaml": "k: 1\n"}
    assert effective(files)["a"] == {"all": {"x": {"k": 1}, "own": 1}}


def test_keys_with_dots_are_quoted():
    assert values('x: "{{config:b.\\"gpt-4.1\\".nn}}"\n', b='"gpt-4.1": {nn: 1}\n') == {"x": 1}


def test_secrets_stay_references_in_their_canonical_form():
    found = effective(
        {**SECRETS, "base/a.yaml": 'x: "{{ secret: openai_api_key }}"\nyy: "Bearer {{secret:nested.key}}"\n'}
    )
    assert found["a"] == {"x": "{{secret:openai_api_key}}", "yy": "Bearer {{secret:nested.key}}"}


def test_what_belongs_to_prompts_is_untouched():
    text = "Hello {{ name }}, {{#if x}}{{secret}}{{/if}} {{{raw}}} {{ user.var }} {% if config %}"
    assert values(f"x: '{text}'\n") == {"x": text}


def test_unchanged_parts_are_shared():
    configuration = opened({"base/a.yaml": 'm: {deep: {k: 1}}\nx: "{{config:a.m.deep}}"\n'})
    resolved = configuration.effective(Scope("dev")).documents["a"]
    assert resolved.value["m"] is resolved.composed.value["m"]
    assert resolved.value["x"] is resolved.value["m"]["deep"]


def test_variables_come_from_the_nearest():
    manifest = """
        apiVersion: llmcfg.dev/v1
        kind: Repository
        name: test
        variables: {a: manifest, b: manifest, c: manifest, d: manifest, environment: never}
        environments:
          base-env: {variables: {b: parent, c: parent, d: parent}}
          prod: {inherits: base-env, variables: {c: prod, d: prod}}
        tenants:
          acme: {variables: {d: acme, nn: 2.5}}
    """
    files = {
        "llmcfg.yaml": dedent(manifest),
        "base/a.yaml": 'x: "{{var:a}} {{var:b}} {{var:c}} {{var:d}} {{var:environment}}"\n',
    }
    assert effective(files, "prod")["a"]["x"] == "manifest parent prod prod prod"
    assert effective(files, "prod", "acme")["a"]["x"] == "manifest parent prod acme prod"


# problems


@pytest.mark.parametrize(
    ("text", "rule", "shown", "hint"),
    [
        ("k: 1\nx: '{{config:a.kk}}'\n", "reference-missing", "{{config:a.kk}}", "did you mean 'a.k'?"),
        ("k: 1\nx: 'a {{config:b.k}} b'\n", "reference-missing", "{{config:b.k}}", "there are: a"),
        ("x: '{{secret:openai_key}}'\n", "secret-missing", "{{secret:openai_key}}", "did you mean 'openai_api_key'?"),
        ("x: [1, '{{var:enviroment}}']\n", "variable-missing", "{{var:enviroment}}", "did you mean 'environment'?"),
        ("x: '{{config:a b}}'\n", "reference-syntax", "{{config:a b}}", "write it as llm"),
        ("x: 'abc {{secret:}}'\n", "reference-syntax", "{{", "write it as {{config"),
        (
            "x: 'a {{secrets:openai_api_key}}'\n",
            "reference-slip",
            "{{secrets:openai_api_key}}",
            "did you mean {{secret:openai_api_key}}?",
        ),
        (
            "x: '{{ secret.openai.key }}'\n",
            "reference-slip",
            "{{ secret.openai.key }}",
            "did you mean {{secret:openai.key}}?",
        ),
        ("x: '{{Config:a.k}}'\n", "reference-slip", "{{Config:a.k}}", "did you mean {{config:a.k}}?"),
        ("x: |\n  one\n  two {{var:nope}}\n", "variable-missing", "{{var:nope}}", "set it under"),
        ("m: {k: 1}\nx: 'a {{config:a.m}}'\n", "reference-kind", "{{config:a.m}}", "refer to one of its values"),
    ],
)
def test_a_broken_reference_is_pointed_at(text, rule, shown, hint):
    finding = only({**SECRETS, "base/a.yaml": text})
    assert finding.rule_id == rule
    assert highlighted(finding) == shown
    assert finding.hint.startswith(hint)
    assert finding.reach == ("dev", "prod")


def test_of_two_references_on_a_line_the_broken_one_is_pointed_at():
    finding = only({"base/a.yaml": "k: 1\nx: '{{config:a.k}} {{config:a.kk}} {{config:a.k}}'\n"})
    assert (str(finding.origin), highlighted(finding)) == ("base/a.yaml:2:20", "{{config:a.kk}}")


def test_a_reference_behind_an_escape_is_pointed_at_by_its_value():
    finding = only({"base/a.yaml": 'x: "\\u007b{config:a.kk}}"\n'})
    assert (str(finding.origin), finding.length) == ("base/a.yaml:1:4", 1)


def test_a_cycle_is_printed():
    files = {"base/a.yaml": "x: '{{config:a.yy}}'\nyy: '{{config:b.z}}'\n", "base/b.yaml": "z: '{{config:a.x}}'\n"}
    found = findings(files)
    assert [finding.rule_id for finding in found] == ["reference-cycle"] * 3
    assert found[0].message == "references in a cycle: a.x -> a.yy -> b.z -> a.x"


@pytest.mark.parametrize(
    "text", ["x: '{{config:a.x}}'\n", "x: {yy: '{{config:a}}'}\n", "x: [{yy: '{{config:a.x}}'}]\n"]
)
def test_a_value_cannot_hold_itself(text):
    assert only({"base/a.yaml": text}).rule_id == "reference-cycle"


def test_a_sibling_of_the_reference_is_no_cycle():
    assert values("m: {x: '{{config:a.m.yy}}', yy: 1}\n") == {"m": {"x": 1, "yy": 1}}


def test_a_broken_reference_behind_a_reference_is_said_at_both():
    files = {"base/a.yaml": "x: '{{config:b.yy}}'\n", "base/b.yaml": "yy: 'a {{var:nope}}'\n"}
    assert said(files) == ["variable-missing base/a.yaml:1:5", "variable-missing base/b.yaml:1:8"]


def test_a_text_does_not_become_a_reference_by_being_put_together():
    manifest = MANIFEST + "variables: {open: '{', name: openai_api_key}\n"
    files = {**SECRETS, "llmcfg.yaml": manifest, "base/a.yaml": "x: '{{var:open}}{secret:{{var:name}}}}'\n"}
    assert {finding.rule_id for finding in findings(files)} == {"reference-syntax"}
    assert opened(files).effective(Scope("dev")).documents["a"].secrets == frozenset()


def to(number):
    return "{{config:a.a" + str(number) + "}}"


def test_billions_of_references_are_stopped():
    text = "a0: " + "x" * 1000 + "\n"
    text += "".join(f"a{n}: '{to(n - 1)}{to(n - 1)}'\n" for n in range(1, 31))
    assert {finding.rule_id for finding in findings({"base/a.yaml": text})} == {"reference-limit"}


def test_billions_of_list_items_are_stopped():
    lines = ["a0: ['', '', '']"]
    lines += [f"a{n}: ['" + "', '".join([to(n - 1)] * 8) + "']" for n in range(1, 25)]
    found = findings({"base/a.yaml": "\n".join(lines) + "\n"})
    assert {finding.rule_id for finding in found} == {"reference-limit"}


def test_a_long_chain_of_references_is_stopped():
    """One that is longer than what Python lets calls nest."""
    length = sys.getrecursionlimit() + 100
    text = "".join(f"a{n}: '{{{{config:a.a{n + 1}}}}}'\n" for n in range(length)) + f"a{length}: 1\n"
    assert {finding.rule_id for finding in findings({"base/a.yaml": text})} == {"reference-limit"}


def test_references_that_nest_without_end_are_stopped():
    deep = "{x: " * 50 + "'{{config:b.yy}}'" + "}" * 50
    files = {"base/a.yaml": f"x: {deep}\n", "base/b.yaml": "yy: " + "{x: " * 50 + "1" + "}" * 50 + "\n"}
    assert {finding.rule_id for finding in findings(files)} == {"reference-limit"}


def test_thousands_of_broken_references_are_all_said():
    text = "".join(f"k{n}: '{{{{config:b.k{n}x}}}}'\n" for n in range(3000))
    found = findings({"base/a.yaml": text, "base/b.yaml": "".join(f"k{n}: 1\n" for n in range(900))})
    assert len(found) == 3000


# patterns


def test_extends_lays_the_pattern_beneath():
    found = values("m: {$extends: p.chat, rpm: 9, deep: {b: 2}}\n", p="chat: {rpm: 1, tpm: 2, deep: {a: 1, b: 1}}\n")
    assert found == {"m": {"rpm": 9, "tpm": 2, "deep": {"a": 1, "b": 2}}}


def test_a_list_of_patterns_is_laid_in_order():
    found = values("m: {$extends: [p.one, p.two], own: 1}\n", p="one: {a: 1, b: 1}\ntwo: {b: 2, c: 2}\n")
    assert found == {"m": {"a": 1, "b": 2, "c": 2, "own": 1}}


def test_parameters_are_filled_with_their_types_and_in_texts():
    found = values(
        "m: {$extends: p.one, $with: {nn: 5, t: x, l: [1]}}\n",
        p="one: {number: '{{param:nn}}', text: '<{{param:t}}{{param:nn}}>', list: '{{param:l}}', deep: [{k: '{{param:t}}'}]}\n",
    )
    assert found == {"m": {"number": 5, "text": "<x5>", "list": [1], "deep": [{"k": "x"}]}}


def test_a_pattern_may_give_defaults():
    found = values(
        "m: {$extends: p.one, $with: {b: 3}}\n", p="one: {$with: {a: 1, b: 2}, x: '{{param:a}}', yy: '{{param:b}}'}\n"
    )
    assert found == {"m": {"x": 1, "yy": 3}}


def test_patterns_of_patterns_get_parameters_of_the_outer_ones():
    found = values(
        "m: {$extends: p.outer, $with: {nn: 7}}\n",
        p="outer: {$extends: p.inner, $with: {k: '{{param:nn}}'}, own: '{{param:nn}}'}\ninner: {x: '{{param:k}}', yy: 1}\n",
    )
    assert found == {"m": {"x": 7, "yy": 1, "own": 7}}


def test_a_parameter_may_be_a_reference_of_the_place_that_extends():
    found = values(
        "m: {$extends: p.one, $with: {u: '{{config:a.url}}'}}\nurl: here\n", p="one: {x: '{{param:u}}/v1'}\n"
    )
    assert found["m"] == {"x": "here/v1"}


def test_nested_mappings_extend_on_their_own():
    found = values(
        "m: {$extends: p.one, inner: {$extends: p.two, c: 3}}\n", p="one: {a: 1, inner: {z: 0}}\ntwo: {b: 2}\n"
    )
    assert found == {"m": {"a": 1, "inner": {"b": 2, "z": 0, "c": 3}}}


def test_references_see_through_patterns():
    found = values(
        "x: '{{config:b.m.tpm}}'\nyy: '{{config:b.m.deep.k}}'\n",
        b="m: {$extends: p.one}\n",
        p="one: {tpm: 2, deep: {k: 3}}\n",
    )
    assert found == {"x": 2, "yy": 3}


def test_a_whole_document_may_extend():
    assert values("$extends: p.one\nb: 2\n", p="one: {a: 1}\n") == {"a": 1, "b": 2}


def test_a_mapping_may_extend_a_sibling_inside_a_mapping_that_extends():
    assert values("$extends: p.one\nm: {$extends: a.nn, k: 1}\n", p="one: {nn: {j: 2}}\n") == {
        "nn": {"j": 2},
        "m": {"j": 2, "k": 1},
    }


@pytest.mark.parametrize(
    ("overlay", "result"),
    [
        ("m: {l: !append [3]}\n", {"l": [1, 2, 3], "d": {"x": 1}}),
        ("m: {l: !prepend [0]}\n", {"l": [0, 1, 2], "d": {"x": 1}}),
        ("m: {l: !delete }\n", {"d": {"x": 1}}),
        ("m: {d: !replace {yy: 2}}\n", {"l": [1, 2], "d": {"yy": 2}}),
        ("m: {d: !replace text}\n", {"l": [1, 2], "d": "text"}),
        ("m: {$extends: p.other}\n", {"l": [9]}),
        ("m: {$extends: !replace [p.one, p.other]}\n", {"l": [9], "d": {"x": 1}}),
        ("m: !replace {k: 1}\n", {"k": 1}),
    ],
)
def test_overlays_change_what_a_pattern_gives(overlay, result):
    files = {
        "base/a.yaml": "m: {$extends: p.one}\n",
        "base/p.yaml": "one: {l: [1, 2], d: {x: 1}}\nother: {l: [9]}\n",
        "environments/prod/a.yaml": overlay,
    }
    assert effective(files, "prod")["a"]["m"] == result
    assert effective(files, "dev")["a"]["m"] == {"l": [1, 2], "d": {"x": 1}}
    assert said(files) == []


def test_an_overlay_of_the_pattern_reaches_who_extends_it():
    files = {
        "base/a.yaml": "m: {$extends: p.one}\n",
        "base/p.yaml": "one: {rpm: 1, l: [1]}\n",
        "environments/prod/p.yaml": "one: {rpm: 2, l: !append [2]}\n",
    }
    assert effective(files, "prod")["a"] == {"m": {"rpm": 2, "l": [1, 2]}}
    assert effective(files, "dev")["a"] == {"m": {"rpm": 1, "l": [1]}}


def test_deleting_a_key_that_base_and_the_pattern_give_removes_both():
    files = {
        "base/a.yaml": "m: {$extends: p.one, k: 1}\n",
        "base/p.yaml": "one: {k: 0, j: 2}\n",
        "environments/prod/a.yaml": "m: {k: !delete }\n",
    }
    assert effective(files, "prod")["a"] == {"m": {"j": 2}}
    assert said(files) == []


@pytest.mark.parametrize(
    ("text", "rule", "shown", "message"),
    [
        ("m: {$extends: p.onne}\n", "extends-missing", "p.onne", "$extends names p.onne"),
        ("m: {$extends: [p.one, p.twoo]}\n", "extends-missing", "p.twoo", "$extends names p.twoo"),
        ("m: {$extends: p.one.a}\n", "extends-kind", "p.one.a", "p.one.a is a number"),
        ("m: {$extends: []}\n", "extends-kind", "m", "$extends takes"),
        ("m: {$extends: [1]}\n", "extends-kind", "m", "$extends takes"),
        ("m: {$extends: p..one}\n", "reference-syntax", "p..one", "'p..one' is no key path"),
        ("m: {$extends: p.param}\n", "param-missing", "p.param", "pattern p.param needs a parameter 'rpm'"),
        ("m: {$extends: p.one, $with: {rpm: 1}}\n", "param-unused", "r", "no pattern here has a parameter 'rpm'"),
        ("m: {$extends: a.m}\n", "extends-cycle", "a.m", "$extends in a cycle: a.m -> a.m"),
        ("m: {$extends: a}\n", "extends-cycle", "a", "$extends in a cycle: a.m -> a"),
        ("m: {$extends: p.one, a: [1]}\n", "merge-kind", "a", "a is a number beneath and becomes a list here"),
        ("m: {$extends: p.param, $with: {rpm: [1]}}\n", "reference-kind", "p.param", "'rpm' is a list"),
    ],
)  # fmt: skip
def test_a_broken_pattern_is_pointed_at(text, rule, shown, message):
    finding = only({"base/a.yaml": text, "base/p.yaml": "one: {a: 1}\nparam: {x: '<{{param:rpm}}>'}\n"})
    assert (finding.rule_id, highlighted(finding)) == (rule, shown[: finding.length])
    assert finding.message.startswith(message)


@pytest.mark.parametrize(
    "text",
    [
        "m: {$extends: a.m.q, q: {x: 1}}\n",
        "m: {$extends: a.nn.x}\nnn: {$extends: a.m.yy, x: {}}\n",
        "m: {$extends: a.nn}\nnn: {$extends: a.o}\no: {$extends: a.m}\n",
        "m: {x: {$extends: a.nn}}\nnn: {yy: {$extends: a.m}}\n",
    ],
)
def test_cycles_of_patterns_are_findings(text):
    found = findings({"base/a.yaml": text})
    assert found
    assert {finding.rule_id for finding in found} == {"extends-cycle"}
    assert all(" -> " in finding.message for finding in found)


def test_patterns_that_nest_without_end_are_stopped_elsewhere_too():
    files = {
        "base/a.yaml": "z: {$extends: b.m}\n",
        "base/b.yaml": "m: {x: {$extends: b.nn}, w: {$extends: b.nn}}\nnn: {yy: {$extends: b.m}}\n",
    }
    assert {finding.rule_id for finding in findings(files)} == {"reference-limit", "extends-cycle"}


def test_patterns_that_multiply_are_stopped():
    text = "p0: {a: 1}\n" + "".join(
        f"p{n}: {{a: {{$extends: p.p{n - 1}}}, b: {{$extends: p.p{n - 1}}}}}\n" for n in range(1, 30)
    )
    assert {finding.rule_id for finding in findings({"base/p.yaml": text})} == {"reference-limit"}


def test_a_long_chain_of_patterns_is_stopped():
    text = "".join(f"p{n}: {{$extends: p.p{n + 1}}}\n" for n in range(500)) + "p500: {a: 1}\n"
    found = findings({"base/p.yaml": text})
    assert {finding.rule_id for finding in found} == {"reference-limit"}


def test_what_follows_from_a_broken_pattern_is_not_said():
    files = {
        "base/a.yaml": "m: {$extends: p.onne, $with: {rpm: 1}}\nx: '{{config:a.m.tpm}}'\n",
        "base/p.yaml": "one: {rpm: '{{param:rpm}}', tpm: 1}\n",
    }
    assert {finding.rule_id for finding in findings(files)} == {"extends-missing"}


def test_the_answer_missing_is_not_null():
    assert repr(MISSING) != "None"
    assert values("x: '{{config:a.yy}}'\nyy: null\n") == {"x": None, "yy": None}

"""What a template sees, what it writes, and what is said when something is wrong."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from llmcfg.pipeline.templates.render import RenderRequest, render_batch

from .target import CONTEXT


def test_a_template_sees_its_target(render):
    text = "{{ config.name }} {{ environment }} {{ tenant is none }} {{ consumer }} {{ variables.region }}"
    assert render(text).text == b"gateway prod true api-gateway eu"


def test_blocks_leave_no_empty_lines(render):
    text = "a:\n  {% for model in config.models %}\n  - {{ model }}\n  {% endfor %}\n"
    assert render(text, "yaml").text == b"a:\n  - a\n  - b\n"


def test_booleans_are_written_as_configuration_formats_write_them(render):
    assert render("{{ config.on }} {{ not config.on }} {{ 1 == 1 }}").text == b"true false true"


@pytest.mark.fault("T07")
@pytest.mark.parametrize(
    "expression", ["tenant", "config", "config.models", "config.get", "self", "range(3)", "secret"]
)
def test_what_has_no_text_is_refused(problem, expression):
    found = problem("\n{{ " + expression + " }}")
    assert (found.rule, found.line) == ("template-failed", 2)
    assert found.hint


def test_a_key_comes_before_a_method_that_templates_do_not_use(render):
    answer = render("{{ config.copy }} {{ config.update }}", context={**CONTEXT, "config": {"copy": 1, "update": 2}})
    assert answer.text == b"1 2"


def test_includes_and_imports_are_part_of_what_was_read(render):
    others = {
        "templates/part.j2": "{% macro hello(name) %}hello {{ name }}{% endmacro %}",
        "templates/unused.j2": "",
    }
    answer = render("{% from 'templates/part.j2' import hello %}{{ hello(config.name) }}", others=others)
    assert answer.text == b"hello gateway"
    assert answer.template_files == ("templates/main.j2", "templates/part.j2")


def test_a_template_that_is_looked_for_is_part_of_what_was_read(render):
    answer = render("{% include 'templates/later.j2' ignore missing %}x")
    assert (answer.text, answer.template_files) == (b"x", ("templates/later.j2", "templates/main.j2"))


def test_files_read_are_told_for_each_request_of_a_batch():
    templates = {"a.j2": b"{% include 'b.j2' %}", "b.j2": b"b"}
    requests = [RenderRequest(name, "text", CONTEXT) for name in ("a.j2", "b.j2", "a.j2")]
    read = [answer.template_files for answer in render_batch(requests, templates)]
    assert read == [("a.j2", "b.j2"), ("b.j2",), ("a.j2", "b.j2")]


def test_a_fault_in_an_included_template_lies_in_that_template(render):
    answer = render("\n\n{% include 'templates/part.j2' %}", others={"templates/part.j2": "x\n{{ config.nmae }}"})
    assert (answer.file, answer.problems[0].line) == ("templates/part.j2", 2)


@pytest.mark.fault("T07")
@pytest.mark.parametrize(
    ("expression", "message", "hint"),
    [
        ("config.nmae", "config has no key 'nmae'", "did you mean 'name'?"),
        ("config.budgets.usd", "config has no key 'budgets'", "add it to the consumer's select"),
        ("config.routes.fast.modle", "config.routes.fast has no key 'modle'", "did you mean 'model'?"),
        ("config.routes['slow'].model", "config.routes has no key 'slow'", "set it in the configuration"),
        ("config.models[2]", "config.models has no item 2; it has 2", "counts from 0"),
        ("config.name.first", "a string has no 'first'", "llmcfg get"),
        ("confg.name", "confg is not defined", "did you mean 'config'?"),
        ("now()", "now is not defined", "a template sees config"),
        ("to_json(config)", "to_json is not defined", "value | to_json"),
        ("[{'a': 1}] | map(attribute='zz') | list | to_json", "this mapping has no key 'zz'", ""),
        ("[{'a': 1}] | map(attribute='zz') | list | string", "this mapping has no key 'zz'", ""),
        ("[{'a': 1}] | map(attribute='zz') | join", "this mapping has no key 'zz'", ""),
        ("config.key | required('set config.key')", "set config.key", "required"),
        ("tenant | required('for tenants only')", "for tenants only", "required"),
    ],
)
def test_what_is_missing_is_named(problem, expression, message, hint):
    found = problem("first line\n  {{ " + expression + " }}")
    assert (found.rule, found.line, found.message) == ("template-undefined", 2, message)
    assert hint in found.hint


def test_the_column_is_that_of_the_missing_name(problem):
    found = problem("model: {{ config.routes.fast.modle }}")
    assert (found.line, found.column, found.length) == (1, 30, 5)


def test_a_default_stands_in_for_what_is_missing(render):
    assert render("{{ config.key | default('x') }}{{ config.name is defined }}").text == b"xtrue"


@pytest.mark.parametrize(
    ("text", "line", "hint"),
    [
        ("\n{% if %}", 2, ""),
        ("a\n{{ config.name | to_jsn }}", 2, "did you mean 'to_json'?"),
        ("{% if false %}\n{{ config.name | zzz }}\n{% endif %}", 2, "docs/spec/templates.md"),
        ("a\n{{ config.name is fooish }}", 2, ""),
        ("a\nkey: {{secret:api_key}}", 2, 'this is {{ secret("api_key") }}'),
        ("a\nkey: {{ var: region }}", 2, "this is {{ variables.region }}"),
        ("a\nkey: {{config:routes.fast}}", 2, "this is {{ config.routes.fast }}"),
        (b"a\n\xff", 2, ""),
    ],
)
def test_a_mistake_in_the_text_has_its_line(problem, text, line, hint):
    found = problem(text)
    assert (found.rule, found.line) == ("template-syntax", line)
    assert hint in found.hint


@pytest.mark.parametrize(
    "expression", ["1 / 0", "'a' + 1", "config.name | b64decode", "{1: 2} | to_json", "'' | env_name"]
)
def test_a_function_that_fails_is_a_finding(problem, expression):
    found = problem("\n{{ " + expression + " }}")
    assert (found.rule, found.line) == ("template-failed", 2)


def test_a_template_that_is_not_there_is_a_finding():
    (answer,) = render_batch([RenderRequest("templates/lite.j2", "text", CONTEXT)], {"templates/light.j2": b""})
    assert answer.problems[0].rule == "template-missing"
    assert answer.problems[0].hint == "did you mean 'templates/light.j2'?"
    assert answer.file == "templates/lite.j2"


@pytest.mark.parametrize(
    ("format", "text", "line", "message"),
    [
        ("yaml", "a: 1\n{% if true %}\n\nb: [\n{% endif %}\n", 4, "did not find"),
        (
            "yaml",
            "a: 1\nb: {{ config.name }}\n{% for x in config.models %}\nc: 1\n{% endfor %}\n",
            4,
            "'c' stands there twice",
        ),
        ("yaml", "# {{ config.on }}\na: {{ config.name }}: {{ config.on }}\n", 2, "(its line 2: a: gateway: true)"),
        ("yaml", "[" * 65 + "]" * 65, 1, "nested deeper than 64"),
        ("yaml", "- &a [x]\n" + "- *a\n" * 101, 102, "more than 100 aliases"),
        ("json", '{\n"a": 1,\n"a": 2}', 3, "'a' stands there twice"),
        ("json", '{"a":\nNaN}', 2, "NaN"),
        ("json", '{\n"a": {{ config.name }}}', 2, "Expecting value"),
        ("json", "[" * 100_000, 1, "nested too deep"),
        ("toml", "a = 1\nb =\n", 2, "Invalid value"),
        ("toml", "a = 1\n\na = 2\n", 3, "overwrite"),
        ("env", "A=1\n# c\nA=2\n", 3, "A stands there twice"),
        ("env", "A=1\nB='x\n", 2, "a quote is not closed"),
        ("env", "A=1\n2B=x\n", 2, "a line is NAME=value"),
        ("text", "a\n{{ '\\x00' }}", 2, "NUL"),
    ],
)
def test_output_that_does_not_parse_leads_back_to_the_template(problem, format, text, line, message):
    found = problem(text, format)
    assert (found.rule, found.line) == ("template-output", line)
    assert message in found.message


@pytest.mark.parametrize(
    ("format", "text"),
    [
        ("yaml", "---\na: 1\n---\nb: !Ref x\n"),
        ("yaml", ""),
        ("json", '"text"'),
        ("toml", ""),
        ("env", '# comment\n\nexport A=\'x\ny\'\nB="q\\"z"\nC=\n'),
        ("text", "%&{"),
    ],
)
def test_output_that_programs_read_is_written_as_it_is(render, format, text):
    assert render("{% raw %}" + text + "{% endraw %}", format).text == text.encode()


def test_a_lone_surrogate_of_the_configuration_is_a_finding(problem):
    found = problem("a\n{{ config.x }}", context={**CONTEXT, "config": {"x": "\ud800"}})
    assert (found.rule, found.line) == ("template-output", 2)


@pytest.mark.fault("T10")
def test_a_literal_credential_is_masked_in_messages(problem):
    found = problem("api_key: canary-1234: x\n", "yaml")
    assert found.rule == "template-output"
    assert "canary" not in found.message


@pytest.mark.fault("T09")
def test_output_is_the_same_in_every_process():
    program = (
        "from llmcfg.pipeline.templates.render import RenderRequest, render_batch\n"
        "config = {name: {'v': [name]} for name in ('zeta', 'alpha', 'mid', 'beta')}\n"
        "text = b'{% for k, v in config.items() %}{{ k }}={{ v | to_json }} {{ v | to_yaml }}\\n{% endfor %}"
        '{{ config | dictsort | map("first") | unique | join }}{{ config.values() | groupby("v") | list | to_json }}\'\n'
        "context = {'config': config, 'environment': 'e', 'tenant': None, 'consumer': 'c', 'variables': {}}\n"
        "(answer,) = render_batch([RenderRequest('t', 'text', context)], {'t': text})\n"
        "print(answer.text, answer.problems)\n"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": "C"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed, zone in (("0", "UTC"), ("1", "Asia/Tokyo"))
    }
    (output,) = outputs
    assert "zeta=" in output

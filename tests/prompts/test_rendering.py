"""Prompts filled with values, in the sandboxed worker."""

from __future__ import annotations

import pytest

from llmcfg.pipeline.promptrender import render_prompts, run_tests
from llmcfg.pipeline.templates.request import Budget
from llmcfg.prompts.record import Spot, read_version


def version(text, engine="jinja", variables=None, **more):
    said = {"engine": engine, "messages": [{"role": "user", "content": text}], "variables": variables or {}, **more}
    return read_version("1.0.0", said, Spot("prompts/p/versions/1.0.0"))


def rendered(text, engine="jinja", variables=None, given=None, **limits):
    (found,) = render_prompts([(version(text, engine, variables), given or {})], budget=Budget(**limits))
    return found


def text_of(*arguments, **named):
    found = rendered(*arguments, **named)
    assert found.problem is None, found.problem
    return found.messages[0].content


STRING = {"name": {"type": "string"}}


@pytest.mark.parametrize("engine", ["jinja", "mustache", "handlebars"])
def test_a_value_is_written_as_it_is_and_never_read_as_a_template(engine):
    value = "<b>{{ name }} & {% x %} {{#if}}"
    assert text_of("Hi {{ name }}.", engine, STRING, {"name": value}) == f"Hi {value}."


@pytest.mark.parametrize("engine", ["jinja", "mustache", "handlebars"])
def test_booleans_numbers_and_defaults_are_written_alike(engine):
    variables = {
        "on": {"type": "boolean"},
        "n": {"type": "number"},
        "d": {"type": "string", "default": "x"},
        "e": {"type": "string"},
    }
    assert text_of("{{ on }} {{ n }} {{ d }}{{ e }}", engine, variables, {"on": True, "n": 0.5}) == "true 0.5 x"


def test_jinja_keeps_its_usual_white_space():
    text = "{% if name %}\nHi\n{% endif %}\nend\n"
    assert text_of(text, "jinja", STRING, {"name": "Ada"}) == "\nHi\n\nend\n"


@pytest.mark.parametrize(
    ("engine", "text"),
    [
        ("mustache", "a\n{{#items}}\n- {{.}}\n{{/items}}\n{{^items}}\nnone\n{{/items}}\n"),
        ("handlebars", "a\n{{#each items}}\n- {{this}}\n{{else}}\nnone\n{{/each}}\n"),
    ],
)
def test_tags_of_sections_take_their_line_with_them(engine, text):
    items = {"items": {"type": "list"}}
    assert text_of(text, engine, items, {"items": ["x", "y"]}) == "a\n- x\n- y\n"
    assert text_of(text, engine, items, {}) == "a\nnone\n"


def test_a_section_of_mustache_sees_what_lies_around_it_and_handlebars_by_dots():
    variables = {"items": {"type": "list"}, "who": {"type": "string"}}
    given = {"items": [{"t": "x"}], "who": "Ada"}
    assert text_of("{{#items}}{{t}}:{{who}}{{/items}}", "mustache", variables, given) == "x:Ada"
    assert text_of("{{#each items}}{{t}}:{{../who}}{{@index}}{{/each}}", "handlebars", variables, given) == "x:Ada0"


def test_tildes_of_handlebars_take_white_space():
    assert text_of("a \n {{~#if name~}} \n b {{~/if}} c", "handlebars", STRING, {"name": "x"}) == "ab c"


@pytest.mark.parametrize(
    ("engine", "text"),
    [("handlebars", "{{#each items}}{{t}}{{/each}}"), ("jinja", "{% for i in items %}{{ i.t }}{% endfor %}")],
)
def test_a_field_that_is_not_there_is_refused(engine, text):
    found = rendered(text, engine, {"items": {"type": "list"}}, {"items": [{}]})
    assert found.problem.rule == "template-undefined"
    assert found.problem.message.startswith("message 1: ")


def test_a_prompt_reaches_neither_python_nor_secrets():
    for text in ("{{ name.__class__ }}", '{{ secret("key") }}', '{{ "key" | secret }}', "{{ name.join }}"):
        assert rendered(text, "jinja", STRING, {"name": "x"}).problem is not None


def test_a_prompt_that_never_ends_is_ended():
    text = (
        "{% for a in range(99999) %}{% for b in range(99999) %}{% if a == b + 9 %}x{% endif %}{% endfor %}{% endfor %}"
    )
    assert rendered(text, cpu_seconds=0.2).problem.rule == "template-timeout"


def test_a_message_may_not_become_too_long():
    given = {"items": list(range(500))}
    text = "{{#each items}}{{#each ../items}}0123456789{{/each}}{{/each}}"
    assert rendered(text, "handlebars", {"items": {"type": "list"}}, given).problem.rule == "template-limit"


def test_tests_compare_what_is_rendered():
    tests = [
        {"name": "good", "variables": {"name": "Ada"}, "contains": ["Ada"], "lacks": ["Bob"], "max_tokens": 10},
        {"name": "bad", "variables": {"name": "Bob"}, "contains": ["Ada"], "lacks": ["Bob"], "max_tokens": 1},
        {"name": "unfit", "variables": {"nam": "Bob"}},
    ]
    outcomes = run_tests(
        version("Hi {{ name }}", variables={"name": {"type": "string", "required": True}}, tests=tests)
    )
    assert [outcome.faults for outcome in outcomes] == [
        (),
        ("'Ada' is not in it", "'Bob' is in it", "it has about 6 tokens; 1 are allowed"),
        ("there is no variable 'nam'", "name is required and not given"),
    ]

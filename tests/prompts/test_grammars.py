"""What each template engine's grammar finds in a text: the variables that it takes, or why it is no template."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcfg.pipeline.promptscopes import GRAMMARS
from llmcfg.prompts.syntax import ENGINES, Fault


def uses(engine, text, **types):
    found = GRAMMARS[engine](text, types)
    assert not isinstance(found, Fault), found
    return [name for name, _ in found]


def fault(engine, text):
    found = GRAMMARS[engine](text, {})
    assert isinstance(found, Fault), found
    return found.message


@pytest.mark.parametrize("engine", ENGINES)
def test_a_name_in_braces_is_a_use_and_text_is_not(engine):
    assert uses(engine, "Dear {{ name }}, about {topic}: {{topic}}") == ["name", "topic"]


def test_names_in_filters_tests_attributes_and_strings_of_jinja_are_no_variables():
    text = '{{ user.name | upper }}{% if kind == "label" %}{{ kind is defined }}{% endif %}'
    assert set(uses("jinja", text)) == {"user", "kind"}


def test_what_jinja_itself_sets_is_no_variable():
    text = "{% set total = items | length %}{% for item in items %}{{ loop.index }} {{ item }} {{ total }}{% endfor %}"
    assert set(uses("jinja", text)) == {"items"}


def test_raw_text_and_comments_of_jinja_use_nothing():
    assert uses("jinja", "{% raw %}{{ shown }}{% endraw %}{# {{ gone }} #}") == []


def test_a_use_says_the_tag_that_it_stands_in():
    (found,) = GRAMMARS["jinja"]("a\nb {{ ticket | trim }} c", {})
    assert found.written == "{{ ticket | trim }}"
    (found,) = GRAMMARS["mustache"]("a {{{ ticket }}}", {})
    assert found.written == "{{{ ticket }}}"


@pytest.mark.parametrize(
    "text",
    ['{% include "other" %}', '{% extends "other" %}', '{% import "other" as o %}', '{% from "other" import x %}'],
)
def test_a_prompt_stands_alone_in_jinja(text):
    assert "stands alone" in fault("jinja", text)


@pytest.mark.parametrize("text", ["{{ a b }}", "{% if x %}", "{{ x | no_such }}", "{{ x | tojson | pprint }}", "{{"])
def test_what_jinja_cannot_read_or_the_sandbox_has_not_is_a_fault(text):
    assert fault("jinja", text)


def test_fields_of_items_are_no_variables_in_a_section_of_a_list():
    text = "{{#items}}{{title}} for {{user}}{{/items}}"
    assert uses("mustache", text, items="list", user="string") == ["items", "user"]
    assert uses("mustache", text, items="boolean", user="string") == ["items", "title", "user"]


def test_handlebars_leaves_the_outer_context_only_by_dots():
    text = "{{#each items}}{{title}}{{this}}{{@index}}{{../user}}{{/each}}{{#with place}}{{city}}{{/with}}{{#if flag}}{{name}}{{/if}}"
    assert uses("handlebars", text) == ["items", "user", "place", "flag", "name"]


def test_comments_and_escaped_braces_of_handlebars_use_nothing():
    assert uses("handlebars", "{{!-- {{gone}} --}}{{! gone }}\\{{shown}} {{there}}") == ["there"]


@pytest.mark.parametrize(
    ("engine", "text", "says"),
    [
        ("mustache", "{{#a}}x", "{{#a}} is never closed"),
        ("mustache", "{{#a}}{{#b}}{{/a}}{{/b}}", "{{/a}} closes what is not open: {{#b}} is open"),
        ("mustache", "{{/a}}", "nothing is open"),
        ("mustache", "{{a", "{{a is never closed"),
        ("mustache", "{{> header}}", "takes in another template"),
        ("mustache", "{{=<% %>=}}", "changes the delimiters"),
        ("mustache", "{{a b}}", "is more than a name"),
        ("handlebars", "{{upper name}}", "is more than a name"),
        ("handlebars", "{{#repeat 3}}x{{/repeat}}", "is no block"),
        ("handlebars", "{{else}}", "belongs to no block"),
        ("handlebars", "{{#if a}}{{else}}{{else}}{{/if}}", "belongs to no block"),
        ("handlebars", "{{#if (eq a b)}}x{{/if}}", "is more than a name"),
    ],
)
def test_what_is_no_template_is_named(engine, text, says):
    assert says in fault(engine, text)


def test_sections_may_not_nest_without_end():
    assert "deep" in fault("mustache", "{{#a}}" * 40 + "{{/a}}" * 40)
    assert "deep" in fault("jinja", "{% if a %}" * 40 + "{% endif %}" * 40)


PIECES = st.sampled_from(
    ["{{", "}}", "{{#", "{{/", "{{{", "}}}", "{%", "%}", "if ", "else", "a", " ", "\n", "each ", "../", ".", "!--", "~"]
)


@given(st.lists(PIECES, max_size=12).map("".join), st.sampled_from(ENGINES))
def test_every_text_is_a_template_or_has_a_fault(text, engine):
    found = GRAMMARS[engine](text, {})
    assert isinstance(found, Fault) or all(use.name for use in found)

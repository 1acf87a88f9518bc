"""Templates that try to escape or to exhaust: each is refused, with its line, in bounded time."""

from __future__ import annotations

import pytest

from llmcfg.pipeline.templates.render import Budget, RenderRequest, render_batch

from .target import CONTEXT


@pytest.mark.fault("T01", "T12")
@pytest.mark.parametrize(
    "expression",
    [
        "config.__class__",
        'config["__class__"]',
        "''.__class__.mro()",
        "config|attr('__class__')",
        "[config]|map('attr', '__class__')|list|join",
        "[config]|map(attribute='__class__')|list|join",
        "[config]|groupby('__class__')|list",
        "'{0.__class__}'.format(config)",
        "'{a.__class__}'.format_map({'a': 1})",
        "self._TemplateReference__context",
        "config.items.__self__",
        "range.__globals__",
        "dict.__base__.__subclasses__()",
        "secret.__globals__",
        "(range(3)|batch(2)).gi_frame",
        "lipsum(2)",
        "cycler('a')",
        "joiner()",
        "namespace(a=1)",
        "config.models|random",
        "config.update({'a': 1})",
        "config.models.append('c')",
        "config.routes.fast.pop('model')",
        "config.get|string",
    ],
)
def test_escapes_and_changes_are_forbidden(problem, expression):
    found = problem("first line\n{{ " + expression + " }}\n")
    assert (found.rule, found.line) == ("template-forbidden", 2)


@pytest.mark.fault("T02")
@pytest.mark.parametrize(
    "expression",
    [
        "'a' * 10**10",
        "[0] * 10**10",
        "'a'.ljust(10**10)",
        "'a' * 2**19 * 2**11",
        "'%10000000000d' % 1",
        "'%10000000000d'|format(1)",
        "'{:>900000000}'.format(1)",
        "('x' * 1000000).replace('x', 'y' * 1000000)",
        "9**(9**9)",
        "range(10**9)|list",
    ],
)
def test_memory_is_limited(problem, expression):
    found = problem("first line\n{{ " + expression + " }}\n")
    assert (found.rule, found.line) == ("template-limit", 2)


@pytest.mark.fault("T03")
def test_nested_loops_are_stopped_at_their_line(problem):
    loop = "{% for a in range(99999) %}\n"
    found = problem("first line\n" + loop + loop + "{% endfor %}\n{% endfor %}\n")
    assert found.rule == "template-timeout"
    assert found.line in (2, 3)


@pytest.mark.fault("T03")
def test_one_calculation_that_never_comes_back_is_killed(problem):
    squares = "".join(f"{{% set x{n + 1} = x{n} * x{n} %}}" for n in range(13))
    text = "{% set x0 = 7**20000 %}" + squares + "{% set y = x13 // x12 %}" * 50
    found = problem(text, budget=Budget(cpu_seconds=0.1, memory=512 << 20))
    assert found.rule == "template-timeout"


@pytest.mark.fault("T04")
def test_output_is_stopped_while_it_grows(problem):
    found = problem(
        "{% for a in range(99999) %}\n{{ 'a' * 10000 }}\n{% endfor %}\n", budget=Budget(output_bytes=50_000)
    )
    assert (found.rule, found.line) == ("template-limit", 2)


def test_output_of_exactly_the_limit_is_written(render):
    answer = render("é" * 500, budget=Budget(output_bytes=1000))
    assert answer.text == ("é" * 500).encode()


@pytest.mark.fault("T05")
@pytest.mark.parametrize(
    "text",
    [
        "\n{% include 'templates/main.j2' %}",
        "\n{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "\n{% for x in [1] recursive %}{{ loop([x]) }}{% endfor %}",
        "\n{{ " + "-" * 20_000 + "1 }}",
        "\n{{ " + "(" * 5_000 + "1" + ")" * 5_000 + " }}",
        "\n{{ 1" + " + 1" * 500 + " }}",
        "\n" + "{% if true %}" * 60 + "{% endif %}" * 60,
        "\n" + "{% for a in [1] %}" * 21 + "{% endfor %}" * 21,
    ],
)
def test_depth_is_limited(problem, text):
    found = problem(text)
    assert (found.rule, found.line) == ("template-depth", 2)


@pytest.mark.fault("T06")
@pytest.mark.parametrize("name", ["/etc/passwd", "../outside.j2", "templates/{0}.j2", "main.j2", ""])
def test_only_templates_of_the_repository_are_included(problem, name):
    found = problem(f"\n{{% include {name!r} %}}")
    assert (found.rule, found.line) == ("template-missing", 2)
    assert repr(name) in found.message


@pytest.mark.fault("T08")
def test_configuration_is_never_read_as_a_template(render):
    hostile = "{{ 9**9 }}{% for a in b %}{# x"
    answer = render("{{ config.text }}", context={**CONTEXT, "config": {"text": hostile}})
    assert answer.text == hostile.encode()


@pytest.mark.fault("T13")
def test_a_refused_template_does_not_touch_its_neighbours():
    templates = {
        "good.j2": b"{{ config.name }}",
        "slow.j2": b"{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "large.j2": b"{{ 'a'.ljust(10**10) }}",
        "deep.j2": b"{% include 'deep.j2' %}",
    }
    order = ["good.j2", "slow.j2", "good.j2", "large.j2", "deep.j2", "good.j2"]
    budget = Budget(cpu_seconds=0.2, memory=128 << 20)
    answers = render_batch([RenderRequest(name, "text", CONTEXT) for name in order], templates, budget=budget)
    assert [answer.text or answer.problems[0].rule for answer in answers] == [
        b"gateway",
        "template-timeout",
        b"gateway",
        "template-limit",
        "template-depth",
        b"gateway",
    ]


def test_a_template_that_uses_up_its_budget_is_tried_three_times_only():
    templates = {"slow.j2": b"{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"}
    requests = [RenderRequest("slow.j2", "text", CONTEXT)] * 50
    answers = render_batch(requests, templates, budget=Budget(cpu_seconds=0.05))
    assert {answer.problems[0].rule for answer in answers} == {"template-timeout"}
    assert ["not tried" in answer.problems[0].message for answer in answers] == [False] * 3 + [True] * 47

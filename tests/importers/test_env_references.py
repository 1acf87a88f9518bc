"""The template filter `env_references`, by which a program that reads secrets from its environment gets their names."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from llmcfg.pipeline.templates.render import RenderRequest, render_batch

if TYPE_CHECKING:
    from llmcfg.model.value import Value


def through(value: Value, filter_text: str = 'env_references("os.environ/")') -> object:
    template = f"{{{{ config | {filter_text} | to_json }}}}".encode()
    request = RenderRequest("templates/t.j2", "json", {"config": value})
    (rendered,) = render_batch((request,), {"templates/t.j2": template})
    assert rendered.text is not None, rendered.problems
    return json.loads(rendered.text)


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("openai_api_key", "OPENAI_API_KEY"),
        ("OPENAI_API_KEY", "openai_api_key"),
        ("adminKey", "adminKey"),
        ("k2", "K2"),
    ],
)
def test_a_string_that_is_one_secret_becomes_the_name_in_the_environment(name: str, variable: str) -> None:
    assert through({"a": ["{{secret:" + name + "}}"]}) == {"a": [f"os.environ/{variable}"]}


def test_the_prefix_is_the_programs_own_spelling() -> None:
    assert through("{{ secret:a_key }}", 'env_references("env:")') == "env:A_KEY"


def test_everything_else_stays_as_it_is() -> None:
    value: Value = {"bearer": "Bearer {{secret:a}}", "own": "{{ name }}", "n": [1, 2.5, True, None, {}], "t": "a_key"}
    assert through(value) == value

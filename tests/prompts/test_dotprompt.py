"""Dotprompt files in and out, with what cannot be carried over."""

from __future__ import annotations

import pytest

from llmcfg.errors import UsageError
from llmcfg.pipeline.templates.promptexport import jinja_to_handlebars
from llmcfg.prompts.dotprompt import export_dotprompt, import_dotprompt
from llmcfg.prompts.dottext import mustache_to_handlebars
from llmcfg.prompts.picoschema import PicoschemaError, to_json_schema
from llmcfg.prompts.record import Spot, read_version

FILE = b"""---
name: greet
model: googleai/gemini
config: {temperature: 0.2}
input:
  schema:
    who: string, a person
    mood?(enum, how): [kind, stern]
    tags?(array): string
  default: {mood: kind}
output: {format: json, schema: {answer: string}}
---
{{role "system"}}
Be {{mood}}.
{{history}}
{{role "user"}}
Hi {{who}}
"""


def test_a_file_becomes_a_version_and_what_is_left_out_is_named():
    found = import_dotprompt(FILE, "greet.prompt")
    assert found.messages == (("system", "Be {{mood}}."), ("user", "Hi {{who}}"))
    assert found.fields["variables"] == {
        "who": {"type": "string", "required": True, "description": "a person"},
        "mood": {
            "type": "string",
            "required": False,
            "enum": ["kind", "stern"],
            "description": "how",
            "default": "kind",
        },
        "tags": {"type": "list", "required": False},
    }
    assert [each.partition(":")[0] for each in found.left_out] == [
        "model",
        "config",
        "input.schema of tags",
        "{{history}}",
    ]


def test_what_is_exported_is_imported_again():
    found = import_dotprompt(FILE, "greet.prompt")
    messages = [{"role": role, "content": content} for role, content in found.messages]
    version = read_version("1.0.0", {**found.fields, "messages": messages}, Spot("x"))
    exported = export_dotprompt("greet", version, "", str)
    again = import_dotprompt(exported.text.encode(), "greet.prompt")
    assert (again.messages, again.fields, again.left_out) == (
        found.messages,
        found.fields,
        ("input.schema of tags: what is inside of a list or an object is not declared",),
    )


@pytest.mark.parametrize("text", ["{{>header}}", '{{media url="x"}}'])
def test_what_no_version_can_say_is_refused(text):
    with pytest.raises(UsageError, match="no version can say"):
        import_dotprompt(text.encode(), "x.prompt")


def test_picoschema_that_is_none_is_refused_and_json_schema_stays():
    assert to_json_schema({"type": "object", "properties": {}}) == {"type": "object", "properties": {}}
    with pytest.raises(PicoschemaError):
        to_json_schema({"name": "text"})


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Hi {{ user.name }}{# gone #}", "Hi {{user.name}}"),
        ("{% if a %}x{% else %}y{% endif %}", "{{#if a}}x{{else}}y{{/if}}"),
        ("{% if not a %}x{% endif %}", "{{#unless a}}x{{/unless}}"),
        (
            "{% for i in items %}{{ i.t }}{{ i }}{{ who }}{% endfor %}",
            "{{#each items}}{{this.t}}{{this}}{{../who}}{{/each}}",
        ),
        ("{% raw %}{{ x }}{% endraw %}", "\\{{ x }}"),
    ],
)
def test_simple_jinja_is_written_as_handlebars(text, written):
    assert jinja_to_handlebars(text) == written


@pytest.mark.parametrize(
    "text", ["{{ a | upper }}", "{{ a + 1 }}", "{% set a = 1 %}", "{% if a == 1 %}x{% endif %}", "{{ loop("]
)
def test_other_jinja_is_refused(text):
    with pytest.raises(UsageError):
        jinja_to_handlebars(text)


def test_sections_of_mustache_become_blocks_by_the_type_of_their_variable():
    types = {"items": "list", "on": "boolean", "who": "string"}
    text = "{{#items}}{{t}}{{who}}{{/items}}{{#on}}x{{/on}}{{^on}}y{{/on}}"
    assert (
        mustache_to_handlebars(text, types)
        == "{{#each items}}{{t}}{{../who}}{{/each}}{{#if on}}x{{/if}}{{#unless on}}y{{/unless}}"
    )

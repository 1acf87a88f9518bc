"""Findings about prompts, each with the place that it is about."""

from __future__ import annotations

from datetime import date

import pytest

from llmcfg.pipeline.memo import Memo
from llmcfg.pipeline.validate import validate
from support.looked_at import findings
from support.written import MANIFEST, WrittenSnapshot

PROTECTED = MANIFEST.replace("prod: {}", "prod: {protected: true}")


def prompt(text='[{role: user, content: "{{ name }}"}]', variables="{name: {type: string}}", status="draft", more=""):
    return f"""\
id: greet
current: "1.0.0"
versions:
  "1.0.0":
    status: {status}
    messages: {text}
    variables: {variables}
{more}"""


def said(text, **files):
    """Each finding as `rule line: message`, with the part of the line that it points at."""
    found = findings(
        {"prompts/greet.yaml": text, **{path.replace("__", "/") + ".yaml": each for path, each in files.items()}}
    )
    return [
        (
            each.rule_id,
            each.message,
            each.source_line[each.origin.column - 1 :][: each.length] if each.length > 1 else each.origin.line,
        )
        for each in found
    ]


def test_a_sound_prompt_has_no_findings():
    assert said(prompt()) == []


@pytest.mark.parametrize("engine", ["jinja", "mustache", "handlebars"])
def test_an_undeclared_variable_is_found_where_it_is_used(engine):
    text = prompt('[{role: user, content: "{{ name }} {{ nam }}"}]', more=f"    engine: {engine}\n")
    assert said(text) == [("LLM037", "greet 1.0.0: the user message uses 'nam', which is not declared", "{{ nam }}")]


def test_a_text_that_is_no_template_is_found_with_its_tag():
    found = said(prompt('[{role: user, content: "{{#name}}"}]', more="    engine: mustache\n"))
    assert found == [
        (
            "LLM037",
            "greet 1.0.0: the user message is no mustache template: {{#name}} is never closed",
            "{{#name}}",
        )
    ]


def test_a_variable_that_is_never_used_is_found_at_its_declaration():
    found = said(prompt(variables="\n      name: {type: string}\n      other: {type: string}"))
    assert found == [("LLM038", "greet 1.0.0 declares 'other' and never uses it", 9)]


def test_what_users_fill_may_not_stand_in_the_system_message():
    found = said(prompt('[{role: system, content: "{{ name }}"}]', "{name: {type: string, untrusted: true}}"))
    assert found == [("LLM038", "greet 1.0.0: users fill 'name', and it stands in the system message", "{{ name }}")]


def test_a_secret_is_never_sent_to_a_model():
    found = said(prompt('[{role: user, content: "{{ name }} {{secret:key}}"}]'))
    assert ("secret-misplaced", "greet 1.0.0 sends a secret to the model", "{{secret:key}}") in found


def test_a_key_in_plain_text_is_found_in_a_file_too():
    key = "sk-" + "proj-" + "a1B2c3D4" * 8
    text = f"---\nstatus: draft\n---\nUse {key} for it.\n"
    found = findings({"prompts/greet.yaml": 'id: greet\ncurrent: "1.0.0"\n', "prompts/greet/versions/1.0.0.md": text})
    assert [(each.rule_id, str(each.origin)) for each in found] == [
        ("secret-plaintext", "prompts/greet/versions/1.0.0.md:4:5")
    ]


def test_a_default_must_fit_its_variable_and_must_not_be_sensitive():
    assert said(prompt(variables="{name: {type: string, default: 5}}")) == [
        ("LLM037", "greet 1.0.0: the default does not fit: name is a string, and a number is given", 7)
    ]
    found = said(prompt(variables="{name: {type: string, sensitive: true, default: x}}"))
    assert [rule for rule, _, _ in found] == ["LLM038"]


def test_tokens_are_held_against_the_budget_of_the_prompt():
    least = said(prompt(more="    max_prompt_tokens: 4\n").replace("{{ name }}", "{{ name }}" + "word " * 20))
    assert least == [("LLM038", "greet 1.0.0 has about 29 tokens without its variables; 4 are allowed", 8)]
    most = said(prompt(variables="{name: {type: string, max_chars: 400}}", more="    max_prompt_tokens: 50\n"))
    assert most == [("LLM038", "greet 1.0.0 may come to about 104 tokens; 50 are allowed", 8)]
    free = said(prompt(variables="{name: {type: string, untrusted: true}}", more="    max_prompt_tokens: 50\n"))
    assert free == [
        ("LLM038", "greet 1.0.0: users fill 'name' and nothing bounds it, so max_prompt_tokens cannot hold", 7)
    ]


MODELS = "big: {provider: openai, upstream_model: gpt-6.1-sol}\nsmall: {provider: openai, upstream_model: gpt-4}\n"
SERVICE = "prompts: {hello: {prompt: greet, route: chat, supplies: [name]}}\n"
ROUTE = "targets: [{model: big}]\nfallbacks: {on_error: [{model: small}]}\n"
PLATFORM: dict[str, str | bytes] = {
    "base/providers/openai.yaml": "type: openai\n",
    "base/models/all.yaml": MODELS,
    "base/routes/chat.yaml": ROUTE,
    "base/services/bot.yaml": SERVICE,
}


def too_long(max_chars: int, as_of: date | None = date(2026, 11, 25), **more: str) -> list[str]:
    text = prompt(variables=f"{{name: {{type: string, max_chars: {max_chars}}}}}")
    files = {**PLATFORM, "llmcfg.yaml": MANIFEST, "prompts/greet.yaml": text, **more}
    found = validate(WrittenSnapshot({**files}), Memo(), as_of)
    return [f"{each.rule_id} {each.message}" for each in found if "at once" in each.message]


def test_tokens_are_held_against_every_model_that_a_route_may_reach_as_the_catalogue_knows_it():
    assert too_long(40_000) == ["LLM038 greet 1.0.0 may come to about 10004 tokens, and small reads 8192 at once"]
    assert too_long(20_000) == []


def test_a_limit_of_the_record_counts_before_that_of_the_catalogue():
    smaller = MODELS.replace("gpt-6.1-sol", "gpt-6.1-sol, limits: {context: 90}")
    assert too_long(400, **{"base/models/all.yaml": smaller}) == [
        "LLM038 greet 1.0.0 may come to about 104 tokens, and big reads 90 at once"
    ]


def test_without_a_day_no_catalogue_is_asked():
    assert too_long(40_000, as_of=None) == []


def test_a_label_names_a_version_that_is_there():
    found = said(prompt(), environments__prod__prompts__greet='current: "1.0.1"\n')
    assert found == [("LLM037", "greet has no version 1.0.1", "1.0.1")]


def test_a_protected_environment_uses_released_versions_only():
    files = {"llmcfg.yaml": PROTECTED, "prompts/greet.yaml": prompt()}
    (found,) = findings(files)
    assert found.message == "greet 1.0.0 is a draft, and this environment is protected"
    assert found.reach == ("prod",)


def test_a_version_is_a_semantic_version():
    assert said(prompt().replace("1.0.0", "v1"))[0][1] == "greet: 'v1' is no version"


def test_a_required_variable_that_a_service_never_gives_is_found_at_the_service():
    text = prompt(variables="{name: {type: string, required: true}}")
    assert said(text, base__services__bot=SERVICE) == []
    found = said(text, base__services__bot="prompts: {hello: {prompt: greet}}\n")
    assert found == [("LLM037", "greet 1.0.0 requires 'name', and bot never gives it", 1)]


def test_what_a_service_gives_must_be_there_and_fit():
    service = "prompts: {hello: {prompt: greet, variables: {name: 5}, supplies: [nam]}}\n"
    assert [message for _, message, _ in said(prompt(), base__services__bot=service)] == [
        "bot, for greet 1.0.0: name is a string, and a number is given",
        "bot supplies 'nam', which greet 1.0.0 does not have",
    ]


def test_a_service_names_a_prompt_by_id_or_path_and_a_slip_is_answered_with_the_nearest():
    (found,) = findings(
        {"prompts/greet.yaml": prompt(), "base/services/bot.yaml": "prompts: {hello: {prompt: gret}}\n"}
    )
    assert (found.rule_id, found.hint) == ("LLM022", "did you mean 'greet'?")


def test_a_file_is_held_to_the_shipped_schema_where_the_manifest_binds_none():
    text = "---\nstatus: finished\nmodel: x\n---\nHi\n"
    found = findings({"prompts/greet.yaml": 'id: greet\ncurrent: "1.0.0"\n', "prompts/greet/versions/1.0.0.md": text})
    assert [(each.rule_id, each.origin.line) for each in found] == [("prompt-file", 2), ("schema-unknown-key", 3)]

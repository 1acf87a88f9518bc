"""References in text: which ones there are, where, and what is left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcfg.model.reference import (
    Reference,
    ReferenceKind,
    SecretUse,
    environment_name,
    find_malformed_reference,
    find_references,
    find_slips,
    is_whole,
    parse_secret_use,
    secret_reference,
)


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("{{secret:openai_api_key}}", ReferenceKind.SECRET, "openai_api_key"),
        ("{{config:a.b[0].c}}", ReferenceKind.CONFIG, "a.b[0].c"),
        ("{{var:region}}", ReferenceKind.VARIABLE, "region"),
        ("{{param:rpm}}", ReferenceKind.PARAMETER, "rpm"),
        ("{{ \tsecret:  a \t}}", ReferenceKind.SECRET, "a"),
        ('{{config:a."x}}y"."\\"{".b}}', ReferenceKind.CONFIG, 'a."x}}y"."\\"{".b'),
    ],
)
def test_a_whole_reference_is_found(text, kind, name):
    assert find_references(text) == [Reference(kind, name, 0, len(text))]
    assert is_whole(text, find_references(text)[0])
    assert find_malformed_reference(text) is None


def test_references_in_a_text_have_their_offsets():
    text = "Bearer {{secret:a}}, {{ user }} {{{var:b}}} {{config:c}}"
    found = find_references(text)
    assert [text[reference.start : reference.end] for reference in found] == [
        "{{secret:a}}",
        "{{var:b}}",
        "{{config:c}}",
    ]
    assert not any(is_whole(text, reference) for reference in found)
    assert find_malformed_reference(text) is None


@pytest.mark.parametrize(
    "text", ["{{ name }}", "{{secret}}", "{{ secrets:a }}", "{{#each config}}", "{ {secret:a}}", "{{", "}}", "secret:a", "{{SECRET:a}}"]
)  # fmt: skip
def test_what_belongs_to_others_is_left_alone(text):
    assert find_references(text) == []
    assert find_malformed_reference(text) is None


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("{{secret:a", 0),
        ("x {{secret:a}", 2),
        ("{{secret:}}", 0),
        ("{{config: \t}}", 0),
        ("{{secret : a}}", 0),
        ("{{config:{{var:a}}.b}}", 0),
        ('{{config:a."b}}', 0),
        ("{{var:a}} {{var:{}}}", 10),
        ("{{secret:" + "a" * 2000 + "}}", 0),
    ],
)
def test_what_looks_like_a_reference_and_is_none_is_malformed(text, offset):
    assert find_malformed_reference(text) == offset


@given(st.text(max_size=30) | st.text('{}secrtvaconfigpm:" \\', max_size=40))
def test_references_never_overlap_and_lie_in_the_text(text):
    end = 0
    for reference in find_references(text):
        assert end <= reference.start < reference.end <= len(text)
        assert reference.name == reference.name.strip(" \t") != ""
        end = reference.end


@given(st.text(st.characters(exclude_characters='{}"', exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=20))
def test_the_canonical_text_of_a_secret_is_read_back(name):
    (reference,) = find_references(secret_reference(name))
    assert reference.name == name


@pytest.mark.parametrize(
    "unit", ['{{config:"\\"', "{{secret:", "{{secret:a" + " " * 40, '{{config:"', "{{ ", "{" * 50, '"']
)
def test_no_text_of_a_mebibyte_takes_long(unit):
    text = unit * ((1 << 20) // len(unit))
    assert find_references(text) == []
    assert find_references("{{secret:a" + " " * (1 << 20)) == []


def test_secret_names_of_environment_variables_swap_case_and_back():
    from llmcfg.model.reference import swap_name_case

    assert swap_name_case("OPENAI_API_KEY") == "openai_api_key"
    assert swap_name_case("openai_api_key") == "OPENAI_API_KEY"
    assert swap_name_case("Mixed") == "Mixed"


@pytest.mark.parametrize(
    ("text", "use"),
    [
        ("key", SecretUse("key")),
        ("a.b[0]@previous", SecretUse("a.b[0]", "previous")),
        ('"me@here".key@all', SecretUse('"me@here".key', "all")),
        ('"me@here"', SecretUse('"me@here"')),
        ("key@a@b", SecretUse("key", "a@b")),
        ("key@", SecretUse("key@")),
    ],
)
def test_a_use_is_a_name_and_what_stands_behind_the_first_bare_at_sign(text, use):
    assert parse_secret_use(text) == use
    assert str(use) == text
    assert find_references(secret_reference(use))[0].name == text


@pytest.mark.parametrize(
    ("use", "name"),
    [
        ("openai_api_key", "OPENAI_API_KEY"),
        ("OPENAI_API_KEY", "openai_api_key"),
        ("openai_api_key@previous", "OPENAI_API_KEY_PREVIOUS"),
        ("openai.keys[0]", "OPENAI_KEYS_0"),
        ("otel-client-key", "OTEL_CLIENT_KEY"),
    ],
)
def test_a_program_finds_a_secret_under_the_name_of_an_environment_variable(use, name):
    assert environment_name(parse_secret_use(use)) == name


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("{{secrets:openai}}", "{{secret:openai}}"),
        ("{{ Secret : openai.key }}", "{{secret:openai.key}}"),
        ("{{secert:a@previous}}", "{{secret:a@previous}}"),
        ("{{configs:a.b}}", "{{config:a.b}}"),
        ("{{VAR:region}}", "{{var:region}}"),
        ("{{params:rpm}}", "{{param:rpm}}"),
        ("{{secret.openai}}", "{{secret:openai}}"),
        ("{{ secrets.openai }}", "{{secret:openai}}"),
    ],
)
def test_what_is_almost_a_reference_is_told_with_what_was_meant(text, meant):
    (slip,) = find_slips(f"Bearer {text}!")
    assert (slip.meant, slip.start, slip.end) == (meant, 7, 7 + len(text))
    assert [str(found.name) for found in find_references(meant)]


@pytest.mark.parametrize(
    "text",
    [
        "{{secret:a}} {{config:a.b}} {{var:x}} {{param:x}}",  # references
        "{{ user.name }} {{ config.model }} {{vars.x}} {{#if secret}}",  # a program's own
        "{{ secret }} {{secretive}} {{ name: x }} {{time:now}} {{date:iso}}",
        "${{ secrets.TOKEN }} {{ secret.x | upper }} {{ secret.get('x') }}",  # other languages
        "{secrets:x} {{secrets:x}",
    ],
)
def test_what_belongs_to_somebody_else_is_no_slip(text):
    assert find_slips(text) == []

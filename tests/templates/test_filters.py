"""What the filters write, real readers read back."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from llmcfg.pipeline.templates.filters import (
    b64,
    b64decode,
    env_name,
    env_quote,
    quote,
    secret_use,
    shell_quote,
    to_json,
    to_toml,
    to_yaml,
)
from llmcfg.pipeline.templates.output import find_output_fault
from llmcfg.pipeline.templates.plain import RefusedError

TEXTS = st.text(st.characters(codec="utf-8"), max_size=40) | st.sampled_from(
    [
        "a\nb: c",
        "- x",
        "{{ x }}",
        "no",
        "0o7",
        "1e3",
        "'",
        '"',
        "\\",
        "#",
        "a #b",
        ": ",
        "%",
        "\x85",
        "\u2028",
        "\x7f",
        "\ufeff",
    ]
)
SHELL_TEXTS = TEXTS.filter(lambda text: "\0" not in text)
NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = TEXTS | NUMBERS | st.booleans()


def trees(scalars):
    return st.recursive(
        scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=12
    )


def exactly(value):
    """`value` with the types of its scalars, so that 1, 1.0 and true differ."""
    if isinstance(value, dict):
        return {key: exactly(item) for key, item in value.items()}
    if isinstance(value, list):
        return [exactly(item) for item in value]
    return type(value).__name__, value


@given(TEXTS)
def test_a_quoted_text_is_the_same_for_yaml_json_and_toml(text):
    assert json.loads(quote(text)) == text
    assert yaml.safe_load(f"a: {quote(text)}\nb: [{quote(text)}]") == {"a": text, "b": [text]}
    assert tomllib.loads(f"a = {quote(text)}") == {"a": text}


@given(trees(SCALARS | st.none()))
def test_json_reads_back(value):
    assert exactly(json.loads(to_json(value))) == exactly(value)
    assert exactly(json.loads(to_json(value, indent=2, sorted=True))) == exactly(value)


@given(st.dictionaries(TEXTS, trees(SCALARS), max_size=5))
def test_toml_reads_back(value):
    assert exactly(tomllib.loads(to_toml(value))) == exactly(value)


@pytest.mark.fault("T08")
@given(st.dictionaries(TEXTS, trees(TEXTS | st.booleans() | st.none()), max_size=5), st.integers(1, 8))
def test_yaml_reads_back_at_any_indentation(value, indent):
    outer = f"outer:\n{' ' * indent}{to_yaml(value, indent=indent)}\nafter: 1\n"
    assert yaml.safe_load(outer) == {"outer": value, "after": 1}


@given(TEXTS)
def test_base64_reads_back(text):
    assert b64decode(b64(text)) == text


@settings(max_examples=60, deadline=None)
@given(st.lists(SHELL_TEXTS, min_size=1, max_size=8))
def test_a_shell_reads_env_values_and_arguments_back(tmp_path_factory, texts):
    file = tmp_path_factory.mktemp("env") / "app.env"
    names = [f"V{at}" for at in range(len(texts))]
    lines = "".join(f"{name}={env_quote(text)}\n" for name, text in zip(names, texts, strict=True))
    assert find_output_fault(lines, "env") is None
    file.write_bytes(lines.encode())
    script = f". {file}; " + "".join(f'printf "%s\\0" "${name}"; ' for name in names)
    script += "".join(f'printf "%s\\0" {shell_quote(text)}; ' for text in texts)
    shell = subprocess.run(["sh", "-c", script], capture_output=True, check=True)
    assert shell.stdout.decode().split("\0")[:-1] == texts * 2


@given(TEXTS)
def test_an_env_name_is_a_name_or_is_refused(text):
    try:
        assert re.fullmatch(r"[A-Z_][A-Z0-9_]*", env_name(text))
    except RefusedError:
        assert not re.search(r"[A-Z0-9]", text.upper())


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("llm-providers.openAI", "LLM_PROVIDERS_OPEN_AI"),
        ("apiKey", "API_KEY"),
        ("gpt-3.5", "GPT_3_5"),
        ("4o", "_4O"),
        ("ALREADY_SO", "ALREADY_SO"),
    ],
)
def test_env_names(text, name):
    assert env_name(text) == name


def test_a_secret_is_written_as_its_reference(render):
    answer = render('{{ secret("a") }} {{ "b.c" | secret }} {{ secret("a") | to_json }}')
    assert answer.text == b'{{secret:a}} {{secret:b.c}} "{{secret:a}}"'


@pytest.mark.parametrize("name", ["", "a}}", "{{a", "a\nb", 'a"b'])
def test_a_text_that_cannot_name_a_secret_is_refused(name):
    with pytest.raises(RefusedError):
        secret_use(name)


def test_null_has_no_place_in_toml():
    with pytest.raises(RefusedError, match="no null"):
        to_toml({"a": {"b": None}})


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_json_refuses_what_is_no_number(value):
    with pytest.raises(RefusedError):
        to_json(value)


@pytest.mark.parametrize("write", [env_quote, shell_quote])
def test_nul_is_refused_where_a_shell_reads(write):
    with pytest.raises(RefusedError, match="NUL"):
        write("a\0b")


@pytest.mark.parametrize("value", [None, [], {}])
def test_what_is_no_scalar_is_not_quoted(value):
    with pytest.raises(RefusedError):
        quote(value)

"""What has the shape of a secret is found where it stands; what stands in for one is not."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcfg.secrets.shapes import SHAPES, find_shapes
from support.fake_secrets import BASE62, HEX, UPPER, examples, made, pem

EXAMPLES = [(what, text) for what, texts in examples().items() for text in texts]


def found(text):
    content = text.encode()
    return [(one.what, content[one.start : one.end].decode()) for one in find_shapes(content)]


def test_every_shape_has_an_example():
    assert {shape.what for shape in SHAPES} == set(examples())


@pytest.mark.parametrize(("what", "text"), EXAMPLES, ids=[f"{what} {n}" for n, (what, _) in enumerate(EXAMPLES)])
@pytest.mark.parametrize("around", ["{}", 'key: "{}"\n', "export KEY={}\nOTHER=1\n", "a, {}, b", "`{}`"])
def test_it_is_found_wherever_it_stands(what, text, around):
    ((kind, secret),) = found(around.format(text))
    assert kind == what
    assert secret in text


@pytest.mark.parametrize(("what", "text"), EXAMPLES, ids=[f"{what} {n}" for n, (what, _) in enumerate(EXAMPLES)])
def test_its_beginning_alone_is_none(what, text):
    assert found(text[: min(len(text) // 3, 20)]) == []


def test_a_private_key_needs_some_of_the_key():
    assert found(pem().partition("\n")[0]) == []
    assert found("starts with -----BEGIN PRIVATE KEY----- and ends") == []
    assert found("-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----") == []


@pytest.mark.parametrize(
    "text",
    [
        "sk-...",
        "sk-" + "x" * 48,
        "sk-proj-" + "X" * 40,
        "sk-your-openai-api-key-goes-here-please-replace",
        "sk-1234567890abcdef1234567890abcdef",
        "sk-ant-api03-" + "abcdefghijklmnopqrstuvwxyz",
        f"sk-ant-{made(30)}...",
        f"sk-proj-{made(32)}…",
        "AKIAIOSFODNN7EXAMPLE",
        "AKIA" + "XXXXXXXXXXXXXXXX",
        "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "ghp_" + "x" * 36,
        "AIza" + "0" * 35,
        "hf_" + "abcdefghijklmnopqrstuvwxyzabcdefgh",
        "AGE-SECRET-KEY-1" + "X" * 58,
        "glpat-" + "changeme" * 3,
        "postgres://user:password@localhost/db",
        "postgres://app:app@localhost/db",
        "postgres://app:${DB_PASSWORD}@db/app",
        "postgres://app:{{secret:db_password}}@db/app",
        "https://user:<token>@example.com/",
        "http://localhost:8080/@scope/package",
        "https://example.com/a:b@c",
        "mailto:ada@example.com",
    ],
)
def test_what_stands_in_for_a_secret_is_none(text):
    assert found(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "task-force-for-a-very-long-name-of-something-v2-2024-01",
        "risk-assessment-and-mitigation-of-large-models-1a2b3c",
        f"sha256-{made(43)}=",
        f"sha256=sk-{made(40)}",
        f"prefixAKIA{made(16, UPPER)}",
        f"commit {made(40, HEX)}",
        "xoxo",
        "eyJhbGciOiJIUzI1NiJ9.no",
        "npm_config_registry_url_for_all_of_the_projects",
        f"ENC[AES256_GCM,data:{made(40)},iv:{made(43)}=,tag:{made(22)}==,type:str]",
        "age1mrpqfruhrzhemuz6640a44sgzqz82gnj5s3rsa8zsmtsskmypd2s9nxkg3",
        "-----BEGIN AGE ENCRYPTED FILE-----\n" + made(64),
        "-----BEGIN PUBLIC KEY-----\n" + made(64),
        "-----BEGIN CERTIFICATE-----\n" + made(64),
    ],
)
def test_what_only_resembles_a_secret_is_none(text):
    assert found(text) == []


def test_two_on_one_line_are_two():
    line = f"a: sk-{made(48)}, b: ghp_{made(36)}"
    assert [what for what, _ in found(line)] == ["an OpenAI-style key", "a GitHub token"]


@given(st.integers(0, 10_000), st.sampled_from([text for _, text in EXAMPLES]))
def test_it_is_found_at_its_place_in_any_surroundings(seed, secret):
    chosen = random.Random(seed)
    lines = ["".join(chosen.choices(" " * 9 + BASE62.lower()[:8], k=chosen.randrange(60))) for _ in range(6)]
    text = "\n".join(lines)
    content = f"{text}\n{secret}\n{text}".encode()
    assert [content[one.start : one.end].decode() in secret for one in find_shapes(content)] == [True]

"""Secrets in plain text become problems with a place and without the secret; a comment with a reason lets one pass."""

from __future__ import annotations

import pytest

from llmcfg.secrets.plaintext import find_plaintext, masked
from support.fake_secrets import HEX, UPPER, made, pem

RANDOM = made(24)


def named(text):
    return [(problem.line, problem.column) for problem in find_plaintext(text.encode(), by_name=True)]


# under a name that says secret


@pytest.mark.parametrize(
    "line",
    [
        "api_key: {}",
        "apiKey: '{}'",
        '"api_key": "{}",',
        "OPENAI_API_KEY={}",
        "export DB_PASSWORD={}",
        'password = "{}"',
        "token := `{}`".replace("`", '"'),
        "client_secret => '{}'",
        'os.environ["MISTRAL_API_KEY"] = "{}"',
        "auth: {{token: {}}}",
        'Authorization: "Bearer {}"',
        "secret_key_base: {}  # of production",
        "private_key_1: {}",
        "DATABASE.PASSWORD={}",
    ],
)
@pytest.mark.parametrize("value", [RANDOM, made(32, HEX), made(40, UPPER + "-"), "kT9@vq!2LmZ8$wPx"])
def test_a_random_value_under_such_a_name_is_one(line, value):
    text = line.format(value)
    assert named(f"first: 1\n{text}\n") == [(2, text.index(value) + 1)]


@pytest.mark.parametrize(
    "line",
    [
        "max_tokens: 4096",
        "token_limit: {}",
        "api_key_name: {}",
        "secret_id: {}",
        "secretRef: {}",
        "password_hash: {}",
        "token_sha256: {}",
        "public_token: {}",
        "csrf_token_header: {}",
        "tokenizer: {}",
        "name: {}",
        "commit: {}",
        "description: the token {}",
    ],
)
def test_a_name_that_says_something_else_is_none(line):
    assert named(line.format(RANDOM)) == []


@pytest.mark.parametrize(
    "value",
    [
        "",
        "short1A",
        "changeme-please",
        "your-api-key-here",
        "my-super-secret-token-2024",
        "gpt-4o-mini-2024-07-18",
        "OPENAI_API_KEY_PRODUCTION",
        "GetUserTokenFromVaultV2",
        "settings.providers.openai",
        "os.environ/OPENAI_API_KEY",
        "${OPENAI_API_KEY_FOR_PROD1}",
        "$OPENAI_API_KEY_2024a1",
        "{{secret:openai_api_key}}",
        "{{ .Values.apiKey1234a }}",
        "<insert-token-4f9a2c>",
        "%(api_key_4f9a2c1)s",
        "vault:secret/data/openai1a2b",
        "/run/secrets/openai_key_4f9a",
        "./secrets/4f9a2c1b7d8e",
        "arn:aws:secretsmanager:eu-1:123:secret:x",
        "op://vault/item4f9a2/field",
        "https://login.example.com/4f9a2c1b",
        "get_secret('openai4f9a2c')",
        "550e8400-e29b-41d4-a716-446655440000",
        "sha256:" + made(64, HEX),
        "ENC[AES256_GCM,data:4f9a2c1b7d8e",
        "age1mrpqfruhrzhemuz6640a44sgzqz82gnj5s3rsa8z",
        "xxxxxxxxxxxxxxxxxxxxxxxx",
        "000000000000000000000000",
        "abcdefghijklmnop12345678",
        "**********************a1",
    ],
)
@pytest.mark.parametrize("line", ["api_key: {}", 'api_key = "{}"', "API_KEY={}"])
def test_a_value_that_is_no_secret_is_none(line, value):
    assert named(line.format(value)) == []


def test_what_has_a_shape_is_told_once_and_by_its_shape():
    (problem,) = find_plaintext(f"api_key: sk-{made(48)}\n".encode(), by_name=True)
    assert problem.message == "this looks like an OpenAI-style key"


def test_only_shapes_count_where_names_are_not_asked_for():
    assert find_plaintext(f"api_key: {RANDOM}\n".encode(), by_name=False) == ()


# places, and what is shown


def test_a_problem_has_line_and_column_in_characters_and_never_the_secret():
    secret = f"ghp_{made(36)}"
    (problem,) = find_plaintext(f"\ufeffä: 1\nklé: {secret}\n".encode(), by_name=True, hint="rotate it")
    assert (problem.line, problem.column, problem.hint) == (2, 6, "rotate it")
    assert secret not in repr(problem)


def test_a_masked_line_shows_none_of_its_secrets():
    line = f"a: sk-{made(48)}, password: {made(20)}, c: 3"
    assert masked(line) == "a: ********, password: ********, c: 3"


# comments that allow one


@pytest.mark.parametrize(
    "text",
    [
        "key: {}  # llmcfg:allow plaintext: the key of the public demo\n",
        "# llmcfg:allow plaintext: the key of the public demo\nkey: {}\n",
        "  // llmcfg:allow plaintext: of a test\n  key = '{}';\n",
        '{{\n  "//": "llmcfg:allow plaintext: of a test",\n  "key": "{}"\n}}\n',
        "<!-- llmcfg:allow plaintext: shown in the manual -->\n{}\n",
    ],
)
@pytest.mark.parametrize("secret", [f"sk-{made(48)}", f"AKIA{made(16, UPPER)}", pem(newline="\\n")])
def test_a_comment_with_a_reason_lets_one_pass(text, secret):
    assert named(text.format(secret)) == []


@pytest.mark.parametrize(
    "comment", ["llmcfg:allow plaintext", "llmcfg:allow plaintext:", "llmcfg:allow plaintext: -->"]
)
def test_a_comment_without_a_reason_does_not(comment):
    (problem,) = find_plaintext(f"key: ghp_{made(36)}  # {comment}\n".encode(), by_name=True)
    assert problem.message == "this looks like a GitHub token; the comment that allows it gives no reason"


def test_a_comment_is_for_its_own_line_and_the_next_only():
    comment = "# llmcfg:allow plaintext: of a test\n"
    assert named(f"{comment}a: 1\nkey: ghp_{made(36)}\n") == [(3, 6)]
    assert named(f"a: ghp_{made(36)}  {comment}b: ghp_{made(36, seed=2)}\n") == [(2, 4)]


@pytest.mark.parametrize("odd", ["\udc80", "\ud800", "\udd00", "\x00", "é😀"])
def test_a_line_is_masked_whatever_else_it_holds(odd):
    key = "sk-ant-api03-" + "a1B2" * 20
    assert masked(f"{odd} key: {key} {odd}") == f"{odd} key: ******** {odd}"
    assert masked(odd) == odd

"""Filters and functions of our own. All are pure; each refuses what it cannot write faithfully."""

from __future__ import annotations

import base64
import binascii
import json
import re
import shlex
from typing import TYPE_CHECKING, Any, Final

from jinja2.runtime import Undefined

from llmcfg.model.reference import (
    ALL,
    ReferenceKind,
    environment_name,
    find_references,
    is_whole,
    parse_secret_use,
    secret_reference,
)
from llmcfg.model.value import kind_of
from llmcfg.pipeline.templates.plain import RefusedError, double_quoted, plain, text_of
from llmcfg.pipeline.templates.toml_text import write_toml

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmcfg.model.reference import SecretUse
    from llmcfg.model.value import Value

_PLAIN_IN_ENV: Final = re.compile(r"[A-Za-z0-9_./:@%+,=-]+")
_SECRET_NAME: Final = re.compile(r"[^{}\s\"][^{}\n\"]*")
_BEFORE_TEXT: Final = re.compile(r"\n(?!\n|\Z)")
_WORD_BORDER: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def to_json(value: Any, indent: int | None = None, sorted: bool = False) -> str:
    try:
        return json.dumps(plain(value), ensure_ascii=False, allow_nan=False, indent=indent, sort_keys=sorted)
    except ValueError as error:
        raise RefusedError(f"JSON cannot hold it: {error}") from error


def to_yaml(value: Any, indent: int = 0) -> str:
    """Block style without the last line break; lines after the first are indented by `indent`."""
    from llmcfg.documents.writer import write_yaml

    return _BEFORE_TEXT.sub("\n" + " " * indent, write_yaml(plain(value)).removesuffix("\n"))


def to_toml(value: Any) -> str:
    tree = plain(value)
    if not isinstance(tree, dict):
        raise RefusedError(
            f"a {kind_of(tree)} is no TOML document; it needs a mapping", hint="write | to_json for a value"
        )
    return write_toml(tree)


def quote(value: Any) -> str:
    """A double-quoted string that YAML, JSON and TOML read alike."""
    return double_quoted(text_of(value))


def b64(value: Any) -> str:
    content = value if isinstance(value, bytes) else text_of(value).encode()
    return base64.b64encode(content).decode("ascii")


def b64decode(value: Any) -> str:
    try:
        return base64.b64decode(text_of(value), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise RefusedError("it is not Base64 of UTF-8 text") from error


def shell_quote(value: Any) -> str:
    return shlex.quote(_without_nul(text_of(value)))


def env_quote(value: Any) -> str:
    """A value for `NAME=value` that a POSIX shell reads back. Single quotes where they do, since nothing is special in them."""
    text = _without_nul(text_of(value))
    if _PLAIN_IN_ENV.fullmatch(text):
        return text
    if "'" not in text:
        return f"'{text}'"
    return '"' + re.sub(r'([\\"$`])', r"\\\1", text) + '"'


def env_name(value: Any) -> str:
    """`llm-providers.openAI` as LLM_PROVIDERS_OPEN_AI."""
    name = re.sub(r"[^A-Z0-9]+", "_", _WORD_BORDER.sub("_", text_of(value)).upper()).strip("_")
    if not name:
        raise RefusedError(f"{text_of(value)!r} has no letter or digit for the name of a variable")
    return f"_{name}" if name[0].isdigit() else name


def required(value: Any, message: str = "a required value is missing") -> Any:
    if isinstance(value, Undefined) or value is None or value == "":
        raise RefusedError(message, rule="template-undefined", hint="the template demands this value with | required")
    return value


def secret_use(name: Any) -> SecretUse:
    """The use that a template names."""
    text = text_of(name)
    use = parse_secret_use(text)
    if not _SECRET_NAME.fullmatch(text):
        raise RefusedError(f"{text!r} cannot be the name of a secret")
    if use.selector == ALL:
        raise RefusedError(f"{text!r} is a list, and a template writes one value",
                           hint=f"select a key with the text {secret_reference(use)}, and go through its items")  # fmt: skip
    return use


def env_references(value: Any, prefix: str, suffix: str = "") -> Value:
    """The value with `prefix`, the name of an environment variable and `suffix` in place of every string that is one secret reference.

    For programs that read secrets from their own environment: `{{secret:openai_api_key}}` as os.environ/OPENAI_API_KEY.
    """
    match plain(value):
        case dict() as mapping:
            return {key: env_references(item, prefix, suffix) for key, item in mapping.items()}
        case list() as items:
            return [env_references(item, prefix, suffix) for item in items]
        case str() as text:
            return _env_reference(text, prefix, suffix)
        case other:
            return other


def _env_reference(text: str, prefix: str, suffix: str) -> str:
    for reference in find_references(text):
        if reference.kind is ReferenceKind.SECRET and is_whole(text, reference):
            return prefix + environment_name(parse_secret_use(reference.name)) + suffix
    return text


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise RefusedError("a shell cannot hold the character NUL")
    return text


FILTERS: Final[dict[str, Callable[..., Any]]] = {
    "to_json": to_json,
    "tojson": to_json,
    "to_yaml": to_yaml,
    "to_toml": to_toml,
    "quote": quote,
    "b64": b64,
    "b64decode": b64decode,
    "shell_quote": shell_quote,
    "env_quote": env_quote,
    "env_name": env_name,
    "env_references": env_references,
    "required": required,
}

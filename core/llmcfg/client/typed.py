"""Values as the types that a program asks for: msgspec converts, and pydantic where the type is one of its models.

Strict: a text is no number, and true is no 1. A message never shows what could be a secret.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from llmcfg.client.errors import ValueTypeError
from llmcfg.client.values import SecretBytes, SecretText
from llmcfg.model.keypath import format_key_path, parse_key_path

_AT = re.compile(r" - at `(.*)`\Z", re.DOTALL)
_SHOWN = re.compile(r" '.*'", re.DOTALL)


def as_type(value: Any, wanted: Any, path: str) -> Any:
    """The value as a `wanted`. Raises ValueTypeError."""
    if type(value) is wanted:
        return value
    if hasattr(wanted, "model_validate"):
        return _as_pydantic(value, wanted, path)
    try:
        return msgspec.convert(value, wanted)
    except msgspec.ValidationError as error:
        said = str(error)
    at = _AT.search(said)
    message = said[: at.start()] if at else said
    if _has_secret(value):
        message = _SHOWN.sub("", message)
    place = path if at is None else at[1].replace("$", "" if path == "." else path, 1).lstrip(".")
    raise _error(place, wanted, message)


def _as_pydantic(value: Any, model: Any, path: str) -> Any:
    from pydantic import ValidationError

    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = format_key_path((*parse_key_path(path), *first["loc"]))
    raise _error(place, model, first["type"] if _has_secret(value) else first["msg"])


def _has_secret(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_secret, value.values()))
    return any(map(_has_secret, value)) if isinstance(value, list) else isinstance(value, SecretText | SecretBytes)


def _error(place: str, wanted: Any, message: str) -> ValueTypeError:
    name = getattr(wanted, "__name__", None) or str(wanted)
    return ValueTypeError(
        f"{place} is not what {name} asks for: {message[:1].lower()}{message[1:]}",
        hint="a SecretReference is opened with an identity: open(..., identity=Path(...))"
        if "SecretReference" in message
        else "",
    )

"""Answers for programs: one JSON or YAML document with `apiVersion` and `kind`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from llmcfg.regex import regex

if TYPE_CHECKING:
    from collections.abc import Mapping

API_VERSION: Final = "llmcfg.dev/v1"
_UNSAFE: Final = regex(
    "[\\x7f-\\x9f\\u061c\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u2069\\ufeff\\ufff9-\\ufffb\\ud800-\\udfff]"
)


def to_json(kind: str, payload: Mapping[str, Any]) -> str:
    """`payload` beneath `apiVersion` and `kind`, in its own order."""
    return json_text({"apiVersion": API_VERSION, "kind": kind, **payload})


def to_yaml(kind: str, payload: Mapping[str, Any]) -> str:
    from llmcfg.documents.writer import write_yaml

    return write_yaml({"apiVersion": API_VERSION, "kind": kind, **payload})


def json_text(value: Any) -> str:
    """Indented JSON. What a terminal would act on or hide, or a CI job take for a command, is a `\\u` escape, all else stands as it is."""
    text = json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False)
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text).replace("##[", "\\u0023#[")

"""A decrypted value as other programs take it: with its type, or as the bytes of a text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from llmcfg.errors import UsageError
from llmcfg.secrets.sops.numbers import parse_bool, parse_float

if TYPE_CHECKING:
    from llmcfg.model.value import Scalar
    from llmcfg.secrets.sops.model import Leaf


def plain_value(leaf: Leaf) -> Scalar:
    """Integers, floats and booleans as such, all else as text. Raises UsageError for bytes that are no UTF-8."""
    plain = leaf.reveal()
    match leaf.kind:
        case "int":
            return int(plain)
        case "float":
            return parse_float(plain.decode())
        case "bool":
            return parse_bool(plain)
        case _:
            try:
                return plain.decode()
            except UnicodeDecodeError:
                raise UsageError(
                    "the value is not UTF-8, so it has no place in text", hint="print it as it is"
                ) from None


def plain_bytes(leaf: Leaf) -> bytes:
    """What a program reads: `true` and `1.5`, and texts and binary content as they are."""
    return leaf.reveal() if leaf.kind in ("str", "time", "bytes") else json.dumps(plain_value(leaf)).encode()

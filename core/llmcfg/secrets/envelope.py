"""Sealed files: what only a consumer opens, and what it must be for (docs/spec/bundle.md, "Sealed files").

An age file whose plaintext is canonical JSON: content, the context that it was sealed for, and padding to a multiple of 256 bytes. age
knows no additional data, and anybody can encrypt to a public key. So a reader first checks the digest that the head of the bundles names,
and then that the context inside is the one that it expects: a file that was moved to another path, environment, tenant or consumer, or
that is older or newer than the head says, is refused.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from llmcfg.canonical import canonical_json
from llmcfg.errors import IntegrityError
from llmcfg.model.target import Target
from llmcfg.secrets.age import decrypt, encrypt_to
from llmcfg.secrets.sops.numbers import parse_bool, parse_float

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmcfg.bundlefile.sealed import SealedValue
    from llmcfg.secrets.age import Identity, Recipient
    from llmcfg.secrets.sops.model import Leaf

BLOCK: Final = 256
API_VERSION: Final = "llmcfg.dev/v1"
KIND: Final = "Sealed"
_MAX_INTEGER: Final = 2**53
_BASE64: Final = "base64"
_NOT_IN_TEXT: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class Context(NamedTuple):
    """What a sealed file is for. `source` is the digest of what it was made from; `sequence` that of the head that first named it."""

    target: Target
    path: str
    sequence: int
    source: str


@dataclass(frozen=True, slots=True)
class Content:
    """Values by the use that takes them (`name`, `name@previous`), or one file as text."""

    values: Mapping[str, SealedValue] = field(default_factory=dict, repr=False)
    text: str | None = field(default=None, repr=False)


class _Context(msgspec.Struct, forbid_unknown_fields=True):
    environment: str
    tenant: str | None
    consumer: str
    path: str
    sequence: int
    source: str


class _Plain(msgspec.Struct, forbid_unknown_fields=True):
    apiVersion: str
    kind: str
    context: _Context
    pad: str
    values: dict[str, str | int | float | bool | dict[str, str]] | None = None
    text: str | None = None


def seal(context: Context, content: Content, recipients: Sequence[Recipient]) -> bytes:
    """A binary age file. Raises UsageError for recipients that cannot share one."""
    return encrypt_to(recipients, _write(context, content), armor=False)


def open_sealed(sealed: bytes, context: Context, identities: Sequence[Identity]) -> Content:
    """Raises NotAuthorisedError when no identity fits, IntegrityError for a file that is damaged or for something else."""
    where = f"{context.path} of {context.target}"
    try:
        plain = msgspec.json.decode(decrypt(sealed, identities), type=_Plain)
        values = {use: _read_value(value) for use, value in (plain.values or {}).items()}
    except (msgspec.DecodeError, UnicodeDecodeError, binascii.Error, KeyError, ValueError, RecursionError):
        raise IntegrityError(f"{where} holds nothing that llmcfg sealed", hint="deploy again: llmcfg apply") from None
    if (plain.apiVersion, plain.kind) != (API_VERSION, KIND):
        raise IntegrityError(
            f"{where} is sealed in another form than {API_VERSION}", hint="use the llmcfg that sealed it"
        )
    said = plain.context
    found = Context(Target(said.environment, said.tenant, said.consumer), said.path, said.sequence, said.source)
    if found != context:
        raise _foreign(where, found, context)
    return Content(values, plain.text)


def sealed_value(leaf: Leaf) -> SealedValue:
    """The value of a secret file as readers get it: with its type where JSON has it, bytes where it is no text."""
    plain = leaf.reveal()
    match leaf.kind:
        case "bool":
            return parse_bool(plain)
        case "int" if abs(int(plain)) <= _MAX_INTEGER:
            return int(plain)
        case "float" if plain.lstrip(b"+-") not in (b"Inf", b"NaN"):
            return parse_float(plain.decode())
        case _:
            return _text_or_bytes(plain, is_binary=leaf.kind == "bytes")


def _text_or_bytes(plain: bytes, *, is_binary: bool) -> SealedValue:
    """Content of binary files is text only if nothing in it says otherwise, so that a key does not look like text by chance."""
    try:
        text = plain.decode()
    except UnicodeDecodeError:
        return plain
    return plain if is_binary and _NOT_IN_TEXT.search(text) else text


def _write(context: Context, content: Content) -> bytes:
    target, path, sequence, source = context
    about = {**target._asdict(), "path": path, "sequence": sequence, "source": source}
    said: dict[str, Any] = {"apiVersion": API_VERSION, "kind": KIND, "context": about, "pad": ""}
    if content.text is None:
        said["values"] = {use: _write_value(value) for use, value in content.values.items()}
    else:
        said["text"] = content.text
    said["pad"] = "0" * (-len(canonical_json(said)) % BLOCK)
    return canonical_json(said)


def _write_value(value: SealedValue) -> Any:
    return {_BASE64: base64.b64encode(value).decode()} if isinstance(value, bytes) else value


def _read_value(value: str | float | bool | dict[str, str]) -> SealedValue:
    return base64.b64decode(value[_BASE64], validate=True) if isinstance(value, dict) else value


def _foreign(where: str, found: Context, expected: Context) -> IntegrityError:
    """Which part of the context is another."""
    if found.target != expected.target:
        what = f"is for {found.target}"
    elif found.path != expected.path:
        what = f"is {found.path}"
    elif found.sequence != expected.sequence:
        what = f"has the sequence {found.sequence}, and the head says {expected.sequence}"
    else:
        what = "was made from other values than the bundle's"
    return IntegrityError(
        f"{where} was put in the place of another: what is there {what}",
        hint="deploy again: llmcfg apply; and find out who wrote it",
        code="secret-context",
    )

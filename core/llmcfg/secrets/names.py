"""The names in a secret file, readable without any key.

A SOPS file keeps its keys in the clear and its values as `ENC[…]`; a secret's name is the dotted key path of a value. An empty
string stays empty in SOPS and stands for a secret that is named but has no value yet. A mapping of `value` and, while a rotation runs,
`previous` and `pending` is one secret, named by the mapping's path. A `.age` file is one binary secret, named by its stem.
"""

from __future__ import annotations

import hashlib
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.documents.loader import load_document
from llmcfg.model.findings import Problem
from llmcfg.model.keypath import format_key_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llmcfg.model.value import Path, Value

_METADATA = "sops"
_AGE_HEADERS = (b"age-encryption.org/v1\n", b"-----BEGIN AGE ENCRYPTED FILE-----")
VALUE, PREVIOUS, PENDING = "value", "previous", "pending"
ROTATED: Final = frozenset((VALUE, PREVIOUS, PENDING))


class HeldValue(NamedTuple):
    """One encrypted value in its file. `fingerprint` is the SHA-256 of the ciphertext: it changes exactly when it is written anew."""

    path: Path
    fingerprint: str
    is_set: bool


class NamedSecret(NamedTuple):
    """A secret and its current value, as `HeldValue` has it; `previous` and `pending` are there while it is rotated, if they are set."""

    name: str
    path: Path
    fingerprint: str
    is_set: bool
    previous: HeldValue | None = None
    pending: HeldValue | None = None

    def held(self, selector: str) -> HeldValue | None:
        """The value that a reference with this selector takes; None for one that is not there."""
        if selector == PREVIOUS:
            return self.previous
        return None if selector else HeldValue(self.path, self.fingerprint, self.is_set)


class SecretFile(NamedTuple):
    """`is_readable` is false when the file may name other secrets than these."""

    secrets: Mapping[str, NamedSecret]
    problems: tuple[Problem, ...]
    is_readable: bool = True


def read_secret_file(file: str, content: bytes) -> SecretFile:
    """The secrets that a file under `secrets/` names, and what is wrong with it."""
    if file.endswith(".age"):
        stem = PurePosixPath(file).stem
        return _binary_secret(format_key_path((stem,)) if "@" in stem else stem, content)
    document, problems = load_document(content, secrets=True)
    if document is None:
        return SecretFile({}, problems, is_readable=False)
    found = [*problems]
    values: Value = {key: value for key, value in document.value.items() if key != _METADATA}
    leaves = list(_leaves(values, ()))
    is_sops = _METADATA in document.value
    if not is_sops and any(value not in ("", None) for _, value in leaves):
        found.append(
            Problem(
                "secret-file",
                "this file has no sops metadata",
                hint="encrypt it: llmcfg secret encrypt --in-place --age KEYS FILE",
            )
        )
    for path, value in leaves:
        name = format_key_path(path)
        if value == "" or value is None:
            found.append(
                Problem(
                    "secret-unset",
                    f"secret {name} is named but has no value yet",
                    path=path,
                    hint="set it before it is deployed",
                )
            )
        elif not is_sops and not (isinstance(value, str) and value.startswith("ENC[") and value.endswith("]")):
            found.append(
                Problem(
                    "secret-file",
                    f"the value of {name} is not encrypted",
                    path=path,
                    hint="encrypt it, and rotate it if it was pushed",
                )
            )
    return SecretFile({secret.name: secret for secret in _secrets(values, ())}, tuple(found))


def renewed_names(file: str, before: bytes | None, after: bytes) -> list[str]:
    """The secrets of a file that are new in it, or have another ciphertext than before."""
    known = read_secret_file(file, before).secrets if before is not None else {}
    return [
        name
        for name, secret in read_secret_file(file, after).secrets.items()
        if name not in known or known[name].fingerprint != secret.fingerprint
    ]


def is_rotated(value: Value) -> bool:
    """Whether a mapping of a secret file is one secret with its current value and those of its rotation."""
    if not isinstance(value, dict) or VALUE not in value or not value.keys() <= ROTATED:
        return False
    return not any(isinstance(item, dict | list) for item in value.values())


def _secrets(value: Value, at: Path) -> Iterator[NamedSecret]:
    """What lies at the top of a file is never one rotated secret: it would have no name."""
    if isinstance(value, dict) and at and is_rotated(value):
        held = {part: _held(item, (*at, part)) for part, item in value.items()}
        previous, pending = (one if one and one.is_set else None for one in map(held.get, (PREVIOUS, PENDING)))
        yield NamedSecret(format_key_path(at), *held[VALUE], previous, pending)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _secrets(item, (*at, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _secrets(item, (*at, index))
    else:
        yield NamedSecret(format_key_path(at), *_held(value, at))


def _held(value: Value, path: Path) -> HeldValue:
    return HeldValue(path, _fingerprint(str(value).encode()), bool(value))


def _binary_secret(name: str, content: bytes) -> SecretFile:
    problems: tuple[Problem, ...] = ()
    if not content.startswith(_AGE_HEADERS):
        problems = (
            Problem(
                "secret-file", "this is not an age file", hint="encrypt it with age, and rotate it if it was pushed"
            ),
        )
    return SecretFile({name: NamedSecret(name, (), _fingerprint(content), True)}, problems)


def _leaves(value: Value, at: Path) -> Iterator[tuple[Path, Value]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, (*at, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _leaves(item, (*at, index))
    else:
        yield at, value


def _fingerprint(ciphertext: bytes) -> str:
    return hashlib.sha256(ciphertext).hexdigest()

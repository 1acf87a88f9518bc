"""The names in a secret file, readable without any key.

A SOPS file keeps its keys in the clear and its values as `ENC[…]`; a secret's name is the dotted key path of a value. An empty
string stays empty in SOPS and stands for a secret that is named but has no value yet. A `.age` file is one binary secret, named by
its stem.
"""

from __future__ import annotations

import hashlib
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from llmcfg.documents.loader import load_document
from llmcfg.model.findings import Problem
from llmcfg.model.keypath import format_key_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llmcfg.model.value import Path, Value

_METADATA = "sops"
_AGE_HEADERS = (b"age-encryption.org/v1\n", b"-----BEGIN AGE ENCRYPTED FILE-----")


class NamedSecret(NamedTuple):
    """`fingerprint` is the SHA-256 of the ciphertext: it changes exactly when the secret is written anew."""

    name: str
    path: Path
    fingerprint: str
    is_set: bool


class SecretFile(NamedTuple):
    """`is_readable` is false when the file may name other secrets than these."""

    secrets: Mapping[str, NamedSecret]
    problems: tuple[Problem, ...]
    is_readable: bool = True


def read_secret_file(file: str, content: bytes) -> SecretFile:
    """The secrets that a file under `secrets/` names, and what is wrong with it."""
    if file.endswith(".age"):
        return _binary_secret(PurePosixPath(file).stem, content)
    document, problems = load_document(content, secrets=True)
    if document is None:
        return SecretFile({}, problems, is_readable=False)
    found = [*problems]
    leaves = list(_leaves({key: value for key, value in document.value.items() if key != _METADATA}, ()))
    if _METADATA not in document.value and any(value not in ("", None) for _, value in leaves):
        found.append(
            Problem(
                "secret-file",
                "this file has no sops metadata",
                hint="encrypt it: llmcfg secret encrypt --in-place --age KEYS FILE",
            )
        )
    secrets: dict[str, NamedSecret] = {}
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
        elif not (isinstance(value, str) and value.startswith("ENC[") and value.endswith("]")):
            found.append(
                Problem(
                    "secret-file",
                    f"the value of {name} is not encrypted",
                    path=path,
                    hint="encrypt it, and rotate it if it was pushed",
                )
            )
        secrets[name] = NamedSecret(name, path, _fingerprint(str(value).encode()), bool(value))
    return SecretFile(secrets, tuple(found))


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

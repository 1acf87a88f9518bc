"""Bundles read back from where they were stored, and checked on the way (docs/spec/bundle.md).

The head names the digest of every manifest and their root, a manifest names the digest of every part, and nothing else may lie beside
them. What does not fit together raises IntegrityError with the first file that is wrong; nothing unchecked is ever returned.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from llmcfg.canonical import digest, digest_of
from llmcfg.errors import IntegrityError
from llmcfg.pipeline.bundle import HEAD, MANIFEST, unseal_references

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmcfg.model.value import Value

_HINT = "deploy again: llmcfg apply"


@dataclass(frozen=True, slots=True)
class StoredBundle:
    """One bundle as it was stored: its parts by path, its secret lock, its recipients, and the digest of its manifest."""

    parts: Mapping[str, bytes]
    secrets: Mapping[str, str]
    recipients: tuple[str, ...]
    digest: str


class _Part(msgspec.Struct):
    sha256: str


class _Secret(msgspec.Struct):
    fingerprint: str


class _Manifest(msgspec.Struct):
    parts: dict[str, _Part]
    secrets: dict[str, _Secret]
    recipients: list[str]


def read_head(files: Mapping[str, bytes]) -> dict[str, Any]:
    """`head.json` of an environment's files; `bundles` and `root` are there and of the right kind."""
    try:
        head: dict[str, Any] = msgspec.json.decode(files[HEAD], type=dict[str, Any])
        msgspec.convert(head["bundles"], dict[str, str])
        msgspec.convert(head["root"], str)
    except (KeyError, UnicodeDecodeError, msgspec.DecodeError, RecursionError):
        raise IntegrityError(f"the bundles have no readable {HEAD}", hint=_HINT) from None
    return head


def read_bundles(files: Mapping[str, bytes]) -> dict[str, StoredBundle]:
    """The bundles of an environment by folder. Raises IntegrityError when any file is not what head and manifests say."""
    head = read_head(files)
    said: dict[str, str] = {folder: text.removeprefix("sha256:") for folder, text in head["bundles"].items()}
    if head["root"] != f"sha256:{digest_of(said)}":
        raise IntegrityError(f"the root digest in {HEAD} is not that of its bundles", hint=_HINT)
    folders: dict[str, dict[str, bytes]] = defaultdict(dict)
    for path, content in files.items():
        if path != HEAD:
            folder, inner = _split(path)
            if folder not in said:
                raise IntegrityError(f"{path} belongs to no bundle that {HEAD} names", hint=_HINT)
            folders[folder][inner] = content
    return {folder: _read_bundle(folder, folders[folder], manifest) for folder, manifest in sorted(said.items())}


class DocumentReader:
    """Parses `config/…` parts. Equal parts give the same object, so that bundles that share one are compared once."""

    def __init__(self) -> None:
        self._values: dict[bytes, Value] = {}

    def read(self, path: str, content: bytes) -> Value:
        if content not in self._values:
            try:
                self._values[content] = unseal_references(json.loads(content))
            except (ValueError, KeyError, TypeError, RecursionError):
                raise IntegrityError(f"{path} is not configuration that llmcfg wrote", hint=_HINT) from None
        return self._values[content]


def _split(path: str) -> tuple[str, str]:
    tenant, _, rest = path.partition("/")
    consumer, _, inner = rest.partition("/")
    return f"{tenant}/{consumer}", inner


def _read_bundle(folder: str, parts: dict[str, bytes], expected: str) -> StoredBundle:
    content = parts.pop(MANIFEST, None)
    if content is None:
        raise IntegrityError(f"{folder} has no {MANIFEST}", hint=_HINT)
    if digest(content) != expected:
        raise IntegrityError(f"{folder}/{MANIFEST} is not what {HEAD} says", hint=_HINT)
    try:
        manifest = msgspec.json.decode(content, type=_Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise IntegrityError(f"{folder}/{MANIFEST} cannot be read", hint=_HINT) from None
    for path in sorted({*parts, *manifest.parts}):
        there, said = parts.get(path), manifest.parts.get(path)
        if there is None or said is None or digest(there) != said.sha256:
            raise IntegrityError(f"{folder}/{path} is not what its manifest says", hint=_HINT)
    secrets = {name: secret.fingerprint.removeprefix("sha256:") for name, secret in manifest.secrets.items()}
    return StoredBundle(parts, secrets, tuple(manifest.recipients), expected)

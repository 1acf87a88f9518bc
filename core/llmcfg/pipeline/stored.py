"""Bundles read back from where they were stored, and checked on the way (docs/spec/bundle.md).

The head names the digest of every manifest and their root, a manifest names the digest of every part, and nothing else may lie beside
them but the sealed files, whose digests are in the head. What does not fit together raises IntegrityError with the first file that is
wrong; nothing unchecked is ever returned.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from llmcfg.bundlefile.files import ENVELOPE, is_root
from llmcfg.bundlefile.sealed import SealedFile, find_misplaced
from llmcfg.canonical import digest, digest_of
from llmcfg.errors import IntegrityError
from llmcfg.model.target import Target
from llmcfg.pipeline.bundle import HEAD, MANIFEST
from llmcfg.pipeline.typedsecrets import from_typed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmcfg.model.value import Value

_HINT = "deploy again: llmcfg apply"


@dataclass(frozen=True, slots=True)
class StoredBundle:
    """One bundle as it was stored: its parts and their digests by path, its secret lock, its recipients, the digest of its manifest.

    `seals` are the paths of what is to be sealed, `sealed` the files that are; none before the bundle was deployed.
    """

    target: Target
    parts: Mapping[str, bytes]
    digests: Mapping[str, str]
    secrets: Mapping[str, str]
    recipients: tuple[str, ...]
    digest: str
    seals: tuple[str, ...] = ()
    sealed: Mapping[str, SealedFile] = field(default_factory=dict)


class _Sealed(msgspec.Struct):
    sha256: str
    size: int
    sequence: int


class Head(msgspec.Struct):
    """`head.json`, as far as reading needs it. Heads that were written before bundles were sealed lack what is None here."""

    environment: str
    bundles: dict[str, str]
    root: str
    sealed: dict[str, dict[str, _Sealed]] | None = None
    sequence: int | None = None
    previous: str | None = None


class _Part(msgspec.Struct):
    sha256: str


class _Secret(msgspec.Struct):
    fingerprint: str


class _Target(msgspec.Struct):
    environment: str
    tenant: str | None
    consumer: str


class _Manifest(msgspec.Struct):
    target: _Target
    parts: dict[str, _Part]
    secrets: dict[str, _Secret]
    recipients: list[str]
    sealed: list[str] | None = None


def read_head(files: Mapping[str, bytes]) -> Head:
    """`head.json` of an environment's files."""
    try:
        return msgspec.json.decode(files[HEAD], type=Head)
    except (KeyError, UnicodeDecodeError, msgspec.DecodeError, RecursionError):
        raise IntegrityError(f"the bundles have no readable {HEAD}", hint=_HINT) from None


def read_bundles(files: Mapping[str, bytes]) -> dict[str, StoredBundle]:
    """The bundles of an environment by folder. Raises IntegrityError when any file is not what head and manifests say."""
    head = read_head(files)
    said = _manifests(head)
    folders: dict[str, dict[str, bytes]] = defaultdict(dict)
    for path, content in files.items():
        if path != HEAD and not is_root(path):
            folder, inner = _split(path)
            if folder not in said:
                raise IntegrityError(f"{path} belongs to no bundle that {HEAD} names", hint=_HINT)
            folders[folder][inner] = content
    return {folder: _read_bundle(folder, folders[folder], manifest, head) for folder, manifest in sorted(said.items())}


def read_bundle(head: Head, folder: str, files: Mapping[str, bytes]) -> StoredBundle:
    """One bundle of an environment, whose files are given by their paths in it. Raises as `read_bundles`."""
    said = _manifests(head)
    if folder not in said:
        raise IntegrityError(f"{folder} is no bundle that {HEAD} names", hint=_HINT)
    return _read_bundle(folder, dict(files), said[folder], head)


class DocumentReader:
    """Parses `config/…` parts. Parts with one digest give the same object, so that bundles that share one are compared once."""

    def __init__(self, known: dict[str, Value]) -> None:
        self._values = known

    def read(self, path: str, content: bytes, digest: str) -> Value:
        if digest not in self._values:
            try:
                self._values[digest] = from_typed(json.loads(content))
            except (ValueError, KeyError, TypeError, RecursionError):
                raise IntegrityError(f"{path} is not configuration that llmcfg wrote", hint=_HINT) from None
        return self._values[digest]


def _split(path: str) -> tuple[str, str]:
    tenant, _, rest = path.partition("/")
    consumer, _, inner = rest.partition("/")
    return f"{tenant}/{consumer}", inner


def _manifests(head: Head) -> dict[str, str]:
    """The digest of every manifest by folder."""
    said = {folder: text.removeprefix("sha256:") for folder, text in head.bundles.items()}
    if head.root != f"sha256:{digest_of(said)}":
        raise IntegrityError(f"the root digest in {HEAD} is not that of its bundles", hint=_HINT)
    return said


def _read_bundle(folder: str, parts: dict[str, bytes], expected: str, head: Head) -> StoredBundle:
    content = parts.pop(MANIFEST, None)
    if content is None:
        raise IntegrityError(f"{folder} has no {MANIFEST}", hint=_HINT)
    if digest(content) != expected:
        raise IntegrityError(f"{folder}/{MANIFEST} is not what {HEAD} says", hint=_HINT)
    try:
        manifest = msgspec.json.decode(content, type=_Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise IntegrityError(f"{folder}/{MANIFEST} cannot be read", hint=_HINT) from None
    target = Target(*msgspec.structs.astuple(manifest.target))
    if (target.environment, target.folder) != (head.environment, folder):
        raise IntegrityError(f"{folder}/{MANIFEST} is that of {target}", hint=_HINT)
    seals = tuple(manifest.sealed or ())
    misplaced = find_misplaced(seals, manifest.parts)  # it may be written anywhere
    if misplaced is not None:
        raise IntegrityError(f"{folder}/{MANIFEST} seals {misplaced!r}, which is none of its files", hint=_HINT)
    parts.pop(ENVELOPE, None)  # whether it counts is for who trusts a root to see (llmcfg.signing)
    sealed = _read_sealed(folder, {path: parts.pop(path) for path in seals if path in parts}, seals, head)
    for path in sorted({*parts, *manifest.parts}):
        there, said = parts.get(path), manifest.parts.get(path)
        if there is None or said is None or digest(there) != said.sha256:
            raise IntegrityError(f"{folder}/{path} is not what its manifest says", hint=_HINT)
    secrets = {name: secret.fingerprint.removeprefix("sha256:") for name, secret in manifest.secrets.items()}
    digests = {path: part.sha256 for path, part in manifest.parts.items()}
    return StoredBundle(target, parts, digests, secrets, tuple(manifest.recipients), expected, seals, sealed)


def _read_sealed(folder: str, files: dict[str, bytes], seals: tuple[str, ...], head: Head) -> dict[str, SealedFile]:
    """The sealed files of a bundle: exactly those that its manifest names, once it was deployed, each as the head says."""
    said = (head.sealed or {}).get(folder, {})
    for path in sorted({*files, *said, *(seals if head.sealed is not None else ())}):
        content, entry = files.get(path), said.get(path)
        if content is None or entry is None or (digest(content), len(content)) != (entry.sha256, entry.size):
            raise IntegrityError(f"{folder}/{path} is not the sealed file that {HEAD} names", hint=_HINT)
    return {path: SealedFile(content, said[path].sequence) for path, content in sorted(files.items())}

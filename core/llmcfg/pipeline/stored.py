"""Bundles read back from where they were stored, and checked on the way (docs/spec/bundle.md).

The head names the digest of every manifest and their root, a manifest names the digest of every part, and nothing else may lie beside
them but the sealed files, whose digests are in the head. What does not fit together raises IntegrityError with the first file that is
wrong; nothing unchecked is ever returned: contents are read when something asks for them, and held against their digests then. A folder
that was checked is known by the id that it is stored under: as long as that and what the head says of it stay, it is not looked at again
(`checked.py`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from llmcfg.bundlefile.files import ENVELOPE, is_root
from llmcfg.bundlefile.sealed import SealedFile, find_misplaced
from llmcfg.canonical import digest, digest_of
from llmcfg.errors import IntegrityError
from llmcfg.model.files import Files, put_together
from llmcfg.model.later import Each, Later
from llmcfg.model.target import SHARED, Target
from llmcfg.pipeline.bundle import AT_ONCE, HEAD, MANIFEST
from llmcfg.pipeline.checked import Checked
from llmcfg.pipeline.typedsecrets import from_typed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmcfg.model.value import Value
    from llmcfg.pipeline.bundle import SaidOfSealed
    from llmcfg.pipeline.memo import Memo

_HINT = "deploy again: llmcfg apply"


@dataclass(frozen=True, slots=True)
class StoredBundle:
    """One bundle as it was stored: its parts, their digests and sizes by path, its secret lock, its recipients, its manifest's digest.

    A part that is read and is not what its digest says raises IntegrityError.
    `seals` are the paths of what is to be sealed, `sealed` the files that are; none before the bundle was deployed.
    """

    target: Target
    parts: Mapping[str, bytes]
    digests: Mapping[str, str]
    sizes: Mapping[str, int]
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
    size: int


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


class Stored(NamedTuple):
    """The bundles of an environment as they are stored. Those that are asked for are read, by folder; all were found to be right."""

    files: Files
    head: Head
    bundles: Mapping[str, StoredBundle]

    @property
    def manifests(self) -> dict[Target, str]:
        """The digest of every manifest, by target."""
        return {self.target_of(folder): said for folder, said in _manifests(self.head).items()}

    def has(self, folder: str, manifest: str) -> bool:
        """Whether the bundle in a folder is the one whose manifest has this digest, with all that is to be sealed in it."""
        return self.head.bundles.get(folder) == f"sha256:{manifest}" and self.head.sealed is not None

    def said_of_sealed(self, folder: str) -> SaidOfSealed:
        """What the head says of the sealed files of a bundle."""
        said = (self.head.sealed or {}).get(folder, {})
        return {path: msgspec.structs.asdict(entry) for path, entry in said.items()}

    def target_of(self, folder: str) -> Target:
        tenant, _, consumer = folder.partition("/")
        return Target(self.head.environment, None if tenant == SHARED else tenant, consumer)


NOTHING_STORED: Final = Stored(Files({}, {}), Head("", {}, ""), {})


def read_head(files: Mapping[str, bytes]) -> Head:
    """`head.json` of an environment's files."""
    try:
        return msgspec.json.decode(files[HEAD], type=Head)
    except (KeyError, UnicodeDecodeError, msgspec.DecodeError, RecursionError):
        raise IntegrityError(f"the bundles have no readable {HEAD}", hint=_HINT) from None


def read_stored(files: Mapping[str, bytes], memo: Memo | None = None) -> Stored:
    """The bundles of an environment. Raises IntegrityError when any file is not what head and manifests say.

    `memo` remembers what was checked, and values of documents by their digests.
    """
    files = put_together(files)
    head = read_head(files.top)
    said = _manifests(head)
    strange = [path for path in files.top if path != HEAD and not is_root(path)]
    for path in (*strange, *sorted(files.folders.keys() - said)):
        raise IntegrityError(f"{path} belongs to no bundle that {HEAD} names", hint=_HINT)

    def read(folder: str) -> StoredBundle:
        return _read_bundle(folder, files.folders.get(folder, {}), said[folder], head)

    checked = Checked(memo)

    def check(folder: str) -> None:
        bundle = read(folder)
        _check_parts(folder, checked.digests(files.folders[folder], _beside(bundle)), bundle)
        for path, sha256 in documents_of(bundle).values():
            if not checked.is_document(sha256):
                _parse(f"{folder}/{path}", bundle.parts[path])
                checked.learn_document(sha256)

    checked.look_at(head, files, check)
    return Stored(files, head, Each(sorted(said), read, AT_ONCE))


def read_bundles(files: Mapping[str, bytes]) -> Mapping[str, StoredBundle]:
    """The bundles of an environment by folder. Raises as `read_stored`."""
    return read_stored(files).bundles


def read_bundle(head: Head, folder: str, files: Mapping[str, bytes]) -> StoredBundle:
    """One bundle of an environment, whose files are given by their paths in it. Raises as `read_bundles`."""
    said = _manifests(head)
    if folder not in said:
        raise IntegrityError(f"{folder} is no bundle that {HEAD} names", hint=_HINT)
    bundle = _read_bundle(folder, files, said[folder], head)
    beside = _beside(bundle)
    _check_parts(folder, {path: digest(content) for path, content in files.items() if path not in beside}, bundle)
    return bundle


class DocumentReader:
    """Parses `config/…` parts when something asks. Parts with one digest give the same object, so that bundles that share one are
    compared once.
    """

    def __init__(self, known: dict[str, Later[Value]]) -> None:
        self._values = known

    def read_all(self, folder: str, bundle: StoredBundle) -> dict[str, Later[Value]]:
        """The documents of a bundle, by name."""
        return {
            name: self._values.get(sha256) or self._read(folder, bundle, path, sha256)
            for name, (path, sha256) in documents_of(bundle).items()
        }

    def _read(self, folder: str, bundle: StoredBundle, path: str, sha256: str) -> Later[Value]:
        later = self._values[sha256] = Later(lambda: _parse(f"{folder}/{path}", bundle.parts[path]))
        return later


def documents_of(bundle: StoredBundle) -> dict[str, tuple[str, str]]:
    """The paths and digests of a bundle's documents, by name."""
    return {
        path[len("config/") : -len(".json")]: (path, sha256)
        for path, sha256 in bundle.digests.items()
        if path.startswith("config/")
    }


def _parse(path: str, content: bytes) -> Value:
    try:
        return from_typed(json.loads(content))
    except (ValueError, KeyError, TypeError, RecursionError):
        raise IntegrityError(f"{path} is not configuration that llmcfg wrote", hint=_HINT) from None


def _manifests(head: Head) -> dict[str, str]:
    """The digest of every manifest by folder."""
    said = {folder: text.removeprefix("sha256:") for folder, text in head.bundles.items()}
    if head.root != f"sha256:{digest_of(said)}":
        raise IntegrityError(f"the root digest in {HEAD} is not that of its bundles", hint=_HINT)
    return said


def _read_bundle(folder: str, files: Mapping[str, bytes], expected: str, head: Head) -> StoredBundle:
    """Its manifest and what is sealed in it, checked. Parts are checked when they are read."""
    content = files.get(MANIFEST)
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
    sealed = _read_sealed(folder, {path: files[path] for path in seals if path in files}, seals, head)
    digests = {path: part.sha256 for path, part in manifest.parts.items()}

    def read(path: str) -> bytes:
        part = files.get(path)
        if part is None or digest(part) != digests[path]:
            raise _wrong_part(folder, path)
        return part

    sizes = {path: part.size for path, part in manifest.parts.items()}
    secrets = {name: secret.fingerprint.removeprefix("sha256:") for name, secret in manifest.secrets.items()}
    recipients = tuple(manifest.recipients)
    return StoredBundle(
        target, Each(sorted(digests), read), digests, sizes, secrets, recipients, expected, seals, sealed
    )


def _beside(bundle: StoredBundle) -> set[str]:
    """The files that are none of its parts. Whether an envelope counts is for who trusts a root to see (llmcfg.signing)."""
    return {MANIFEST, ENVELOPE, *bundle.sealed}


def _check_parts(folder: str, found: Mapping[str, str], bundle: StoredBundle) -> None:
    """Whether exactly what the manifest says is there, by the digests of all files that should be parts."""
    if found != bundle.digests:
        raise _wrong_part(folder, min(path for path, _ in found.items() ^ bundle.digests.items()))


def _wrong_part(folder: str, path: str) -> IntegrityError:
    return IntegrityError(f"{folder}/{path} is not what its manifest says", hint=_HINT)


def _read_sealed(folder: str, files: dict[str, bytes], seals: tuple[str, ...], head: Head) -> dict[str, SealedFile]:
    """The sealed files of a bundle: exactly those that its manifest names, once it was deployed, each as the head says."""
    said = (head.sealed or {}).get(folder, {})
    for path in sorted({*files, *said, *(seals if head.sealed is not None else ())}):
        content, entry = files.get(path), said.get(path)
        if content is None or entry is None or (digest(content), len(content)) != (entry.sha256, entry.size):
            raise IntegrityError(f"{folder}/{path} is not the sealed file that {HEAD} names", hint=_HINT)
    return {path: SealedFile(content, said[path].sequence) for path, content in sorted(files.items())}

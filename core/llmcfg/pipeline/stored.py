"""Bundles read back from where they were stored, and checked on the way (docs/spec/bundle.md).

The head names the digest of every manifest and their root, a manifest names the digest of every part, and nothing else may lie beside
them but the sealed files, whose digests are in the head. What does not fit together raises IntegrityError with the first file that is
wrong; nothing unchecked is ever returned. A folder that was checked is known by the id that it is stored under: as long as that and what
the head says of it stay, it is not looked at again.
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
from llmcfg.model.files import Files, StoredFolder, put_together
from llmcfg.model.later import Each
from llmcfg.model.target import SHARED, Target
from llmcfg.pipeline.bundle import HEAD, MANIFEST
from llmcfg.pipeline.known import is_sound, learn_sound, name_of
from llmcfg.pipeline.typedsecrets import from_typed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llmcfg.model.value import Value
    from llmcfg.pipeline.bundle import SaidOfSealed
    from llmcfg.pipeline.configuration import Memo

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
        return _read_bundle(folder, dict(files.folders.get(folder, {})), said[folder], head)

    _check_all(files, head, read, memo)
    return Stored(files, head, Each(sorted(said), read))


def read_bundles(files: Mapping[str, bytes]) -> Mapping[str, StoredBundle]:
    """The bundles of an environment by folder. Raises as `read_stored`."""
    return read_stored(files).bundles


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

    def read_all(self, folder: str, bundle: StoredBundle) -> dict[str, Value]:
        """The documents of a bundle, by name."""
        return {
            path[len("config/") : -len(".json")]: self.read(f"{folder}/{path}", content, bundle.digests[path])
            for path, content in bundle.parts.items()
            if path.startswith("config/")
        }


def _check_all(files: Files, head: Head, read: Callable[[str], StoredBundle], memo: Memo | None) -> None:
    """Read what is not known to be right."""
    documents = DocumentReader(memo.stored if memo is not None else {})
    disk = memo.disk if memo is not None else None
    before = memo.checked.get(head.environment, frozenset()) if memo is not None else frozenset()
    names: set[bytes] = set()
    for folder in sorted(head.bundles):
        name = _name_of_checked(head, folder, files.folders.get(folder))
        if name is None or not (name in before or is_sound(disk, name, "read back", folder)):
            documents.read_all(folder, read(folder))
            if name is not None:
                learn_sound(disk, name)
        names |= {name} if name is not None else set()
    if memo is not None:
        memo.checked[head.environment] = frozenset(names)
    if disk is not None and names - before:
        disk.keep()


def _name_of_checked(head: Head, folder: str, files: Mapping[str, bytes] | None) -> bytes | None:
    """What it is remembered under that a folder holds what is said of it; None where only reading it can tell."""
    if not isinstance(files, StoredFolder) or files.own:
        return None
    sealed = None if head.sealed is None else sorted((head.sealed.get(folder) or {}).items())
    return name_of("stored", head.environment, folder, files.id, head.bundles[folder], repr(sealed))


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

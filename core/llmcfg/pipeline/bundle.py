"""Bundles: what one target gets, as named parts (docs/spec/bundle.md).

`config/<document>.json` are canonical JSON of what the consumer selects, `files/…` are rendered outputs, `manifest.json` names the
target, every part's SHA-256, the secret lock, and which files are sealed to whom. The bundle's digest covers config, files and lock. An
environment's bundles hang together under a root digest in `head.json`, which also names revision and engine. What is sealed is random, so
it stands beside the bundles: its digests are in the head alone, and no digest that is compared covers them. Signing fills the fields that
are null.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from llmcfg import __version__
from llmcfg.bundlefile.sealed import SECRETS, sealed_path
from llmcfg.canonical import canonical_json, digest, digest_of, digest_of_runs
from llmcfg.helped import helped
from llmcfg.model.files import Files
from llmcfg.model.laid import Laid
from llmcfg.model.later import Later
from llmcfg.model.progress import UNWATCHED
from llmcfg.pipeline.listing import Listing

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from llmcfg.bundlefile.sealed import SealedFile
    from llmcfg.model.progress import Progress
    from llmcfg.model.target import Target
    from llmcfg.pipeline.listing import Lists, Runs

API_VERSION: Final = "llmcfg.dev/v1"
ENGINE: Final = f"llmcfg/{__version__}"
HEAD: Final = "head.json"
MANIFEST: Final = "manifest.json"
FILES: Final = "files/"
"""What paths of rendered files begin with."""

AT_ONCE: Final = 64
"""Bundles that are in memory at a time: one of 1,000,000 keys takes some megabytes, and there may be thousands."""


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a bundle. Equal parts are shared between bundles."""

    sha256: str
    size: int
    later: Later[bytes] = field(compare=False, repr=False)

    @property
    def content(self) -> bytes:
        return self.later.get()


def make_part(content: bytes) -> Part:
    return Part(digest(content), len(content), Later.of(content))


class Digests(NamedTuple):
    """Of a bundle, and of its manifest."""

    bundle: str
    manifest: str


@dataclass(frozen=True, slots=True)
class Bundle:
    """The immutable result for a target.

    `secrets` is the lock: each use (`name`, `name@previous`) to the fingerprint of its ciphertext. `sealed` are the paths of the files
    that are sealed to the recipients; their content is no part of the bundle.
    """

    target: Target
    parts: Mapping[str, Part]
    secrets: Mapping[str, str]
    recipients: tuple[str, ...]
    sealed: tuple[str, ...]
    listing: Listing = field(compare=False, repr=False)
    digests: Later[Digests] = field(compare=False, repr=False)

    @property
    def digest(self) -> str:
        return self.digests.get().bundle

    @property
    def manifest(self) -> bytes:
        """Written anew each time: of a bundle of many parts it is large, and seldom asked for."""
        return b"".join(_write_manifest(self, self.digest, self.listing.lists(self.parts)))

    @property
    def manifest_digest(self) -> str:
        return self.digests.get().manifest

    def files(self, sealed: Mapping[str, SealedFile] | None = None) -> BundleFiles:
        """Every file of the bundle by its path inside it, sorted."""
        return BundleFiles(self, {path: file.content for path, file in (sealed or {}).items()})


class BundleFiles(Mapping[str, bytes]):
    """The files of a bundle by path, sorted, each made when it is asked for; and those `beside` them: what is sealed or signed."""

    __slots__ = ("beside", "bundle")

    def __init__(self, bundle: Bundle, beside: Mapping[str, bytes]) -> None:
        self.bundle = bundle
        self.beside = beside

    def __getitem__(self, path: str) -> bytes:
        if path == MANIFEST:
            return self.bundle.manifest
        return self.beside[path] if path in self.beside else self.bundle.parts[path].content

    def __contains__(self, path: object) -> bool:
        return path == MANIFEST or path in self.beside or path in self.bundle.parts

    def __iter__(self) -> Iterator[str]:
        return iter(sorted([*self.bundle.parts, *self.beside, MANIFEST]))

    def __len__(self) -> int:
        return len(self.bundle.parts) + len(self.beside) + 1

    @property
    def laid(self) -> Laid[Part | None]:
        parts = self.bundle.parts
        return parts if isinstance(parts, Laid) else Laid(parts)

    @property
    def single(self) -> Mapping[str, bytes]:
        """What is no part: the manifest, what is sealed, who signed."""
        return {**self.beside, MANIFEST: self.bundle.manifest}

    def digests(self) -> dict[str, str]:
        """The SHA-256 of each, by path, for which no part has to be made."""
        digests = {path: part.sha256 for path, part in self.bundle.parts.items()}
        digests |= {path: digest(content) for path, content in self.beside.items()}
        return {**digests, MANIFEST: self.bundle.manifest_digest}

    def put(self, name: str, content: bytes) -> BundleFiles:
        """With another file beside them."""
        return BundleFiles(self.bundle, {**self.beside, name: content})


SealedFiles: TypeAlias = "Mapping[Target, Mapping[str, SealedFile]]"
SaidOfSealed: TypeAlias = "Mapping[str, Mapping[str, str | int]]"


class Stamp(NamedTuple):
    """Where a deployed state stands among those of its environment: counted from 1, and the root of the one before."""

    sequence: int
    previous: str | None


def make_bundle(
    target: Target,
    parts: Mapping[str, Part],
    secrets: Mapping[str, str],
    recipients: tuple[str, ...],
    opened: Collection[str] = (),
    listing: Listing | None = None,
) -> Bundle:
    """`opened` are the outputs that are sealed whole. Without recipients nothing is sealed. Bundles of one build share a `listing`."""
    lock = dict(sorted(secrets.items()))
    allowed = tuple(sorted({*recipients}))
    places: list[str] = [*map(sealed_path, opened), *([SECRETS] if lock else [])]
    sealed = tuple(sorted(places)) if allowed else ()
    bundle = Bundle(target, parts, lock, allowed, sealed, listing or Listing(), Later(lambda: _sum_up(bundle)))
    return bundle


def _sum_up(bundle: Bundle) -> Digests:
    lists = bundle.listing.lists(bundle.parts)
    secrets = b'},"secrets":%b}' % canonical_json(dict(bundle.secrets))
    content = digest_of_runs((b'{"parts":{', *lists.named, secrets))
    return Digests(content, digest_of_runs(_write_manifest(bundle, content, lists)))


def _write_manifest(bundle: Bundle, content: str, lists: Lists) -> Runs:
    """Canonical JSON: the members around `parts`, which are written already, sort before and after it."""
    target = bundle.target
    before = {"apiVersion": API_VERSION, "kind": "Bundle", "digest": f"sha256:{content}"}
    after = {
        "target": {"environment": target.environment, "tenant": target.tenant, "consumer": target.consumer},
        "secrets": {
            name: {"fingerprint": f"sha256:{fingerprint}", "epoch": None, "expires": None}
            for name, fingerprint in bundle.secrets.items()
        },
        "recipients": list(bundle.recipients),
        "sealed": list(bundle.sealed),
    }
    head, tail = canonical_json(before)[:-1], canonical_json(after)[1:]
    return (b'%b,"parts":{' % head, *lists.described, b"},%b\n" % tail)


def manifest_digests(bundles: Mapping[Target, Bundle], progress: Progress = UNWATCHED) -> dict[str, str]:
    """The digest of every bundle's manifest, by folder. The digest of these is the root of an environment."""
    with helped(lambda bundle: bundle.digests.get(), [*bundles.values()]):
        return {
            target.folder: bundle.manifest_digest for target, bundle in progress.over("taking digests", bundles.items())
        }


def head_of(
    environment: str,
    manifests: Mapping[str, str],
    commit: str | None,
    stamp: Stamp | None = None,
    sealed: Mapping[str, SaidOfSealed] | None = None,
) -> bytes:
    """`head.json`. It holds no time and no actor. Without a stamp nothing was deployed, and nothing is sealed.

    `manifests` are the digests of all bundles' manifests, `sealed` what it says of the sealed files, by folder.
    """
    head: dict[str, Any] = {
        "apiVersion": API_VERSION,
        "kind": "Head",
        "environment": environment,
        "root": f"sha256:{digest_of(manifests)}",
        "bundles": {folder: f"sha256:{manifest}" for folder, manifest in manifests.items()},
        "sealed": None if stamp is None else {folder: of_it for folder, of_it in (sealed or {}).items() if of_it},
        "revision": commit,
        "engine": ENGINE,
        "epoch": None,
        **stamp_fields(stamp),
        "issued": None,
        "expires": None,
        "signatures": [],
    }
    return canonical_json(head) + b"\n"


def stamp_fields(stamp: Stamp | None) -> dict[str, Any]:
    """A stamp as the head has it."""
    if stamp is None:
        return {"sequence": None, "previous": None}
    return {"sequence": stamp.sequence, "previous": f"sha256:{stamp.previous}" if stamp.previous else None}


def environment_files(
    environment: str,
    bundles: Mapping[Target, Bundle],
    commit: str | None,
    stamp: Stamp | None = None,
    sealed: SealedFiles | None = None,
) -> Files:
    """Every file of an environment's bundles, by path: the tree of its deployed ref, and what a directory sink holds."""
    sealed = sealed or {}
    said = {target.folder: say_sealed(of_target) for target, of_target in sealed.items()}
    folders = {target.folder: bundle.files(sealed.get(target)) for target, bundle in bundles.items()}
    return Files({HEAD: head_of(environment, manifest_digests(bundles), commit, stamp, said)}, folders)


def say_sealed(files: Mapping[str, SealedFile]) -> SaidOfSealed:
    """The sealed files of a bundle as the head has them."""
    return {
        path: {"sha256": digest(file.content), "size": len(file.content), "sequence": file.sequence}
        for path, file in files.items()
    }

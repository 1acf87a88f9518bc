"""Signing what is deployed: each bundle of an environment gets an envelope, `bundle.dsse.json`, in its folder.

All bundles of a state are signed, those that stayed the same too: so each consumer sees by its own bundle which state it is of.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from llmcfg.bundlefile.bundle import MANIFEST, target_of
from llmcfg.bundlefile.files import ENVELOPE, bundle_of, is_root, root_path
from llmcfg.errors import IntegrityError, NotAuthorisedError
from llmcfg.model.files import Files, StoredFolder
from llmcfg.pipeline.bundle import BundleFiles
from llmcfg.pipeline.stored import read_head
from llmcfg.signing import heartbeat
from llmcfg.signing.heartbeat import LASTS_SECONDS, Heartbeat, encode_heartbeat
from llmcfg.signing.statement import KIND, Statement, encode_statement, parse_signed, sealed_digests
from llmcfg.sync.promotion import tree_digest
from llmcfg.trust import dsse
from llmcfg.trust.failure import SignatureError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from llmcfg.ports import Repository, Snapshot
    from llmcfg.sync.deployed import Deployed
    from llmcfg.trust.root import Root
    from llmcfg.trust.signer import SigningKey

_RENEWED_AFTER: Final = 0.5  # of a signature's life


class Source:
    """The commit that bundles were built from, and the digest over all files of its configuration."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    @property
    def commit(self) -> str:
        return self._snapshot.revision.commit if self._snapshot.revision else ""

    def digest(self) -> bytes:
        """SHA-256 of the canonical JSON of `{path: SHA-256}`, so that nothing rests on Git's SHA-1."""
        return bytes.fromhex(tree_digest(self._snapshot))


@dataclass(frozen=True, slots=True)
class Publisher:
    """Signs with `keys`, as the root of trust `root` demands it. Signatures expire after `life_seconds`; 0 is never.

    `roots` are versions of the root as they were signed, by number; consumers find those that follow theirs beside their bundles.
    """

    keys: tuple[SigningKey, ...]
    root: Root
    now: Callable[[], datetime]
    life_seconds: int = 0
    roots: Mapping[int, bytes] = field(default_factory=dict)

    @property
    def fingerprints(self) -> tuple[str, ...]:
        return tuple(sorted(key.public.fingerprint for key in self.keys))

    def check(self) -> None:
        """Raises NotAuthorisedError for keys whose signatures no consumer would take."""
        allowed = {key.fingerprint for key in self.root.bundle_keys}
        for key in self.keys:
            if key.public.fingerprint not in allowed:
                raise NotAuthorisedError(
                    f"version {self.root.version} of the root of trust does not let {key.public.fingerprint} sign bundles",
                    hint="publish a root that names it, or sign with a key that it names",
                    code="signing-key",
                )
        if len(self.keys) < self.root.bundle_threshold:
            raise NotAuthorisedError(
                f"{self.root.bundle_threshold} keys have to sign bundles, and here is {len(self.keys)}",
                hint="name each with --signing-key FILE",
                code="signing-key",
            )

    def sign(self, files: Files, source: Source, before: Mapping[str, bytes]) -> Files:
        """The files of an environment with an envelope for each bundle. `before` are those that were deployed before."""
        self.check()
        digest, issued = source.digest(), int(self.now().timestamp())
        known = {folder: said.root for folder, _, said in envelopes(before)}
        head = read_head(files.top)
        sealed = head.sealed or {}
        signed: dict[str, Mapping[str, bytes]] = {}
        for folder, inner in files.folders.items():
            bundle = bundle_of(inner, seals={path: said.sequence for path, said in sealed.get(folder, {}).items()})
            statement = Statement(
                repository=self.root.repository,
                target=target_of(bundle),
                epoch=self.root.epoch,
                sequence=head.sequence or 0,
                previous=known.get(folder, b""),
                issued=issued,
                expires=issued + self.life_seconds if self.life_seconds else 0,
                commit=source.commit,
                sources=digest,
                digest=bundle.head.digest,
                root=bundle.head.root,
                subjects={
                    MANIFEST: hashlib.sha256(inner[MANIFEST]).digest(),
                    **sealed_digests(bundle),
                },
            )
            signed[folder] = _put(inner, self._envelope(KIND, encode_statement(statement)))
        roots = {path: said for path, said in before.items() if is_root(path)}
        roots |= {root_path(version): content for version, content in self.roots.items()}
        return Files({**files.top, **roots}, signed)

    def heartbeat(self, environment: str, sequence: int, root: str) -> bytes:
        """A heartbeat that says that this is the newest state now. Raises NotAuthorisedError as `check`."""
        self.check()
        issued = int(self.now().timestamp())
        said = Heartbeat(
            self.root.repository, environment, self.root.epoch, sequence, root, issued, issued + LASTS_SECONDS
        )
        return self._envelope(heartbeat.KIND, encode_heartbeat(said))

    def covers(self, files: Files) -> bool:
        """Whether all bundles are signed as this would sign them, and will be for a while."""
        head, now = read_head(files.top), self.now().timestamp()
        if any(files.top.get(root_path(version)) != content for version, content in self.roots.items()):
            return False
        known = {folder: (envelope, said) for folder, envelope, said in envelopes(_envelopes_of(files))}
        for folder, manifest in head.bundles.items():
            if folder not in known:
                return False
            envelope, said = known[folder]
            is_ours = (
                tuple(made.key for made in envelope.signatures) == self.fingerprints
                and said.repository == self.root.repository
            )
            is_this = (said.epoch, said.sequence) == (self.root.epoch, head.sequence)
            is_whole = f"sha256:{said.subjects.get(MANIFEST, b'').hex()}" == manifest
            is_fresh = not said.expires or now < said.issued + (said.expires - said.issued) * _RENEWED_AFTER
            if not (is_ours and is_this and is_whole and is_fresh):
                return False
        return True

    def _envelope(self, kind: str, payload: bytes) -> bytes:
        made = sorted(key.sign(kind, payload) for key in self.keys)
        return dsse.encode_envelope(dsse.Envelope(kind, payload, tuple(made)))


def envelopes(files: Mapping[str, bytes]) -> Iterator[tuple[str, dsse.Envelope, Statement]]:
    """The envelopes among an environment's files that can be read, with what they say, by folder. Signatures are not looked at."""
    for path, content in files.items():
        if _is_envelope(path):
            with suppress(SignatureError):
                yield path.rpartition("/")[0], *parse_signed(content)


def sign(
    files: Files,
    source: Source,
    before: Mapping[str, bytes],
    publisher: Publisher | None,
    *,
    unsigned: bool,
) -> Files:
    """The files of a state, which are not signed yet, signed if there is a publisher. `before` are the envelopes of the state before.

    Raises NotAuthorisedError where that was signed and nobody signs now, which would leave consumers with what they have.
    """
    if unsigned:
        return files
    if publisher is not None:
        return publisher.sign(files, source, before)
    if before:
        raise NotAuthorisedError(
            "what is deployed is signed, and nobody signs what is to take its place",
            hint="name a key with --signing-key FILE and --root FILE, or in the settings; or stop signing with --unsigned",
            code="signing-key",
        )
    return files


def read_signatures(repository: Repository, deployed: Deployed | None) -> dict[str, bytes]:
    """The envelopes of a deployed state, by their paths: of all its bundles or of none, and the versions of the root beside them.

    Empty for a state that is not signed, or cannot be read.
    """
    if deployed is None:
        return {}
    with suppress(IntegrityError):
        files = repository.read_files(deployed.commit)
        if ENVELOPE in next(iter(files.folders.values()), ()):
            return _envelopes_of(files) | {path: content for path, content in files.top.items() if is_root(path)}
    return {}


def _envelopes_of(files: Files) -> dict[str, bytes]:
    found = ((folder, inner.get(ENVELOPE)) for folder, inner in files.folders.items())
    return {f"{folder}/{ENVELOPE}": envelope for folder, envelope in found if envelope is not None}


def without_signatures(files: Files) -> Files:
    """The files without what signing adds to them."""
    top = {path: content for path, content in files.top.items() if not is_root(path)}
    return Files(top, {folder: _without_envelope(inner) for folder, inner in files.folders.items()})


def _without_envelope(inner: Mapping[str, bytes]) -> Mapping[str, bytes]:
    return inner.put(ENVELOPE, None) if isinstance(inner, StoredFolder) else inner


def _put(inner: Mapping[str, bytes], envelope: bytes) -> Mapping[str, bytes]:
    return (
        inner.put(ENVELOPE, envelope)
        if isinstance(inner, StoredFolder | BundleFiles)
        else {**inner, ENVELOPE: envelope}
    )


def _is_envelope(path: str) -> bool:
    return path.count("/") == 2 and path.endswith(f"/{ENVELOPE}")

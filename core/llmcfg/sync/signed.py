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
from llmcfg.pipeline.bundle import HEAD
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

    from llmcfg.bundlefile.bundle import Bundle
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

    def sign(self, files: Mapping[str, bytes], source: Source, before: Mapping[str, bytes]) -> dict[str, bytes]:
        """The files of an environment with an envelope for each bundle. `before` are those that were deployed before."""
        self.check()
        digest, issued = source.digest(), int(self.now().timestamp())
        known = {folder: said.root for folder, _, said in envelopes(before)}
        sequence = read_head(files).sequence or 0
        signed = without_signatures(files) | {path: said for path, said in before.items() if is_root(path)}
        signed |= {root_path(version): content for version, content in self.roots.items()}
        for folder, bundle in _bundles(signed).items():
            statement = Statement(
                repository=self.root.repository,
                target=target_of(bundle),
                epoch=self.root.epoch,
                sequence=sequence,
                previous=known.get(folder, b""),
                issued=issued,
                expires=issued + self.life_seconds if self.life_seconds else 0,
                commit=source.commit,
                sources=digest,
                digest=bundle.head.digest,
                root=bundle.head.root,
                subjects={
                    MANIFEST: hashlib.sha256(files[f"{folder}/{MANIFEST}"]).digest(),
                    **sealed_digests(bundle),
                },
            )
            signed[f"{folder}/{ENVELOPE}"] = self._envelope(KIND, encode_statement(statement))
        return dict(sorted(signed.items()))

    def heartbeat(self, environment: str, sequence: int, root: str) -> bytes:
        """A heartbeat that says that this is the newest state now. Raises NotAuthorisedError as `check`."""
        self.check()
        issued = int(self.now().timestamp())
        said = Heartbeat(
            self.root.repository, environment, self.root.epoch, sequence, root, issued, issued + LASTS_SECONDS
        )
        return self._envelope(heartbeat.KIND, encode_heartbeat(said))

    def covers(self, files: Mapping[str, bytes]) -> bool:
        """Whether all bundles are signed as this would sign them, and will be for a while."""
        head, now = read_head(files), self.now().timestamp()
        if any(files.get(root_path(version)) != content for version, content in self.roots.items()):
            return False
        known = {folder: (envelope, said) for folder, envelope, said in envelopes(files)}
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
    files: Mapping[str, bytes],
    source: Source,
    before: Mapping[str, bytes],
    publisher: Publisher | None,
    *,
    unsigned: bool,
) -> Mapping[str, bytes]:
    """The files of a state, signed if there is a publisher. `before` are the envelopes of the state that it follows.

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
        head = read_head({HEAD: repository.read_file(deployed.commit, HEAD) or b""})
        first = next(iter(head.bundles), "")
        if first and repository.read_file(deployed.commit, f"{first}/{ENVELOPE}") is not None:
            blobs = repository.tree_digests(deployed.commit)
            return {
                path: repository.read_blob(oid) for path, oid in blobs.items() if _is_envelope(path) or is_root(path)
            }
    return {}


def without_signatures(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files without what signing adds to them."""
    return {path: content for path, content in files.items() if not (_is_envelope(path) or is_root(path))}


def _is_envelope(path: str) -> bool:
    return path.count("/") == 2 and path.endswith(f"/{ENVELOPE}")


def _bundles(files: Mapping[str, bytes]) -> dict[str, Bundle]:
    """The bundles of an environment, by folder."""
    head = read_head(files)
    inner: dict[str, dict[str, bytes]] = {folder: {} for folder in head.bundles}
    for path, content in files.items():
        tenant, _, rest = path.partition("/")
        consumer, _, name = rest.partition("/")
        if f"{tenant}/{consumer}" in inner:
            inner[f"{tenant}/{consumer}"][name] = content
    return {
        folder: bundle_of(
            parts, seals={path: said.sequence for path, said in (head.sealed or {}).get(folder, {}).items()}
        )
        for folder, parts in inner.items()
    }

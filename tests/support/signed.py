"""Bundles that are signed, by keys of the tests and by wrong ones."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from llmcfg.bundlefile.bundle import MANIFEST, Bundle, target_of
from llmcfg.bundlefile.files import root_path
from llmcfg.bundlefile.writer import pack_bundle
from llmcfg.signing.statement import KIND, Statement, claims_of, encode_statement, sealed_digests
from llmcfg.trust.dsse import Envelope
from llmcfg.trust.root import Root
from llmcfg.trust.signer import SigningKey
from trust.roots import make_root
from trust.signing import NOW

ISSUED = int(NOW.timestamp()) - 60
COMMIT = "ab" * 20


def private_key(seed: int) -> Ed25519PrivateKey:
    """The private half of `tests.trust.signing.ed25519(seed)`."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"%d" % seed).digest())


def signing_key(seed: int) -> SigningKey:
    return SigningKey(private_key(seed))


def key_file(seed: int) -> bytes:
    """As ssh-keygen writes it."""
    return private_key(seed).private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())


def root_for(*seeds: int, **said: Any) -> Root:
    """A root that lets the keys of these seeds sign bundles."""
    return make_root(bundles=tuple(signing_key(seed).public.text for seed in seeds), **said)


def statement_about(bundle: Bundle, root: Root, sequence: int = 1, **said: Any) -> Statement:
    """What is signed of a bundle; `said` is put in its place."""
    statement = Statement(
        repository=root.repository,
        target=target_of(bundle),
        epoch=root.epoch,
        sequence=sequence,
        previous=b"",
        issued=ISSUED,
        expires=0,
        commit=COMMIT,
        sources=b"s" * 32,
        digest=bundle.head.digest,
        root=bundle.head.root,
        subjects={MANIFEST: hashlib.sha256(bundle.manifest()).digest(), **sealed_digests(bundle)},
    )
    return statement._replace(**said)


def envelope_about(statement: Statement, *seeds: int) -> Envelope:
    payload = encode_statement(statement)
    return Envelope(KIND, payload, tuple(signing_key(seed).sign(KIND, payload) for seed in seeds))


def signed(bundle: Bundle, root: Root, *seeds: int, sequence: int = 1, **said: Any) -> Bundle:
    """The bundle with the claims of a statement that the keys of these seeds signed, as a bundle file has them."""
    statement = statement_about(bundle, root, sequence, **said)
    claims = claims_of(envelope_about(statement, *seeds), statement)
    return Bundle(bundle.head._replace(commit=statement.commit, claims=claims), bundle.tree)


class SignedSink:
    """A folder as a sink keeps it, with the bundle of acme/api, in which somebody may put anything."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._count = 0

    def put(self, made: Bundle, roots: dict[int, bytes] | None = None) -> None:
        self._count += 1
        delivery = self._path / str(self._count)
        folder = delivery / "acme/api"
        folder.mkdir(parents=True)
        head = made.head._replace(sequence=self._count)  # whoever delivers counts deliveries, and nobody signs that
        (folder / "bundle.llmcfg").write_bytes(pack_bundle(Bundle(head, made.tree)))
        for version, content in (roots or {}).items():
            (delivery / root_path(version)).parent.mkdir(exist_ok=True)
            (delivery / root_path(version)).write_bytes(content)
        (self._path / "next").symlink_to(str(self._count))
        (self._path / "next").replace(self._path / "current")

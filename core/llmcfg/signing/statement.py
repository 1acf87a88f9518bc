"""What is signed of a bundle: a statement in the form of in-toto (Statement v1, in-toto.io/Statement/v1), as canonical JSON.

Its subjects are the files that a bundle hangs together under, `manifest.json` and what is sealed, so other tools can check them; its
predicate says for whom the bundle is, its place in the order of states, and what it was built from. A plain folder holds the statement
in an envelope, `bundle.dsse.json`. A bundle file holds what does not follow from the bundle itself, and both give the same bytes.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

import msgspec

from llmcfg.bundlefile.bundle import MANIFEST, Bundle, target_of
from llmcfg.bundlefile.files import ENVELOPE
from llmcfg.bundlefile.head import NOTHING, Claims, Signature, check_claims
from llmcfg.bundlefile.sealed import SEALED_FOLDER, SECRETS, is_sealed
from llmcfg.canonical import canonical_json
from llmcfg.errors import IntegrityError
from llmcfg.limits import BUNDLE_ENVELOPE_BYTES
from llmcfg.model.target import Target
from llmcfg.trust import dsse
from llmcfg.trust.failure import SIG_FORM, SIG_MISSING, SignatureError

if TYPE_CHECKING:
    from collections.abc import Mapping


KIND: Final = "application/vnd.in-toto+json"
STATEMENT: Final = "https://in-toto.io/Statement/v1"
PREDICATE: Final = "https://llmcfg.dev/bundle/v1"
_HINT: Final = "deploy again, which signs again: llmcfg apply"
_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"

_Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
_Commit = Annotated[str, msgspec.Meta(pattern="^(?:[0-9a-f]{40}|[0-9a-f]{64})$")]
_Time = Annotated[str, msgspec.Meta(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$")]
_Number = Annotated[int, msgspec.Meta(ge=1, le=1 << 52)]


class Statement(NamedTuple):
    """`previous` is the root that was signed before, empty for the first; `expires` is 0 for never. Times are seconds since 1970."""

    repository: str
    target: Target
    epoch: int
    sequence: int
    previous: bytes
    issued: int
    expires: int
    commit: str
    sources: bytes
    digest: bytes
    root: bytes
    subjects: Mapping[str, bytes]


class _Digests(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    sha256: _Sha256


class _Subject(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    digest: _Digests


class _Audience(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    repository: str
    environment: str
    tenant: str | None
    consumer: str


class _Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    commit: _Commit
    sha256: _Sha256


class _Predicate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    audience: _Audience
    epoch: _Number
    sequence: _Number
    previous: _Sha256 | None
    issued: _Time
    expires: _Time | None
    source: _Source
    digest: _Sha256
    root: _Sha256


class _Statement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: str = msgspec.field(name="_type")
    predicate: _Predicate
    predicateType: str
    subject: list[_Subject]


_decode = msgspec.json.Decoder(_Statement).decode


def encode_statement(statement: Statement) -> bytes:
    target = statement.target
    return canonical_json(
        {
            "_type": STATEMENT,
            "predicate": {
                "audience": {
                    "consumer": target.consumer,
                    "environment": target.environment,
                    "repository": statement.repository,
                    "tenant": target.tenant,
                },
                "digest": statement.digest.hex(),
                "epoch": statement.epoch,
                "expires": _written(statement.expires) if statement.expires else None,
                "issued": _written(statement.issued),
                "previous": statement.previous.hex() or None,
                "root": statement.root.hex(),
                "sequence": statement.sequence,
                "source": {"commit": statement.commit, "sha256": statement.sources.hex()},
            },
            "predicateType": PREDICATE,
            "subject": [
                {"digest": {"sha256": sha256.hex()}, "name": name}
                for name, sha256 in sorted(statement.subjects.items())
            ],
        }
    )


def parse_statement(payload: bytes) -> Statement:
    """Raises SignatureError for what is no statement about a bundle, or is not written in its one form."""
    try:
        read = _decode(payload)
        statement = _statement(read)
        if encode_statement(statement) == payload:
            return statement
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError):
        pass
    raise SignatureError(SIG_FORM, "what was signed is no statement about a bundle, or not written in its one form")


def parse_signed(content: bytes) -> tuple[dsse.Envelope, Statement]:
    """The envelope of a plain folder, whose signatures are not looked at. Raises SignatureError."""
    envelope = dsse.parse_envelope(content, kind=KIND, limit=BUNDLE_ENVELOPE_BYTES)
    return envelope, parse_statement(envelope.payload)


def statement_of(bundle: Bundle) -> Statement:
    """What a bundle says was signed of it. Raises SignatureError where nothing was, and IntegrityError for a damaged bundle."""
    head, claims = bundle.head, bundle.head.claims
    if claims is None:
        raise SignatureError(SIG_MISSING, "it is not signed")
    return Statement(
        repository=claims.repository,
        target=target_of(bundle),
        epoch=claims.epoch,
        sequence=claims.sequence,
        previous=claims.previous,
        issued=claims.issued,
        expires=claims.expires,
        commit=head.commit,
        sources=claims.sources,
        digest=head.digest,
        root=head.root,
        subjects={MANIFEST: claims.manifest, **sealed_digests(bundle)},
    )


def envelope_of(bundle: Bundle) -> dsse.Envelope:
    """The envelope that a plain folder of this bundle has. Raises as `statement_of`."""
    statement = statement_of(bundle)
    signatures = bundle.head.claims.signatures if bundle.head.claims else []
    made = tuple(dsse.Signature(one.fingerprint, one.content) for one in signatures)
    return dsse.Envelope(KIND, encode_statement(statement), made)


def encoded_envelope_of(bundle: Bundle) -> bytes:
    """The same as it is written."""
    return dsse.encode_envelope(envelope_of(bundle))


def claims_of(envelope: dsse.Envelope, statement: Statement) -> Claims:
    """What a bundle file says of it. Raises SignatureError for signatures that have no form there."""
    try:
        signatures = [_signature(made) for made in envelope.signatures]
        claims = Claims(
            repository=statement.repository,
            epoch=statement.epoch,
            sequence=statement.sequence,
            previous=statement.previous,
            issued=statement.issued,
            expires=statement.expires,
            sources=statement.sources,
            manifest=statement.subjects.get(MANIFEST, NOTHING),
            signatures=signatures,
        )
        return check_claims(claims)
    except ValueError:
        raise SignatureError(SIG_FORM, "its signatures are not those of Ed25519 keys") from None


def with_claims(bundle: Bundle, content: bytes) -> Bundle:
    """The bundle of a plain folder with what its envelope says. Raises IntegrityError for an envelope that is none, or another bundle's."""
    try:
        envelope, said = parse_signed(content)
        head = bundle.head._replace(commit=said.commit, claims=claims_of(envelope, said))
    except SignatureError as error:
        raise IntegrityError(f"{ENVELOPE} cannot be read: {error.reason}", hint=_HINT, code=error.code) from None
    signed = Bundle(head, bundle.tree, bundle.packed)
    if statement_of(signed) != said:
        raise IntegrityError(f"{ENVELOPE} is not about the bundle beside it", hint=_HINT, code="bundle-mixed")
    return signed


def sealed_digests(bundle: Bundle) -> dict[str, bytes]:
    """The SHA-256 of each sealed file by its path."""
    below = (bundle.tree.below(beginning) for beginning in (SECRETS, SEALED_FOLDER))
    return {name: leaf.sha256 for found in below for name, leaf in found if is_sealed(name)}


def _statement(read: _Statement) -> Statement:
    said, audience = read.predicate, read.predicate.audience
    return Statement(
        repository=audience.repository,
        target=Target(audience.environment, audience.tenant, audience.consumer),
        epoch=said.epoch,
        sequence=said.sequence,
        previous=bytes.fromhex(said.previous or ""),
        issued=_seconds(said.issued),
        expires=_seconds(said.expires) if said.expires else 0,
        commit=said.source.commit,
        sources=bytes.fromhex(said.source.sha256),
        digest=bytes.fromhex(said.digest),
        root=bytes.fromhex(said.root),
        subjects={subject.name: bytes.fromhex(subject.digest.sha256) for subject in read.subject},
    )


def _written(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime(_TIME)


def _seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def _signature(made: dsse.Signature) -> Signature:
    """Raises ValueError for the name of a key that is no fingerprint, or not written as one is."""
    encoded = made.key.removeprefix("SHA256:") + "="
    signature = Signature(base64.b64decode(encoded, validate=True), made.content)
    if signature.fingerprint != made.key:
        raise ValueError("no fingerprint is written like that")
    return signature

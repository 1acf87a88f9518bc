"""Heartbeats: a signed document that says, for a quarter of an hour, which state of an environment is the newest (docs/spec/signing.md).

Without one, nobody can tell a bundle that is still the newest from one whose successors are kept back. So a missing or old heartbeat makes
what is in use stale, and not forged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from llmcfg.canonical import canonical_json
from llmcfg.limits import HEARTBEAT_BYTES
from llmcfg.signing.verdict import check_signature
from llmcfg.trust import dsse
from llmcfg.trust.failure import SIG_FORM, SignatureError

if TYPE_CHECKING:
    from datetime import datetime

    from llmcfg.signing.statement import Statement
    from llmcfg.trust.root import Root

KIND: Final = "application/vnd.llmcfg.heartbeat+json"
FILE: Final = "heartbeat.json"
"""Its name in the folder of a sink, beside what is delivered."""
EVERY_SECONDS: Final = 300
LASTS_SECONDS: Final = 900

_Number = Annotated[int, msgspec.Meta(ge=1, le=1 << 52)]


class Heartbeat(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`root` is the digest of all bundles of the state, as in `head.json`. Times are seconds since 1970."""

    repository: str
    environment: str
    epoch: _Number
    sequence: _Number
    root: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    issued: _Number
    expires: _Number


_decode = msgspec.json.Decoder(Heartbeat).decode


def encode_heartbeat(heartbeat: Heartbeat) -> bytes:
    """What is signed."""
    return canonical_json(msgspec.to_builtins(heartbeat))


def parse_heartbeat(content: bytes) -> tuple[dsse.Envelope, Heartbeat]:
    """A heartbeat in its envelope; its signatures are not looked at. Raises SignatureError."""
    envelope = dsse.parse_envelope(content, kind=KIND, limit=HEARTBEAT_BYTES)
    try:
        heartbeat = _decode(envelope.payload)
        if encode_heartbeat(heartbeat) == envelope.payload:
            return envelope, heartbeat
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    raise SignatureError(SIG_FORM, "it is no heartbeat, or not written in its one form")


def check_heartbeat(content: bytes, root: Root) -> Heartbeat:
    """A heartbeat that the root's bundle keys signed for its repository and epoch. Raises SignatureError."""
    envelope, heartbeat = parse_heartbeat(content)
    signed = dsse.signed_by(envelope, root.bundle_keys, check_signature)
    dsse.require(signed, root.bundle_keys, root.bundle_threshold, "bundle keys")
    if (heartbeat.repository, heartbeat.epoch) != (root.repository, root.epoch):
        raise SignatureError(SIG_FORM, "it is of another repository or epoch")
    return heartbeat


def why_stale(heartbeat: Heartbeat, used: Statement, now: datetime) -> str:
    """Why the bundle in use may not be the newest; empty when it is."""
    if heartbeat.environment != used.target.environment:
        return f"the heartbeat is that of {heartbeat.environment}"
    if heartbeat.expires <= now.timestamp():
        return "the last heartbeat has expired"
    if heartbeat.sequence > used.sequence:
        return f"number {heartbeat.sequence} is deployed, and this is number {used.sequence}"
    return ""

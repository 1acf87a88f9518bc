"""Proofs for somebody who has no log: that an entry is among those of a checkpoint, and that a log only grew between two of them.

A proof is a file that stands for itself: it carries the checkpoint that it leads to, with its signature if there is one. Whoever reads it
has that checkpoint from elsewhere, or knows who signs: a proof does not vouch for what it leads to. Hashes are those of RFC 6962.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias

import msgspec

from llmcfg.audit.checkpoint import encode_checkpoint, parse_checkpoint, require_signature
from llmcfg.audit.entry import Entry, parse_entry
from llmcfg.audit.merkle import Tree, consistency_proof, inclusion_proof, is_consistent, is_included, leaf_hash
from llmcfg.canonical import canonical_json
from llmcfg.errors import IntegrityError, NotFoundError, UsageError

if TYPE_CHECKING:
    from llmcfg.audit.checkpoint import Checkpoint
    from llmcfg.audit.log import Log
    from llmcfg.audit.place import Kept
    from llmcfg.trust.keys import PublicKey

_DAMAGED: Final = "ask for it again: llmcfg audit prove"


class _Proof(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel", tag_field="kind", kw_only=True):
    """`checkpoint` is what the proof leads to, as Git keeps it; `signature` is the signature of that, empty without one."""

    api_version: Literal["llmcfg.dev/v1"] = "llmcfg.dev/v1"
    checkpoint: str
    signature: str
    hashes: tuple[str, ...]


class Inclusion(_Proof, frozen=True, tag="AuditInclusion", kw_only=True):
    """The line `entry` is among those that the checkpoint counts, at the place that it names."""

    entry: str


class Consistency(_Proof, frozen=True, tag="AuditConsistency", kw_only=True):
    """The entries that the checkpoint `since` counts are the first of those that `checkpoint` counts."""

    since: str


Proof: TypeAlias = "Inclusion | Consistency"
_decode: Final = msgspec.json.Decoder(Inclusion | Consistency).decode


class Included(NamedTuple):
    """The entry is among those that the checkpoint counts."""

    checkpoint: Checkpoint
    entry: Entry


class Grown(NamedTuple):
    """The log grew from `since` to `checkpoint`, and what was there is there."""

    checkpoint: Checkpoint
    since: Checkpoint


def prove_entry(log: Log, number: int, kept: Kept) -> Inclusion:
    """Raises NotFoundError for an entry that the checkpoint does not count or that was deleted, IntegrityError for another log's."""
    tree, lines = _tree_of(log, kept.checkpoint)
    first = kept.checkpoint.size - len(lines)
    if not first <= number < kept.checkpoint.size:
        raise NotFoundError(
            f"the checkpoint of {kept.checkpoint.size} entries of {log.name} counts no entry {number} that is here",
            hint=f"those from {first} on are; for later ones make another: llmcfg audit checkpoint",
        )
    hashes = inclusion_proof(tree, number, kept.checkpoint.size)
    return Inclusion(entry=lines[number - first].decode(), **_leading_to(kept, hashes))


def prove_growth(log: Log, since: Checkpoint, kept: Kept) -> Consistency:
    """Raises IntegrityError where the log did not grow from `since`, NotFoundError where that cannot be told after a deletion."""
    tree, _ = _tree_of(log, kept.checkpoint)
    try:
        hashes = consistency_proof(tree, since.size, kept.checkpoint.size)
    except LookupError:
        raise NotFoundError(
            f"the entries of {log.name} around {since.size} were deleted, so nothing can be proved of them",
            hint="ask for a proof from a later checkpoint",
        ) from None
    proof = Consistency(since=encode_checkpoint(since).decode(), **_leading_to(kept, hashes))
    check_proof(proof, checkpoint=kept.checkpoint, since=since)
    return proof


def encode_proof(proof: Proof) -> bytes:
    """The content of its file."""
    return canonical_json(msgspec.to_builtins(proof)) + b"\n"


def parse_proof(content: bytes) -> Proof:
    """Raises IntegrityError for what is not written in the one form."""
    try:
        proof: Proof = _decode(content)
        if encode_proof(proof) == content:
            return proof
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError):
        pass
    raise IntegrityError("it is no proof as llmcfg writes it", hint=_DAMAGED)


def check_proof(
    proof: Proof,
    *,
    checkpoint: Checkpoint | None = None,
    since: Checkpoint | None = None,
    signer: PublicKey | None = None,
) -> Included | Grown:
    """What a proof shows to who has the checkpoint that it leads to, or knows the key that signs that one.

    `since` is an earlier one that they have, and that the log has to have grown from. It is not enough alone: what a proof leads to binds
    what was there before, and not the other way round, so anybody can go on from a checkpoint with entries of their own, and miscount them.

    Raises IntegrityError for a proof that shows nothing to them, UsageError where nothing of theirs vouches for what it leads to.
    """
    end = parse_checkpoint(proof.checkpoint.encode())
    _require_vouched(proof, end, checkpoint, signer)
    if isinstance(proof, Inclusion):
        if since is not None:
            raise UsageError("the proof is about an entry, and not about how a log grew", hint="leave out --since")
        return Included(end, _require_included(proof.entry, end, _hashes(proof)))
    begin = parse_checkpoint(proof.since.encode())
    if since not in (None, begin):
        raise IntegrityError(
            f"the proof begins at another checkpoint, of {begin.size} entries of {begin.log}",
            hint="ask for one from yours: llmcfg audit prove --since FILE",
        )
    _require_grown(begin, end, _hashes(proof))
    return Grown(end, begin)


def _require_vouched(proof: Proof, end: Checkpoint, theirs: Checkpoint | None, signer: PublicKey | None) -> None:
    if signer is not None:
        require_signature(proof.checkpoint.encode(), proof.signature.encode(), end.log, signer)
    elif theirs is None:
        raise UsageError(
            f"nothing vouches for what the proof leads to, {end.size} entries of {end.log}",
            hint="name the key that signs it, --signer FILE, or that checkpoint as you have it, --checkpoint FILE",
        )
    if theirs not in (None, end):
        raise IntegrityError(
            f"the proof leads to another checkpoint, of {end.size} entries of {end.log}",
            hint="ask for one to yours: llmcfg audit prove --checkpoint FILE; one that it begins at is --since FILE",
        )


def _require_included(line: str, checkpoint: Checkpoint, hashes: list[bytes]) -> Entry:
    entry = parse_entry(line.encode())
    leaf = leaf_hash(line.encode())
    is_there = is_included(leaf, entry.number, checkpoint.size, checkpoint.root, hashes)
    if entry.log != checkpoint.log or not is_there:
        raise IntegrityError(
            f"entry {entry.number} of {entry.log} is not among those that the checkpoint counts", hint=_DAMAGED
        )
    return entry


def _require_grown(since: Checkpoint, checkpoint: Checkpoint, hashes: list[bytes]) -> None:
    is_one_log = (since.id, since.log) == (checkpoint.id, checkpoint.log)
    if not is_one_log or not is_consistent(since.size, since.root, checkpoint.size, checkpoint.root, hashes):
        raise IntegrityError(
            f"the log {checkpoint.log} with {checkpoint.size} entries did not grow from what had {since.size}",
            hint="somebody wrote it anew, or the checkpoint is of another clone: llmcfg audit verify",
        )


def _tree_of(log: Log, checkpoint: Checkpoint) -> tuple[Tree, list[bytes]]:
    """The tree, and the lines that are left of those that the checkpoint counts.

    Raises IntegrityError where these are others, NotFoundError where none are left.
    """
    head = log.head_file().read()
    if checkpoint.size < head.base.size:
        raise NotFoundError(
            f"what the checkpoint of {checkpoint.size} entries of {log.name} counts was deleted",
            hint=f"entries from {head.base.size} on are here",
        )
    lines = [line for _, line in islice(log.lines(), checkpoint.size - head.base.size)]
    tree = Tree([leaf_hash(line) for line in lines], head.base.frontier)
    is_whole = checkpoint.id == head.id and head.base.size + len(lines) == checkpoint.size
    if not is_whole or tree.root(0, checkpoint.size) != checkpoint.root:
        raise IntegrityError(
            f"the log {log.name} is not the one that the checkpoint of {checkpoint.size} entries counts",
            hint="llmcfg audit verify shows what changed",
        )
    return tree, lines


def _leading_to(kept: Kept, hashes: list[bytes]) -> dict[str, Any]:
    return {
        "checkpoint": encode_checkpoint(kept.checkpoint).decode(),
        "signature": kept.signature.decode(),
        "hashes": tuple(one.hex() for one in hashes),
    }


def _hashes(proof: Proof) -> list[bytes]:
    """In the one form that they have."""
    try:
        found = [bytes.fromhex(one) for one in proof.hashes]
    except ValueError:
        found = []
    if tuple(one.hex() for one in found) != proof.hashes:
        raise IntegrityError("a hash of the proof is none", hint=_DAMAGED)
    return found

"""Promotion: the signed word that one commit, with this content, is to run in one environment of this repository.

A signed commit says nothing of where it may run: whoever controls a remote could show a good commit of a test branch as production's. So an
environment that the root of trust protects runs what a tag `promote/<environment>/…` names, whose message ends in these lines.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.canonical import digest_of
from llmcfg.errors import NotAuthorisedError
from llmcfg.trust.commits import who_tagged
from llmcfg.trust.failure import SignatureError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmcfg.model.snapshot import Revision
    from llmcfg.ports import Snapshot
    from llmcfg.sync.pathrules import FirstSeen
    from llmcfg.sync.trusted import RawObjects
    from llmcfg.trust.root import Root
    from llmcfg.trust.signers import Signers

PROMOTIONS: Final = "promote/"


class Promotion(NamedTuple):
    """`tree` is the digest of the configuration's files, by content and not by Git's object ids, which rest on SHA-1."""

    repository: str
    environment: str
    commit: str
    tree: str

    @property
    def text(self) -> str:
        return (
            f"repository: {self.repository}\nenvironment: {self.environment}\n"
            f"commit: {self.commit}\ntree: sha256:{self.tree}\n"
        )


def promotion_of(root: Root, environment: str, revision: Revision, snapshot: Snapshot) -> Promotion:
    return Promotion(root.repository, environment, revision.commit, tree_digest(snapshot))


def tree_digest(snapshot: Snapshot) -> str:
    """SHA-256 of the canonical JSON of each file's path and SHA-256."""
    return digest_of(
        {path: hashlib.sha256(snapshot.read(entry.oid)).hexdigest() for path, entry in snapshot.entries.items()}
    )


def promoters(
    wanted: Promotion,
    tags: Mapping[str, str],
    objects: RawObjects,
    root: Root,
    signers: Signers,
    first_seen: FirstSeen,
) -> frozenset[str]:
    """Who signed this promotion, of those who may, among tags (name to object)."""
    able = {*root.environments[wanted.environment].signers}
    found: set[str] = set()
    for name, oid in tags.items():
        kind, raw = objects.raw(oid) if name.startswith(f"{PROMOTIONS}{wanted.environment}/") else ("", b"")
        if kind != "tag":
            continue
        try:
            by = who_tagged(raw, name, signers, seen=first_seen(oid))
        except SignatureError:
            continue
        if by.commit == wanted.commit and _says(by.message, wanted):
            found.add(by.signer.name)
    return frozenset(found & able)


def require_promoted(root: Root, wanted: Promotion, by: frozenset[str]) -> None:
    """Raises NotAuthorisedError where too few said so."""
    rule = root.environments[wanted.environment]
    if len(by) >= rule.threshold:
        return
    others = ", ".join(name for name in rule.signers if name not in by)
    has = f"{len(by)} of {rule.threshold}" if rule.threshold > 1 else "nobody"
    raise NotAuthorisedError(
        f"{wanted.commit[:10]} is not promoted to {wanted.environment}: {has} of those who may has signed that",
        hint=f"{others} can: llmcfg trust promote {wanted.environment} {wanted.commit[:10]} --key KEY",
        code="not-promoted",
    )


def _says(message: bytes, wanted: Promotion) -> bool:
    return f"\n{message.decode('utf-8', 'replace')}".endswith(f"\n{wanted.text}")

"""A bundle as programs hold it: a head and the tree of its parts, in a file, in memory, or some of each.

Parts are those of `manifest.json` under their names there, and more: `lock.json`, the manifest without `parts` and `digest`, and where
secrets were sealed `secrets.age`, `sealed/…` and `seals.json`, which says the sequence of each. A part is read when it is asked for, and
counts only if its bytes have its digest.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

import msgspec

from llmcfg import limits
from llmcfg.bundlefile.nodes import Leaf
from llmcfg.canonical import canonical_json, digest_of
from llmcfg.errors import IntegrityError, UsageError
from llmcfg.model.target import Target

if TYPE_CHECKING:
    from llmcfg.bundlefile.head import Head
    from llmcfg.bundlefile.tree import Tree

MANIFEST: Final = "manifest.json"
LOCK: Final = "lock.json"
SEALS: Final = "seals.json"
_HINT: Final = "deliver it again: llmcfg apply"


class Bundle:
    """Immutable. Reading needs no lock. `packed` is the whole file, if it is one."""

    __slots__ = ("head", "packed", "tree")

    def __init__(self, head: Head, tree: Tree, packed: memoryview | None = None) -> None:
        self.head = head
        self.tree = tree
        self.packed = packed

    def read(self, name: str) -> bytes | None:
        """The bytes of a part; None if there is no such part. Raises IntegrityError when they are not what the tree says."""
        leaf = self.tree.find(name)
        return None if leaf is None else read_leaf(leaf, name)

    def manifest(self) -> bytes:
        """`manifest.json`, byte for byte as the bundle was built with it."""
        lock = self.lock()
        parts = {
            name: {"sha256": leaf.sha256.hex(), "size": leaf.size}
            for name, leaf in self.tree.below()
            if _is_covered(name)
        }
        return canonical_json({**lock, "digest": f"sha256:{self.head.digest.hex()}", "parts": parts}) + b"\n"

    def lock(self) -> dict[str, Any]:
        """Target, secret lock and recipients."""
        content = self.read(LOCK)
        try:
            return msgspec.json.decode(content or b"", type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise IntegrityError(f"the bundle has no readable {LOCK}", hint=_HINT) from None

    def fingerprints(self) -> dict[str, str]:
        """The secret lock: each secret that the bundle uses, with the fingerprint of its ciphertext."""
        try:
            return {name: str(entry["fingerprint"]) for name, entry in self.lock()["secrets"].items()}
        except (KeyError, TypeError, AttributeError):
            raise IntegrityError(f"{LOCK} of the bundle has no secret lock", hint=_HINT) from None

    def seals(self) -> dict[str, int] | None:
        """The sealed files, each with the sequence of the head that first named it; None where nothing was deployed."""
        content = self.read(SEALS)
        try:
            return None if content is None else msgspec.json.decode(content, type=dict[str, int])
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise IntegrityError(f"the bundle has no readable {SEALS}", hint=_HINT) from None

    def verify(self) -> None:
        """Read everything. Raises IntegrityError for the first part that is not what the tree says, or a head that fits another bundle."""
        for name, leaf in self.tree.below():
            read_leaf(leaf, name)
        if self.content_digest() != self.head.digest:
            raise IntegrityError("the bundle is not the one that its head names", hint=_HINT)

    def content_digest(self) -> bytes:
        """The digest that `manifest.json` says, from the leaves and the secret lock (docs/spec/bundle.md)."""
        parts = {name: leaf.sha256.hex() for name, leaf in self.tree.below() if _is_covered(name)}
        secrets = {name: fingerprint.removeprefix("sha256:") for name, fingerprint in self.fingerprints().items()}
        return bytes.fromhex(digest_of({"parts": parts, "secrets": secrets}))


def target_of(bundle: Bundle) -> Target:
    """What the bundle is for. Raises IntegrityError for one that does not say it."""
    try:
        said = msgspec.convert(bundle.lock()["target"], dict[str, str | None])
        return Target(said["environment"] or "", said["tenant"], said["consumer"] or "")
    except (KeyError, msgspec.ValidationError):
        raise IntegrityError("the bundle does not say what it is for", hint=_HINT) from None


def read_leaf(leaf: Leaf, name: str) -> bytes:
    if isinstance(leaf.place, bytes):
        return leaf.place
    try:
        content = leaf.place.file.read_frame(leaf.place, leaf)
    except IntegrityError as error:
        raise IntegrityError(f"{name} in the bundle file is damaged: {error.message}", hint=_HINT) from None
    if hashlib.sha256(content).digest() != leaf.sha256:
        raise IntegrityError(f"{name} in the bundle file is not what its digest says", hint=_HINT)
    return content


def make_leaf(content: bytes) -> Leaf:
    if len(content) > limits.BUNDLE_PART_BYTES:
        raise UsageError(
            f"a file of {len(content)} bytes is too large for a bundle, the limit is {limits.BUNDLE_PART_BYTES}"
        )
    return Leaf(hashlib.sha256(content).digest(), len(content), content)


def _is_covered(name: str) -> bool:
    return name.startswith(("config/", "files/"))

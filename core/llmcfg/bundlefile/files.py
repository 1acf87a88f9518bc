"""A bundle file from the plain files of a bundle (docs/spec/bundle.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from llmcfg.bundlefile.bundle import LOCK, MANIFEST, SEALS, Bundle, make_leaf
from llmcfg.bundlefile.head import Head
from llmcfg.bundlefile.sealed import is_sealed
from llmcfg.bundlefile.tree import build_tree
from llmcfg.canonical import canonical_json
from llmcfg.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmcfg.bundlefile.nodes import Leaf
    from llmcfg.bundlefile.tree import Tree

BUNDLE_FILE: Final = "bundle.llmcfg"
"""Its name beside the plain files."""
ENVELOPE: Final = "bundle.dsse.json"
"""The signed statement about a bundle, beside the plain files."""
ROOTS: Final = "roots"
"""The folder of the versions of the root of trust, beside the bundles of an environment."""
_HINT: Final = "build it again: llmcfg render, or llmcfg apply"


class _Part(msgspec.Struct):
    sha256: str
    size: int


class _Said(msgspec.Struct):
    digest: str
    parts: dict[str, _Part]


def root_path(version: int) -> str:
    """Where a version of the root of trust lies among an environment's files."""
    return f"{ROOTS}/{version}.json"


def is_root(path: str) -> bool:
    """Whether a file of an environment is a version of the root of trust. A tenant may have the name of its folder."""
    return path.startswith(f"{ROOTS}/") and path.count("/") == 1


def bundle_of(
    files: Mapping[str, bytes], previous: Bundle | None = None, *, seals: Mapping[str, int] | None = None
) -> Bundle:
    """The bundle that these files are, by their paths inside it. Its head names the root and the digest, and nothing else.

    `seals` are the sequences of the sealed files as `head.json` has them, None where nothing was deployed. What is the same in
    `previous`, which was checked, is taken from there. Raises IntegrityError when the files are not what their manifest says.
    """
    said, lock = _parse_manifest(files.get(MANIFEST, b""))
    contents = {name: content for name, content in files.items() if name != MANIFEST}
    sealed = {name for name in contents if is_sealed(name)}
    if sealed != {*(seals or {})}:
        raise IntegrityError(f"{min(sealed ^ {*(seals or {})})} is sealed, or said to be, but not both", hint=_HINT)
    plain = contents.keys() - sealed
    if plain != {*said.parts}:
        wrong = min(plain ^ {*said.parts})
        raise IntegrityError(f"{wrong} is in the bundle or in its {MANIFEST}, but not in both", hint=_HINT)
    derived = {LOCK: lock} if not seals else {LOCK: lock, SEALS: canonical_json({**seals}) + b"\n"}
    leaves = {name: make_leaf(content) for name, content in {**contents, **derived}.items()}
    for name, part in said.parts.items():
        if leaves[name].sha256.hex() != part.sha256:
            raise IntegrityError(f"{name} is not what its {MANIFEST} says", hint=_HINT)
    tree = build_tree(leaves if previous is None else _shared(leaves, previous.tree))
    bundle = Bundle(Head(tree.digest, bytes.fromhex(said.digest.removeprefix("sha256:"))), tree)
    if bundle.content_digest() != bundle.head.digest:
        raise IntegrityError(f"the digest in {MANIFEST} is not that of the bundle", hint=_HINT)
    return bundle


def part_names(manifest: bytes) -> list[str]:
    """The files of a bundle beside its manifest. Raises IntegrityError for a manifest that cannot be read, or leaves its folder."""
    said, _ = _parse_manifest(manifest)
    for name in said.parts:
        if any(segment in ("", ".", "..") for segment in name.split("/")) or "\0" in name:
            raise IntegrityError(f"{MANIFEST} names {name!r}, which is in no bundle", hint=_HINT)
    return sorted(said.parts)


def _shared(leaves: Mapping[str, Leaf], before: Tree) -> dict[str, Leaf]:
    """The leaves, those of the other tree where it has the same."""
    known = dict(before.below())
    return {
        name: known[name] if name in known and known[name].sha256 == leaf.sha256 else leaf
        for name, leaf in leaves.items()
    }


def _parse_manifest(content: bytes) -> tuple[_Said, bytes]:
    """What the manifest says of parts, and the rest of it as the bytes of `lock.json`."""
    try:
        said = msgspec.json.decode(content, type=_Said)
        whole: dict[str, Any] = msgspec.json.decode(content, type=dict[str, Any])
        bytes.fromhex(said.digest.removeprefix("sha256:"))
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, RecursionError):
        raise IntegrityError(f"the bundle has no readable {MANIFEST}", hint=_HINT) from None
    return said, canonical_json(
        {name: value for name, value in whole.items() if name not in ("digest", "parts")}
    ) + b"\n"

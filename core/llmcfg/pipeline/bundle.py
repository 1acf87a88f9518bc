"""Bundles: what one target gets, as named parts (docs/spec/bundle.md).

`config/<document>.json` are canonical JSON of what the consumer selects, `files/…` are rendered outputs, `manifest.json` names the
target, every part's SHA-256 and the secret lock. The bundle's digest covers config, files and lock. An environment's bundles hang
together under a root digest in `head.json`, which also names revision and engine. Signing and sealing fill the fields that are null.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from llmcfg import __version__
from llmcfg.canonical import canonical_json, digest, digest_of
from llmcfg.model.reference import ReferenceKind, find_references, is_whole, secret_reference

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmcfg.model.target import Target
    from llmcfg.model.value import Value

API_VERSION: Final = "llmcfg.dev/v1"
ENGINE: Final = f"llmcfg/{__version__}"
HEAD: Final = "head.json"
MANIFEST: Final = "manifest.json"


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a bundle. Equal parts are shared between bundles."""

    content: bytes
    sha256: str


def make_part(content: bytes) -> Part:
    return Part(content, digest(content))


@dataclass(frozen=True, slots=True)
class Bundle:
    """The immutable result for a target. `secrets` is the lock: each use (`name`, `name@previous`) to the fingerprint of its ciphertext."""

    target: Target
    parts: Mapping[str, Part]
    secrets: Mapping[str, str]
    recipients: tuple[str, ...]
    digest: str
    manifest: bytes

    def files(self) -> dict[str, bytes]:
        """Every file of the bundle by its path inside it, sorted."""
        files = {path: part.content for path, part in self.parts.items()}
        files[MANIFEST] = self.manifest
        return dict(sorted(files.items()))


def make_bundle(
    target: Target, parts: Mapping[str, Part], secrets: Mapping[str, str], recipients: tuple[str, ...]
) -> Bundle:
    ordered = dict(sorted(parts.items()))
    lock = dict(sorted(secrets.items()))
    allowed = tuple(sorted({*recipients}))
    content = digest_of({"parts": {path: part.sha256 for path, part in ordered.items()}, "secrets": lock})
    manifest: dict[str, Any] = {
        "apiVersion": API_VERSION,
        "kind": "Bundle",
        "target": {"environment": target.environment, "tenant": target.tenant, "consumer": target.consumer},
        "digest": f"sha256:{content}",
        "parts": {path: {"sha256": part.sha256, "size": len(part.content)} for path, part in ordered.items()},
        "secrets": {
            name: {"fingerprint": f"sha256:{fingerprint}", "epoch": None, "expires": None}
            for name, fingerprint in lock.items()
        },
        "recipients": list(allowed),
        "sealed": None,
    }
    return Bundle(target, ordered, lock, allowed, content, canonical_json(manifest) + b"\n")


def root_digest(bundles: Mapping[Target, Bundle]) -> str:
    """The digest of an environment: over the digest of every bundle's manifest, by folder."""
    return digest_of({target.folder: digest(bundle.manifest) for target, bundle in bundles.items()})


def head_of(environment: str, bundles: Mapping[Target, Bundle], commit: str | None) -> bytes:
    """`head.json`. It holds no time and no actor, so that replicas that build one revision write the same bytes."""
    head: dict[str, Any] = {
        "apiVersion": API_VERSION,
        "kind": "Head",
        "environment": environment,
        "root": f"sha256:{root_digest(bundles)}",
        "bundles": {target.folder: f"sha256:{digest(bundle.manifest)}" for target, bundle in bundles.items()},
        "revision": commit,
        "engine": ENGINE,
        "epoch": None,
        "sequence": None,
        "previous": None,
        "issued": None,
        "expires": None,
        "signatures": [],
    }
    return canonical_json(head) + b"\n"


def environment_files(environment: str, bundles: Mapping[Target, Bundle], commit: str | None) -> dict[str, bytes]:
    """Every file of an environment's bundles, by path: the tree of its deployed ref, and what a directory sink holds."""
    files = {HEAD: head_of(environment, bundles, commit)}
    for target, bundle in bundles.items():
        files.update((f"{target.folder}/{path}", content) for path, content in bundle.files().items())
    return dict(sorted(files.items()))


def seal_references(value: Value) -> Value:
    """The value with secret references in their typed form: `{"$secret": name}`, or `{"$text": [...]}` inside a longer text."""
    if isinstance(value, dict):
        return {key: seal_references(item) for key, item in value.items()}
    if isinstance(value, list):
        return [seal_references(item) for item in value]
    return _typed(value) if isinstance(value, str) and "{{" in value else value


def unseal_references(value: Any) -> Value:
    """The inverse of `seal_references`, for bundles that are read back."""
    if isinstance(value, dict):
        if value.keys() == {"$secret"}:
            return secret_reference(value["$secret"])
        if value.keys() == {"$text"}:
            return "".join(
                part if isinstance(part, str) else secret_reference(part["$secret"]) for part in value["$text"]
            )
        return {key: unseal_references(item) for key, item in value.items()}
    return [unseal_references(item) for item in value] if isinstance(value, list) else value


def _typed(text: str) -> Value:
    references = [reference for reference in find_references(text) if reference.kind is ReferenceKind.SECRET]
    if not references:
        return text
    if is_whole(text, references[0]):
        return {"$secret": references[0].name}
    parts: list[Value] = []
    end = 0
    for reference in references:
        parts += [*([text[end : reference.start]] if reference.start > end else []), {"$secret": reference.name}]
        end = reference.end
    return {"$text": [*parts, *([text[end:]] if end < len(text) else [])]}

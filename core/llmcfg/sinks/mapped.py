"""The mapped file of each bundle in a directory delivery: `<tenant>/<consumer>/bundle.llmcfg`, made from the plain files beside it.

It is derived: not in Git, not in the digest that names the delivery, and no drift as long as it holds what the plain files say.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from llmcfg.bundlefile.bundle import MANIFEST, Bundle
from llmcfg.bundlefile.files import BUNDLE_FILE, ENVELOPE, bundle_of
from llmcfg.bundlefile.reader import open_bundle
from llmcfg.bundlefile.sealed import is_sealed
from llmcfg.bundlefile.writer import pack_bundle
from llmcfg.disk import atomic_write
from llmcfg.errors import IntegrityError
from llmcfg.model.progress import UNWATCHED

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from llmcfg.bundlefile.head import Head
    from llmcfg.model.progress import Progress

T = TypeVar("T")
_HEAD: Final = "head.json"
_REMEMBERED: Final = 10_000
_NAME_BYTES: Final = 16


class _Sealed(msgspec.Struct):
    sequence: int


class _Said(msgspec.Struct):
    """What `head.json` says."""

    revision: str | None = None
    sealed: dict[str, dict[str, _Sealed]] | None = None


class MappedFiles:
    """Makes and checks mapped files. One that is known to be right, by its digest and those of the files beside it, is not read again."""

    def __init__(self) -> None:
        self._right: set[bytes] = set()
        self._met: set[bytes] = set()

    def recall(self, kept: bytes) -> None:
        """Know what an earlier process kept."""
        self._right |= {kept[at : at + _NAME_BYTES] for at in range(0, len(kept), _NAME_BYTES)}

    def keep(self) -> bytes:
        """What was met since the last time that this was asked."""
        met, self._met = self._met, set()
        return b"".join(sorted(met))

    def make(
        self, folder: Path, files: Mapping[str, bytes], current: Path | None, progress: Progress = UNWATCHED
    ) -> dict[str, bytes]:
        """The mapped files of the delivery in `folder`, which was made just now, by path. Their heads follow those of `current`."""
        said = _said(files)
        moment = folder.stat().st_mtime_ns
        mapped = {}
        for target, inner in progress.over("packing bundles", _by_target(files).items()):
            before = _find(current / target / BUNDLE_FILE) if current else None
            seals = {path: entry.sequence for path, entry in (said.sealed or {}).get(target, {}).items()}
            envelope = inner.pop(ENVELOPE, None)
            made = bundle_of(inner, before, seals=seals)
            if envelope is not None:
                from llmcfg.signing.statement import with_claims  # brings the cryptography

                made = with_claims(made, envelope)
                inner[ENVELOPE] = envelope
            head = _next_head(made.head, before.head if before else None, said.revision or "", moment)
            packed = mapped[f"{target}/{BUNDLE_FILE}"] = pack_bundle(Bundle(head, made.tree))
            self._note(_sha256(packed), {name: _sha256(content) for name, content in inner.items() if _counts(name)})
        return mapped

    def without(self, folder: Path, digests: Mapping[str, str]) -> dict[str, str]:
        """What the files of a delivery are, without its mapped files; of one that is missing or wrong, what is wrong with it."""
        seen = dict(digests)
        for target, inner in _by_target(digests).items():
            path = f"{target}/{BUNDLE_FILE}"
            beside = {name: digest for name, digest in inner.items() if _counts(name)}
            trouble = self._trouble(folder / path, seen.pop(path, None), beside)
            if trouble:
                seen[path] = trouble
        return seen

    def _trouble(self, path: Path, digest: str | None, beside: Mapping[str, str]) -> str | None:
        if digest is None:
            return "missing"
        name = _name(digest, beside)
        if name in self._right:
            self._met.add(name)
            return None
        trouble = _trouble(path, beside)
        if trouble is None:
            self._note(digest, beside)
        return trouble

    def _note(self, digest: str, beside: Mapping[str, str]) -> None:
        if len(self._right) >= _REMEMBERED:
            self._right.clear()
        name = _name(digest, beside)
        self._right.add(name)
        self._met.add(name)


def follow_mapped(folder: Path, current: Path) -> None:
    """Have the mapped files of an earlier delivery follow those of `current`, so that programs take it back though it is older."""
    for path in sorted(folder.glob(f"*/*/{BUNDLE_FILE}")):
        bundle, before = _find(path), _find(current / path.relative_to(folder))
        if bundle is None or before is None or bundle.head.root == before.head.root:
            continue
        if bundle.head.sequence <= before.head.sequence:
            head = bundle.head._replace(sequence=before.head.sequence + 1, previous=before.head.root)
            atomic_write(path, pack_bundle(Bundle(head, bundle.tree)), mode=0o600)


def _counts(name: str) -> bool:
    """Whether a file of a bundle says what its mapped file has to be. The manifest names the digests of all others."""
    return name in (MANIFEST, ENVELOPE) or is_sealed(name)


def _by_target(paths: Mapping[str, T]) -> dict[str, dict[str, T]]:
    """What is said of the files of each bundle: a folder two names deep, and with a manifest."""
    inner: dict[str, dict[str, T]] = defaultdict(dict)
    for path, said in paths.items():
        tenant, _, rest = path.partition("/")
        consumer, _, name = rest.partition("/")
        inner[f"{tenant}/{consumer}"][name] = said
    return {target: files for target, files in inner.items() if MANIFEST in files}


def _said(files: Mapping[str, bytes]) -> _Said:
    """What the head says; nothing where it cannot be read."""
    with suppress(KeyError, msgspec.DecodeError, UnicodeDecodeError, ValueError):
        said = msgspec.json.decode(files[_HEAD], type=_Said)
        bytes.fromhex(said.revision or "")
        return said
    return _Said()


def _next_head(made: Head, before: Head | None, commit: str, moment: int) -> Head:
    """The same head for the same content and commit. A number is no less than the time in ms, so that it grows where all before is lost."""
    if before is not None and (before.root, before.commit, before.claims) == (made.root, commit, made.claims):
        return before
    sequence = max(before.sequence + 1 if before else 1, moment // 1_000_000)
    previous = before.root if before else b""
    return made._replace(sequence=sequence, previous=previous, commit=commit, issued=moment // 1_000_000_000)


def _find(path: Path) -> Bundle | None:
    with suppress(IntegrityError, OSError):
        return open_bundle(path, check=True)
    return None


def _trouble(path: Path, beside: Mapping[str, str]) -> str | None:
    """Why the mapped file is not made from a manifest and sealed files with these digests; None when it is."""
    try:
        bundle = open_bundle(path)
        bundle.verify()
        said = {name: leaf.sha256.hex() for name, leaf in bundle.tree.below() if is_sealed(name)}
        said[MANIFEST] = _sha256(bundle.manifest())
        if bundle.head.claims is not None:
            from llmcfg.signing.statement import encoded_envelope_of

            said[ENVELOPE] = _sha256(encoded_envelope_of(bundle))
    except IntegrityError as error:
        return f"damaged: {error.message}"
    except OSError as error:
        return f"unreadable: {error.strerror}"
    return None if said == beside else "not made from the files beside it"


def _name(digest: str, beside: Mapping[str, str]) -> bytes:
    """Of a mapped file and of the files beside it, by what is in them."""
    said = "\0".join([digest, *chain.from_iterable(sorted(beside.items()))])
    return hashlib.blake2b(said.encode("utf-8", "surrogateescape"), digest_size=_NAME_BYTES).digest()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()

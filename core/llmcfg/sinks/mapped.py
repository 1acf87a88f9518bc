"""The mapped file of each bundle in a directory delivery: `<tenant>/<consumer>/bundle.llmcfg`, made from the plain files beside it.

It is derived: not in Git, not in the digest that names the delivery, and no drift as long as it holds what the plain files say.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from llmcfg.bundlefile.bundle import MANIFEST, Bundle
from llmcfg.bundlefile.files import BUNDLE_FILE, bundle_of
from llmcfg.bundlefile.reader import open_bundle
from llmcfg.bundlefile.sealed import is_sealed
from llmcfg.bundlefile.writer import pack_bundle
from llmcfg.disk import atomic_write
from llmcfg.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from llmcfg.bundlefile.head import Head

_HEAD = "head.json"


class _Sealed(msgspec.Struct):
    sequence: int


class _Said(msgspec.Struct):
    """What `head.json` says."""

    revision: str | None = None
    sealed: dict[str, dict[str, _Sealed]] | None = None


def write_mapped(folder: Path, files: Mapping[str, bytes], current: Path | None) -> None:
    """Write the mapped files of the delivery in `folder`, which was made just now. Their heads follow those of the delivery `current`."""
    inner: dict[str, dict[str, bytes]] = defaultdict(dict)
    for path, content in files.items():
        target, name = _split(path)
        inner[target][name] = content
    said = _said(files)
    moment = folder.stat().st_mtime_ns
    for target in _targets(files):
        before = _find(current / target / BUNDLE_FILE) if current else None
        seals = {path: entry.sequence for path, entry in (said.sealed or {}).get(target, {}).items()}
        made = bundle_of(inner[target], before, seals=seals)
        head = _next_head(made.head, before.head if before else None, said.revision or "", moment)
        atomic_write(folder / target / BUNDLE_FILE, pack_bundle(Bundle(head, made.tree)), mode=0o600)


def follow_mapped(folder: Path, current: Path) -> None:
    """Have the mapped files of an earlier delivery follow those of `current`, so that programs take it back though it is older."""
    for path in sorted(folder.glob(f"*/*/{BUNDLE_FILE}")):
        bundle, before = _find(path), _find(current / path.relative_to(folder))
        if bundle is None or before is None or bundle.head.root == before.head.root:
            continue
        if bundle.head.sequence <= before.head.sequence:
            head = bundle.head._replace(sequence=before.head.sequence + 1, previous=before.head.root)
            atomic_write(path, pack_bundle(Bundle(head, bundle.tree)), mode=0o600)


def without_mapped(folder: Path, digests: Mapping[str, str]) -> dict[str, str]:
    """What the files of a delivery are, without its mapped files; of one that is missing or wrong, what is wrong with it."""
    seen = dict(digests)
    for target in _targets(digests):
        path = f"{target}/{BUNDLE_FILE}"
        inner = {name: digest for name, digest in _inside(digests, target) if name == MANIFEST or is_sealed(name)}
        trouble = _trouble(folder / path, inner) if path in seen else "missing"
        seen.pop(path, None)
        if trouble:
            seen[path] = trouble
    return seen


def _split(path: str) -> tuple[str, str]:
    """The folder of a bundle, and a path inside it."""
    tenant, _, rest = path.partition("/")
    consumer, _, name = rest.partition("/")
    return f"{tenant}/{consumer}", name


def _targets(paths: Iterable[str]) -> list[str]:
    """The folders of bundles: two names deep, and with a manifest."""
    return [target for target, name in map(_split, paths) if name == MANIFEST]


def _said(files: Mapping[str, bytes]) -> _Said:
    """What the head says; nothing where it cannot be read."""
    with suppress(KeyError, msgspec.DecodeError, UnicodeDecodeError, ValueError):
        said = msgspec.json.decode(files[_HEAD], type=_Said)
        bytes.fromhex(said.revision or "")
        return said
    return _Said()


def _next_head(made: Head, before: Head | None, commit: str, moment: int) -> Head:
    """The same head for the same content and commit. A number is no less than the time in ms, so that it grows where all before is lost."""
    if before is not None and (before.root, before.commit) == (made.root, commit):
        return before
    sequence = max(before.sequence + 1 if before else 1, moment // 1_000_000)
    previous = before.root if before else b""
    return made._replace(sequence=sequence, previous=previous, commit=commit, issued=moment // 1_000_000_000)


def _find(path: Path) -> Bundle | None:
    with suppress(IntegrityError, OSError):
        return open_bundle(path, check=True)
    return None


def _inside(paths: Mapping[str, str], target: str) -> Iterator[tuple[str, str]]:
    for path, digest in paths.items():
        if path.startswith(f"{target}/"):
            yield path[len(target) + 1 :], digest


def _trouble(path: Path, beside: Mapping[str, str]) -> str | None:
    """Why the mapped file is not made from a manifest and sealed files with these digests; None when it is."""
    try:
        bundle = open_bundle(path)
        bundle.verify()
        said = {name: leaf.sha256.hex() for name, leaf in bundle.tree.below() if is_sealed(name)}
        said[MANIFEST] = hashlib.sha256(bundle.manifest()).hexdigest()
    except IntegrityError as error:
        return f"damaged: {error.message}"
    except OSError as error:
        return f"unreadable: {error.strerror}"
    return None if said == beside else "not made from the files beside it"

"""Secrets in plain text anywhere in history, also where they were removed since: whoever has a clone has them.

The same secret is told once, where it is still or was first. What is found is compared by a hash under a key of this run, and not kept.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.limits import SCAN_BYTES
from llmcfg.model.progress import UNWATCHED
from llmcfg.secrets.scanning import Content, Creation, Scanned, scan

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmcfg.git.program import Git
    from llmcfg.model.findings import Finding
    from llmcfg.model.progress import Progress

_ROTATE: Final = (
    "rotate it: whoever has a clone has it, and removing it from files or from history does not take it back"
)


class _Past(NamedTuple):
    """A finding in a blob. `is_current`: HEAD has the blob."""

    finding: Finding
    oid: str
    is_current: bool


def search_history(git: Git, read: Callable[[str], bytes | None], progress: Progress = UNWATCHED) -> Scanned:
    """Every file that any ref leads to, in any commit. `read` gives a `.sops.yaml` by its path, or None."""
    creation = Creation(read)
    paths = _paths(git)
    current = {line.split()[2] for line in git.fields("ls-tree", "-r", "-z", "HEAD", codes=(0, 128))}
    key, found = secrets.token_bytes(16), dict[bytes, _Past]()
    done = progress.counter("looking through versions of files", len(paths))
    for blob in git.blobs(paths, SCAN_BYTES):
        for finding in scan(Content(paths[blob.oid], blob.content, blob.size), creation, _ROTATE):
            past = _Past(finding, blob.oid, blob.oid in current)
            known = found.setdefault(_digest(key, finding), past)
            if past.is_current or not known.is_current:
                found[_digest(key, finding)] = past  # blobs come newest first
        done()
    findings = sorted((_told(git, past) for past in found.values()), key=lambda finding: finding.sort_key())
    return Scanned(tuple(findings), len(paths), tuple(creation.broken))


def _paths(git: Git) -> dict[str, str]:
    """Blobs by id with the first of their paths, newest first."""
    paths: dict[str, str] = {}
    for line in git.run("rev-list", "--objects", "--all").decode("utf-8", "surrogateescape").splitlines():
        oid, _, path = line.partition(" ")
        if path:
            paths.setdefault(oid, path)
    request = "".join(f"{oid}\n" for oid in paths).encode()
    kinds = git.run("cat-file", "--batch-check=%(objectname) %(objecttype)", stdin=request).decode().splitlines()
    return {oid: paths[oid] for oid, _, kind in (line.partition(" ") for line in kinds) if kind == "blob"}


def _digest(key: bytes, finding: Finding) -> bytes:
    """Of what stands from the column on, where the secret begins; of the path for a file as a whole."""
    text = finding.source_line[finding.origin.column - 1 :] if finding.source_line else finding.origin.file
    return hashlib.blake2b(f"{finding.rule_id}\0{text}".encode("utf-8", "surrogateescape"), key=key).digest()


def _told(git: Git, past: _Past) -> Finding:
    lines = git.run("log", "--all", "--format=%h %as", f"--find-object={past.oid}").decode().split("\n")
    commit, _, date = next((line for line in reversed(lines) if line), "").partition(" ")
    where = f"committed in {commit} ({date})" if commit else "committed"
    still = "still there" if past.is_current else "gone from HEAD, and still in history"
    return past.finding._replace(message=f"{past.finding.message}; {where}, {still}", hint=_ROTATE)

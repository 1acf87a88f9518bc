"""Commits and tags of a real repository, signed by keys of the tests as Git would have them signed."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from trust.signing import Key, with_signature


def sign_head(git: Callable[..., str], key: Key) -> str:
    """The last commit again, with the key's signature; the branch moves to it."""
    raw = _run(git, "cat-file", "commit", "HEAD")
    signed = with_signature(raw, key.armour(raw))
    git(
        "reset",
        "-q",
        "--soft",
        _run(git, "hash-object", "-t", "commit", "-w", "--stdin", content=signed).decode().strip(),
    )
    return git("rev-parse", "HEAD")


def sign_tag(git: Callable[..., str], name: str, message: str, key: Key, commit: str = "HEAD") -> str:
    """An annotated tag with the key's signature; its object."""
    target = git("rev-parse", commit)
    content = (
        f"object {target}\ntype commit\ntag {name}\ntagger Ada <ada@example.com> 1764072000 +0000\n\n{message}".encode()
    )
    made = _run(git, "mktag", "--no-strict", content=content + key.armour(content)).decode().strip()
    git("update-ref", f"refs/tags/{name}", made)
    return made


def _run(git: Callable[..., str], *arguments: str, content: bytes = b"") -> bytes:
    folder = Path(git("rev-parse", "--absolute-git-dir"))
    return subprocess.run(["git", *arguments], cwd=folder, input=content, capture_output=True, check=True).stdout

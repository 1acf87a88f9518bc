"""RFC 6962 and its successor from their texts, written apart from what is tested: roots and proofs by recursion, from the top."""

from __future__ import annotations

import base64
import hashlib


def leaf(line: bytes) -> bytes:
    return hashlib.sha256(bytes([0]) + line).digest()


def root_by_path(number: int, size: int, content: bytes, path: list[bytes]) -> bytes:
    """RFC 6962, 2.1.1: the root that an audit path leads to, by undoing PATH(m, D[n])."""
    if size == 1:
        assert path == [], "hashes are left over"
        return content
    k = 1
    while k * 2 < size:
        k *= 2
    *below, beside = path
    if number < k:
        return hashlib.sha256(b"\1" + root_by_path(number, k, content, below) + beside).digest()
    return hashlib.sha256(b"\1" + beside + root_by_path(number - k, size - k, content, below)).digest()


def roots_by_proof(
    old: int, size: int, old_root: bytes, proof: list[bytes], *, is_whole: bool = True
) -> tuple[bytes, bytes]:
    """RFC 6962, 2.1.2: the roots of the old tree and of the new that a proof leads to, by undoing SUBPROOF(m, D[n], b)."""
    if old == size:
        if is_whole:
            assert proof == [], "hashes are left over"
            return old_root, old_root
        (both,) = proof
        return both, both
    k = 1
    while k * 2 < size:
        k *= 2
    *below, beside = proof
    if old <= k:
        before, after = roots_by_proof(old, k, old_root, below, is_whole=is_whole)
        return before, hashlib.sha256(b"\1" + after + beside).digest()
    before, after = roots_by_proof(old - k, size - k, old_root, below, is_whole=False)
    return tuple(hashlib.sha256(b"\1" + beside + one).digest() for one in (before, after))


def read_checkpoint(text: str) -> tuple[str, int, bytes]:
    """C2SP tlog-checkpoint: origin, size, root."""
    origin, size, root = text.splitlines()
    return origin, int(size), base64.b64decode(root)

"""Checkpoints: how far a log goes and its Merkle root, in the form of C2SP's tlog-checkpoint, signed as `ssh-keygen -Y sign` does.

    llmcfg audit 5f0c…/platform        the log: its id, then its name
    128                                entries
    q1Yf…=                             root, in base64

They are kept as files of a commit on `refs/llmcfg/audit`, whose history is the history of checkpoints. The ref is never pushed by itself.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.audit.settings import REF
from llmcfg.errors import IntegrityError
from llmcfg.trust import sshsig
from llmcfg.trust.failure import SignatureError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmcfg.trust.keys import PublicKey
    from llmcfg.trust.signer import SigningKey

NAMESPACE: Final = "llmcfg-audit"
CHECKPOINT: Final = "checkpoint"
SIGNATURE: Final = "checkpoint.sig"
_ORIGIN: Final = "llmcfg audit "


class Checkpoint(NamedTuple):
    """The first `size` entries of the log with this name, and this id in its first entry, have this root."""

    id: str
    log: str
    size: int
    root: bytes


def encode_checkpoint(checkpoint: Checkpoint) -> bytes:
    root = base64.b64encode(checkpoint.root).decode()
    return f"{_ORIGIN}{checkpoint.id}/{checkpoint.log}\n{checkpoint.size}\n{root}\n".encode()


def parse_checkpoint(content: bytes) -> Checkpoint:
    """Raises IntegrityError for what is not written in the one form."""
    try:
        origin, size, root, _ = content.decode().split("\n", 3)
        id_, _, log = origin.removeprefix(_ORIGIN).partition("/")
        found = Checkpoint(id_, log, int(size), base64.b64decode(root, validate=True))
    except (ValueError, binascii.Error):
        found = None
    if found is None or encode_checkpoint(found) != content:
        raise IntegrityError(
            "a checkpoint is not as llmcfg writes it", hint=f"git log {REF} shows who wrote it, and what was there"
        )
    return found


def checkpoint_files(checkpoint: Checkpoint, key: SigningKey | None) -> dict[str, bytes]:
    """The files of a checkpoint, by path in the tree of the ref."""
    content = encode_checkpoint(checkpoint)
    files = {f"{checkpoint.log}/{CHECKPOINT}": content}
    if key is not None:
        files[f"{checkpoint.log}/{SIGNATURE}"] = key.sign_file(content, NAMESPACE)
    return files


def read_checkpoints(files: Mapping[str, bytes], signer: PublicKey | None) -> dict[str, Checkpoint]:
    """The checkpoints in the tree of the ref, by log. With `signer`, each has to carry its signature. Raises IntegrityError."""
    found = {}
    for path, content in files.items():
        log, _, name = path.rpartition("/")
        if name != CHECKPOINT:
            continue
        checkpoint = parse_checkpoint(content)
        if checkpoint.log != log:
            raise IntegrityError(f"the checkpoint of {log} is one of {checkpoint.log}", hint=f"git log {REF}")
        if signer is not None:
            require_signature(content, files.get(f"{log}/{SIGNATURE}", b""), log, signer)
        found[log] = checkpoint
    return found


def require_signature(content: bytes, signature: bytes, log: str, signer: PublicKey) -> None:
    """Raises IntegrityError unless it is this key's signature of the checkpoint."""
    try:
        by = sshsig.verify(signature, content, namespace=NAMESPACE).key if signature else None
    except SignatureError as error:
        raise IntegrityError(f"the checkpoint of {log} is not signed: {error.reason}", hint=f"git log {REF}") from None
    if by != signer:
        who = by.fingerprint if by else "nobody"
        raise IntegrityError(
            f"the checkpoint of {log} is signed by {who}, and not by {signer.fingerprint}", hint=f"git log {REF}"
        )

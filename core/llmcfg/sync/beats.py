"""Heartbeats of an environment, in the folders that its sinks have on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmcfg.disk import atomic_write
from llmcfg.signing.heartbeat import EVERY_SECONDS, FILE, parse_heartbeat
from llmcfg.trust.failure import SignatureError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from llmcfg.sync.deployed import Deployed
    from llmcfg.sync.signed import Publisher


def beat(publisher: Publisher, deployed: Deployed, folders: Iterable[Path]) -> None:
    """Write a heartbeat wherever there is none of this state and epoch, or an old one. Raises StorageError."""
    content = b""
    for folder in folders:
        if folder.is_dir() and _is_due(folder / FILE, publisher, deployed):
            content = content or publisher.heartbeat(deployed.environment, deployed.sequence, deployed.root)
            atomic_write(folder / FILE, content, mode=0o644)


def _is_due(file: Path, publisher: Publisher, deployed: Deployed) -> bool:
    try:
        _, last = parse_heartbeat(file.read_bytes())
    except (OSError, SignatureError):
        return True
    is_same = (last.epoch, last.sequence, last.root) == (publisher.root.epoch, deployed.sequence, deployed.root)
    return not is_same or publisher.now().timestamp() >= last.issued + EVERY_SECONDS

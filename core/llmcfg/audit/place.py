"""Checkpoints in Git: files of commits on `refs/llmcfg/audit`, each of which takes the place of the one before by compare-and-swap."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from llmcfg.audit.checkpoint import (
    CHECKPOINT,
    SIGNATURE,
    Checkpoint,
    checkpoint_files,
    parse_checkpoint,
    read_checkpoints,
)
from llmcfg.audit.settings import REF
from llmcfg.errors import ConflictError, NotFoundError
from llmcfg.limits import HISTORY_COMMITS
from llmcfg.trust.signer import read_signing_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from llmcfg.model.snapshot import CommitFacts
    from llmcfg.trust.keys import PublicKey

_TRIES: Final = 5


class Kept(NamedTuple):
    """A checkpoint that Git has, and its signature, empty without one."""

    checkpoint: Checkpoint
    signature: bytes = b""


class CheckpointPlace(Protocol):
    """The repository, as far as checkpoints need it."""

    def read_ref(self, name: str) -> str | None: ...
    def read_tree(self, commit: str) -> Mapping[str, bytes]: ...
    def history(self, start: str) -> Iterator[CommitFacts]: ...
    def keep_files(self, ref: str, files: Mapping[str, bytes], *, expected: str | None, message: str) -> str: ...


def keep_checkpoints(
    place: CheckpointPlace, current: Callable[[], Sequence[Checkpoint]], key: str
) -> Sequence[Checkpoint]:
    """Put checkpoints of the logs as they are into Git, signed where there is a key. Returns those that are new. Raises LlmcfgError."""
    signing = read_signing_key(Path(key)) if key else None
    for _ in range(_TRIES):
        tip = place.read_ref(REF)
        before = place.read_tree(tip) if tip else {}
        files = dict(before)
        checkpoints = current()
        for one in checkpoints:
            files |= checkpoint_files(one, signing)
        try:
            if files != before:
                names = ", ".join(f"{one.log} at {one.size}" for one in checkpoints)
                place.keep_files(REF, files, expected=tip, message=f"checkpoint: {names}")
        except ConflictError:
            continue
        known = read_checkpoints(before, None)
        return [one for one in checkpoints if known.get(one.log) != one]
    raise ConflictError(f"{REF} is written by others all the time", hint="try again")


def newest_checkpoint(place: CheckpointPlace, log: str) -> Kept:
    """Raises NotFoundError where Git has none of this log, IntegrityError for what is none."""
    tip = place.read_ref(REF)
    files = place.read_tree(tip) if tip else {}
    content = files.get(f"{log}/{CHECKPOINT}")
    if content is None:
        raise NotFoundError(f"{REF} has no checkpoint of {log}", hint="make one: llmcfg audit checkpoint")
    return Kept(parse_checkpoint(content), files.get(f"{log}/{SIGNATURE}", b""))


def past_checkpoints(place: CheckpointPlace, signer: PublicKey | None) -> dict[str, list[Checkpoint]]:
    """All that Git has, by log, newest first. With `signer`, the newest have to be signed by it. Raises IntegrityError."""
    found: dict[str, list[Checkpoint]] = {}
    tip = place.read_ref(REF)
    for commit in islice(place.history(tip), HISTORY_COMMITS) if tip else ():
        by = signer if commit.commit == tip else None
        for log, checkpoint in read_checkpoints(place.read_tree(commit.commit), by).items():
            of_log = found.setdefault(log, [])
            if checkpoint not in of_log[-1:]:
                of_log.append(checkpoint)
    return found

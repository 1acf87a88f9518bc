"""Whether a log is as it was written: each entry, their order, how far it goes, and what checkpoints in Git say of it. Changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from llmcfg.audit.head import NO_EDGE
from llmcfg.audit.place import past_checkpoints
from llmcfg.audit.settings import AuditSettings, read_audit_settings
from llmcfg.audit.trail import open_logs
from llmcfg.audit.writer import DELETE, why_not_next
from llmcfg.errors import IntegrityError
from llmcfg.trust.failure import SignatureError
from llmcfg.trust.keys import parse_key_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from llmcfg.audit.checkpoint import Checkpoint
    from llmcfg.audit.head import Edge, Head
    from llmcfg.audit.log import Log
    from llmcfg.audit.place import CheckpointPlace

_MOST_PROBLEMS: Final = 20


class Problem(NamedTuple):
    """`number` is the entry's, None for what is wrong with the log as a whole."""

    log: str
    number: int | None
    message: str


class Checked(NamedTuple):
    """The log has the entries from `first` on and before `size`. `covered` of them are behind a checkpoint in Git."""

    log: str
    first: int
    size: int
    covered: int
    problems: tuple[Problem, ...]


def check_logs(root: Path, place: CheckpointPlace) -> list[Checked]:
    """Every log below `root`, and those that only Git knows. Raises OSError for what cannot be read."""
    settings = read_audit_settings(root) or AuditSettings()
    checkpoints: dict[str, list[Checkpoint]] = {}
    found: list[Checked] = []
    try:
        signer = parse_key_text(settings.signer) if settings.signer else None
        checkpoints = past_checkpoints(place, signer)
    except (IntegrityError, SignatureError) as error:
        found.append(_useless("checkpoints", str(error)))
    found += [check_log(log, checkpoints.pop(log.name, ())) for log in open_logs(root)]
    return [*found, *(_useless(name, "it is gone, and Git has checkpoints of it") for name in checkpoints)]


def _useless(log: str, why: str) -> Checked:
    return Checked(log, 0, 0, 0, (Problem(log, None, why),))


def check_log(log: Log, checkpoints: Sequence[Checkpoint]) -> Checked:
    """`checkpoints` are all that Git has of this log. Raises OSError for what cannot be read."""
    try:
        head, key = log.head_file().read(), log.key()
    except (IntegrityError, FileNotFoundError) as error:
        return _useless(log.name, str(error))
    walk = _Walk(log, head, key)
    changed = list(walk.problems())
    problems = [*changed, *_head_problems(log, head, checkpoints)]
    for checkpoint in checkpoints:
        problems += [
            Problem(log.name, None, why) for why in _against(checkpoint, head, walk.roots, known=bool(changed))
        ]
    covered = max((checkpoint.size for checkpoint in checkpoints), default=0)
    return Checked(log.name, head.base.size, head.top.size, covered, tuple(problems[:_MOST_PROBLEMS]))


class _Walk:
    """Goes through the lines of a log once. `roots` are the Merkle roots at each size."""

    def __init__(self, log: Log, head: Head, key: bytes) -> None:
        self._log, self._head, self._key = log, head, key
        self.roots: dict[int, bytes] = {head.base.size: head.base.frontier.root}

    def problems(self) -> Iterator[Problem]:
        edge, is_sound, is_changed = self._head.base, True, False
        for line in self._lines():
            if edge.size >= self._head.top.size and not line.endswith(b"\n"):
                break  # torn by a crash, and cut off by the next act
            why = why_not_next(line.removesuffix(b"\n"), edge, self._log.name, self._key, is_known=is_sound)
            why = why or (None if line.endswith(b"\n") else "its line has no end")
            is_sound = why is None
            if why is not None:
                is_changed = True
                yield Problem(self._log.name, edge.size, why)
            edge = edge.past(line.removesuffix(b"\n"))
            self.roots[edge.size] = edge.frontier.root
        yield from self._end(edge, is_changed=is_changed)

    def _lines(self) -> Iterator[bytes]:
        for segment in self._log.segments():
            if segment.first >= self._head.base.size:
                yield from segment.lines()

    def _end(self, edge: Edge, *, is_changed: bool) -> Iterator[Problem]:
        top = self._head.top
        if edge.size < top.size:
            yield Problem(self._log.name, edge.size, f"entries from {edge.size} to {top.size - 1} are gone")
        elif not is_changed and self.roots[top.size] != top.frontier.root:
            yield Problem(self._log.name, edge.size - 1, f"the head knows other entries before {top.size}")


def _head_problems(log: Log, head: Head, checkpoints: Sequence[Checkpoint]) -> Iterator[Problem]:
    if None in log.head_file().places():
        yield Problem(
            log.name,
            None,
            "one of the two places of its head is damaged, as a crash can leave it; the next act mends it",
        )
    if head.base != NO_EDGE and not _has_record(log, head):
        yield Problem(log.name, None, f"no entry says that those before {head.base.size} were deleted")
    last = max((checkpoint.size for checkpoint in checkpoints), default=0)
    if last < head.checkpoint:
        yield Problem(log.name, None, f"Git has no checkpoint of the {head.checkpoint} entries that one was made of")


def _has_record(log: Log, head: Head) -> bool:
    """Whether an entry records the last deletion."""
    try:
        return any(
            entry.act == DELETE and entry.facts.get("last") == str(head.base.size - 1) for entry in log.entries()
        )
    except IntegrityError:
        return False


def _against(checkpoint: Checkpoint, head: Head, roots: Mapping[int, bytes], *, known: bool) -> Iterator[str]:
    """What a checkpoint says against the log. Where it is `known` which entries changed, other roots are no news."""
    if checkpoint.id != head.id:
        yield f"Git has a checkpoint of another log of this name, with {checkpoint.size} entries"
    elif checkpoint.size > head.top.size:
        yield f"it is older than its checkpoint in Git: {head.top.size} entries, and there were {checkpoint.size}"
    elif not known and checkpoint.size > head.base.size and roots.get(checkpoint.size) != checkpoint.root:
        yield f"its first {checkpoint.size} entries are not those of the checkpoint in Git"

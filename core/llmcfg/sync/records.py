"""What sync knows of each environment, as it is told to people and kept in `status.json` of the state folder.

Nothing is decided from it that could not be found out anew, except when to try again: a record that is missing or cannot be read is
an empty one.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from llmcfg.disk import atomic_write
from llmcfg.model.failure import Failure, FailureKind, Held, Step
from llmcfg.sync.trusted import NOT_CHECKED

if TYPE_CHECKING:
    from pathlib import Path

    from llmcfg.model.snapshot import Revision
    from llmcfg.sync.deliveries import Delivery
    from llmcfg.sync.deployed import Deployed

STATUS_FILE: Final = "status.json"
_MOST_BYTES: Final = 32 << 20


class Record(msgspec.Struct, frozen=True, rename="camel", omit_defaults=False):
    """The base of what is written: field names in camel case."""


class RevisionRecord(Record, frozen=True):
    name: str
    commit: str


class DeployedRecord(Record, frozen=True):
    commit: str
    source: str
    root: str
    when: datetime
    by: str
    rolled_back_from: str | None = None
    quarantined: tuple[str, ...] = ()


class FailureRecord(Record, frozen=True):
    """`at` is when it was first seen; `next_try` is None for what stalls."""

    step: Step
    kind: FailureKind
    code: str
    message: str
    hint: str
    exit_code: int
    subject: str = ""
    at: datetime | None = None
    attempts: int = 1
    next_try: datetime | None = None
    wait_seconds: float | None = None


class SinkRecord(Record, frozen=True):
    """`state` is that of the sink when it was last looked at, after what was done to it. `slow` ones are the courier's."""

    name: str
    state: str
    differing: int = 0
    drifted: bool = False
    written: bool = False
    root: str = ""
    folder: str = ""
    slow: bool = False
    dead_letter: bool = False
    failure: FailureRecord | None = None


class EnvironmentRecord(Record, frozen=True):
    environment: str
    state: str = "unknown"
    wanted: RevisionRecord | None = None
    deployed: DeployedRecord | None = None
    since: datetime | None = None
    moved: bool = False
    failure: FailureRecord | None = None
    sinks: tuple[SinkRecord, ...] = ()
    suspended: str | None = None


class HeldRecord(Record, frozen=True):
    ref: str
    code: str
    message: str
    hint: str


class StatusRecord(Record, frozen=True):
    """`failure` is of the fetch, which concerns all environments."""

    api_version: str = "llmcfg.dev/v1"
    kind: str = "SyncStatus"
    at: datetime | None = None
    pid: int = 0
    remote: str = ""
    fetched: datetime | None = None
    failure: FailureRecord | None = None
    held: tuple[HeldRecord, ...] = ()
    environments: tuple[EnvironmentRecord, ...] = ()


class AcceptedRecord(Record, frozen=True):
    """A ref of the remote that was followed, after so many commits were looked at; `signatures` says who signed them."""

    ref: str
    old: str | None
    new: str
    commits: int
    signatures: str = NOT_CHECKED


class PassRecord(Record, frozen=True):
    """What one pass found and did. `is_complete` says that every environment there is was looked at, or is suspended."""

    failure: FailureRecord | None = None
    accepted: tuple[AcceptedRecord, ...] = ()
    held: tuple[HeldRecord, ...] = ()
    environments: tuple[EnvironmentRecord, ...] = ()
    is_complete: bool = False


def failure_record(failure: Failure, subject: str = "") -> FailureRecord:
    return FailureRecord(
        failure.step,
        failure.kind,
        failure.code,
        failure.message,
        failure.hint,
        failure.exit_code,
        subject,
        wait_seconds=failure.wait_seconds,
    )


def held_record(held: Held) -> HeldRecord:
    return HeldRecord(*held)


def revision_record(revision: Revision | None) -> RevisionRecord | None:
    return None if revision is None else RevisionRecord(revision.name, revision.commit)


def deployed_record(deployed: Deployed | None) -> DeployedRecord | None:
    if deployed is None:
        return None
    return DeployedRecord(
        deployed.commit,
        deployed.source,
        f"sha256:{deployed.root}",
        deployed.when,
        deployed.by,
        deployed.rolled_back_from,
        tuple(sorted(deployed.quarantined)),
    )


def sink_record(delivery: Delivery, failure: FailureRecord | None, *, is_written: bool) -> SinkRecord:
    folder = str(delivery.sink.folder or "")
    if is_written:
        return SinkRecord(delivery.sink.name, "current", written=True, root=delivery.root, folder=folder)
    return SinkRecord(
        delivery.sink.name,
        delivery.state,
        len(delivery.differing),
        delivery.has_drifted,
        root=delivery.root,
        folder=folder,
        failure=failure,
    )


def write_status(folder: Path, status: StatusRecord) -> None:
    """Raises StorageError."""
    atomic_write(folder / STATUS_FILE, to_json(status), mode=0o600)


def read_status(folder: Path) -> StatusRecord | None:
    """None when there is none, or it was not written by this version."""
    try:
        with (folder / STATUS_FILE).open("rb") as file:
            content = file.read(_MOST_BYTES)
        return msgspec.json.decode(content, type=StatusRecord)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def to_json(record: Record) -> bytes:
    return msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n"


def to_builtins(record: Record) -> Any:
    """As plain values, for the answers of commands."""
    return msgspec.to_builtins(record)

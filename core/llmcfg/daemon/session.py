"""What passes are made with: the settings, the state folder, the repository that is built from, and the remote that it follows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from llmcfg.clock import now as present
from llmcfg.daemon.passes import Request, make_pass
from llmcfg.daemon.state import StateFolder
from llmcfg.daemon.upstream import open_upstream
from llmcfg.errors import UsageError
from llmcfg.failpoints import failpoint
from llmcfg.sync.events import events_of
from llmcfg.sync.ledger import enter
from llmcfg.sync.recorded import SteadyLog
from llmcfg.sync.records import StatusRecord, read_status, write_status
from llmcfg.wiring import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path
    from random import Random

    from llmcfg.daemon.upstream import Upstream
    from llmcfg.model.settings import Settings
    from llmcfg.opensinks import Surroundings
    from llmcfg.secrets.held import SecretReader
    from llmcfg.sync.deliveries import MakeSink
    from llmcfg.sync.events import Event
    from llmcfg.sync.reconcile import Tell
    from llmcfg.sync.records import PassRecord

LOCAL_STATE = "sync"


@dataclass(frozen=True, slots=True)
class Session:
    settings: Settings
    state: StateFolder
    workspace: Workspace
    upstream: Upstream | None
    audit: SteadyLog

    @property
    def remote_name(self) -> str:
        return self.upstream.name if self.upstream else ""


def find_state(directory: Path, settings: Settings) -> StateFolder:
    """The state folder of the settings, or that inside a local repository's own folder. Raises UsageError where neither is."""
    if settings.state is not None:
        return StateFolder(settings.state)
    if settings.remote is not None:
        raise UsageError("a remote needs a folder for what is fetched from it", hint="name one with --state DIR")
    return StateFolder(Workspace(directory).repository.state_folder / LOCAL_STATE)


def open_session(
    directory: Path,
    settings: Settings,
    state: StateFolder,
    surroundings: Surroundings,
    now: Callable[[], datetime] = present,
) -> Session:
    """To be used by who owns the state folder. `directory` is the local repository, where the settings name no remote."""
    if settings.remote is None:
        workspace = Workspace(directory, settings=settings, surroundings=surroundings)
        return Session(settings, state, workspace, None, SteadyLog(lambda: workspace.audit))
    remote = settings.remote
    if settings.deliver_to is None:
        settings = replace(settings, deliver_to=state.root)
    upstream = open_upstream(settings, remote, state.root, surroundings, now)
    return Session(settings, state, upstream.workspace, upstream, SteadyLog(lambda: upstream.workspace.audit))


class Asked(NamedTuple):
    """What people asked for up to now: the requests by id, and one pass that answers all of them."""

    requests: tuple[str, ...]
    request: Request
    suspended: Mapping[str, str]
    redeliver: bool


def gather(state: StateFolder, settings: Settings) -> Asked:
    stored = state.requests()
    suspended = {name: said.why or f"by {said.by}" for name, said in state.suspended().items()}
    allowed = {ref: oid for one in stored.values() for ref, oid in one.accept.items()}
    request = Request(settings.environments, frozenset(suspended), allowed)
    return Asked(tuple(stored), request, suspended, any(one.redeliver for one in stored.values()))


def record_pass(
    state: StateFolder,
    settings: Settings,
    asked: Asked,
    found: PassRecord,
    now: datetime,
    random: Random,
    *,
    remote: str,
    pid: int,
) -> tuple[StatusRecord, list[Event]]:
    """Write down what a pass found, and that the requests were answered. Raises StorageError."""
    before = read_status(state.root) or StatusRecord()
    after = enter(before, found, now, random, poll_seconds=settings.poll_seconds, suspended=asked.suspended)
    after = msgspec.structs.replace(after, pid=pid, remote=remote)
    write_status(state.root, after)
    failpoint("record.after_status")
    for name in asked.requests:
        state.answered(name)
    failpoint("record.after")
    return after, list(events_of(before, after, found))


def pass_once(
    session: Session,
    make_sink: MakeSink,
    reader: SecretReader,
    tell: Tell,
    now: Callable[[], datetime],
    random: Random,
    pid: int,
) -> tuple[StatusRecord, list[Event]]:
    """One pass, with every sink, and what came of it."""
    asked = gather(session.state, session.settings)
    found = make_pass(session.workspace, session.upstream, make_sink, reader, asked.request, tell, session.audit)
    recorded = record_pass(
        session.state, session.settings, asked, found, now(), random, remote=session.remote_name, pid=pid
    )
    if session.upstream is not None:
        session.upstream.tidy(lambda: True)
    return recorded

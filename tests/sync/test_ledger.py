"""What is remembered between passes: since when, how often, when again; and what of it is worth an event."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcfg.errors import (
    ConflictError,
    FindingsError,
    HeldError,
    IntegrityError,
    LlmcfgError,
    NotAuthorisedError,
    NotFoundError,
    PendingError,
    RefusedError,
    RemoteError,
    StorageError,
    UnknownRevisionError,
    UsageError,
)
from llmcfg.model.failure import Failure, FailureKind, Step
from llmcfg.model.findings import Finding, Origin
from llmcfg.sync.backoff import LONGEST_SECONDS, pause, spread
from llmcfg.sync.events import events_of
from llmcfg.sync.failures import failure_from, gravest
from llmcfg.sync.ledger import enter, next_try, with_lanes
from llmcfg.sync.records import (
    DeployedRecord,
    EnvironmentRecord,
    HeldRecord,
    PassRecord,
    RevisionRecord,
    SinkRecord,
    StatusRecord,
    failure_record,
    read_status,
    write_status,
)

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
RAN = DeployedRecord("d" * 40, "a" * 40, "sha256:0", START, "Ada")
FAILED = failure_record(Failure(Step.ACT, FailureKind.RETRY, "storage", "full"))
STALLED = failure_record(Failure(Step.BUILD, FailureKind.STALLED, "findings", "errors"))
WAITING = failure_record(Failure(Step.BUILD, FailureKind.WAITING, "endpoint-busy", "busy", wait_seconds=42))


class Notes:
    """A status, and the passes that are entered into it a minute apart."""

    def __init__(self):
        self.status = StatusRecord()
        self.now = START

    def enter(self, *environments, suspended=None, **found):
        self.now += timedelta(minutes=1)
        record = PassRecord(environments=environments, **{"is_complete": True, **found})
        before = self.status
        self.status = enter(before, record, self.now, random.Random(1), poll_seconds=60, suspended=suspended or {})
        return [event["event"] for event in events_of(before, self.status, record)]

    @property
    def prod(self):
        return next(one for one in self.status.environments if one.environment == "prod")


@pytest.fixture
def notes():
    return Notes()


def prod(**fields):
    return EnvironmentRecord("prod", deployed=RAN, **fields)


def test_a_state_that_lasts_keeps_its_beginning(notes):
    notes.enter(prod())
    notes.enter(prod())
    assert (notes.prod.state, notes.prod.since) == ("current", START + timedelta(minutes=1))
    notes.enter(prod(failure=FAILED))
    assert (notes.prod.state, notes.prod.since) == ("retry", START + timedelta(minutes=3))


def test_what_runs_anew_begins_anew(notes):
    notes.enter(prod())
    notes.enter(EnvironmentRecord("prod", deployed=msgspec.structs.replace(RAN, commit="e" * 40)))
    assert notes.prod.since == START + timedelta(minutes=2)


@pytest.mark.fault("R07")
def test_failures_in_a_row_are_counted_and_come_back_later_and_later(notes):
    waits = []
    for _ in range(12):
        notes.enter(prod(failure=FAILED))
        waits.append((notes.prod.failure.next_try - notes.now).total_seconds())
    assert notes.prod.failure.attempts == 12
    assert notes.prod.failure.at == START + timedelta(minutes=1)
    assert waits[0] <= 1
    assert 150 <= waits[-1] <= LONGEST_SECONDS


def test_another_failure_is_a_new_one(notes):
    notes.enter(prod(failure=FAILED))
    notes.enter(prod(failure=msgspec.structs.replace(FAILED, code="conflict")))
    assert (notes.prod.failure.attempts, notes.prod.failure.at) == (1, notes.now)


def test_what_stalls_is_not_tried_again_and_what_waits_is_tried_then(notes):
    notes.enter(prod(failure=STALLED))
    assert notes.prod.failure.next_try is None
    notes.enter(prod(failure=WAITING))
    assert notes.prod.failure.next_try == notes.now + timedelta(seconds=42)
    notes.enter(prod(failure=msgspec.structs.replace(WAITING, wait_seconds=None)))
    assert notes.prod.failure.next_try == notes.now + timedelta(seconds=60)


def test_the_gravest_failure_is_the_state(notes):
    sinks = (SinkRecord("one", "empty", failure=FAILED), SinkRecord("two", "empty", failure=WAITING))
    notes.enter(prod(sinks=sinks))
    assert notes.prod.state == "retry"
    notes.enter(prod(failure=STALLED, sinks=sinks))
    assert notes.prod.state == "stalled"


def test_the_next_try_is_the_earliest_to_come(notes):
    assert next_try(notes.status, START) is None
    notes.enter(prod(failure=WAITING, sinks=(SinkRecord("one", "empty", failure=FAILED),)))
    soon = notes.prod.sinks[0].failure.next_try
    assert next_try(notes.status, notes.now) == soon
    assert next_try(notes.status, soon) == notes.prod.failure.next_try
    assert next_try(notes.status, notes.now + timedelta(days=1)) is None


def test_slow_sinks_are_not_a_reason_for_a_pass(notes):
    stamped = msgspec.structs.replace(FAILED, at=START, next_try=START + timedelta(hours=1), attempts=7)
    notes.enter(prod(sinks=(SinkRecord("one", "failing", slow=True, failure=stamped),)))
    assert next_try(notes.status, notes.now) is None
    assert notes.prod.sinks[0].failure == stamped


def test_lanes_change_the_state_between_passes(notes):
    notes.enter(prod())
    lane = SinkRecord("http gateway", "failing", slow=True, failure=msgspec.structs.replace(FAILED, at=START))
    worse = with_lanes(notes.prod, {"http gateway": lane}, notes.now)
    assert (worse.state, worse.sinks) == ("retry", (lane,))
    assert with_lanes(worse, {}, notes.now).state == "current"


def test_an_environment_that_is_gone_is_forgotten_by_a_pass_that_saw_all(notes):
    notes.enter(prod(), EnvironmentRecord("dev"))
    notes.enter(prod(), is_complete=False)
    assert [one.environment for one in notes.status.environments] == ["prod", "dev"]
    notes.enter(prod())
    assert [one.environment for one in notes.status.environments] == ["prod"]


def test_a_suspended_environment_keeps_what_it_runs_and_nothing_is_tried(notes):
    notes.enter(prod(failure=FAILED))
    notes.enter(suspended={"prod": "by Ada"})
    assert (notes.prod.state, notes.prod.suspended, notes.prod.deployed) == ("suspended", "by Ada", RAN)
    assert next_try(notes.status, notes.now) is None
    since = notes.prod.since
    notes.enter(suspended={"prod": "by Ada"})
    assert notes.prod.since == since
    notes.enter(prod())
    assert (notes.prod.state, notes.prod.suspended) == ("current", None)


def test_an_environment_may_be_suspended_before_it_was_ever_seen(notes):
    notes.enter(suspended={"prod": "by Ada"})
    assert notes.prod.state == "suspended"


def test_a_failed_fetch_keeps_what_is_held_and_when_it_worked_last(notes):
    held = (HeldRecord("refs/heads/main", "history-rewritten", "", ""),)
    notes.enter(prod(), held=held)
    fetched = notes.status.fetched
    notes.enter(prod(), failure=msgspec.structs.replace(FAILED, step=Step.FETCH))
    assert (notes.status.held, notes.status.fetched) == (held, fetched)


# events


def test_a_pass_that_finds_everything_as_it_was_tells_nothing(notes):
    notes.enter(prod())
    assert notes.enter(prod()) == []


def test_each_thing_that_changes_is_told_once(notes):
    wanted = RevisionRecord("main", "a" * 40)
    written = SinkRecord("directory x", "current", written=True)
    assert notes.enter(prod(wanted=wanted, moved=True, sinks=(written,))) == ["deployed", "delivered"]
    assert notes.enter(prod(failure=FAILED)) == ["failed"]
    assert notes.enter(prod(failure=FAILED)) == []
    assert notes.enter(prod(failure=STALLED)) == ["failed"]
    assert notes.enter(prod()) == ["recovered"]
    assert notes.enter(prod(sinks=(SinkRecord("directory x", "differs", failure=FAILED),))) == ["failed"]
    assert notes.enter(prod(sinks=(written,))) == ["delivered", "recovered"]
    assert notes.enter(prod(), held=(HeldRecord("refs/heads/main", "history-rewritten", "", ""),)) == ["held"]
    assert notes.enter(prod()) == ["released"]
    assert notes.enter(suspended={"prod": ""}) == ["suspended"]
    assert notes.enter(prod()) == ["resumed"]
    assert notes.enter(EnvironmentRecord("prod", deployed=msgspec.structs.replace(RAN, commit="e" * 40))) == ["moved"]


# which failure is of which kind


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (FindingsError("x"), FailureKind.STALLED),
        (NotAuthorisedError("x"), FailureKind.STALLED),
        (UsageError("x"), FailureKind.STALLED),
        (IntegrityError("x"), FailureKind.STALLED),
        (HeldError("x"), FailureKind.STALLED),
        (RefusedError("x"), FailureKind.STALLED),
        (NotFoundError("x"), FailureKind.STALLED),
        (ConflictError("x", code="quarantined"), FailureKind.STALLED),
        (ConflictError("x"), FailureKind.RETRY),
        (PendingError("x"), FailureKind.RETRY),
        (RemoteError("x"), FailureKind.RETRY),
        (StorageError("x"), FailureKind.RETRY),
        (OSError(28, "No space left on device"), FailureKind.RETRY),
        (UnknownRevisionError("x"), FailureKind.WAITING),
        (RemoteError("x", wait_seconds=5), FailureKind.WAITING),
    ],
)
def test_who_can_mend_it_decides_the_kind(error, kind):
    assert failure_from(error, Step.ACT).kind is kind


def test_a_failure_by_findings_says_the_first_of_them():
    findings = [Finding("yaml-tab", "a tab", Origin("base/x.yaml", 3, 1)), Finding("yaml-tab", "b", Origin("y", 1, 1))]
    failure = failure_from(FindingsError("main has errors", findings=findings), Step.BUILD)
    assert failure.message == "main has errors: base/x.yaml:3:1: yaml-tab: a tab (and 1 more)"


@given(st.lists(st.sampled_from([0, 1, 2, 4, 5, 6, 7, 8, 9, 10])))
def test_one_code_stands_for_many_and_nought_only_for_none(codes):
    assert (gravest(codes) == 0) == (not {*codes} - {0})
    assert gravest(codes) in {0, *codes}
    assert 10 not in codes or gravest(codes) == 10


def test_every_exit_code_of_an_error_has_its_place():
    def codes(error):
        return {error.exit_code}.union(*(codes(inner) for inner in error.__subclasses__()))

    assert {gravest([code]) for code in codes(LlmcfgError)} == codes(LlmcfgError)


@given(st.integers(0, 10_000), st.integers())
def test_pauses_grow_to_their_limit_and_never_vanish(failures, seed):
    seconds = pause(failures, random.Random(seed))
    assert 0.5 <= seconds <= LONGEST_SECONDS
    assert failures < 10 or seconds >= LONGEST_SECONDS / 2


@given(st.floats(1, 1e5), st.integers())
def test_a_regular_interval_stays_one(seconds, seed):
    assert seconds * 0.9 <= spread(seconds, random.Random(seed)) <= seconds * 1.1


# the file


def test_a_status_is_read_as_it_was_written(notes, tmp_path):
    notes.enter(prod(failure=FAILED, sinks=(SinkRecord("x", "differs", 3, True, failure=STALLED),)))
    write_status(tmp_path, notes.status)
    assert read_status(tmp_path) == notes.status


@pytest.mark.fault("C13")
@pytest.mark.parametrize(
    "content", [None, b"", b"{", b"[]", b'{"at": 5}', b"\xff", b'{"environments": [{}]}', "folder", "link"]
)
def test_a_status_that_cannot_be_read_is_none(tmp_path, content):
    path = tmp_path / "status.json"
    if content == "folder":
        path.mkdir()
    elif content == "link":
        path.symlink_to(tmp_path / "nowhere")
    elif content is not None:
        path.write_bytes(content)
    assert read_status(tmp_path) is None


@pytest.mark.fault("C22")
def test_a_status_of_a_newer_version_is_read_as_far_as_it_is_known(notes, tmp_path):
    notes.enter(prod())
    write_status(tmp_path, notes.status)
    path = tmp_path / "status.json"
    path.write_bytes(path.read_bytes().replace(b'"pid":', b'"new": {"x": 1}, "pid":'))
    assert read_status(tmp_path) == notes.status

"""Freezes go by the wall clock of their zone; while one is on nothing new is deployed, by hand or by sync, and what runs stays right."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmcfg.errors import FrozenError
from llmcfg.model.failure import FailureKind
from llmcfg.policies.freezes import Freeze, find_freeze, parse_freeze
from llmcfg.sync.act import apply
from llmcfg.sync.plan import make_plan
from support.reconciling import attempt
from support.written import CONSUMER, WrittenRepository

WEEKEND = {"name": "weekend", "timezone": "Europe/Berlin", "weekly": {"from": "fri 16:00", "until": "mon 08:00"}}
YEAR_END = {"name": "year end", "timezone": "Europe/Berlin", "from": "2026-12-20T18:00", "until": "2027-01-04T08:00"}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def ends(said: dict, text: str) -> str | None:
    end = parse_freeze(said, 0).ends_at(at(text))
    return end.isoformat(timespec="minutes") if end else None


@pytest.mark.parametrize(
    ("moment", "end"),
    [
        ("2026-11-27T14:59:00+00:00", None),
        ("2026-11-27T15:00:00+00:00", "2026-11-30T08:00+01:00"),
        ("2026-11-29T23:30:00+00:00", "2026-11-30T08:00+01:00"),
        ("2026-11-30T06:59:59+00:00", "2026-11-30T08:00+01:00"),
        ("2026-11-30T07:00:00+00:00", None),
        ("2026-03-27T20:00:00+00:00", "2026-03-30T08:00+02:00"),  # summer time begins in between
        ("2026-10-26T06:30:00+00:00", "2026-10-26T08:00+01:00"),  # and has ended
        ("2026-10-26T07:00:00+00:00", None),
    ],
)
def test_weekly_freeze_goes_by_the_clock_on_the_wall(moment: str, end: str | None):
    assert ends(WEEKEND, moment) == end


@pytest.mark.parametrize(
    ("moment", "end"),
    [
        ("2026-12-20T16:59:00+00:00", None),
        ("2026-12-20T17:00:00+00:00", "2027-01-04T08:00+01:00"),
        ("2027-01-04T06:59:00+00:00", "2027-01-04T08:00+01:00"),
        ("2027-01-04T07:00:00+00:00", None),
    ],
)
def test_freeze_of_once_has_a_beginning_and_an_end(moment: str, end: str | None):
    assert ends(YEAR_END, moment) == end


def test_longest_of_several_freezes_counts():
    freezes = [parse_freeze(WEEKEND, 0), parse_freeze(YEAR_END, 1)]
    found = find_freeze(freezes, "prod", at("2026-12-26T12:00:00+00:00"))
    assert found is not None
    assert found[0].name == "year end"


@settings(deadline=None)
@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)), st.sampled_from([WEEKEND, YEAR_END]))
def test_freeze_that_is_on_ends_later_and_is_over_then(moment: datetime, said: dict):
    freeze: Freeze = parse_freeze(said, 0)
    now = moment.replace(tzinfo=UTC)
    end = freeze.ends_at(now)
    if end is not None:
        assert now < end
        assert freeze.ends_at(end) is None
        assert freeze.ends_at(end - timedelta(minutes=1)) == end


FROZEN = """
apiVersion: llmcfg.dev/v1
kind: ChangeLimits
freezes:
  - {name: audit, environments: [prod], from: "2026-06-01T00:00", until: "2026-06-08T00:00"}
"""
BEFORE, DURING, AFTER = (at(f"2026-{text}T12:00:00+00:00") for text in ("05-31", "06-03", "06-09"))


@pytest.fixture
def written(tmp_path) -> WrittenRepository:
    files = {"base/limits.yaml": "rpm: 10\n", "consumers/api.yaml": CONSUMER, "policies/freezes.yaml": FROZEN}
    return WrittenRepository(tmp_path / "repository", files)


def plan(written: WrittenRepository, now: datetime, environment: str = "prod"):
    workspace = written.workspace()
    made = make_plan(workspace.wanted(environment, None), workspace.repository, environment, workspace.sink, now)
    return workspace.repository, replace(made, deliveries=())


def deploy(written: WrittenRepository, now: datetime, environment: str = "prod", reason: str = "") -> str | None:
    repository, made = plan(written, now, environment)
    return apply(made, repository, reader=None, actor="ada", during_freeze=reason).commit


def test_nothing_new_is_deployed_while_frozen(written):
    assert deploy(written, BEFORE)
    written.commit({"base/limits.yaml": "rpm: 11\n"})
    with pytest.raises(
        FrozenError, match=r"prod is frozen until 2026-06-08T00:00\+00:00: audit \(policies/freezes.yaml:4:6\)"
    ) as refused:
        deploy(written, DURING)
    assert refused.value.wait_seconds == timedelta(days=4, hours=12).total_seconds()
    assert deploy(written, DURING, "dev")
    assert deploy(written, AFTER)


def test_freeze_does_not_hold_up_what_is_deployed_already(written):
    deploy(written, BEFORE)
    assert plan(written, DURING)[1].frozen is None


def test_reason_to_deploy_all_the_same_is_kept(written):
    deploy(written, BEFORE)
    written.commit({"base/limits.yaml": "rpm: 11\n"})
    assert deploy(written, DURING, reason="the model is gone\nSource-Commit: none")
    assert (
        "During-Freeze: the model is gone Source-Commit: none"
        in written.git("log", "-1", "--format=%B", "deployed/prod").splitlines()
    )


def test_reason_without_a_freeze_is_not_kept(written):
    deploy(written, BEFORE, reason="just in case")
    assert "During-Freeze" not in written.git("log", "-1", "--format=%B", "deployed/prod")


def test_sync_waits_for_the_end_of_the_freeze_and_goes_on_then(written):
    runs = deploy(written, BEFORE)
    written.commit({"base/limits.yaml": "rpm: 11\n"})

    waiting = attempt(written, "prod", DURING)
    assert waiting.failure is not None
    assert (waiting.failure.kind, waiting.failure.code, waiting.failure.wait_seconds) == (
        FailureKind.WAITING,
        "frozen",
        388800.0,
    )
    assert written.git("rev-parse", "deployed/prod") == runs
    assert attempt(written, "prod", AFTER).moved

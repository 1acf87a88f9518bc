"""An agent that records: who is given what is on record before they are, and where it cannot be nobody is given anything."""

from __future__ import annotations

import os

import pytest

from llmcfg.audit.beginning import begin
from llmcfg.audit.settings import FOLDER
from llmcfg.audit.trail import open_log
from llmcfg.auditlog import audit_place
from llmcfg.client import agentwire
from llmcfg.clock import now
from llmcfg.git.repository import open_repository
from support.written import MANIFEST, WrittenRepository

from .conftest import Speaker, hello


class Record:
    def __init__(self, folder):
        self.clone = WrittenRepository(folder, {"llmcfg.yaml": f"{MANIFEST}tenants:\n  acme: {{}}\n"}).path
        self.root = open_repository(self.clone).state_folder / FOLDER

    def given(self, tenant="acme"):
        entries = open_log(self.root, tenant).entries()
        return [(one.consumer, one.subject, one.facts["user"], one.code) for one in entries if one.act == "agent.give"]


@pytest.fixture
def record(tmp_path):
    made = Record(tmp_path / "clone")
    place = audit_place(open_repository(made.clone))
    begin(place.root, place.repository, place.who, now)
    return made


def test_who_is_given_a_bundle_is_on_record(start, path, delivered, record):
    start("--audit", str(record.clone))
    speaker = Speaker(path)
    speaker.say(hello(instance="pod-1"))
    assert isinstance(speaker.hear(), agentwire.Update)
    assert record.given() == [("api", "pod-1", str(os.geteuid()), "")]
    speaker.close()


def test_who_is_refused_is_on_record_too(start, path, delivered, record):
    start("--audit", str(record.clone))
    speaker = Speaker(path)
    speaker.say(hello(version=agentwire.VERSION + 1))
    assert isinstance(speaker.hear(), agentwire.Trouble)
    assert [code for *_, code in record.given(tenant="")] == ["usage"]
    speaker.close()


def test_nobody_is_given_anything_that_cannot_be_recorded(start, path, delivered, record):
    running = start("--audit", str(record.clone))
    in_the_way = record.root / "tenants"
    in_the_way.write_text("no folder")
    speaker = Speaker(path)
    speaker.say(hello())
    answer = speaker.hear()
    assert isinstance(answer, agentwire.Trouble)
    assert answer.code == "audit-unavailable"
    assert speaker.hear() is None
    assert speaker.descriptors == []
    speaker.close()
    in_the_way.unlink()
    again = Speaker(path)
    again.say(hello())
    assert isinstance(again.hear(), agentwire.Update), running.said()
    again.close()


def test_an_agent_does_not_start_where_nothing_is_recorded(start, delivered, tmp_path):
    clone = WrittenRepository(tmp_path / "other", {"llmcfg.yaml": MANIFEST}).path
    running = start("--audit", str(clone), listens=False)
    assert running.process.wait(60) == 7
    assert "nothing is recorded" in running.said()

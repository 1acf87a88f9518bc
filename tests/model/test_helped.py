"""Threads that do beforehand what somebody will ask for."""

from __future__ import annotations

import threading

import pytest

from llmcfg import helped
from llmcfg.model.later import Later


@pytest.fixture(autouse=True)
def four_processors(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 4)


def test_helpers_begin_at_the_end_and_are_gone_afterwards():
    done, before = [], threading.active_count()
    reached = threading.Event()

    def work(item):
        done.append(item)
        if len(done) == 100:
            reached.set()

    with helped.helped(work, range(100)):
        assert reached.wait(60)
    assert sorted(done) == [*range(100)]
    assert done[0] in {97, 98, 99}
    assert threading.active_count() == before


def test_values_that_several_ask_for_at_once_are_the_same_for_all():
    items = [Later(lambda number=number: f"value {number}") for number in range(2_000)]
    with helped.helped(lambda item: item.get(), items):
        assert [item.get() for item in items] == [f"value {number}" for number in range(2_000)]


def test_what_fails_beside_fails_again_for_who_asks():
    def fail(item):
        raise ValueError(f"no {item}")

    with pytest.raises(ValueError, match="no 0"), helped.helped(fail, range(50)):
        fail(0)


def test_few_items_and_one_processor_start_no_thread(monkeypatch):
    started = []
    with helped.helped(started.append, range(3)):
        pass
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    with helped.helped(started.append, range(1_000)):
        pass
    assert started == []

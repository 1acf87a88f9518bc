"""A daemon in trouble: twice on one folder, told to end anywhere, out of descriptors, killed again and again, on a slow disk."""

from __future__ import annotations

import random
import resource
import signal
import threading
import time
from pathlib import Path

import pytest

from .hosts import KILLED, end, wait_until


def says(host, log="log"):
    return (host.folder / log).read_text()


def runs(host, number):
    return [host.delivered(), host.posted(), host.branched(), host.deployed()] == [number] * 4


@pytest.mark.fault("C14")
def test_a_second_daemon_on_one_folder_ends_and_names_the_first(host):
    first = host.start()
    try:
        wait_until(lambda: "started" in says(host), "the first is there")
        assert host.sync() == 8
        assert f"process {first.pid}" in host.said
        second = host.start(log="second")
        assert second.wait(60) == 8
        host.push(2)
        wait_until(lambda: runs(host, 2), "the first goes on")
    finally:
        assert end(first) == 0
    assert host.sync() == 0, "the folder is free again"


@pytest.mark.sweep
@pytest.mark.fault("C16")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_at_any_moment_ends_in_order_or_changes_nothing(host, number):
    drawn = random.Random(int(number))
    for round in range(8):
        host.push(2 + round)
        daemon = host.start()
        time.sleep(drawn.uniform(0.0, 1.5))
        if number is signal.SIGHUP:
            wait_until(lambda: "started" in says(host), "it is there")
            daemon.send_signal(number)
            wait_until(lambda: "reloaded" in says(host), "it reads its settings", lambda: says(host))
        code = end(daemon, signal.SIGTERM if number is signal.SIGHUP else number)
        assert code in ({0} if number is signal.SIGHUP else {0, 130, -number}), says(host)
        assert "Traceback" not in says(host)
        assert host.delivered() <= host.deployed() <= 2 + round
    assert host.sync() == 0, host.said
    assert (host.delivered(), host.deployed(), host.damage()) == (9, 9, [])


@pytest.mark.sweep
@pytest.mark.fault("C18")
@pytest.mark.parametrize("few", [12, 20])
def test_a_daemon_without_descriptors_goes_on_when_there_are_some(host, few):
    daemon = host.start()
    try:
        wait_until(lambda: "started" in says(host), "it is there")
        usual = resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE)
        wait_until(lambda: host.sync() == 8, "it owns its folder")
        resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (few, usual[1]))
        for child in children(daemon.pid):
            resource.prlimit(child, resource.RLIMIT_NOFILE, (few, usual[1]))
        host.push(2)
        time.sleep(3)
        assert daemon.poll() is None, says(host)
        assert host.delivered() in (1, 2)
        for process in (daemon.pid, *children(daemon.pid)):
            resource.prlimit(process, resource.RLIMIT_NOFILE, usual)
        wait_until(lambda: runs(host, 2), "it goes on", lambda: says(host))
    finally:
        assert end(daemon) == 0
    assert "Traceback" not in says(host)


def children(pid):
    """The processes that this one started, where the system tells."""
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in listed.read_text().split()] if listed.is_file() else []


@pytest.mark.sweep
@pytest.mark.fault("C19")
def test_a_daemon_that_is_killed_again_and_again_loses_nothing(host):
    drawn = random.Random(1)
    for number in range(2, 22):
        host.push(number)
        daemon = host.start()
        time.sleep(drawn.uniform(0.2, 1.4))
        daemon.kill()
        assert daemon.wait(60) == KILLED
        assert host.delivered() <= host.deployed() <= number
    wait_until(lambda: host.sync() == 0, "it owns its folder", lambda: host.said)
    assert (host.delivered(), host.branched(), host.deployed()) == (21, 21, 21)
    assert host.states() == sorted(set(host.states())), "nothing is deployed twice, or goes back"
    assert (host.leftovers(), host.damage()) == ([], [])


@pytest.mark.sweep
@pytest.mark.fault("C12")
def test_readers_notice_nothing_of_a_slow_disk(host):
    host.misbehave("flush_slowly")
    host.push(2)
    codes = []
    working = threading.Thread(target=lambda: codes.append(host.sync()))
    working.start()
    reads = []
    while working.is_alive():
        reads.append(host.delivered())
    working.join()
    assert codes == [0], host.said
    assert reads == sorted(reads)
    assert len(reads) > 10
    assert host.delivered() == 2

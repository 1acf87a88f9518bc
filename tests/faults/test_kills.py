"""SIGKILL at every named step of a pass, an apply, a rollback and a daemon's life, as real processes with a real remote.

Whatever dies: what is deployed is whole, nothing runs that is not deployed, readers see one configuration or the other, and the next run
ends where the killed one wanted to, once, with nobody's help.
"""

from __future__ import annotations

import itertools
import re
import signal
from pathlib import Path

import pytest

from .hosts import KILLED, end, wait_until
from .misbehaving import BUGS

PASS = [
    "fetch.before",
    "fetch.after",
    "verify.before_accept",
    "verify.after_accept",
    "build.before",
    "observe.before",
    "act.before",
    "commit.after_tree",
    "commit.after_commit",
    "publish.before",
    "publish.after",
    "commit.before_ref",
    "commit.after_ref",
    "act.after_commit",
    "act.before_sinks",
    "directory.written",
    "directory.placed",
    "directory.switch_written",
    "directory.half_pointed",
    "directory.switched",
    "directory.pointed",
    "endpoint.before_post",
    "endpoint.after_post",
    "branch.before_push",
    "branch.after_push",
    "act.after_sinks",
    "record.before",
    "record.after_status",
    "record.after",
]
REFUSED = ["directory.undo_written", "directory.taken_back"]
LANES = ["lane.before_look", "lane.before_deliver", "lane.after_deliver"]
PACKING = ["objects.pack_placed"]
RECORDING = ["audit.before_entries", "audit.after_entries", "audit.after_head"]
BY_HAND = [
    "commit.after_tree",
    "commit.after_commit",
    "commit.before_ref",
    "commit.after_ref",
    "directory.written",
    "directory.placed",
    "directory.half_pointed",
    "directory.pointed",
]
ERRORS = list(zip(PASS, itertools.cycle(["ENOSPC", "EIO", "EMFILE"]), strict=False))
QUICK = ["publish.after", "directory.half_pointed"]
SOURCES = Path(__file__).resolve().parent.parent.parent / "core"


def seen(host):
    return [host.delivered(), host.posted(), host.branched(), host.deployed()]


def assert_nothing_is_half(host):
    """What a crash may leave: the old or the new, and nothing anywhere that is not deployed."""
    deployed = host.deployed()
    assert deployed in (1, 2)
    for found in (host.delivered(), host.posted(), host.branched()):
        assert found in (None, 1, 2)
        assert found in (None, 1) or deployed == 2, "something runs that is not deployed"
    assert host.damage() == []


def assert_it_ends_well(host):
    assert host.sync() == 0, host.said
    assert (host.delivered(), host.branched(), host.deployed()) == (2, 2, 2)
    assert host.states() == [1, 2], "deployed once, and nothing else was"
    assert host.leftovers() == []
    tip = host.tip()
    assert host.sync() == 0, host.said
    assert (host.tip(), host.damage()) == (tip, [])


def kill_and_go_on(host, point):
    host.push(2)
    assert host.sync(f"{point}=kill") == KILLED, f"{point} is not reached: {host.said}"
    assert_nothing_is_half(host)
    assert_it_ends_well(host)
    assert host.posted() == 2


@pytest.mark.fault("C01", "C03", "N09")
@pytest.mark.parametrize("point", QUICK)
def test_a_pass_that_is_killed_is_made_up_for_by_the_next(host, point):
    kill_and_go_on(host, point)


def overtake_and_go_on(host):
    host.push(2)
    other = host.be_overtaken()
    host.sync()
    assert_nothing_is_half(host)
    assert host.sync() == 0, host.said
    assert host.is_deployed(other), "somebody else's push is lost"
    assert (host.delivered(), host.deployed(), host.states()) == (2, 2, [1, 1, 2])


@pytest.mark.fault("R17", "R18")
def test_a_push_that_is_first_is_not_lost(host):
    overtake_and_go_on(host)


PLANTED = {
    "never_publish": "record.before",
    "publish_afterwards": "commit.after_ref",
    "deliver_first": "publish.before",
    "record_first": "endpoint.before_post",
}


@pytest.mark.sweep
@pytest.mark.parametrize("bug", BUGS)
def test_a_bug_in_the_order_of_things_is_noticed(host, bug):
    host.misbehave(bug)
    with pytest.raises(AssertionError) as noticed:
        overtake_and_go_on(host) if bug == "push_anything" else kill_and_go_on(host, PLANTED[bug])
    assert "is not reached" not in str(noticed.value)
    assert "Traceback" not in host.said


@pytest.mark.sweep
@pytest.mark.fault("C03", "N12")
@pytest.mark.parametrize("point", [point for point in PASS if point not in QUICK])
def test_a_pass_that_is_killed_anywhere_is_made_up_for_by_the_next(host, point):
    kill_and_go_on(host, point)


@pytest.mark.sweep
@pytest.mark.fault("C04")
@pytest.mark.parametrize("point", [point for point in PASS if point.split(".")[0] in ("directory", "commit", "branch")])
def test_a_pass_that_makes_up_for_one_may_be_killed_too(host, point):
    host.push(2)
    for _ in range(2):
        host.sync(f"{point}=kill")
        assert_nothing_is_half(host)
    assert_it_ends_well(host)


@pytest.mark.sweep
@pytest.mark.fault("C03")
@pytest.mark.parametrize("point", REFUSED)
def test_a_delivery_that_is_taken_back_may_be_killed_on_the_way(host, point):
    host.push(2)
    host.be_unwell(2)
    assert host.sync(f"{point}=kill") == KILLED, host.said
    assert_nothing_is_half(host)
    assert host.sync() != 0
    assert host.delivered() == 1, "what made the program unwell stays away from it"
    host.be_unwell(None)
    assert_it_ends_well(host)


@pytest.mark.sweep
@pytest.mark.fault("C02")
@pytest.mark.parametrize(("point", "error"), ERRORS)
def test_an_error_at_any_step_is_told_and_made_up_for(host, point, error):
    host.push(2)
    code = host.sync(f"{point}=raise:{error}")
    assert 0 <= code < 128
    assert "Traceback" not in host.said
    assert_nothing_is_half(host)
    assert_it_ends_well(host)


# on record


def kill_recorded_and_go_on(host, point):
    """Nothing is done that was not on record before."""
    host.keep_record()
    host.push(2)
    assert host.sync(f"{point}=kill") == KILLED, f"{point} is not reached: {host.said}"
    assert_nothing_is_half(host)
    recorded = [act for act, outcome in host.recorded() if outcome == "begun"]
    assert host.deployed() == 1 or "sync.deploy" in recorded
    assert host.delivered() == 1 or "sync.deliver" in recorded
    assert_it_ends_well(host)
    assert ("sync.deliver", "begun") in host.recorded()


@pytest.mark.fault("O03")
def test_a_pass_that_is_killed_while_it_records_is_made_up_for(host):
    kill_recorded_and_go_on(host, "audit.after_entries@5")


@pytest.mark.sweep
@pytest.mark.fault("O03")
@pytest.mark.parametrize("visit", range(1, 13))
@pytest.mark.parametrize("point", RECORDING)
def test_a_pass_that_is_killed_at_any_entry_is_made_up_for(host, point, visit):
    kill_recorded_and_go_on(host, f"{point}@{visit}")


# by hand, in a clone


def local(host):
    """A repository that nobody follows, deployed once from where it lies."""
    path = host.clone.path
    (path / "llmcfg.yaml").write_text(
        (path / "llmcfg.yaml").read_text().split("sinks:")[0]
        + 'sinks: [{directory: {path: "delivered/{environment}", open: true}}]\n'
    )
    (path / "consumers/api.yaml").write_text("apiVersion: llmcfg.dev/v1\nkind: Consumer\nselect: [.]\n")
    host.clone.commit({}, "no host")
    host.remote, host.own = path, path
    assert host.run("apply", "-e", "dev", "-y", "-q", at=path) == 0, host.said
    return host


@pytest.mark.sweep
@pytest.mark.fault("C03")
@pytest.mark.parametrize("verb", ["apply", "rollback"])
@pytest.mark.parametrize("point", BY_HAND)
def test_who_is_killed_by_hand_does_it_again(host, point, verb):
    host = local(host)
    host.clone.commit({"base/limits.yaml": "rpm: 2\n"})
    arguments, states, before, after = ("apply", "-e", "dev", "-y", "-q"), [1, 2], 1, 2
    if verb == "rollback":
        assert host.run(*arguments, at=host.own) == 0
        arguments, states, before, after = ("rollback", "-e", "dev", "-y", "-q"), [1, 2, 1], 2, 1
    assert host.run(*arguments, failpoints=f"{point}=kill", at=host.own) == KILLED, f"{point} is not reached"
    assert host.deployed() in (before, after)
    assert host.delivered() == before or host.deployed() == after, "something runs that is not deployed"
    if host.deployed() == after:
        host.run("apply", "-e", "dev", "-y", "-q", at=host.own)
        again = ("apply", "-e", "dev", "-y", "-q", "--at", "HEAD~1") if verb == "rollback" else arguments
        host.run(*again, at=host.own)
    else:
        assert host.run(*arguments, at=host.own) == 0, host.said
    assert (host.deployed(), host.delivered(), host.states()) == (after, after, states)
    assert host.leftovers() == []


@pytest.mark.sweep
@pytest.mark.fault("C03")
@pytest.mark.parametrize("point", PACKING)
def test_who_is_killed_while_many_objects_are_written_does_it_again(host, point):
    host = local(host)
    host.clone.commit(
        {"base/limits.yaml": "rpm: 2\n"} | {f"base/d{number}.yaml": f"a: {number}\n" for number in range(120)}
    )
    arguments = ("apply", "-e", "dev", "-y", "-q")
    assert host.run(*arguments, failpoints=f"{point}=kill", at=host.own) == KILLED, f"{point} is not reached"
    assert (host.deployed(), host.delivered()) == (1, 1)
    assert host.run(*arguments, at=host.own) == 0, host.said
    assert (host.deployed(), host.delivered(), host.states(), host.damage()) == (2, 2, [1, 2], [])
    assert host.leftovers() == []


# the daemon, whose parts die one by one


def died(host):
    return "builder-died" in (host.folder / "log").read_text() or "courier-died" in (host.folder / "log").read_text()


@pytest.mark.sweep
@pytest.mark.fault("C03", "C17")
@pytest.mark.parametrize("point", [*PASS[:5], "publish.after", "commit.before_ref", "directory.half_pointed", *LANES])
def test_a_daemon_outlives_the_parts_of_it_that_are_killed(host, point):
    host.push(2)
    daemon = host.start(f"{point}=kill")
    try:
        wait_until(lambda: died(host), f"{point} kills a part", lambda: (host.folder / "log").read_text())
        assert daemon.poll() is None
        assert_nothing_is_half(host)
    finally:
        assert end(daemon) == 0
    daemon = host.start(log="log2")
    try:
        wait_until(lambda: '"started"' in (host.folder / "log2").read_text(), "it heeds signals")
        wait_until(lambda: seen(host) == [2, 2, 2, 2], "everything runs the new", lambda: seen(host))
    finally:
        assert end(daemon) == 0
    assert host.states() == [1, 2]
    assert (host.leftovers(), host.damage()) == ([], [])


def test_every_named_step_is_killed_somewhere():
    said = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES.rglob("*.py"))
    names = set(re.findall(r'\bfailpoint\("([a-z._]+)"\)', said))
    assert names == {*PASS, *REFUSED, *LANES, *PACKING, *RECORDING}
    assert {*QUICK, *BY_HAND} <= names


def end_in_the_middle(host, number):
    host.push(2)
    daemon = host.start("directory.written=sleep:1500")
    wait_until(lambda: host.deployed() == 2, "the pass is at its delivery")
    code = end(daemon, number)
    assert_nothing_is_half(host)
    assert_it_ends_well(host)
    return code


@pytest.mark.fault("C16")
def test_a_daemon_that_is_told_to_end_in_the_middle_of_a_pass_ends_in_order(host):
    assert end_in_the_middle(host, signal.SIGTERM) == 0


@pytest.mark.sweep
@pytest.mark.fault("C16")
def test_an_interrupt_in_the_middle_of_a_pass_ends_it_in_order_too(host):
    assert end_in_the_middle(host, signal.SIGINT) == 130

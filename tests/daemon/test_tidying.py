"""The private repository stays small: what every fetch and every deployment leaves there is put together, and nothing of it is lost."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from llmcfg.daemon.upstream import PRIVATE
from llmcfg.git.branchsink import BranchSink
from llmcfg.git.repository import open_repository
from llmcfg.model.remoteurl import parse_remote_url
from llmcfg.model.settings import Access, Budget, GitTarget
from support.remotes import SURROUNDINGS

from .following import with_budget


@pytest.fixture
def few(monkeypatch):
    """So that a few fetches are many."""
    monkeypatch.setattr("llmcfg.git.transport.PACKS", 4)
    monkeypatch.setattr("llmcfg.git.transport.LOOSE", 100)


def git(folder, *arguments):
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


def objects(folder):
    """All that are there, named by a ref or not."""
    return set(git(folder, "cat-file", "--batch-all-objects", "--batch-check=%(objectname)").split())


def packs(folder):
    return len(list((folder / "objects/pack").glob("*.pack")))


def loose(folder):
    return len(list((folder / "objects").glob("??/*")))


def open_packs():
    """What this process holds open of packs, there or gone."""
    held = [str(path.readlink()) for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
    mapped = {
        line.split(maxsplit=5)[5] for line in Path("/proc/self/maps").read_text().splitlines() if "/pack-" in line
    }
    return sum("/pack-" in name for name in held) + len(mapped)


def test_many_fetches_and_deployments_leave_few_files_and_every_object(origin, machine, few):
    private = machine.state.root / PRIVATE
    seen, most = set(), 0
    for number in range(20):
        origin.push({"base/limits.yaml": f"rpm: {100 + number}\n"})
        if number == 9:
            origin.git("checkout", "-q", "HEAD~4")
            origin.push({"base/limits.yaml": "rpm: 1\n"}, "HEAD:main", force=True)
            assert [held.code for held in machine.sync().held] == ["history-rewritten"]
            origin.git("checkout", "-q", "main")
            origin.push(None, force=True)
        machine.sync()
        seen |= objects(private)
        most = max(most, packs(private))
    assert machine.delivered() == {"limits": b'{"rpm":119}\n'}
    assert most <= 5
    assert loose(private) <= 120
    assert objects(private) == seen, "what is held and named by no ref is there too"
    git(private, "fsck", "--strict", "--no-dangling")


def test_who_reads_on_finds_what_was_put_elsewhere_and_keeps_nothing_open(origin, machine, few):
    session = machine.session()
    upstream = session.upstream
    private = machine.state.root / PRIVATE
    reader = open_repository(private)
    counts = []
    for number in range(16):
        commit = origin.push({"base/limits.yaml": f"rpm: {100 + number}\n"})
        upstream.follow({}, lambda step, environment: None)
        reader.facts(commit)  # it has opened the packs that are there now
        upstream.tidy(lambda: True)
        assert reader.read_file(commit, "base/limits.yaml") == f"rpm: {100 + number}\n".encode()
        reader.reopen_packs()
        counts.append(open_packs())
    assert max(counts[8:]) <= max(counts[:8]), counts
    assert packs(private) <= 4


def test_while_passes_are_asked_for_it_waits_but_not_for_ever(origin, machine, few):
    upstream = machine.session().upstream
    counts = []
    for number in range(18):
        origin.push({"base/limits.yaml": f"rpm: {100 + number}\n"})
        upstream.follow({}, lambda step, environment: None)
        upstream.tidy(lambda: False)
        counts.append(packs(machine.state.root / PRIVATE))
    assert counts[:16] == list(range(1, 17)), "somebody always waits for a pass"
    assert counts[16] < 4, "there is too much"


def test_tidying_that_is_cut_off_loses_nothing(origin, machine, few):
    for number in range(5):
        origin.push({"base/limits.yaml": f"rpm: {100 + number}\n"})
        machine.look()
    private = machine.state.root / PRIVATE
    before = objects(private)
    with_budget(machine, seconds=0.001)
    machine.session().upstream.tidy(lambda: True)
    assert objects(private) == before
    with_budget(machine)
    origin.push({"base/limits.yaml": "rpm: 7\n"})
    machine.sync()
    assert machine.delivered() == {"limits": b'{"rpm":7}\n'}
    assert packs(private) < 4
    assert not list((private / "objects/pack").glob("*tmp_*"))


def test_the_repository_behind_a_sink_stays_small_too(tmp_path, few):
    fleet = tmp_path / "fleet.git"
    git(tmp_path, "init", "-q", "--bare", "--template=", str(fleet))
    target = GitTarget("fleet", Access(parse_remote_url(str(fleet))), budget=Budget())
    sink = BranchSink(SURROUNDINGS.git, tmp_path / "clone", target, "rendered", "here")
    for number in range(40):
        sink.deliver(f"root{number}", {"a/b.json": f"{number}".encode(), "head.json": b"{}"})
        assert loose(tmp_path / "clone") <= 105
    assert sink.delivered() == "root39"
    assert packs(tmp_path / "clone") <= 5

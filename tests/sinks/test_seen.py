"""What earlier processes saw of a sink spares reading it again, and never shows: every look is that of one who knows nothing."""

from __future__ import annotations

import hashlib
import os
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmcfg.cache.store import DiskCache
from llmcfg.model.target import Target
from llmcfg.pipeline.bundle import environment_files, make_bundle, make_part
from llmcfg.sinks.digests import Digests
from llmcfg.sinks.directory import DirectorySink
from llmcfg.sinks.seen import Seen
from support.worktrees import wait_a_tick

TENANTS = ("acme", "beta")


def later():
    """What was written before is settled by now."""
    return datetime.now(UTC) + timedelta(hours=1)


def files_of(number=0):
    bundles = [
        make_bundle(Target("prod", tenant, "api"), {"config/a.json": make_part(b"%d" % number)}, {}, ())
        for tenant in TENANTS
    ]
    return dict(environment_files("prod", {bundle.target: bundle for bundle in bundles}, None))


@pytest.fixture
def root(tmp_path):
    DirectorySink(tmp_path / "delivered").deliver("1", files_of())
    wait_a_tick(tmp_path / "probe")
    return tmp_path / "delivered"


@pytest.fixture
def look(root, tmp_path):
    """As a process looks at it that has a cache."""
    return lambda now=later: DirectorySink(root, seen=Seen(now, DiskCache(tmp_path / "cache.db"))).observe()


@pytest.fixture
def reads(monkeypatch):
    """The files that are read."""
    seen, opened = [], os.open

    def watch(path, *arguments, **options):
        if "/.llmcfg/" in os.fspath(path):
            seen.append(Path(path).name)
        return opened(path, *arguments, **options)

    monkeypatch.setattr(os, "open", watch)
    return seen


def fresh(root):
    return DirectorySink(root).observe()


def place(root, path="acme/api/config/a.json"):
    return (root / "current").resolve() / path


def test_the_next_process_reads_nothing(root, look, reads):
    first = look()
    assert len(reads) >= 7
    del reads[:]
    assert look() == first == fresh_of(root)
    assert reads == []


def fresh_of(root):
    current = (root / "current").resolve()
    return {
        path.relative_to(current).as_posix(): hashlib.sha256(Path(path).read_bytes()).hexdigest()
        for path in current.rglob("*")
        if path.is_file() and path.name != "bundle.llmcfg"
    }


def in_place(path):
    times = path.stat()
    path.write_bytes(b"7" * times.st_size)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def replaced(path):
    times, other = path.stat(), path.with_name("other")
    other.write_bytes(b"7" * times.st_size)
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    other.rename(path)


@pytest.mark.parametrize("path", ["acme/api/config/a.json", "acme/api/bundle.llmcfg", "head.json"])
@pytest.mark.parametrize("change", [in_place, replaced])
def test_a_change_of_the_same_size_whose_time_is_set_back_is_seen(root, look, change, path):
    before = look()
    change(place(root, path))
    assert look() == fresh(root) != before


def test_a_mapped_file_that_is_of_another_bundle_is_seen(root, look):
    """Both files are known, and not beside one another."""
    look()
    one, other = (place(root, f"{tenant}/api/bundle.llmcfg") for tenant in TENANTS)
    other.rename(one)
    assert look() == fresh(root)
    assert look()["acme/api/bundle.llmcfg"] == "not made from the files beside it"


def test_what_was_changed_lately_is_read_again(root, look, reads):
    look(lambda: datetime.now(UTC))
    del reads[:]
    look()
    assert "a.json" in reads


def test_files_that_were_linked_to_are_read_once_more(root, look, reads, tmp_path):
    """Linking changes one of their times, just now."""
    sink = DirectorySink(root, seen=Seen(lambda: datetime.now(UTC), DiskCache(tmp_path / "cache.db")))
    look()
    sink.observe()
    sink.deliver("2", {**files_of(), "more": b"1"})
    sink.observe()
    del reads[:]
    assert look() == fresh_of(root)
    assert "a.json" in reads


def test_what_is_gone_is_not_kept(root, look, tmp_path):
    look()
    cache = DiskCache(tmp_path / "cache.db")
    kept = Seen(later, cache)
    DirectorySink(root).deliver("2", {"a": b"1"})
    DirectorySink(root, seen=kept).observe()
    assert len(kept._kept[root]) < 100


def test_a_second_look_writes_nothing(root, look, tmp_path):
    look()
    written = (tmp_path / "cache.db").stat().st_mtime_ns
    look()
    assert (tmp_path / "cache.db").stat().st_mtime_ns == written


@pytest.mark.parametrize("kept", [b"", b"\0", b"\xff" * 71, b"\xff" * 73, os.urandom(144)])
def test_what_is_nothing_that_was_kept_is_nobodys_file(root, kept):
    digests = Digests(later)
    digests.recall(kept)
    assert digests.below(root / "current") == Digests().below(root / "current")


def test_a_file_is_believed_to_be_what_was_kept_of_it(root):
    """So the tests above are about what they say: a wrong digest of the same facts is told."""
    digests = Digests(later)
    digests.below(root / "current")
    kept = digests.keep()
    size = struct.calcsize(">QQQqq")
    wrong = b"".join(kept[at : at + size] + b"\1" * 32 for at in range(0, len(kept), size + 32))
    other = Digests(later)
    other.recall(wrong)
    assert set(other.below(root / "current").values()) == {"01" * 32}


CHANGES = st.sampled_from(["write", "write back", "remove", "link", "add", "folder", "deliver", "swap"])


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(CHANGES, st.integers(0, 3)), max_size=6))
def test_no_change_is_missed(tmp_path_factory, changes):
    top = tmp_path_factory.mktemp("sink")
    root = top / "delivered"
    DirectorySink(root).deliver("first", files_of())
    for number, (change, which) in enumerate(changes):
        wait_a_tick(top / "probe")
        assert DirectorySink(root, seen=Seen(later, DiskCache(top / "cache.db"))).observe() == fresh(root)
        wait_a_tick(top / "probe")
        meddle(root, change, which, number)
    assert DirectorySink(root, seen=Seen(later, DiskCache(top / "cache.db"))).observe() == fresh(root)


def meddle(root, change, which, number):
    paths = sorted(path for path in (root / "current").resolve().rglob("*") if path.is_file() or path.is_symlink())
    path, other = paths[which % len(paths)], paths[(which + 1) % len(paths)]
    match change:
        case "write":
            path.write_bytes(b"%d" % number)
        case "write back" if not path.is_symlink():
            in_place(path)
        case "remove":
            path.unlink()
        case "link" if path != other:
            path.unlink()
            path.symlink_to(other)
        case "add":
            path.with_name(f"more{number}").write_bytes(b"1")
        case "folder":
            path.unlink()
            path.mkdir()
        case "swap" if path != other:
            other.rename(path)
        case _:
            DirectorySink(root).deliver(f"{number}", files_of(number))

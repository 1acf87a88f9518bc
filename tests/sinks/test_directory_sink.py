"""The directory sink: whole deliveries only, drift seen from the bytes, and any death on the way survived."""

from __future__ import annotations

import hashlib
import os
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmcfg.disk import hold_lock
from llmcfg.errors import PendingError, StorageError, UsageError
from llmcfg.sinks import store
from llmcfg.sinks.directory import DirectorySink
from support.children import run_in_child, run_in_children, start_child, wait_for

ONE = {"head.json": b"1", "_shared/api/config/a.json": b'{"a":1}', "acme/api/files/config.yaml": b"a: 1\n"}
TWO = {"head.json": b"2", "_shared/api/config/a.json": b'{"a":2}'}


def digests(files):
    return {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}


def name_of(files):
    return hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()


def deliver(sink, files):
    sink.deliver(name_of(files), files)


def stored(root):
    return sorted(path.name for path in (root / ".llmcfg").iterdir() if path.name not in ("lock", "delivered"))


@pytest.fixture
def root(tmp_path):
    return tmp_path / "delivered" / "prod"


@pytest.fixture
def sink(root):
    return DirectorySink(root, keep=2)


def test_nothing_delivered_is_none(sink, root):
    assert sink.observe() is None
    assert not root.exists()
    assert str(root) in sink.name


def test_delivery_is_what_is_observed_and_what_readers_find(sink, root):
    deliver(sink, ONE)
    assert sink.observe() == digests(ONE)
    assert (root / "current/acme/api/files/config.yaml").read_bytes() == b"a: 1\n"
    assert (root / "current").readlink() == Path(f".llmcfg/{name_of(ONE)}")


def test_delivery_replaces_the_one_before(sink, root):
    deliver(sink, ONE)
    deliver(sink, TWO)
    assert sink.observe() == digests(TWO)
    assert not (root / "current/acme").exists()


def test_delivery_without_files_is_a_delivery(sink):
    deliver(sink, {})
    assert sink.observe() == {}


def test_same_delivery_again_changes_nothing(sink, root):
    deliver(sink, ONE)
    before = (root / "current/head.json").stat()
    deliver(sink, ONE)
    after = (root / "current/head.json").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_newest_deliveries_are_kept_and_going_back_reuses_them(sink, root):
    three = {"head.json": b"3"}
    for files in (ONE, TWO, three):
        deliver(sink, files)
    assert stored(root) == sorted([name_of(TWO), name_of(three)])
    deliver(sink, TWO)
    assert sink.observe() == digests(TWO)
    deliver(sink, ONE)
    assert stored(root) == sorted([name_of(TWO), name_of(ONE)])


def test_current_delivery_is_kept_even_when_none_should_be(root):
    sink = DirectorySink(root, keep=0)
    deliver(sink, ONE)
    deliver(sink, TWO)
    assert stored(root) == [name_of(TWO)]
    assert sink.observe() == digests(TWO)


def test_files_are_for_their_owner_only(sink, root):
    deliver(sink, ONE)
    modes = {path.stat().st_mode & 0o777 for path in (root / "current/").rglob("*") if path.is_file()}
    assert modes == {0o600}
    assert {path.stat().st_mode & 0o777 for path in (root / "current/").rglob("*") if path.is_dir()} == {0o700}


def edit(path):
    path.write_bytes(b"edited")


def replace_by_link(path):
    path.unlink()
    path.symlink_to("/etc/passwd")


def replace_by_pipe(path):
    path.unlink()
    os.mkfifo(path)


def replace_by_directory(path):
    path.unlink()
    path.mkdir()


def add_beside(path):
    (path.parent / "added").write_bytes(b"")


@pytest.mark.parametrize(
    "tamper",
    [edit, replace_by_link, replace_by_pipe, replace_by_directory, add_beside, os.unlink],
    ids=lambda it: it.__name__,
)
def test_edited_delivery_is_drift_and_is_written_anew(sink, root, tamper):
    deliver(sink, ONE)
    tamper(root / "current/_shared/api/config/a.json")
    assert sink.observe() != digests(ONE)
    deliver(sink, ONE)
    assert sink.observe() == digests(ONE)
    assert len(stored(root)) == 1
    deliver(sink, TWO)
    deliver(sink, ONE)
    assert sink.observe() == digests(ONE)


def test_edit_of_an_older_delivery_does_not_come_back(sink, root):
    deliver(sink, ONE)
    old = (root / "current").resolve()
    deliver(sink, TWO)
    (old / "head.json").write_bytes(b"edited")
    deliver(sink, ONE)
    assert sink.observe() == digests(ONE)


def make_directory(root):
    (root / "current").unlink()
    (root / "current").mkdir()
    (root / "current/head.json").write_bytes(b"1")


def make_file(root):
    (root / "current").unlink()
    (root / "current").write_bytes(b"")


def point_outside(root):
    (root / "current").unlink()
    (root / "current").symlink_to("/etc")


def point_nowhere(root):
    (root / "current").unlink()
    (root / "current").symlink_to(".llmcfg/missing")


def point_through_a_link(root):
    (root / ".llmcfg/link").symlink_to("/etc")
    (root / "current").unlink()
    (root / "current").symlink_to(".llmcfg/link")


@pytest.mark.parametrize(
    "tamper",
    [make_directory, make_file, point_outside, point_nowhere, point_through_a_link],
    ids=lambda it: it.__name__,
)
def test_replaced_link_is_drift_and_is_mended(sink, root, tamper):
    deliver(sink, ONE)
    tamper(root)
    seen = sink.observe()
    assert seen is not None
    assert seen != digests(ONE)
    assert len(seen) <= 1
    deliver(sink, ONE)
    assert sink.observe() == digests(ONE)
    assert stored(root) == [name_of(ONE)]


@pytest.mark.parametrize("trouble", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_delivery_that_is_given_up_leaves_the_one_before_and_nothing_of_itself(sink, root, monkeypatch, trouble):
    deliver(sink, ONE)
    before, written = stored(root), []

    def write_some(path, content, mode):
        if written:
            raise trouble
        written.append(path)
        path.write_bytes(content)

    monkeypatch.setattr(store, "write_new", write_some)
    with pytest.raises((KeyboardInterrupt, StorageError)):
        deliver(sink, TWO)
    assert written
    assert (stored(root), sink.observe()) == (before, digests(ONE))


@pytest.mark.parametrize("path", ["../x", "/x", "a/../../x", "a//b", "", ".", "a\0b"])
def test_path_that_leaves_the_directory_is_refused(sink, root, path):
    with pytest.raises(UsageError):
        deliver(sink, {path: b""})
    assert not root.exists()


@pytest.mark.parametrize("digest", ["", "../x", "a/b", ".hidden", "tmp.x", "x" * 200])
def test_what_is_no_digest_is_refused(sink, digest):
    with pytest.raises(UsageError):
        sink.deliver(digest, ONE)


@pytest.mark.fault("C02")
@pytest.mark.parametrize("operation", ["open", "write", "fsync", "rename", "symlink", "mkdir"])
def test_failing_disk_keeps_the_old_delivery(sink, root, monkeypatch, operation):
    deliver(sink, ONE)

    def fail(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, operation, fail)
    with pytest.raises(StorageError, match="No space left"):
        deliver(sink, TWO)
    monkeypatch.undo()
    assert sink.observe() == digests(ONE)
    deliver(sink, TWO)
    assert sink.observe() == digests(TWO)
    assert stored(root) == sorted([name_of(ONE), name_of(TWO)])


def die_at(step, work, *arguments):
    """Run `work(*arguments)`, ending the process as SIGKILL would before the disk operation number `step` of it."""
    count = 0

    def watch(event, details):
        nonlocal count
        if event in {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.symlink", "os.utime", "fcntl.flock"}:
            count += 1
            if count > step:
                os._exit(137)

    sys.addaudithook(watch)
    work(*arguments)


@pytest.mark.fault("C01")
@pytest.mark.parametrize("tampered", [False, True])
def test_death_at_any_step_leaves_a_whole_delivery_and_no_lasting_rests(root, tampered):
    sink = DirectorySink(root, keep=1)
    for step in range(200):
        deliver(sink, ONE)
        if tampered:
            (root / "current/head.json").write_bytes(b"edited")
        before = sink.observe()
        target = ONE if tampered else TWO
        code = run_in_child(partial(die_at, step, deliver, sink, target))
        assert code in (0, 137)
        assert sink.observe() in (before, digests(target))
        deliver(sink, target)
        assert sink.observe() == digests(target)
        assert len(stored(root)) == 1
        if code == 0:
            break
    assert code == 0
    assert step > 15


@pytest.mark.fault("N20")
def test_reader_that_resolves_the_link_once_sees_one_whole_delivery(root):
    """Every file of a delivery holds its number; a reader that met two numbers, or a file missing, saw a mixture."""
    sink = DirectorySink(root, keep=3)
    generations = [{f"t{part}/head.json": b"%d" % number for part in range(10)} for number in range(12)]
    deliver(sink, generations[0])

    def read():
        seen = set()
        while b"11" not in seen:
            folder = root / (root / "current").readlink()
            try:
                numbers = {(folder / f"t{part}/head.json").read_bytes() for part in range(10)}
            except FileNotFoundError:
                assert not folder.exists(), "only a delivery that was pruned meanwhile lacks files"
                continue
            assert len(numbers) == 1
            seen |= numbers

    readers = [start_child(read), start_child(read)]
    for files in generations:
        deliver(sink, files)
    assert [wait_for(reader) for reader in readers] == [0, 0]


def test_two_processes_deliver_one_after_the_other(root):
    sink = DirectorySink(root, keep=2)

    def work(name):
        for number in range(10):
            deliver(DirectorySink(root, keep=2), {f"{part}/x": f"{name}{number}".encode() for part in range(4)})

    assert run_in_children(partial(work, name) for name in "ab") == [0, 0]
    assert len({(root / f"current/{part}/x").read_bytes() for part in range(4)}) == 1
    assert len(sink.observe()) == 4
    assert len(stored(root)) == 2


def test_delivery_that_never_ends_is_waited_for_and_then_named(sink, root, monkeypatch):
    deliver(sink, ONE)
    monkeypatch.setattr(store, "_WAIT_SECONDS", 0.05)
    with hold_lock(root / ".llmcfg/lock"), pytest.raises(PendingError, match="another process"):
        deliver(DirectorySink(root, keep=2), TWO)
    deliver(sink, TWO)
    assert sink.observe() == digests(TWO)


segments = st.text("ab.", min_size=1, max_size=3).filter(lambda text: text not in (".", ".."))
trees = st.dictionaries(st.lists(segments, min_size=1, max_size=3).map("/".join), st.binary(max_size=20), max_size=6)


@settings(deadline=None, max_examples=40)
@given(st.lists(trees, min_size=1, max_size=3))
def test_what_was_delivered_last_is_observed(tmp_path_factory, deliveries):
    sink = DirectorySink(tmp_path_factory.mktemp("sink"), keep=2)
    for files in deliveries:
        files = {path: it for path, it in files.items() if not any(other.startswith(f"{path}/") for other in files)}
        deliver(sink, files)
        assert sink.observe() == digests(files)


@pytest.mark.fault("N20")
def test_observer_never_sees_a_delivery_half_removed(root):
    sink = DirectorySink(root, keep=1)
    generations = [{f"t{part}/head.json": b"%d" % number for part in range(40)} for number in range(2)]
    whole = [digests(files) for files in generations]
    deliver(sink, generations[0])

    def observe():
        for _ in range(150):
            with suppress(PendingError):  # on a busy machine it may always be too late
                assert sink.observe() in whole

    observers = [start_child(observe), start_child(observe)]
    for number in range(40):
        deliver(sink, generations[number % 2])
    assert [wait_for(observer) for observer in observers] == [0, 0]

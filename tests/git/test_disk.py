"""Files that are replaced whole or not at all, and lines that are added whole."""

from __future__ import annotations

import os

import pytest

from llmcfg.disk import append_line, atomic_write, make_folders, side_by_side
from llmcfg.errors import StorageError


def test_file_is_created_and_replaced_without_rests(tmp_path):
    path = tmp_path / "plan.json"
    for content in (b"one", b"", b"x" * 100_000):
        atomic_write(path, content)
        assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_mode_is_as_asked(tmp_path):
    atomic_write(tmp_path / "key", b"", mode=0o600)
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


@pytest.mark.fault("C02")
@pytest.mark.parametrize("operation", ["write", "fsync", "rename"])
def test_failure_keeps_the_old_content_and_leaves_no_rests(tmp_path, monkeypatch, operation):
    path = tmp_path / "file"
    atomic_write(path, b"old")

    def fail(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, operation, fail)
    with pytest.raises(StorageError, match="No space left"):
        atomic_write(path, b"new")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.fault("C02")
def test_short_writes_are_completed(tmp_path, monkeypatch):
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, content: write(descriptor, bytes(content[:3])))
    atomic_write(tmp_path / "file", b"0123456789")
    monkeypatch.undo()
    assert (tmp_path / "file").read_bytes() == b"0123456789"


def test_reader_sees_the_old_or_the_new(tmp_path, in_children):
    path = tmp_path / "file"
    contents = {bytes([letter]) * 50_000 for letter in b"ab"}
    atomic_write(path, min(contents))

    def write():
        for _ in range(30):
            for content in contents:
                atomic_write(path, content)

    def read():
        assert all(path.read_bytes() in contents for _ in range(300))

    assert in_children([write, write, read]) == [0, 0, 0]


def test_lines_of_several_processes_are_all_there_and_whole(tmp_path, in_children):
    path = tmp_path / "audit"

    def write(name):
        for number in range(50):
            append_line(path, f"{name}-{number} {'x' * 500}".encode())

    assert in_children([lambda name=name: write(name) for name in "abc"]) == [0, 0, 0]
    lines = path.read_text().splitlines()
    assert sorted(line.split()[0] for line in lines) == sorted(f"{name}-{n}" for name in "abc" for n in range(50))
    assert {len(line.split()[1]) for line in lines} == {500}


def test_line_with_a_newline_is_a_mistake_of_the_caller(tmp_path):
    with pytest.raises(ValueError, match="newline"):
        append_line(tmp_path / "audit", b"a\nb")


def test_folders_are_made_and_may_be_there(tmp_path):
    make_folders(tmp_path / "a/b/c")
    make_folders(tmp_path / "a/b/c")
    assert (tmp_path / "a/b/c").is_dir()


def test_the_first_failure_of_many_is_raised_when_nothing_goes_on_any_more():
    going_on = set()

    def act(number):
        going_on.add(number)
        try:
            if number in (3, 5):
                raise OSError(number, "no")
        finally:
            going_on.remove(number)

    with pytest.raises(OSError, match="Errno 3"):
        side_by_side(act, range(9))
    assert going_on == set()


@pytest.mark.parametrize("count", [0, 1, 2, 100])
def test_each_item_is_done_once_side_by_side(count):
    done = []
    side_by_side(done.append, range(count))
    assert sorted(done) == list(range(count))
